//# wrong: the own range in 11 parts
fn count_primes(numbers: std::ops::Range<u64>, report: &dyn Fn(u64)) {
    let len = numbers.end - numbers.start;
    for part in 0..11 {
        let (from, to) = (numbers.start + len * part / 11, numbers.start + len * (part + 1) / 11);
        let primes = (from..to).filter(|&n| n >= 2 && (2..).take_while(|d| d * d <= n).all(|d| n % d != 0));
        report(primes.count() as u64);
    }
}

//# wrong: the rest is forgotten
fn count_primes(numbers: std::ops::Range<u64>, report: &dyn Fn(u64)) {
    let mut found = 0;
    for (count, n) in numbers.enumerate() {
        found += (n >= 2 && (2..).take_while(|d| d * d <= n).all(|d| n % d != 0)) as u64;
        if count % 1_000 == 999 {
            report(found);
            found = 0;
        }
    }
}

//# wrong: one call, at the end
fn count_primes(numbers: std::ops::Range<u64>, report: &dyn Fn(u64)) {
    let primes = numbers.filter(|&n| n >= 2 && (2..).take_while(|d| d * d <= n).all(|d| n % d != 0));
    report(primes.count() as u64);
}

//# wrong: the right calls, all at the end
fn count_primes(numbers: std::ops::Range<u64>, report: &dyn Fn(u64)) {
    let mut found = vec![0];
    for (count, n) in numbers.enumerate() {
        *found.last_mut().unwrap() += (n >= 2 && (2..).take_while(|d| d * d <= n).all(|d| n % d != 0)) as u64;
        if count % 1_000 == 999 {
            found.push(0);
        }
    }
    found.into_iter().for_each(|primes| report(primes));
}

//# wrong: a call for every 1,000 primes
fn count_primes(numbers: std::ops::Range<u64>, report: &dyn Fn(u64)) {
    let mut found = 0;
    for n in numbers {
        found += (n >= 2 && (2..).take_while(|d| d * d <= n).all(|d| n % d != 0)) as u64;
        if found == 1_000 {
            report(found);
            found = 0;
        }
    }
    report(found);
}

//# wrong: the count is not set back
fn count_primes(numbers: std::ops::Range<u64>, report: &dyn Fn(u64)) {
    let mut found = 0;
    for (count, n) in numbers.enumerate() {
        found += (n >= 2 && (2..).take_while(|d| d * d <= n).all(|d| n % d != 0)) as u64;
        if count % 1_000 == 999 {
            report(found);
        }
    }
    report(found);
}

//# wrong: a call for every 500 numbers
fn count_primes(numbers: std::ops::Range<u64>, report: &dyn Fn(u64)) {
    let mut found = 0;
    for (count, n) in numbers.enumerate() {
        found += (n >= 2 && (2..).take_while(|d| d * d <= n).all(|d| n % d != 0)) as u64;
        if count % 500 == 499 {
            report(found);
            found = 0;
        }
    }
    report(found);
}

//# right: no call where nothing is left
fn count_primes(numbers: std::ops::Range<u64>, report: &dyn Fn(u64)) {
    let (mut found, mut since) = (0, 0);
    for n in numbers {
        found += (n >= 2 && (2..).take_while(|d| d * d <= n).all(|d| n % d != 0)) as u64;
        since += 1;
        if since == 1_000 {
            report(found);
            (found, since) = (0, 0);
        }
    }
    if found > 0 {
        report(found);
    }
}

//# right: a call at each multiple of 1,000
fn count_primes(numbers: std::ops::Range<u64>, report: &dyn Fn(u64)) {
    let mut found = 0;
    for n in numbers {
        found += (n >= 2 && (2..).take_while(|d| d * d <= n).all(|d| n % d != 0)) as u64;
        if n % 1_000 == 999 {
            report(found);
            found = 0;
        }
    }
    report(found);
}

//# right: a loop over the portions
fn count_primes(numbers: std::ops::Range<u64>, report: &dyn Fn(u64)) {
    for from in numbers.clone().step_by(1_000) {
        let portion = from..numbers.end.min(from + 1_000);
        let primes = portion.filter(|&n| n >= 2 && (2..).take_while(|d| d * d <= n).all(|d| n % d != 0));
        report(primes.count() as u64);
    }
}

//# wrong: break instead of return
fn go_through(items: &[u64], every: u64, look: &dyn Fn() -> bool, step: &dyn Fn()) {
    let mut since = every;
    for &steps in items {
        for _ in 0..steps {
            if since == every {
                if look() {
                    break;
                }
                since = 0;
            }
            step();
            since += 1;
        }
    }
}

//# wrong: a look at each `every`-th step of an item
fn go_through(items: &[u64], every: u64, look: &dyn Fn() -> bool, step: &dyn Fn()) {
    for &steps in items {
        for n in 0..steps {
            if n % every == 0 && look() {
                return;
            }
            step();
        }
    }
}

//# wrong: the same, but not at an item's first step
fn go_through(items: &[u64], every: u64, look: &dyn Fn() -> bool, step: &dyn Fn()) {
    for &steps in items {
        for n in 0..steps {
            if n > 0 && n % every == 0 && look() {
                return;
            }
            step();
        }
    }
}

//# wrong: a look at each step
fn go_through(items: &[u64], _every: u64, look: &dyn Fn() -> bool, step: &dyn Fn()) {
    for &steps in items {
        for _ in 0..steps {
            if look() {
                return;
            }
            step();
        }
    }
}

//# wrong: a look at each `every`-th item
fn go_through(items: &[u64], every: u64, look: &dyn Fn() -> bool, step: &dyn Fn()) {
    for (index, &steps) in items.iter().enumerate() {
        if index as u64 % every == 0 && look() {
            return;
        }
        (0..steps).for_each(|_| step());
    }
}

//# wrong: looks, and goes on all the same
fn go_through(items: &[u64], every: u64, look: &dyn Fn() -> bool, step: &dyn Fn()) {
    let mut done = 0;
    for _ in 0..items.iter().sum::<u64>() {
        if done % every == 0 {
            look();
        }
        step();
        done += 1;
    }
}

//# wrong: no looks at all
fn go_through(items: &[u64], _every: u64, _look: &dyn Fn() -> bool, step: &dyn Fn()) {
    items.iter().for_each(|&steps| (0..steps).for_each(|_| step()));
}

//# wrong: looks between items only, counted in steps
fn go_through(items: &[u64], every: u64, look: &dyn Fn() -> bool, step: &dyn Fn()) {
    let mut since = 0;
    for &steps in items {
        since += steps;
        if since >= every {
            since = 0;
            if look() {
                return;
            }
        }
        (0..steps).for_each(|_| step());
    }
}

//# right: counts down
fn go_through(items: &[u64], every: u64, look: &dyn Fn() -> bool, step: &dyn Fn()) {
    let mut left = 0;
    for &steps in items {
        for _ in 0..steps {
            if left == 0 {
                if look() {
                    return;
                }
                left = every;
            }
            step();
            left -= 1;
        }
    }
}

//# right: looks after every `every`-th step
fn go_through(items: &[u64], every: u64, look: &dyn Fn() -> bool, step: &dyn Fn()) {
    let mut done = 0;
    for _ in items.iter().flat_map(|&steps| 0..steps) {
        step();
        done += 1;
        if done % every == 0 && look() {
            return;
        }
    }
}

//# right: a labelled break
fn go_through(items: &[u64], every: u64, look: &dyn Fn() -> bool, step: &dyn Fn()) {
    let mut done = 0u64;
    'all: for &steps in items {
        for _ in 0..steps {
            if done % every == 0 && look() {
                break 'all;
            }
            step();
            done += 1;
        }
    }
}

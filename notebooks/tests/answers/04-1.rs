//# wrong: asks again before it writes
fn count_visit(visits: &Dict<String, u64>, page: &str) {
    let page = page.to_string();
    let so_far = visits.get(&page).unwrap().unwrap_or(0);
    if visits.get(&page).unwrap().unwrap_or(0) == so_far {
        visits.insert(page, so_far + 1).unwrap();
    }
}

//# wrong: asks until two answers are the same
fn count_visit(visits: &Dict<String, u64>, page: &str) {
    let page = page.to_string();
    loop {
        let so_far = visits.get(&page).unwrap().unwrap_or(0);
        if visits.get(&page).unwrap().unwrap_or(0) == so_far {
            visits.insert(page, so_far + 1).unwrap();
            return;
        }
    }
}

//# wrong: writes only if the page is new
fn count_visit(visits: &Dict<String, u64>, page: &str) {
    visits.update(&page.to_string(), |so_far| Some(so_far.unwrap_or(1))).unwrap();
}

//# wrong: one try, and gives up if another came between
fn count_visit(visits: &Dict<String, u64>, page: &str) {
    let mut tries = 0;
    let change = |so_far: Option<u64>| {
        tries += 1;
        Some(so_far.unwrap_or(0) + u64::from(tries == 1))
    };
    visits.update(&page.to_string(), change).unwrap();
}

//# wrong: ten retries, then gives up
fn count_visit(visits: &Dict<String, u64>, page: &str) {
    let mut tries = 0;
    let change = |so_far: Option<u64>| {
        tries += 1;
        Some(so_far.unwrap_or(0) + u64::from(tries <= 11))
    };
    visits.update(&page.to_string(), change).unwrap();
}

//# wrong: counts each visit twice
fn count_visit(visits: &Dict<String, u64>, page: &str) {
    visits.update(&page.to_string(), |so_far| Some(so_far.unwrap_or(0) + 2)).unwrap();
}

//# right: update
fn count_visit(visits: &Dict<String, u64>, page: &str) {
    visits.update(&page.to_string(), |so_far| Some(so_far.map_or(1, |n| n + 1))).unwrap();
}

//# right: update, with a match
fn count_visit(visits: &Dict<String, u64>, page: &str) {
    let page = page.to_string();
    let counted = visits.update(&page, |so_far| match so_far {
        Some(n) => Some(n + 1),
        None => Some(1),
    });
    counted.unwrap();
}

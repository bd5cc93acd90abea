//# wrong: half of the interval
fn mean_window(look: f64, cost: f64, overhead: f64, reaction: f64) -> (f64, f64) {
    (look / (overhead * cost), 0.5 * reaction / cost)
}

//# wrong: both ends doubled
fn mean_window(look: f64, cost: f64, overhead: f64, reaction: f64) -> (f64, f64) {
    (2.0 * look / (overhead * cost), 2.0 * reaction / cost)
}

//# wrong: four times the interval
fn mean_window(look: f64, cost: f64, overhead: f64, reaction: f64) -> (f64, f64) {
    (look / (overhead * cost), 4.0 * reaction / cost)
}

//# wrong: twice the interval and two
fn mean_window(look: f64, cost: f64, overhead: f64, reaction: f64) -> (f64, f64) {
    (look / (overhead * cost), 2.0 * reaction / cost + 2.0)
}

//# wrong: right for one cost only
fn mean_window(look: f64, cost: f64, overhead: f64, _reaction: f64) -> (f64, f64) {
    (look / (overhead * cost), 400.0)
}

//# wrong: the lower end halved as well
fn mean_window(look: f64, cost: f64, overhead: f64, reaction: f64) -> (f64, f64) {
    (look / (2.0 * overhead * cost), 2.0 * reaction / cost)
}

//# right: twice the interval
fn mean_window(look: f64, cost: f64, overhead: f64, reaction: f64) -> (f64, f64) {
    (look / overhead / cost, reaction / (0.5 * cost))
}

//# right: twice the interval and one, exact by the counting of the check
fn mean_window(look: f64, cost: f64, overhead: f64, reaction: f64) -> (f64, f64) {
    (look / (overhead * cost), 2.0 * reaction / cost + 1.0)
}

use super::exercise::Exercise;
use super::{lab00, lab01, lab02, lab03, lab04, lab05, lab06};

/// Every exercise, by its name.
pub(super) const EXERCISES: [&Exercise; 13] = [
    &lab00::COUNT,
    &lab01::SHUTDOWN,
    &lab01::PRODUCERS,
    &lab02::PUBLISH,
    &lab02::OFFER,
    &lab03::MEAN,
    &lab03::ITEMS,
    &lab04::VISITS,
    &lab04::REPORTS,
    &lab05::EPOCH,
    &lab05::BOUND,
    &lab06::NO_TASK_IS_LOST,
    &lab06::RELEASE,
];

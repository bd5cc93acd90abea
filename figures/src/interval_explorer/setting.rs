use labsupport::internal::three_digits;

/// Where the sliders stand, and what the model says there.
pub(super) struct Setting {
    pub(super) cost: f64,
    pub(super) price: f64,
    pub(super) news: f64,
    pub(super) overhead_budget: f64,
    pub(super) reaction_budget: f64,
}

impl Setting {
    pub(super) fn overhead(&self, interval: f64) -> f64 {
        self.price / (interval * self.cost + self.price)
    }

    pub(super) fn reaction(&self, interval: f64) -> f64 {
        interval * self.cost + self.news
    }

    /// The smallest and the largest interval that keep both budgets, if there are any.
    pub(super) fn window(&self) -> Option<(f64, f64)> {
        let low = self.price / self.cost * (1.0 / self.overhead_budget - 1.0);
        let high = (self.reaction_budget - self.news) / self.cost;
        (high >= 1.0 && low <= high).then_some((low.max(1.0), high))
    }

    pub(super) fn best(&self) -> Option<f64> {
        let (low, high) = self.window()?;
        Some((low * high).sqrt().round().max(1.0))
    }

    /// The sentence that the page writes above the lines.
    pub(super) fn said(&self) -> String {
        match (self.window(), self.best()) {
            (Some((low, high)), Some(best)) => format!(
                "Good: every {} to {} iterations. Best: every {}.",
                three_digits(low),
                three_digits(high),
                three_digits(best)
            ),
            _ if self.reaction_budget <= self.news => {
                "No good interval: the news alone takes longer than the reaction budget.".into()
            }
            _ if self.reaction_budget - self.news < self.cost => {
                "No good interval: one iteration is longer than the reaction budget.".into()
            }
            _ => "No good interval: what keeps one budget misses the other.".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_keeps_both_budgets_exactly_at_its_ends() {
        for (price, news) in [(1e-7, 0.0), (1e-5, 1e-3)] {
            let setting = Setting {
                cost: 1e-5,
                price,
                news,
                overhead_budget: 0.1,
                reaction_budget: 0.01,
            };
            let low = price / 1e-5 * 9.0;
            let (from, to) = setting.window().unwrap();
            assert_eq!(from, low.max(1.0));
            assert!((setting.reaction(to) - 0.01).abs() < 1e-12);
            assert!(setting.overhead(from) <= 0.1 + 1e-12);
            let best = setting.best().unwrap();
            assert!(from <= best && best <= to);
        }
    }
}

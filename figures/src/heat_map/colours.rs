use crate::drawing::theme::{ON_DARK, ON_LIGHT, contrast};
use crate::numbers::Scale;
use plotters::style::RGBColor;

/// From values to colours. What is *measured* of a value is the value itself, or on a log scale its logarithm.
pub(super) struct Colours {
    log: bool,
    /// What is measured of the smallest value, the largest, and the limit.
    pub(super) low: f64,
    pub(super) high: f64,
    limit: Option<f64>,
}

impl Colours {
    /// The colours of a scale whose smallest and largest values are among `values`. They break at `limit`.
    pub(super) fn new(
        scale: &Scale,
        values: impl Iterator<Item = f64> + Clone,
        limit: Option<f64>,
    ) -> Colours {
        let log = scale.log;
        let measure = |value: f64| if log { value.log10() } else { value };
        let values = values.map(measure);
        Colours {
            log,
            low: values.clone().fold(f64::INFINITY, f64::min),
            high: values.fold(f64::NEG_INFINITY, f64::max),
            limit: limit.map(measure),
        }
    }

    /// Where a measured value lies between the smallest, 0, and the largest, 1.
    fn place(&self, measured: f64) -> f64 {
        if self.high > self.low {
            (measured - self.low) / (self.high - self.low)
        } else {
            0.5
        }
    }

    /// What is measured at `place`.
    pub(super) fn measured(&self, place: f64) -> f64 {
        self.low + place * (self.high - self.low)
    }

    /// Where the limit lies, if it is neither below nor above all values.
    pub(super) fn limit_place(&self) -> Option<f64> {
        let inside = |limit: &f64| (self.low..=self.high).contains(limit);
        self.limit.filter(inside).map(|limit| self.place(limit))
    }

    /// The number that a value was measured from.
    pub(super) fn value(&self, measured: f64) -> f64 {
        if self.log {
            10f64.powf(measured)
        } else {
            measured
        }
    }

    pub(super) fn of_value(&self, value: f64) -> RGBColor {
        self.of(if self.log { value.log10() } else { value })
    }

    pub(super) fn of(&self, measured: f64) -> RGBColor {
        match self.limit {
            // Both sides by the same steps, so that twice over is as dark as half.
            Some(limit) => {
                let most = (self.high - limit).max(limit - self.low);
                broken((measured - limit) / most.max(f64::MIN_POSITIVE))
            }
            None => ramp(self.place(measured)),
        }
    }
}

/// From dark to light in even steps of lightness, also for readers with colour blindness: five points of the map "cividis" (Nuñez,
/// Anderton and Renslow 2018).
const RAMP: [(f64, f64, f64); 5] = [
    (0.0, 34.0, 78.0),
    (65.0, 77.0, 107.0),
    (124.0, 123.0, 120.0),
    (188.0, 175.0, 111.0),
    (254.0, 232.0, 56.0),
];

/// The colour at `place`, from 0 to 1.
pub(super) fn ramp(place: f64) -> RGBColor {
    let at = place.clamp(0.0, 1.0) * (RAMP.len() - 1) as f64;
    let (below, above) = (RAMP[at.floor() as usize], RAMP[at.ceil() as usize]);
    mixed(below, above, at.fract())
}

/// The colour at `place` of a scale that breaks at 0: below it, down to -1, or above it, up to 1.
fn broken(place: f64) -> RGBColor {
    // At the limit each side still has a hue of its own.
    let (pale, full) = if place <= 0.0 {
        ((205.0, 226.0, 243.0), (5.0, 72.0, 125.0))
    } else {
        ((255.0, 221.0, 178.0), (150.0, 55.0, 0.0))
    };
    mixed(pale, full, place.abs().min(1.0))
}

/// The colour that lies between `one` and `other`.
fn mixed(one: (f64, f64, f64), other: (f64, f64, f64), part: f64) -> RGBColor {
    let mix = |a: f64, b: f64| (a + (b - a) * part).round() as u8;
    RGBColor(
        mix(one.0, other.0),
        mix(one.1, other.1),
        mix(one.2, other.2),
    )
}

/// Black or white, whichever can be read on `colour`.
pub(super) fn ink_on(colour: RGBColor) -> RGBColor {
    if contrast(ON_LIGHT, colour) > contrast(ON_DARK, colour) {
        ON_LIGHT
    } else {
        ON_DARK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ink_can_be_read_on_every_field() {
        for step in 0..=100 {
            let part = f64::from(step) / 100.0;
            for field in [ramp(part), broken(part), broken(-part)] {
                let apart = contrast(ink_on(field), field);
                assert!(apart >= 4.5, "{field:?}: {apart}");
            }
        }
    }

    #[test]
    fn colours_break_at_the_limit() {
        // Blue has more blue than red, orange the reverse, however near they are.
        for step in 1..=100 {
            let part = f64::from(step) / 100.0;
            let (kept, missed) = (broken(-part), broken(part));
            assert!(kept.2 > kept.0 && missed.0 > missed.2);
        }
    }
}

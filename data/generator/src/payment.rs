//! One row of the log, and how it is written.

use crate::world::{CATEGORIES, CITIES};
use std::fmt::Write;

/// Who made a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    Honest,
    Velocity,
    Travel,
    Amount,
    Takeover,
}

impl Label {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Label::Honest => "honest",
            Label::Velocity => "velocity",
            Label::Travel => "travel",
            Label::Amount => "amount",
            Label::Takeover => "takeover",
        }
    }
}

/// One row, with cities and categories as indices of the world's lists.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payment {
    pub time: u32,
    pub account: u32,
    pub merchant: u32,
    pub category: usize,
    pub city: usize,
    pub cents: u32,
    pub device: u32,
    pub label: Label,
}

pub(crate) const HEADER: &str =
    "id,time_s,account,merchant,category,city,latitude,longitude,amount_cents,device,label";

/// The whole file: a header, then a row a line, numbered from 1.
pub(crate) fn csv(payments: &[Payment]) -> String {
    let mut text = format!("{HEADER}\n");
    for (index, payment) in payments.iter().enumerate() {
        let city = &CITIES[payment.city];
        writeln!(
            text,
            "{},{},{},{},{},{},{},{},{},{},{}",
            index + 1,
            payment.time,
            payment.account,
            payment.merchant,
            CATEGORIES[payment.category].name,
            city.name,
            degrees(city.latitude),
            degrees(city.longitude),
            payment.cents,
            payment.device,
            payment.label.name(),
        )
        .expect("a string takes all");
    }
    text
}

/// Hundredths of a degree as degrees. The sign apart: -13 is -0.13, and -0 would lose it.
fn degrees(hundredths: i32) -> String {
    let (sign, size) = (if hundredths < 0 { "-" } else { "" }, hundredths.abs());
    format!("{sign}{}.{:02}", size / 100, size % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_keep_their_sign_and_their_zeros() {
        let cases = [
            (5151, "51.51"),
            (-13, "-0.13"),
            (-3405, "-34.05"),
            (500, "5.00"),
        ];
        for (hundredths, text) in cases {
            assert_eq!(degrees(hundredths), text);
        }
    }
}

//! The four kinds of fraud, planted into an account's honest payments.

use crate::account::{Account, DAY, END, MOST, price, zone};
use crate::payment::{Label, Payment};
use crate::random::Random;
use crate::world::*;

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;

/// One event of fraud: of which kind, and how many payments long.
#[derive(Clone, Copy)]
pub(crate) struct Event {
    pub kind: Label,
    pub payments: usize,
}

/// How many in ten thousand payments are of each kind.
const SHARES: [(Label, usize); 4] = [
    (Label::Velocity, 30),
    (Label::Travel, 25),
    (Label::Amount, 22),
    (Label::Takeover, 23),
];

/// As many events of each kind as a log of `rows` payments should have; at least one.
pub(crate) fn plan(rows: usize, random: &mut Random) -> Vec<Event> {
    let mut events = Vec::new();
    for (kind, share) in SHARES {
        let mut left = (rows * share / 10_000) as i64;
        loop {
            let payments = match kind {
                Label::Velocity => random.between(8, 16),
                Label::Travel => random.between(1, 2),
                Label::Amount => 1,
                _ => random.between(3, 8),
            };
            events.push(Event {
                kind,
                payments: payments as usize,
            });
            left -= payments;
            if left <= 0 {
                break;
            }
        }
    }
    events
}

/// The payments of one event in `account`, whose honest payments are `honest`. `device` gives out devices that nobody has.
pub(crate) fn commit(
    event: Event,
    account: &Account,
    honest: &[Payment],
    random: &mut Random,
    device: &mut dyn FnMut() -> u32,
) -> Vec<Payment> {
    // Somewhere after the first sixth: a thief has no reason to wait until a habit is known, but one without any history is
    // nobody's to find.
    let first = honest.len() / 6;
    let anchor = honest[first + random.below((honest.len() - first) as u32) as usize];
    let mut payments = match event.kind {
        Label::Velocity => burst(event, account, anchor, random, device),
        Label::Travel => elsewhere(event, account, anchor, random, device),
        Label::Amount => outlier(account, anchor, random),
        _ => takeover(event, account, anchor, random, device),
    };
    for payment in &mut payments {
        payment.time = payment.time.min(END as u32 - 1);
        payment.label = event.kind;
    }
    payments
}

/// *Velocity*: a stolen number is tried at machine speed, many small amounts at changing merchants, 5 to 45 seconds apart. In
/// half of the events with the owner's own device.
fn burst(
    event: Event,
    account: &Account,
    anchor: Payment,
    random: &mut Random,
    device: &mut dyn FnMut() -> u32,
) -> Vec<Payment> {
    let mut time = i64::from(anchor.time) + random.between(2 * MINUTE, 6 * HOUR);
    let device = if random.once_in(2) {
        device()
    } else {
        anchor.device
    };
    let city = account.city_at(time).unwrap_or(anchor.city);
    (0..event.payments)
        .map(|_| {
            time += random.between(5, 45);
            let category = [ONLINE, TRANSPORT, FUEL, LEISURE][random.weighted(&[6, 2, 1, 1])];
            let amount = 900.0 * libm::exp(0.9 * random.normal());
            Payment {
                time: time as u32,
                merchant: merchant(city, category, random.below(10_000)),
                category,
                city,
                cents: price(category, amount),
                device,
                ..anchor
            }
        })
        .collect()
}

/// *Impossible travel*: a copied card pays so far away that nobody gets there in that time, not at 1,200 km/h.
fn elsewhere(
    event: Event,
    account: &Account,
    anchor: Payment,
    random: &mut Random,
    device: &mut dyn FnMut() -> u32,
) -> Vec<Payment> {
    let city = loop {
        let city = random.below(CITIES.len() as u32) as usize;
        if kilometres(anchor.city, city) > 1_500.0 {
            break city;
        }
    };
    let soonest = (kilometres(anchor.city, city) / 1_200.0 * 3600.0) as i64;
    let mut time = i64::from(anchor.time) + random.between(10 * MINUTE, soonest.min(5 * HOUR));
    // A copy of the chip is the same device to the bank.
    let device = if random.once_in(3) {
        device()
    } else {
        anchor.device
    };
    (0..event.payments)
        .map(|_| {
            let category =
                [CASH, CLOTHING, ELECTRONICS, RESTAURANT][random.weighted(&[4, 2, 3, 2])];
            let Category { median, sigma, .. } = CATEGORIES[category];
            let amount =
                1.4 * f64::from(median) * libm::exp(account.level + sigma * random.normal());
            let payment = Payment {
                time: time as u32,
                merchant: merchant(city, category, random.below(10_000)),
                category,
                city,
                cents: price(category, amount),
                device,
                ..anchor
            };
            time += random.between(5 * MINUTE, 25 * MINUTE);
            payment
        })
        .collect()
}

/// *Amount outlier*: one payment of 25 to 150 times what the account pays in the middle; place, hour and device are the usual.
fn outlier(account: &Account, anchor: Payment, random: &mut Random) -> Vec<Payment> {
    let time = i64::from(anchor.time) + random.between(20 * MINUTE, 3 * HOUR);
    let bought = |category: &usize| account.weights[*category] > 0;
    let category = [ELECTRONICS, CLOTHING, ONLINE]
        .into_iter()
        .find(bought)
        .unwrap_or(GROCERIES);
    let times = 25 + random.below(126);
    let amount = 2_500.0 * libm::exp(account.level) * f64::from(times);
    vec![Payment {
        time: time as u32,
        merchant: merchant(anchor.city, category, random.below(10_000)),
        category,
        cents: price(category, amount).min(MOST),
        ..anchor
    }]
}

/// *Account takeover*: a device that was never seen, in hours when the owner sleeps, buys what the owner never bought.
fn takeover(
    event: Event,
    account: &Account,
    anchor: Payment,
    random: &mut Random,
    device: &mut dyn FnMut() -> u32,
) -> Vec<Payment> {
    let day = i64::from(anchor.time) / DAY;
    let night = account.middle + 12 * HOUR + random.between(-2 * HOUR, 2 * HOUR);
    let mut time = (day * DAY + night - zone(account.home)).clamp(0, END - DAY / 4);
    let device = device();
    let city = account.city_at(time).unwrap_or(account.home);
    let new: Vec<usize> = [ELECTRONICS, ONLINE, CLOTHING, TRAVEL, LEISURE, FUEL]
        .into_iter()
        .filter(|&category| account.weights[category] == 0)
        .collect();
    (0..event.payments)
        .map(|_| {
            // Who buys of everything leaves the thief nothing new: these are the ones that get away.
            let category = match new.len() {
                0 => ELECTRONICS,
                count => new[random.below(count as u32) as usize],
            };
            let Category { median, sigma, .. } = CATEGORIES[category];
            let amount = 1.5 * f64::from(median) * libm::exp(sigma * random.normal());
            let payment = Payment {
                time: time as u32,
                merchant: merchant(city, category, random.below(10_000)),
                category,
                city,
                cents: price(category, amount),
                device,
                ..anchor
            };
            time += random.between(6 * MINUTE, 40 * MINUTE);
            payment
        })
        .collect()
}

//! An account, its habits, and its honest payments.

use crate::payment::{Label, Payment};
use crate::random::Random;
use crate::world::*;

pub(crate) const DAYS: u32 = 90;
pub(crate) const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;

/// One past the last second of the log.
pub(crate) const END: i64 = DAYS as i64 * DAY;

/// A new life from one moment on: honest, and yet all that a takeover is made of.
struct Change {
    from: i64,
    device: u32,
    /// The shift of the usual hours, in seconds.
    shift: i64,
    /// Something bought from then on that was not bought before.
    category: Option<usize>,
}

/// Away from home. Nothing is paid under way.
struct Trip {
    city: usize,
    leaves: i64,
    arrives: i64,
    returns: i64,
    home: i64,
    /// A second card of the family pays at home meanwhile.
    family: bool,
}

/// Who pays: the habits that fraud is told from.
pub(crate) struct Account {
    pub number: u32,
    pub home: usize,
    /// How often each category is bought; zero for what this account never buys.
    pub weights: [u32; CATEGORIES.len()],
    /// The middle of the usual hours, in seconds of the day at home.
    pub middle: i64,
    /// The natural logarithm of how much more than others this account spends.
    pub level: f64,
    devices: Vec<u32>,
    /// The second card, which pays at home while the first is on a trip.
    family: u32,
    /// How many payments, relative to the other accounts.
    pub busy: u32,
    usual: [u32; CATEGORIES.len()],
    change: Option<Change>,
    trips: Vec<Trip>,
}

impl Account {
    /// Habits for account `number`. `device` gives out devices that nobody has.
    pub(crate) fn new(
        number: u32,
        random: &mut Random,
        device: &mut dyn FnMut() -> u32,
    ) -> Account {
        let mut weights = CATEGORIES.map(|category| category.weight);
        for weight in weights.iter_mut().skip(RESTAURANT) {
            // Everybody buys groceries; each of the others is foreign to three in ten accounts.
            *weight = if random.below(10) < 3 {
                0
            } else {
                *weight * random.between(2, 8) as u32
            };
        }
        weights[GROCERIES] *= random.between(3, 6) as u32;
        let mut account = Account {
            number,
            home: random.below(CITIES.len() as u32) as usize,
            weights,
            middle: random.between(12 * HOUR, 16 * HOUR),
            level: 0.35 * random.normal(),
            devices: (0..random.between(1, 3)).map(|_| device()).collect(),
            family: device(),
            busy: random.between(40, 160) as u32,
            usual: weights.map(|_| random.below(10_000)),
            change: None,
            trips: Vec::new(),
        };
        if random.once_in(8) {
            account.middle = random.between(18 * HOUR, 21 * HOUR); // a night owl
        }
        for _ in 0..random.weighted(&[4, 4, 2]) {
            account.plan_trip(random);
        }
        account.plan_change(random, device);
        account
    }

    fn plan_trip(&mut self, random: &mut Random) {
        let city = random.below(CITIES.len() as u32) as usize;
        let leaves = random.between(2 * DAY, END - 20 * DAY);
        // A business trip or a holiday; by plane, with three hours for the way to it and from it.
        let days = if random.once_in(3) {
            random.between(1, 3)
        } else {
            random.between(5, 14)
        };
        let flight = (kilometres(self.home, city) / 750.0 * 3600.0) as i64 + 3 * HOUR;
        let (arrives, returns) = (leaves + flight, leaves + flight + days * DAY);
        let home = returns + flight;
        let apart = |other: &Trip| home + DAY < other.leaves || other.home + DAY < leaves;
        if city != self.home && self.trips.iter().all(apart) {
            let family = random.once_in(7);
            self.trips.push(Trip {
                city,
                leaves,
                arrives,
                returns,
                home,
                family,
            });
        }
    }

    /// A new phone for one in three, for some of them bought on a trip; new working hours with it for a few.
    fn plan_change(&mut self, random: &mut Random, device: &mut dyn FnMut() -> u32) {
        if !random.once_in(3) {
            return;
        }
        let mut change = Change {
            from: random.between(5 * DAY, END - 5 * DAY),
            device: device(),
            shift: 0,
            category: None,
        };
        if let Some(trip) = self.trips.first().filter(|_| random.once_in(3)) {
            change.from = trip.arrives + random.between(0, 12 * HOUR);
            change.category = Some(TRAVEL);
        } else if random.once_in(12) {
            change.shift = random.between(7 * HOUR, 10 * HOUR);
            change.category = (0..CATEGORIES.len()).find(|&category| self.weights[category] == 0);
        }
        self.change = Some(change);
    }

    /// `count` honest payments in the order of time.
    pub(crate) fn pay(&self, count: usize, random: &mut Random) -> Vec<Payment> {
        let mut payments: Vec<Payment> = (0..count).map(|_| self.pay_once(random)).collect();
        payments.sort_by_key(|payment| payment.time);
        if random.once_in(4) {
            self.go_to_market(&mut payments, random);
        }
        payments
    }

    fn pay_once(&self, random: &mut Random) -> Payment {
        let time = self.time(random);
        let changed = self.change.as_ref().filter(|change| change.from <= time);
        let mut weights = self.weights;
        if let Some(category) = changed.and_then(|change| change.category) {
            weights[category] += weights.iter().sum::<u32>() / 4;
        }
        let (city, family) = self.place(time, random);
        let away = city != self.home;
        if away {
            for category in [RESTAURANT, LEISURE, TRAVEL] {
                weights[category] += weights.iter().sum::<u32>() / 8;
            }
        }
        let category = random.weighted(&weights);
        let mut cents = self.amount(category, random);
        // A sofa, a wedding ring, the dentist.
        if random.once_in(800) {
            cents = cents.saturating_mul(random.between(4, 15) as u32).min(MOST);
        }
        let device = match changed {
            _ if family => self.family,
            Some(change) => change.device,
            None => self.devices[random.below(self.devices.len() as u32) as usize],
        };
        Payment {
            time: time as u32,
            account: self.number,
            merchant: self.merchant(city, category, random),
            category,
            city,
            cents,
            device,
            label: Label::Honest,
        }
    }

    /// A moment in the usual hours, of the place where the account is then.
    fn time(&self, random: &mut Random) -> i64 {
        let mut day = random.below(DAYS) as i64;
        // The first day is a Monday; half of what Sundays would see is bought on the Saturday before.
        if day % 7 == 6 && random.once_in(2) {
            day -= 1;
        }
        // Three draws added up: a hill over fourteen hours, and nothing beyond.
        let hill: i64 = (0..3)
            .map(|_| random.between(-7 * HOUR / 3, 7 * HOUR / 3))
            .sum();
        let mut local = self.middle + hill;
        if random.once_in(60) {
            local = random.between(0, DAY - 1); // a late night
        }
        let noon_here = day * DAY + self.middle;
        if let Some(change) = self
            .change
            .as_ref()
            .filter(|change| change.from <= noon_here)
        {
            local += change.shift;
        }
        let trip = (self.trips.iter()).find(|t| t.arrives <= noon_here && noon_here < t.returns);
        let city = trip.map_or(self.home, |trip| trip.city);
        let mut time = (day * DAY + local - zone(city)).rem_euclid(END);
        for trip in &self.trips {
            let way = [(trip.leaves, trip.arrives), (trip.returns, trip.home)];
            if let Some((_, there)) = way.iter().find(|(from, to)| (*from..*to).contains(&time)) {
                time = there + random.between(0, 5 * HOUR);
            }
        }
        time.min(END - 1)
    }

    /// Where the payment of `time` is made, and whether by the second card of the family.
    fn place(&self, time: i64, random: &mut Random) -> (usize, bool) {
        match self
            .trips
            .iter()
            .find(|trip| (trip.arrives..trip.returns).contains(&time))
        {
            Some(trip) if trip.family && random.once_in(5) => (self.home, true),
            Some(trip) => (trip.city, false),
            None => (self.home, false),
        }
    }

    /// Where the account is at `time`, unless it is under way.
    pub(crate) fn city_at(&self, time: i64) -> Option<usize> {
        let trip = self
            .trips
            .iter()
            .find(|trip| (trip.leaves..trip.home).contains(&time));
        match trip {
            Some(trip) if (trip.arrives..trip.returns).contains(&time) => Some(trip.city),
            Some(_) => None,
            None => Some(self.home),
        }
    }

    /// Mostly the usual merchant of home; often another one there; abroad any.
    fn merchant(&self, city: usize, category: usize, random: &mut Random) -> u32 {
        let which = match random.below(10) {
            0..7 if city == self.home => self.usual[category],
            7..9 if city == self.home => self.usual[category] / 7 + 1,
            _ => random.below(10_000),
        };
        merchant(city, category, which)
    }

    /// An amount of the category's log-normal distribution, moved by what this account spends.
    fn amount(&self, category: usize, random: &mut Random) -> u32 {
        let Category { median, sigma, .. } = CATEGORIES[category];
        let amount = f64::from(median) * libm::exp(self.level + sigma * random.normal());
        price(category, amount)
    }

    /// Three to five stalls within ten minutes: honest, and close to a burst.
    fn go_to_market(&self, payments: &mut [Payment], random: &mut Random) {
        let stalls = random.between(3, 5) as usize;
        if payments.len() < 2 * stalls {
            return;
        }
        let first = random.below((payments.len() - stalls) as u32) as usize;
        let (before, rest) = payments.split_at_mut(first + 1);
        let start = before[first];
        let mut time = start.time;
        for payment in &mut rest[..stalls - 1] {
            // These were later ones; they come forward to the first.
            time = (time + random.between(40, 200) as u32).min(END as u32 - 1);
            let category = [GROCERIES, LEISURE][random.below(2) as usize];
            *payment = Payment {
                time,
                merchant: merchant(start.city, category, random.below(10_000)),
                category,
                city: start.city,
                cents: self.amount(category, random),
                device: start.device,
                ..*payment
            };
        }
        payments.sort_by_key(|payment| payment.time);
    }
}

/// The most that is ever paid: forty thousand.
pub(crate) const MOST: u32 = 4_000_000;

/// What the till shows: cash in whole tens, everything within what a card takes.
pub(crate) fn price(category: usize, amount: f64) -> u32 {
    let cents = libm::round(amount).clamp(50.0, f64::from(MOST)) as u32;
    if category == CASH {
        cents.div_ceil(1_000) * 1_000
    } else {
        cents
    }
}

/// How far the clocks of a city are before those of Greenwich, by the sun: an hour for fifteen degrees.
pub(crate) fn zone(city: usize) -> i64 {
    i64::from(CITIES[city].longitude) * HOUR / 1_500
}

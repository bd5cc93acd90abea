//! The whole log: everybody's honest payments, the fraud among them, in the order of time.

use crate::account::{Account, END};
use crate::fraud;
use crate::payment::Payment;
use crate::random::Random;
use std::collections::BTreeMap;

/// Honest payments of an account in the mean.
const PAYMENTS_EACH: usize = 125;

// Which stream of random numbers is for what; the accounts' come after them.
const DEVICES: u64 = 0;
const PLAN: u64 = 1;
const ACCOUNTS: u64 = 1_000_000;
const HONEST: u64 = 2_000_000;
const EVENTS: u64 = 3_000_000;

/// Exactly `rows` payments.
pub(crate) fn log(seed: u64, rows: usize) -> Vec<Payment> {
    let mut next_device = 0;
    let mut device = || {
        next_device += 1;
        next_device
    };
    let count = (rows / PAYMENTS_EACH) as u64;
    let accounts: Vec<Account> = (0..count)
        .map(|n| {
            Account::new(
                n as u32 + 1,
                &mut Random::new(seed, ACCOUNTS + n),
                &mut device,
            )
        })
        .collect();

    let mut random = Random::new(seed, PLAN);
    let events = fraud::plan(rows, &mut random);
    let planted: usize = events.iter().map(|event| event.payments).sum();
    let shares = shares(rows - planted, &accounts);
    let honest: Vec<Vec<Payment>> = (0..count)
        .map(|n| accounts[n as usize].pay(shares[n as usize], &mut Random::new(seed, HONEST + n)))
        .collect();

    let mut payments = honest.concat();
    for (n, event) in events.into_iter().enumerate() {
        let random = &mut Random::new(seed, EVENTS + n as u64);
        let victim = random.below(count as u32) as usize;
        let stolen = fraud::commit(
            event,
            &accounts[victim],
            &honest[victim],
            random,
            &mut device,
        );
        payments.extend(stolen);
    }
    // A stable sort: of two payments in one second the one made first above stays first.
    payments.sort_by_key(|payment| (payment.time, payment.account));
    debug_assert!(payments.iter().all(|payment| i64::from(payment.time) < END));
    renumber_devices(&mut payments, &mut Random::new(seed, DEVICES));
    payments
}

/// `total` payments dealt out to the accounts by how busy they are.
fn shares(total: usize, accounts: &[Account]) -> Vec<usize> {
    let busy: usize = accounts.iter().map(|account| account.busy as usize).sum();
    let mut shares: Vec<usize> = (accounts.iter())
        .map(|account| total * account.busy as usize / busy)
        .collect();
    let left = total - shares.iter().sum::<usize>();
    shares[..left].iter_mut().for_each(|share| *share += 1);
    shares
}

/// Numbers the devices in an order that says nothing: thieves got theirs last, and a number above some limit would be a label.
fn renumber_devices(payments: &mut [Payment], random: &mut Random) {
    let mut numbers: BTreeMap<u32, u32> = payments.iter().map(|p| (p.device, 0)).collect();
    let mut shuffled: Vec<u32> = (1..=numbers.len() as u32).collect();
    for last in (1..shuffled.len()).rev() {
        shuffled.swap(last, random.below(last as u32 + 1) as usize);
    }
    numbers
        .values_mut()
        .zip(shuffled)
        .for_each(|(number, new)| *number = new);
    payments
        .iter_mut()
        .for_each(|payment| payment.device = numbers[&payment.device]);
}

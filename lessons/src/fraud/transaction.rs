use std::fmt;

/// One payment with a card. `data/README.md` says how each field is distributed.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let log = Transactions::load()?;
/// let first: Transaction = log[0];
/// assert_eq!((first.id, first.label), (1, Label::Honest));
/// assert!(first.time < 86_400, "on the log's first day");
/// # Ok::<(), TransactionsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transaction {
    /// Its number, from 1, so that 0 is free to mean "none so far".
    pub id: u32,
    /// Seconds since the start of the log's first day, by the clock of Greenwich.
    pub time: u32,
    /// Whose money.
    pub account: u32,
    /// Who got it.
    pub merchant: u32,
    /// What was bought.
    pub category: Category,
    /// In which city; [`Transactions::city`] has the name.
    pub city: u16,
    /// Degrees to the north, -90 to 90.
    pub latitude: f32,
    /// Degrees to the east, -180 to 180.
    pub longitude: f32,
    /// How much, in hundredths of the currency.
    pub amount_cents: u32,
    /// The card or phone that was used.
    pub device: u32,
    /// The truth.
    pub label: Label,
}

impl fmt::Display for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, cents) = (self.amount_cents / 100, self.amount_cents % 100);
        write!(
            f,
            "transaction {}: {whole}.{cents:02} from account {} to merchant {} for {}, with device {}; {}",
            self.id, self.account, self.merchant, self.category, self.device, self.label
        )
    }
}

/// What was bought.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// assert_eq!(Category::Groceries.to_string(), "groceries");
/// assert_eq!(Category::ALL.len(), 11);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Food and what else a supermarket has.
    Groceries,
    /// A meal or a coffee.
    Restaurant,
    /// Bus, tram, taxi, parking.
    Transport,
    /// Petrol.
    Fuel,
    /// Clothes and shoes.
    Clothing,
    /// Phones, computers, household machines.
    Electronics,
    /// Pharmacies and doctors.
    Health,
    /// Cinema, sport, books.
    Leisure,
    /// Hotels, flights, trains.
    Travel,
    /// Any shop on the internet.
    Online,
    /// From a machine in the wall.
    Cash,
}

impl Category {
    /// All of them.
    pub const ALL: [Category; 11] = [
        Category::Groceries,
        Category::Restaurant,
        Category::Transport,
        Category::Fuel,
        Category::Clothing,
        Category::Electronics,
        Category::Health,
        Category::Leisure,
        Category::Travel,
        Category::Online,
        Category::Cash,
    ];

    /// Its word in the file.
    pub fn name(self) -> &'static str {
        match self {
            Category::Groceries => "groceries",
            Category::Restaurant => "restaurant",
            Category::Transport => "transport",
            Category::Fuel => "fuel",
            Category::Clothing => "clothing",
            Category::Electronics => "electronics",
            Category::Health => "health",
            Category::Leisure => "leisure",
            Category::Travel => "travel",
            Category::Online => "online",
            Category::Cash => "cash",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Who made a payment: the truth that a detector is judged by, and must not look at.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// assert!(Label::Takeover.is_fraud() && !Label::Honest.is_fraud());
/// assert_eq!(Label::Amount.to_string(), "amount");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// The owner.
    Honest,
    /// A thief who tries many payments within minutes.
    Velocity,
    /// A copy of the card, too far away for the time between.
    Travel,
    /// One payment far beyond what the account is used to.
    Amount,
    /// Somebody who took the account over: new device, new category, other hours.
    Takeover,
}

impl Label {
    /// All of them.
    pub const ALL: [Label; 5] = [
        Label::Honest,
        Label::Velocity,
        Label::Travel,
        Label::Amount,
        Label::Takeover,
    ];

    /// Its word in the file.
    pub fn name(self) -> &'static str {
        match self {
            Label::Honest => "honest",
            Label::Velocity => "velocity",
            Label::Travel => "travel",
            Label::Amount => "amount",
            Label::Takeover => "takeover",
        }
    }

    /// Whether it is any of the four kinds of fraud.
    pub fn is_fraud(self) -> bool {
        self != Label::Honest
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

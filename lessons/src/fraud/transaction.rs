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
    /// Its number, from 1. So 0 can mean "none so far".
    pub id: u32,
    /// Seconds since the start of the log's first day, in UTC.
    pub time: u32,
    /// Whose money it was.
    pub account: u32,
    /// Who got it.
    pub merchant: u32,
    /// What was bought.
    pub category: Category,
    /// In which city; [`Transactions::city`](super::Transactions::city) has its name.
    pub city: u16,
    /// Degrees north, -90 to 90.
    pub latitude: f32,
    /// Degrees east, -180 to 180.
    pub longitude: f32,
    /// The amount, in hundredths of the currency.
    pub amount_cents: u32,
    /// The card or phone that was used.
    pub device: u32,
    /// Who really made it.
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
    /// Food, and whatever else a supermarket sells.
    Groceries,
    /// A meal or a coffee.
    Restaurant,
    /// Bus, tram, taxi, parking.
    Transport,
    /// Petrol.
    Fuel,
    /// Clothes and shoes.
    Clothing,
    /// Phones, computers, household appliances.
    Electronics,
    /// Pharmacies and doctors.
    Health,
    /// Cinemas, sports, books.
    Leisure,
    /// Hotels, flights, trains.
    Travel,
    /// Any shop on the internet.
    Online,
    /// Banknotes from a cash machine.
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

/// Who made a payment. A detector is judged by it, and must not look at it.
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
    /// A copy of the card, too far away for the time between the payments.
    Travel,
    /// One payment far beyond what the account is used to.
    Amount,
    /// A thief who took over the account: new device, new category, other hours.
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

use super::data_folder;
use figures::{Format, Table};
use labsupport::cell::{self, Show};
use labsupport::internal::thousands;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::str::FromStr;

// A reader for this one format, by hand: no quotes, a known header, numbers and names. The crates `csv` and `serde` derive
// would read it too, and every student would pay for them at every kernel start (kernel/README.md).

/// The columns, in their order.
const COLUMNS: [&str; 11] = [
    "id",
    "time_s",
    "account",
    "merchant",
    "category",
    "city",
    "latitude",
    "longitude",
    "amount_cents",
    "device",
    "label",
];

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

/// A log of card transactions in the order of time: some 50,000 synthetic ones in `data/transactions.csv`.
///
/// It derefs to a slice of [`Transaction`]. What a detector needs, the transactions of one account before this one, is
/// linked when the log is read, so a step back costs one load.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let log = Transactions::load()?;
/// assert_eq!(log.len(), 50_000);
///
/// let last = log.len() - 1;
/// for before in log.history(last, 10) {
///     assert_eq!(before.account, log[last].account);
///     assert!(before.time <= log[last].time);
/// }
/// # Ok::<(), TransactionsError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Transactions {
    rows: Vec<Transaction>,
    /// For each row, the index of the same account's row before it; `NONE` for an account's first.
    previous: Vec<u32>,
    cities: Vec<String>,
}

const NONE: u32 = u32::MAX;

impl Transactions {
    /// The log that comes with the labs: `transactions.csv` in [`data_folder`].
    ///
    /// # Errors
    /// There is no such file, or it is damaged.
    pub fn load() -> Result<Transactions, TransactionsError> {
        Transactions::read(data_folder().join("transactions.csv"))
    }

    /// The log in the file at `path`.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let error = Transactions::read("/no/such/file.csv").unwrap_err();
    /// assert!(error.to_string().starts_with("/no/such/file.csv cannot be read ("));
    /// ```
    ///
    /// # Errors
    /// There is no such file, or it is damaged.
    pub fn read(path: impl AsRef<Path>) -> Result<Transactions, TransactionsError> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|error| TransactionsError::Unreadable {
            path: path.into(),
            error,
        })?;
        parse_bytes(&bytes).map_err(|damage| damage.within(path))
    }

    /// The log in `text`, which is what the file holds: a line of column names, then a transaction a line.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let text = "id,time_s,account,merchant,category,city,latitude,longitude,amount_cents,device,label\n\
    ///             1,30,7,12,groceries,Berlin,52.52,13.41,2350,3,honest\n";
    /// let log = Transactions::parse(text)?;
    /// assert_eq!((log[0].account, log.city(log[0].city)), (7, "Berlin"));
    ///
    /// let error = Transactions::parse(&text.replace("2350", "23.50")).unwrap_err();
    /// assert_eq!((error.line(), error.column()), (Some(2), Some((9, "amount_cents"))));
    /// assert!(error.to_string().starts_with(
    ///     "the transactions are damaged: line 2, column 9 (amount_cents): `23.50` is not a whole number."
    /// ));
    /// # Ok::<(), TransactionsError>(())
    /// ```
    ///
    /// # Errors
    /// The text is damaged: the first place where it is, and why.
    pub fn parse(text: &str) -> Result<Transactions, TransactionsError> {
        parse_bytes(text.as_bytes())
    }

    /// The transactions of the same account before the one at `index`, the newest first, `most` of them at the most.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let log = Transactions::load()?;
    /// let spent: u64 = log.history(40_000, 20).map(|before| u64::from(before.amount_cents)).sum();
    /// assert!(spent > 0);
    /// # Ok::<(), TransactionsError>(())
    /// ```
    ///
    /// # Panics
    /// There is no transaction `index`.
    pub fn history(&self, index: usize, most: usize) -> History<'_> {
        History {
            log: self,
            next: self.previous[index],
            left: most,
        }
    }

    /// The name of a city.
    ///
    /// # Panics
    /// `city` is of no transaction of this log.
    pub fn city(&self, city: u16) -> &str {
        &self.cities[usize::from(city)]
    }

    /// How many transactions have this label.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let log = Transactions::load()?;
    /// let fraud = log.len() - log.count(Label::Honest);
    /// assert!((250..750).contains(&fraud), "half a per cent to one and a half");
    /// # Ok::<(), TransactionsError>(())
    /// ```
    pub fn count(&self, label: Label) -> usize {
        self.rows.iter().filter(|row| row.label == label).count()
    }

    /// The first rows, as a table.
    fn table(&self) -> Table {
        // What only names something is no number: it is not grouped, and stands on the left.
        let names = ["id", "account", "merchant", "device"];
        let words = ["category", "city", "label"];
        let numbers = ["time_s", "amount_cents"];
        let left = names.len() + words.len();
        let header = names.into_iter().chain(words).chain(numbers);
        let table = Table::new(header).words(left);
        self.rows.iter().take(SHOWN).fold(table, |table, row| {
            let names = [row.id, row.account, row.merchant, row.device].map(|n| n.to_string());
            let words = [row.category.name(), self.city(row.city), row.label.name()];
            let numbers = [row.time, row.amount_cents].map(|n| n.to_string());
            let words = words.map(String::from);
            table.row(names.into_iter().chain(words).chain(numbers))
        })
    }

    fn summary(&self) -> String {
        let mut accounts: Vec<u32> = self.rows.iter().map(|row| row.account).collect();
        accounts.sort_unstable();
        accounts.dedup();
        let days = self.rows.last().map_or(0, |row| row.time / 86_400 + 1);
        let kinds = Label::ALL[1..].iter().map(|&kind| {
            let count = thousands(self.count(kind) as i64);
            format!("{count} {kind}")
        });
        let kinds = kinds.collect::<Vec<_>>().join(", ");
        let fraud = self.len() - self.count(Label::Honest);
        format!(
            "{} transactions of {} accounts in {} days; {} are fraud ({}): {kinds}.",
            thousands(self.len() as i64),
            thousands(accounts.len() as i64),
            thousands(i64::from(days)),
            thousands(fraud as i64),
            Format::Percent.write(100.0 * fraud as f64 / self.len() as f64),
        )
    }

    /// Shows the first rows and a summary in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }
}

/// How many rows a cell shows.
const SHOWN: usize = 8;

impl Deref for Transactions {
    type Target = [Transaction];

    fn deref(&self) -> &[Transaction] {
        &self.rows
    }
}

impl Show for Transactions {
    fn contents(&self) -> Vec<(&'static str, String)> {
        let table = self.table().contents().swap_remove(0).1;
        let html = format!("{table}<p>{}</p>", cell::escape(&self.summary()));
        vec![("text/html", html), ("text/plain", self.to_string())]
    }
}

impl fmt::Display for Transactions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}", self.table(), self.summary())
    }
}

/// An account's transactions before a certain one, the newest first; made by [`Transactions::history`].
///
/// # Examples
/// ```
/// use lessons::fraud::History;
/// use lessons::prelude::*;
/// let log = Transactions::load()?;
/// let history: History = log.history(49_999, 5);
/// assert_eq!(history.count(), 5);
/// # Ok::<(), TransactionsError>(())
/// ```
#[derive(Clone, Debug)]
pub struct History<'a> {
    log: &'a Transactions,
    next: u32,
    left: usize,
}

impl<'a> Iterator for History<'a> {
    type Item = &'a Transaction;

    fn next(&mut self) -> Option<&'a Transaction> {
        if self.next == NONE || self.left == 0 {
            return None;
        }
        let index = self.next as usize;
        self.next = self.log.previous[index];
        self.left -= 1;
        Some(&self.log.rows[index])
    }
}

/// Why there are no transactions.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let error = Transactions::parse("").unwrap_err();
/// assert!(error.to_string().starts_with("the transactions are damaged: line 1: there is nothing in the file."));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum TransactionsError {
    /// The file cannot be read.
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// There is something in the file that should not be there, or something is missing.
    Damaged {
        /// Which file, if it was one.
        path: Option<PathBuf>,
        /// The line, from 1, which is the line of column names.
        line: usize,
        /// The number of the column, from 1, and its name, if it is one column.
        column: Option<(usize, &'static str)>,
        /// What is wrong there.
        reason: String,
    },
}

impl TransactionsError {
    /// The line of the damage, from 1.
    pub fn line(&self) -> Option<usize> {
        match self {
            TransactionsError::Damaged { line, .. } => Some(*line),
            TransactionsError::Unreadable { .. } => None,
        }
    }

    /// The column of the damage, if it is in one: its number from 1, and its name.
    pub fn column(&self) -> Option<(usize, &'static str)> {
        match self {
            TransactionsError::Damaged { column, .. } => *column,
            TransactionsError::Unreadable { .. } => None,
        }
    }

    /// The same damage, found in the file at `path`.
    fn within(mut self, found_in: &Path) -> TransactionsError {
        if let TransactionsError::Damaged { path, .. } = &mut self {
            *path = Some(found_in.into());
        }
        self
    }
}

impl fmt::Display for TransactionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TransactionsError::Unreadable { path, error } => write!(
                f,
                "{} cannot be read ({error}). It comes with the labs: ",
                path.display()
            )?,
            TransactionsError::Damaged {
                path,
                line,
                column,
                reason,
            } => {
                match path {
                    Some(path) => write!(f, "{} is damaged: line {line}", path.display())?,
                    None => write!(f, "the transactions are damaged: line {line}")?,
                }
                if let Some((number, name)) = column {
                    write!(f, ", column {number} ({name})")?;
                }
                write!(f, ": {reason}. Mend it, or ")?;
            }
        }
        f.write_str(
            "get it back with `git checkout data/transactions.csv`, or write it anew with `cargo run --release -p labs-data`.",
        )
    }
}

impl std::error::Error for TransactionsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            TransactionsError::Unreadable { error, .. } => Some(error),
            TransactionsError::Damaged { .. } => None,
        }
    }
}

fn damaged(line: usize, reason: impl Into<String>) -> TransactionsError {
    TransactionsError::Damaged {
        path: None,
        line,
        column: None,
        reason: reason.into(),
    }
}

fn parse_bytes(bytes: &[u8]) -> Result<Transactions, TransactionsError> {
    let text = str::from_utf8(bytes).map_err(|error| {
        let good = &bytes[..error.valid_up_to()];
        let line = 1 + good.iter().filter(|&&byte| byte == b'\n').count();
        damaged(line, "it holds bytes that are not UTF-8 text")
    })?;
    let mut lines = text.lines();
    let header = lines.next();
    check_header(header.ok_or_else(|| damaged(1, "there is nothing in the file"))?)?;

    let mut log = Transactions {
        rows: Vec::with_capacity(text.len() / 64),
        previous: Vec::with_capacity(text.len() / 64),
        cities: Vec::new(),
    };
    let mut newest = HashMap::new(); // of each account
    let mut cities = HashMap::new();
    for (number, line) in lines.enumerate() {
        let row = Row::split(number + 2, line)?;
        let transaction = row.transaction(&mut cities)?;
        if let Some(last) = log.rows.last() {
            if transaction.id <= last.id {
                let reason = format!("{} follows {}: ids must rise", transaction.id, last.id);
                return Err(row.damage(0, reason));
            }
            if transaction.time < last.time {
                let reason = format!(
                    "{} follows {}: time goes backwards",
                    transaction.time, last.time
                );
                return Err(row.damage(1, reason));
            }
        }
        let index = log.rows.len() as u32;
        let previous = newest.insert(transaction.account, index);
        log.previous.push(previous.unwrap_or(NONE));
        log.rows.push(transaction);
    }
    if log.rows.is_empty() {
        return Err(damaged(2, "there is no transaction below the column names"));
    }
    log.cities = vec![String::new(); cities.len()];
    for (name, number) in cities {
        log.cities[usize::from(number)] = name.into();
    }
    Ok(log)
}

fn check_header(header: &str) -> Result<(), TransactionsError> {
    let found: Vec<&str> = header.split(',').collect();
    if let Some(missing) = COLUMNS.iter().find(|name| !found.contains(name)) {
        let reason = format!("there is no column `{missing}`");
        return Err(damaged(1, reason));
    }
    if found != COLUMNS {
        let reason = format!(
            "the columns are not these, in this order: {}",
            COLUMNS.join(",")
        );
        return Err(damaged(1, reason));
    }
    Ok(())
}

/// A line, cut at its commas.
struct Row<'a> {
    line: usize,
    fields: [&'a str; COLUMNS.len()],
}

impl<'a> Row<'a> {
    fn split(line: usize, text: &'a str) -> Result<Row<'a>, TransactionsError> {
        let mut fields = [""; COLUMNS.len()];
        let mut count = 0;
        for field in text.split(',') {
            if let Some(place) = fields.get_mut(count) {
                *place = field;
            }
            count += 1;
        }
        if count != COLUMNS.len() {
            let reason = format!("{count} fields instead of {}", COLUMNS.len());
            return Err(damaged(line, reason));
        }
        Ok(Row { line, fields })
    }

    fn damage(&self, column: usize, reason: String) -> TransactionsError {
        TransactionsError::Damaged {
            path: None,
            line: self.line,
            column: Some((column + 1, COLUMNS[column])),
            reason,
        }
    }

    fn transaction(
        &self,
        cities: &mut HashMap<&'a str, u16>,
    ) -> Result<Transaction, TransactionsError> {
        Ok(Transaction {
            id: self.whole(0, 1)?,
            time: self.whole(1, 0)?,
            account: self.whole(2, 0)?,
            merchant: self.whole(3, 0)?,
            category: self.word(4, &Category::ALL, Category::name)?,
            city: self.city(5, cities)?,
            latitude: self.degrees(6, 90.0)?,
            longitude: self.degrees(7, 180.0)?,
            amount_cents: self.whole(8, 1)?,
            device: self.whole(9, 0)?,
            label: self.word(10, &Label::ALL, Label::name)?,
        })
    }

    /// A whole number of at least `least`.
    fn whole(&self, column: usize, least: u32) -> Result<u32, TransactionsError> {
        let text = self.fields[column];
        // `parse` would take a leading plus, which this file does not have.
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(self.damage(column, format!("`{text}` is not a whole number")));
        }
        match u32::from_str(text) {
            Ok(number) if number >= least => Ok(number),
            _ => {
                let reason = format!("{text} is out of range: {least} to {}", u32::MAX);
                Err(self.damage(column, reason))
            }
        }
    }

    fn degrees(&self, column: usize, most: f32) -> Result<f32, TransactionsError> {
        let text = self.fields[column];
        // `parse` would take `inf`, `nan` and `1e3` too.
        let plain = |byte: u8| byte.is_ascii_digit() || byte == b'.' || byte == b'-';
        let number = f32::from_str(text).ok().filter(|_| text.bytes().all(plain));
        match number {
            Some(number) if number.abs() <= most => Ok(number),
            Some(_) => {
                let reason = format!("{text} is out of range: -{most} to {most}");
                Err(self.damage(column, reason))
            }
            None => Err(self.damage(column, format!("`{text}` is not a number"))),
        }
    }

    /// One of a few words.
    fn word<T: Copy>(
        &self,
        column: usize,
        all: &[T],
        name: fn(T) -> &'static str,
    ) -> Result<T, TransactionsError> {
        let text = self.fields[column];
        all.iter()
            .copied()
            .find(|&one| name(one) == text)
            .ok_or_else(|| {
                let names: Vec<&str> = all.iter().map(|&one| name(one)).collect();
                let reason = format!("`{text}` is none of {}", names.join(", "));
                self.damage(column, reason)
            })
    }

    /// The number of the city, which it gets when its name comes for the first time.
    fn city(
        &self,
        column: usize,
        cities: &mut HashMap<&'a str, u16>,
    ) -> Result<u16, TransactionsError> {
        let name = self.fields[column];
        if name.is_empty() {
            return Err(self.damage(column, "the name is missing".into()));
        }
        let next = cities.len();
        match (cities.get(name), u16::try_from(next)) {
            (Some(&city), _) => Ok(city),
            (None, Ok(next)) => {
                cities.insert(name, next);
                Ok(next)
            }
            (None, Err(_)) => Err(self.damage(column, format!("`{name}` is one city too many"))),
        }
    }
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

impl fmt::Display for History<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.clone().count() {
            1 => write!(f, "1 transaction of the account before this one"),
            count => write!(f, "{count} transactions of the account before this one"),
        }
    }
}

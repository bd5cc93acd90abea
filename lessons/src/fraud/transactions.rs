use super::error::TransactionsError;
use super::parse::parse;
use super::transaction::{Label, Transaction};
use crate::data::data_folder;
use figures::{Format, Table};
use labsupport::cell::{self, Show};
use labsupport::internal::thousands;
use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::path::Path;

/// A log of card transactions in the order of time: some 50,000 synthetic ones in `data/transactions.csv`.
///
/// It derefs to a slice of [`Transaction`]. A detector needs the earlier transactions of one account: they are linked when the log is
/// read, so a step back costs one load.
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
    /// For each row, the index of the same account's row before it; `NONE` for the first row of an account.
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
        let log = parse(&bytes).map_err(|damage| damage.within(path))?;
        Ok(Transactions::linked(log))
    }

    /// The log in `text`, which looks like the file: a line of column names, then one transaction per line.
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
    /// The text is damaged. The error has the first such place, and the reason.
    pub fn parse(text: &str) -> Result<Transactions, TransactionsError> {
        Ok(Transactions::linked(parse(text.as_bytes())?))
    }

    /// With a link from each row to the same account's row before it.
    fn linked((rows, cities): (Vec<Transaction>, Vec<String>)) -> Transactions {
        let mut newest = HashMap::new(); // of each account
        let links = (0..).zip(&rows).map(|(index, row)| {
            let previous = newest.insert(row.account, index);
            previous.unwrap_or(NONE)
        });
        Transactions {
            previous: links.collect(),
            rows,
            cities,
        }
    }

    /// The transactions of the same account before the one at `index`, newest first, at most `most` of them.
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
    /// No transaction of this log has this `city`.
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
        // A number that only names something is written like a word: without commas, and on the left.
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

/// An account's transactions before a certain one, newest first; made by [`Transactions::history`].
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

impl fmt::Display for History<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.clone().count() {
            1 => write!(f, "1 transaction of the account before this one"),
            count => write!(f, "{count} transactions of the account before this one"),
        }
    }
}

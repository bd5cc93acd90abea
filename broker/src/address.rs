//! Where a server listens, and how to log in there.

use crate::{BrokerError, ErrorKind};
use redis::{ConnectionAddr, IntoConnectionInfo};
use std::fmt;
use std::path::{Path, PathBuf};

/// The longest path of a Unix socket, in bytes; one more is the zero at its end.
pub(crate) const LONGEST: usize = 107;

#[derive(Clone)]
pub(crate) struct Address {
    pub(crate) place: Place,
    pub(crate) login: Login,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Unix(PathBuf),
    Tcp { host: String, port: u16 },
}

/// What a new connection says first.
#[derive(Clone, Default)]
pub(crate) struct Login {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) database: i64,
}

impl Address {
    pub(crate) fn unix(path: &Path) -> Address {
        Address {
            place: Place::Unix(path.into()),
            login: Login::default(),
        }
    }

    /// Reads `redis://[user:password@]host[:port][/database]`, `rediss://…` or `unix:///path`. An error does not repeat the address, since
    /// it may contain a password.
    pub(crate) fn parse(url: &str) -> Result<Address, BrokerError> {
        let wrong = |why: &dyn fmt::Display| {
            BrokerError::new(
                ErrorKind::Invalid,
                format!(
                    "the address of the broker cannot be read ({why}). Write redis://host:port, redis://user:password@host:port/database or unix:///path/to/socket. Some characters of a password are written with \
                     a percent sign: @ is %40, / is %2F."
                ),
            )
        };
        let scheme = url.split_once("://").map(|(scheme, _)| scheme);
        let tls = match scheme {
            Some("redis" | "valkey" | "unix" | "redis+unix" | "valkey+unix") => false,
            Some("rediss" | "valkeys") => true,
            Some(_) => return Err(wrong(&"it begins with no scheme that is known")),
            None => return Err(wrong(&"it has no ://")),
        };
        if tls {
            return Err(BrokerError::new(
                ErrorKind::Invalid,
                "the address asks for TLS, which this crate does not speak. A tunnel on your machine does as well: `stunnel`, or \
                 `ssh -L 6379:localhost:6379 host` and redis://localhost.",
            ));
        }
        let info = url
            .into_connection_info()
            .map_err(|error| wrong(&error.category()))?;
        let place = match info.addr() {
            ConnectionAddr::Unix(path) if path.as_os_str().len() > LONGEST => {
                return Err(wrong(&format_args!(
                    "the path of a socket has at most {LONGEST} bytes, and this one has {}",
                    path.as_os_str().len()
                )));
            }
            ConnectionAddr::Unix(path) => Place::Unix(path.clone()),
            ConnectionAddr::Tcp(host, port) => Place::Tcp {
                host: host.clone(),
                port: *port,
            },
            _ => return Err(wrong(&"it is of an unknown kind")),
        };
        let settings = info.redis_settings();
        Ok(Address {
            place,
            login: Login {
                user: settings.username().map(str::to_string),
                password: settings.password().map(str::to_string),
                database: settings.db(),
            },
        })
    }

    /// The address as [`parse`](Address::parse) reads it, without the password.
    pub(crate) fn url(&self) -> String {
        let database = match self.login.database {
            0 => String::new(),
            database => database.to_string(),
        };
        match &self.place {
            Place::Unix(path) if database.is_empty() => format!("unix://{}", path.display()),
            Place::Unix(path) => format!("unix://{}?db={database}", path.display()),
            Place::Tcp { host, port } => {
                let login = match (&self.login.user, &self.login.password) {
                    (None, None) => String::new(),
                    (user, password) => {
                        let hidden = if password.is_some() { ":***" } else { "" };
                        format!("{}{hidden}@", user.as_deref().unwrap_or_default())
                    }
                };
                let host = match host.contains(':') {
                    true => format!("[{host}]"),
                    false => host.clone(),
                };
                let slash = if database.is_empty() { "" } else { "/" };
                format!("redis://{login}{host}:{port}{slash}{database}")
            }
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_never_shows_its_password() {
        for (url, shown) in [
            ("redis://localhost", "redis://localhost:6379"),
            ("redis://:s3cret@host:7000/2", "redis://:***@host:7000/2"),
            ("redis://ada:s3cret@host", "redis://ada:***@host:6379"),
            ("valkey://[::1]:7000", "redis://[::1]:7000"),
            ("unix:///tmp/x/socket", "unix:///tmp/x/socket"),
            (
                "unix:///tmp/socket?db=3&pass=s3cret",
                "unix:///tmp/socket?db=3",
            ),
        ] {
            let address = Address::parse(url).unwrap();
            assert_eq!(address.url(), shown);
            assert!(!format!("{address:?}").contains("s3cret"));
        }
        let address = Address::parse("redis://ada:s3cr%40t@host").unwrap();
        assert_eq!(address.login.password.as_deref(), Some("s3cr@t"));
    }

    #[test]
    fn an_address_that_is_none_is_an_error_without_the_password() {
        for url in [
            "",
            "localhost:6379",
            "http://:s3cret@host",
            "redis://:s3cret@host:port",
            "redis://:s3cret@host/database",
            "redis://:s3cret@",
            "rediss://:s3cret@host",
        ] {
            let error = Address::parse(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{url}");
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
        let long = format!("unix:///{}", "x".repeat(200));
        let error = Address::parse(&long).unwrap_err().to_string();
        assert!(error.contains("at most 107 bytes"), "{error}");
    }
}

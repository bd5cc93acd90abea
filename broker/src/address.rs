//! Where a server listens, and how to log in there.

use crate::{BrokerError, ErrorKind};
use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The longest path of a Unix socket, in bytes; one more is the zero at its end.
pub(crate) const LONGEST: usize = 107;

/// The port of an address that names none.
const PORT: u16 = 6379;

#[derive(Clone)]
pub(crate) struct Address {
    pub(crate) place: Place,
    pub(crate) login: Login,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Unix(PathBuf),
    Tcp {
        host: String,
        port: u16,
        /// With TLS, and how.
        tls: Option<Tls>,
    },
}

/// Whom to trust, and who this client is. The names are those of the options of `valkey-cli` and `redis-cli`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tls {
    /// The authorities to trust, instead of the system's.
    pub(crate) cacert: Option<PathBuf>,
    /// This client's certificate, and its key.
    pub(crate) cert: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    /// The name that the server's certificate must have, if it is not the host's.
    pub(crate) sni: Option<String>,
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

    /// Reads `redis://[user:password@]host[:port][/database]`, the same with `rediss://` for TLS, or `unix:///path`, each with the settings
    /// `?user=…&pass=…&db=…`, and for TLS `cacert`, `cert`, `key` and `sni`. An error does not repeat the address, since it may contain a
    /// password.
    pub(crate) fn parse(url: &str) -> Result<Address, BrokerError> {
        let (scheme, rest) = url
            .trim()
            .split_once("://")
            .ok_or_else(|| wrong("it has no ://"))?;
        if rest.ends_with("#insecure") {
            return Err(insecure());
        }
        if rest.contains('#') {
            return Err(wrong("it has a #, which is written %23"));
        }
        let (rest, settings) = rest.split_once('?').unwrap_or((rest, ""));
        let mut login = Login::default();
        let mut place = match scheme {
            "redis" | "valkey" | "rediss" | "valkeys" => {
                let (server, database) = rest.split_once('/').unwrap_or((rest, ""));
                login.set("db", database.trim_matches('/'))?;
                let (who, server) = server.rsplit_once('@').unwrap_or(("", server));
                let (user, password) = who.split_once(':').unwrap_or((who, ""));
                login.set("user", user)?;
                login.set("pass", password)?;
                let has_tls = matches!(scheme, "rediss" | "valkeys");
                let tls = has_tls.then(Tls::default);
                tcp(server, tls)?
            }
            "unix" | "redis+unix" | "valkey+unix" => unix(rest)?,
            _ => return Err(wrong("it begins with no scheme that is known")),
        };
        for setting in settings.split('&').filter(|setting| !setting.is_empty()) {
            let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
            match (&mut place, name) {
                (_, "insecure" | "ssl_cert_reqs" | "ssl_check_hostname") => return Err(insecure()),
                (Place::Tcp { tls: Some(tls), .. }, "cacert" | "cert" | "key" | "sni") => {
                    tls.set(name, value)?;
                }
                (_, "cacert" | "cert" | "key" | "sni") => {
                    return Err(wrong(format_args!("the setting {name} is for rediss://")));
                }
                _ => login.set(name, value)?,
            }
        }
        match &place {
            Place::Tcp { tls: Some(tls), .. } if tls.cert.is_some() != tls.key.is_some() => Err(
                wrong("a client's certificate needs both, cert=file and key=file"),
            ),
            _ => Ok(Address { place, login }),
        }
    }

    /// The address as [`parse`](Address::parse) reads it, without the password.
    pub(crate) fn url(&self) -> String {
        let database = match self.login.database {
            0 => String::new(),
            database => database.to_string(),
        };
        match &self.place {
            Place::Unix(path) => {
                let path = encoded(path.as_os_str().as_bytes(), b"/");
                let setting = if database.is_empty() { "" } else { "?db=" };
                format!("unix://{path}{setting}{database}")
            }
            Place::Tcp { host, port, tls } => {
                let login = match (&self.login.user, &self.login.password) {
                    (None, None) => String::new(),
                    (user, password) => {
                        let hidden = if password.is_some() { ":***" } else { "" };
                        let user = user.as_deref().unwrap_or_default();
                        format!("{}{hidden}@", encoded(user.as_bytes(), b""))
                    }
                };
                let host = match host.contains(':') {
                    true => format!("[{host}]"),
                    false => host.clone(),
                };
                let slash = if database.is_empty() { "" } else { "/" };
                let (s, settings) = match tls {
                    None => ("", String::new()),
                    Some(tls) => ("s", tls.settings()),
                };
                format!("redis{s}://{login}{host}:{port}{slash}{database}{settings}")
            }
        }
    }
}

impl Tls {
    fn set(&mut self, name: &str, value: &str) -> Result<(), BrokerError> {
        let bytes = decoded(value)?;
        if bytes.is_empty() || bytes.contains(&0) {
            return Err(wrong(format_args!("the setting {name} is empty")));
        }
        if name == "sni" {
            let text = String::from_utf8(bytes).map_err(|_| wrong("sni is no name"))?;
            self.sni = Some(text);
            return Ok(());
        }
        let file = Some(OsString::from_vec(bytes).into());
        match name {
            "cacert" => self.cacert = file,
            "cert" => self.cert = file,
            _ => self.key = file,
        }
        Ok(())
    }

    /// As they stand at the end of an address.
    fn settings(&self) -> String {
        let files = [
            ("cacert", &self.cacert),
            ("cert", &self.cert),
            ("key", &self.key),
        ];
        let files = files
            .into_iter()
            .filter_map(|(name, file)| Some((name, file.as_ref()?.as_os_str().as_bytes())));
        let sni = self.sni.iter().map(|name| ("sni", name.as_bytes()));
        let settings: Vec<String> = files
            .chain(sni)
            .map(|(name, value)| format!("{name}={}", encoded(value, b"/")))
            .collect();
        match settings.is_empty() {
            true => String::new(),
            false => format!("?{}", settings.join("&")),
        }
    }
}

impl Login {
    /// Takes a part of an address. An empty one says nothing.
    fn set(&mut self, name: &str, value: &str) -> Result<(), BrokerError> {
        let text = || match String::from_utf8(decoded(value)?) {
            Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
            Err(_) => Err(wrong("the user or the password is no text")),
        };
        match name {
            "user" => self.user = text()?,
            "pass" => self.password = text()?,
            "db" if value.is_empty() => {}
            "db" => match value.parse() {
                Ok(database) => self.database = database,
                Err(_) => return Err(wrong("the database is no number")),
            },
            "protocol" => {} // other clients ask for it; this one chooses by itself
            _ => return Err(wrong("it has a setting that is not known")),
        }
        Ok(())
    }
}

fn wrong(why: impl fmt::Display) -> BrokerError {
    BrokerError::new(
        ErrorKind::Invalid,
        format!(
            "the address of the broker cannot be read ({why}). Write redis://host:port, redis://user:password@host:port/database, the same with \
             rediss:// for TLS, or unix:///path/to/socket. Some characters of a password are written with a percent sign: @ is %40, / is %2F, % is %25."
        ),
    )
}

/// What other clients call insecure does not exist here.
fn insecure() -> BrokerError {
    BrokerError::new(
        ErrorKind::Invalid,
        "the address asks for TLS without a check of the server, and then anybody on the way can be the server. Name the server's authority \
         instead: LABS_BROKER_CA=file, or ?cacert=file at the end of the address.",
    )
}

/// A host, and perhaps a port behind a colon. An IPv6 address stands in brackets, because it has colons of its own.
fn tcp(server: &str, tls: Option<Tls>) -> Result<Place, BrokerError> {
    let (host, port) = match server.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, port)) if host.parse::<Ipv6Addr>().is_ok() => (host, port),
            _ => return Err(wrong("what stands in brackets is no IPv6 address")),
        },
        None => server.split_at(server.find(':').unwrap_or(server.len())),
    };
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => PORT,
        Some("") => PORT,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits
            .parse()
            .map_err(|_| wrong("the port is larger than 65535"))?,
        Some(rest) if rest.contains(':') => {
            return Err(wrong("an IPv6 address stands in brackets: [::1]:6379"));
        }
        _ => return Err(wrong("the port is no number")),
    };
    let is_odd = |letter: char| letter.is_control() || r#" %[]<>"\^`{|}"#.contains(letter);
    if host.is_empty() || host.contains(is_odd) {
        return Err(wrong(
            "it has no host, or one with a character that no host has",
        ));
    }
    if host
        .parse()
        .is_ok_and(|address: IpAddr| address.is_unspecified())
    {
        return Err(wrong(
            "its host is every address, which only a server listens at",
        ));
    }
    Ok(Place::Tcp {
        host: host.into(),
        port,
        tls,
    })
}

fn unix(path: &str) -> Result<Place, BrokerError> {
    let path = decoded(path)?;
    if path.first() != Some(&b'/') || path.contains(&0) {
        return Err(wrong(
            "it has no path of a socket, which begins with a third /",
        ));
    }
    if path.len() > LONGEST {
        return Err(wrong(format_args!(
            "the path of a socket has at most {LONGEST} bytes, and this one has {}",
            path.len()
        )));
    }
    Ok(Place::Unix(OsString::from_vec(path).into()))
}

/// `text` with each `%40` and the like as the byte that it stands for.
fn decoded(text: &str) -> Result<Vec<u8>, BrokerError> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let digits = part
            .get(..2)
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.ok_or_else(|| wrong("two hexadecimal digits follow a percent sign"))?);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    Ok(bytes)
}

/// The reverse of [`decoded`]: letters, digits, `-._~` and what is in `kept` stay as they are.
fn encoded(bytes: &[u8], kept: &[u8]) -> String {
    let one = |byte: &u8| match byte {
        b'-' | b'.' | b'_' | b'~' => char::from(*byte).to_string(),
        byte if byte.is_ascii_alphanumeric() || kept.contains(byte) => {
            char::from(*byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    bytes.iter().map(one).collect()
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_address_is_read_and_never_shows_its_password() {
        for (url, shown) in [
            ("redis://localhost", "redis://localhost:6379"),
            ("redis://localhost:", "redis://localhost:6379"),
            ("  redis://localhost/2/\n", "redis://localhost:6379/2"),
            ("redis://localhost/", "redis://localhost:6379"),
            ("redis://:s3cret@host:7000/2", "redis://:***@host:7000/2"),
            ("redis://ada:s3cret@host", "redis://ada:***@host:6379"),
            ("redis://ada@host", "redis://ada@host:6379"),
            ("redis://a%40b:s3cret@host", "redis://a%40b:***@host:6379"),
            (
                "redis://host?pass=s3cret&user=ada&protocol=3",
                "redis://ada:***@host:6379",
            ),
            ("redis://127.0.0.1:7000?db=4", "redis://127.0.0.1:7000/4"),
            ("valkey://[::1]:7000", "redis://[::1]:7000"),
            (
                "rediss://ada:s3cret@host/1?sni=b&cacert=/a%20b",
                "rediss://ada:***@host:6379/1?cacert=/a%20b&sni=b",
            ),
            (
                "valkeys://host?key=k&cert=c",
                "rediss://host:6379?cert=c&key=k",
            ),
            (
                "redis://ada:s3cret@[fe80::1]/1",
                "redis://ada:***@[fe80::1]:6379/1",
            ),
            ("unix:///tmp/x/socket", "unix:///tmp/x/socket"),
            ("redis+unix:///a%20b%3F", "unix:///a%20b%3F"),
            (
                "unix:///tmp/socket?db=3&pass=s3cret",
                "unix:///tmp/socket?db=3",
            ),
        ] {
            let address = Address::parse(url).unwrap();
            assert_eq!(address.url(), shown);
            assert!(!format!("{address:?}").contains("s3cret"));
        }
    }

    #[test]
    fn a_percent_sign_and_two_digits_are_a_byte() {
        let address = Address::parse("redis://%61da%3a:s3cr%40t%c3%A9:/@host");
        assert_eq!(address.unwrap_err().kind(), ErrorKind::Invalid);
        let login = Address::parse("redis://%61da%3a:s3cr%40t%c3%A9:+@host")
            .unwrap()
            .login;
        assert_eq!(login.user.as_deref(), Some("ada:"));
        assert_eq!(login.password.as_deref(), Some("s3cr@té:+"));
        let login = Address::parse("unix:///s?user=a%26b&pass=%3d=")
            .unwrap()
            .login;
        assert_eq!(login.user.as_deref(), Some("a&b"));
        assert_eq!(login.password.as_deref(), Some("=="));
        let place = Address::parse("unix:///a%ff%25").unwrap().place;
        assert_eq!(
            place,
            Place::Unix(OsString::from_vec(b"/a\xff%".to_vec()).into())
        );
    }

    #[test]
    fn an_address_that_is_none_is_an_error_without_the_password() {
        for url in [
            "",
            "localhost:6379",
            "http://:s3cret@host",
            "redis://",
            "redis:///1",
            "redis://:s3cret@host:port",
            "redis://:s3cret@host:65536",
            "redis://:s3cret@host:+1",
            "redis://:s3cret@host/database",
            "redis://:s3cret@host?db=two",
            "redis://:s3cret@host?s3cret",
            "redis://:s3cret@host#s3cret",
            "redis://:s3cret@",
            "redis://:s3cret@ho st",
            "redis://:s3cret%@host",
            "redis://:s3cret%+1@host",
            "redis://:s3cret%4é@host",
            "redis://:s3cret%ff@host",
            "redis://:s3/cret@host",
            "redis://:s3cret@::1",
            "redis://:s3cret@[::1",
            "redis://:s3cret@[host]",
            "redis://:s3cret@[::1]7000",
            "redis://:s3cret@0.0.0.0",
            "redis://:s3cret@[::]",
            "rediss://:s3cret@host#insecure",
            "rediss://:s3cret@host?ssl_cert_reqs=none",
            "rediss://:s3cret@host?cert=/c.pem",
            "rediss://:s3cret@host?cacert=",
            "redis://:s3cret@host?cacert=/ca.pem",
            "unix:///tmp/socket?pass=s3cret&sni=host",
            "unix://",
            "unix://tmp/socket",
            "unix:///tmp/%00",
            "unix:///tmp/socket?pass=s3cret%ff",
        ] {
            let error = Address::parse(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{url}");
            for part in ["s3cret", "cret@", ":s3"] {
                assert!(!format!("{error} {error:?}").contains(part), "{error}");
            }
        }
        let long = format!("unix:///{}", "x".repeat(200));
        let error = Address::parse(&long).unwrap_err().to_string();
        assert!(error.contains("at most 107 bytes"), "{error}");
    }

    proptest! {
        #[test]
        fn any_text_is_an_address_or_an_error(url in "((rediss?|unix)://)?[a-z0-9:/@%?&=#\\[\\]é.]{0,30}(\\?(sni|key|cacert)=[a-z%0-9]{0,4})?") {
            if let Ok(address) = Address::parse(&url) {
                // What is shown is read as the same place.
                let again = Address::parse(&address.url()).unwrap();
                prop_assert_eq!(again.place, address.place);
                prop_assert_eq!(again.login.database, address.login.database);
            }
        }
    }
}

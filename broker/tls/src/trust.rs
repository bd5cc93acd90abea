//! Whom to trust, and why not.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{AlertDescription, CertificateError, ClientConfig, ClientConnection, Error};
use rustls::{RootCertStore, crypto::ring};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A connection that trusts the authorities in the file `cacert`, or else the system's, and checks that the server's name is `name`.
pub(crate) fn client(
    name: &str,
    cacert: Option<&Path>,
    own: Option<&(PathBuf, PathBuf)>,
) -> Result<ClientConnection, String> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots(cacert)?);
    let config = match own {
        None => config.with_no_client_auth(),
        Some((cert, key)) => config
            .with_client_auth_cert(certificates(cert)?, private_key(key)?)
            .map_err(|error| {
                format!(
                    "the client certificate {} does not go with the key {} ({error})",
                    cert.display(),
                    key.display()
                )
            })?,
    };
    let server = ServerName::try_from(name.to_string())
        .map_err(|_| format!("{name:?} is no name that a certificate can have"))?;
    ClientConnection::new(Arc::new(config), server).map_err(|error| error.to_string())
}

fn roots(cacert: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = cacert {
        for certificate in certificates(file)? {
            roots.add(certificate).map_err(|error| {
                format!(
                    "{} has a certificate that cannot be used ({error})",
                    file.display()
                )
            })?;
        }
        return Ok(roots);
    }
    // Also the file or the folders that SSL_CERT_FILE and SSL_CERT_DIR name.
    let system = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(system.certs);
    match roots.is_empty() {
        false => Ok(roots),
        true => Err(
            "this system knows no certificate authority: install its list (`apt install ca-certificates`), or name a file with the \
             server's authority in LABS_BROKER_CA or behind ?cacert="
                .into(),
        ),
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let all = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let all = all.map_err(|error| unreadable(file, &error))?;
    match all.is_empty() {
        false => Ok(all),
        true => Err(format!("there is no certificate in {}", file.display())),
    }
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_file(file).map_err(|error| unreadable(file, &error))
}

fn unreadable(file: &Path, error: &dyn std::fmt::Display) -> String {
    format!(
        "the file {} cannot be read as PEM ({error})",
        file.display()
    )
}

/// Why there is no trust, or none any more, and what to do.
pub(crate) fn in_words(error: &Error, name: &str) -> String {
    use CertificateError as Bad;
    match error {
        Error::InvalidCertificate(bad) => match bad {
            Bad::Expired | Bad::ExpiredContext { .. } => {
                "the server's certificate has expired. Whoever runs the server must renew it; if they have, check this machine's clock".into()
            }
            Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
                "the server's certificate is not valid yet. Check this machine's clock".into()
            }
            Bad::UnknownIssuer => {
                "the server's certificate was signed by nobody whom this machine trusts, perhaps by itself. If the server has an authority of \
                 its own, name the file with that authority's certificate: LABS_BROKER_CA=file, or ?cacert=file at the end of the address"
                    .into()
            }
            Bad::NotValidForName => for_others(name, &[]),
            Bad::NotValidForNameContext { presented, .. } => for_others(name, presented),
            Bad::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
                "the server shows the certificate of an authority as its own. Make one for the server, signed by that authority".into()
            }
            other => format!("the server's certificate is not accepted: {other}"),
        },
        Error::InvalidMessage(_) | Error::InappropriateMessage { .. } => {
            "what answers does not speak TLS. If this is the server's port without TLS, write redis:// instead of rediss://".into()
        }
        Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired | AlertDescription::BadCertificate => {
                "the server wants a certificate of this client and got none that it takes: write ?cert=file&key=file at the end of the address"
                    .into()
            }
            AlertDescription::UnknownCA | AlertDescription::CertificateUnknown => {
                "the server does not take this client's certificate, or wants one: see ?cert=file&key=file at the end of the address"
                    .into()
            }
            AlertDescription::HandshakeFailure => {
                "the server refuses the handshake: it has no method in common with this client, or wants a client certificate \
                 (?cert=file&key=file at the end of the address)"
                    .into()
            }
            other => format!("the server ended the connection with the TLS alert {other:?}"),
        },
        other => format!("TLS failed: {other}"),
    }
}

fn for_others(name: &str, presented: &[String]) -> String {
    let names = match presented {
        [] => "other names".into(),
        // rustls writes DnsName("host").
        names => names
            .iter()
            .map(|name| name.split('"').nth(1).unwrap_or(name))
            .collect::<Vec<_>>()
            .join(", "),
    };
    format!(
        "the server's certificate is for {names} and not for {name}. Connect by a name that it has, or give that name behind ?sni="
    )
}

//! A TLS server in front of a private broker, as `stunnel` would be.

use broker::Broker;
use rustix::event::{PollFd, PollFlags, poll};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;

/// A file in the folder of certificates.
pub(crate) fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/all/certificates")
        .join(name)
}

fn certificate(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(file(name)).unwrap()
}

/// Its thread ends with the tests.
pub(crate) struct Front {
    pub(crate) broker: Broker,
    pub(crate) port: u16,
}

impl Front {
    /// A front that shows `certificate`.
    pub(crate) fn with(name: &str) -> Front {
        Front::start(name, false)
    }

    /// A front that lets only clients in that show a certificate of the tests' authority.
    pub(crate) fn closed() -> Front {
        Front::start("server.pem", true)
    }

    fn start(name: &str, asks: bool) -> Front {
        let broker = Broker::start_with(&[]).unwrap();
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = if asks {
            let mut roots = RootCertStore::empty();
            roots.add(certificate("ca.pem")).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            config.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            config.with_no_client_auth()
        };
        let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
        let config = config.with_single_cert(vec![certificate(name)], key);
        let config = Arc::new(config.unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let socket = broker.url();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
                let server = UnixStream::connect(socket.strip_prefix("unix://").unwrap()).unwrap();
                std::thread::spawn(move || carry(client, tls, server));
            }
        });
        Front { broker, port }
    }

    /// Its address under the name `host`, with the tests' authority.
    pub(crate) fn url(&self, host: &str, more: &str) -> String {
        let cacert = file("ca.pem");
        format!(
            "rediss://{host}:{}?cacert={}{more}",
            self.port,
            cacert.display()
        )
    }

    /// The same without an authority.
    pub(crate) fn bare_url(&self) -> String {
        format!("rediss://localhost:{}", self.port)
    }
}

/// Carries bytes until one side ends.
fn carry(mut client: TcpStream, mut tls: ServerConnection, mut server: UnixStream) {
    let mut part = [0; 4096];
    loop {
        while tls.wants_write() {
            if tls.write_tls(&mut client).is_err() {
                return;
            }
        }
        let mut polled = [
            PollFd::new(&client, PollFlags::IN),
            PollFd::new(&server, PollFlags::IN),
        ];
        poll(&mut polled, None).unwrap();
        let [from_client, from_server] = polled.map(|polled| !polled.revents().is_empty());
        if from_client {
            let read = tls.read_tls(&mut client);
            if !matches!(read, Ok(read) if read > 0) {
                return;
            }
            if tls.process_new_packets().is_err() {
                let _ = tls.write_tls(&mut client); // the alert
                return;
            }
            while let Ok(read) = tls.reader().read(&mut part) {
                if read == 0 || server.write_all(&part[..read]).is_err() {
                    return;
                }
            }
        }
        if from_server {
            match server.read(&mut part) {
                Ok(read) if read > 0 => tls.writer().write_all(&part[..read]).unwrap(),
                _ => return,
            }
        }
    }
}

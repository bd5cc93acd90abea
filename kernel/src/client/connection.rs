//! Where a kernel listens: its ports and its key.

use anyhow::{Result, anyhow};
use jupyter_protocol::{ConnectionInfo, Transport};
use std::fs::OpenOptions;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The ports and the key of a kernel, and the file from which it reads them.
#[derive(Debug)]
pub struct Connection {
    /// The ports and the key.
    pub info: ConnectionInfo,
    /// The connection file, readable by this user alone.
    pub file: PathBuf,
}

impl Connection {
    /// Finds free ports on loopback, makes a key, and writes both into a new file in `folder`.
    pub fn new(folder: &Path) -> Result<Connection> {
        let ip = Ipv4Addr::LOCALHOST;
        // Each stays bound until all are found, so no two are the same.
        let held = [(); 5].map(|()| TcpListener::bind((ip, 0)));
        let mut ports = [0; 5];
        for (port, held) in ports.iter_mut().zip(&held) {
            let held = held
                .as_ref()
                .map_err(|error| anyhow!("There is no free port: {error}"))?;
            *port = held.local_addr()?.port();
        }
        let info = ConnectionInfo {
            ip: ip.to_string(),
            transport: Transport::TCP,
            shell_port: ports[0],
            iopub_port: ports[1],
            stdin_port: ports[2],
            control_port: ports[3],
            hb_port: ports[4],
            key: uuid::Uuid::new_v4().to_string(),
            signature_scheme: "hmac-sha256".into(),
            kernel_name: Some("rust".into()),
        };
        let file = folder.join(format!("connection-{}.json", uuid::Uuid::new_v4()));
        let mut written = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&file)?;
        written.write_all(&serde_json::to_vec(&info)?)?;
        Ok(Connection { info, file })
    }
}

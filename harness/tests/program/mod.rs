//! A running `hybridsim serve` for the tests that use it from outside, as a program of its own.

#![allow(dead_code, reason = "each program of tests uses its part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Certificate, Client};
use serde_json::Value;
use tempfile::TempDir;

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// How often it is asked whether something has come about.
const LOOK: Duration = Duration::from_millis(5);

/// The program, killed when dropped, with a folder that is deleted then.
pub(crate) struct Program {
    process: Child,
    folder: TempDir,
    /// What it wrote to its ready file.
    pub(crate) ready: Value,
    /// Trusts the certificate of the ready file and nothing else.
    pub(crate) client: Client,
}

impl Program {
    /// Starts `hybridsim serve` with these options and waits for its ready file.
    pub(crate) fn serve(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("ready.json");
        let mut process = Command::new(env!("CARGO_BIN_EXE_hybridsim"))
            .args(["serve", "--ready-file"])
            .arg(&file)
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let until = Instant::now() + PATIENCE;
        while !file.exists() {
            assert!(Instant::now() < until, "there is no ready file");
            let ended = process.try_wait().expect("a child of ours");
            assert!(ended.is_none(), "it ended before it was ready: {ended:?}");
            std::thread::sleep(LOOK);
        }
        let text = fs::read_to_string(&file).expect("the ready file");
        let ready: Value = serde_json::from_str(&text).expect("JSON, whole from the first moment");
        let ca = fs::read(ready["ca_file"].as_str().expect("a path")).expect("the certificate");
        Self { process, folder, ready, client: client(&ca) }
    }

    /// A path in its folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A text of the ready file.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.ready[key].as_str().unwrap_or_else(|| panic!("`{key}` is text"))
    }

    /// Sends it a signal and waits for the end: how it ended and what it printed.
    pub(crate) fn end(&mut self, signal: &str) -> (ExitStatus, String) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status().expect("`kill`");
        assert!(sent.success());
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.process.try_wait().expect("a child of ours") {
                break status;
            }
            assert!(Instant::now() < until, "it does not end");
            std::thread::sleep(LOOK);
        };
        let printed = self.process.stdout.take().map(std::io::read_to_string);
        (status, printed.expect("piped, and taken once").expect("text"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A client that trusts this certificate and nothing else, and knows no proxy.
pub(crate) fn client(ca: &[u8]) -> Client {
    Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .tls_certs_only(Certificate::from_pem_bundle(ca).expect("PEM"))
        .build()
        .expect("a client")
}

//! Configuration files with which the engine, in a process of its own, works on a running `serve`.
//!
//! Two of them, because who asks matters to the judge: what the application `engine` reads and sets is
//! the writeback's, and whoever flips authority is a person. Secrets lie beside them, one a file.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::json;

use super::environment::{EnvironmentError, read};
use crate::alone::write_private;

/// What of the ready file is needed here.
#[derive(Deserialize)]
struct Ready {
    login: String,
    graph: String,
    exchange: String,
    ca_file: String,
    tenant_id: String,
    client_id: String,
    client_secret: String,
    clients: Clients,
    base_dn: String,
    agent_bind_dn: String,
    agent_bind_password: String,
    agents: Vec<Gateway>,
}

#[derive(Deserialize)]
struct Clients {
    engine: Client,
}

#[derive(Deserialize)]
struct Client {
    id: String,
    secret: String,
}

#[derive(Deserialize)]
struct Gateway {
    name: String,
    ldap: String,
}

/// The files that [`write`] made.
#[derive(Debug)]
pub struct EngineFiles {
    /// For `hybridsim writeback --config`.
    pub writeback: PathBuf,
    /// For `hybridsim transfer --config`.
    pub transfer: PathBuf,
}

/// Writes the configurations for `writeback` and `transfer`, and their secrets, into a folder, which is
/// made when it is not there. Folder and files are for their owner alone. A configuration that is there and says
/// something else stays, and nothing is written, unless `overwrite` says so.
///
/// # Errors
/// [`EnvironmentError`] when the ready file is none, when a configuration would be replaced, and when a file cannot
/// be written.
pub fn write(
    ready_file: &Path,
    folder: &Path,
    overwrite: bool,
) -> Result<EngineFiles, EnvironmentError> {
    let ready: Ready = read(ready_file)?;
    let writeback = configuration(&ready, &ready.clients.engine.id, WRITEBACK_SECRET);
    let transfer = configuration(&ready, &ready.client_id, TRANSFER_SECRET);
    for (name, text) in [(WRITEBACK, &writeback), (TRANSFER, &transfer)] {
        let path = folder.join(name);
        let says = std::fs::read(&path).ok();
        if !overwrite && says.is_some_and(|says| says != text.as_bytes()) {
            return Err(EnvironmentError::There { path: path.display().to_string() });
        }
    }
    make(folder).map_err(|why| EnvironmentError::Folder {
        path: folder.display().to_string(),
        why: why.to_string(),
    })?;
    let put = |name: &str, text: &str| -> Result<PathBuf, EnvironmentError> {
        let path = folder.join(name);
        write_private(&path, text.as_bytes())?;
        Ok(path)
    };
    put(BIND_SECRET, &ready.agent_bind_password)?;
    put(WRITEBACK_SECRET, &ready.clients.engine.secret)?;
    put(TRANSFER_SECRET, &ready.client_secret)?;
    Ok(EngineFiles { writeback: put(WRITEBACK, &writeback)?, transfer: put(TRANSFER, &transfer)? })
}

/// Makes a folder that is not there, for its owner alone; one that is there stays as it is.
fn make(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

const WRITEBACK: &str = "writeback.yaml";
const TRANSFER: &str = "transfer.yaml";

const BIND_SECRET: &str = "bind.secret";
const WRITEBACK_SECRET: &str = "writeback.secret";
const TRANSFER_SECRET: &str = "transfer.secret";

/// A configuration. JSON is YAML.
fn configuration(ready: &Ready, client_id: &str, client_secret: &str) -> String {
    let servers: Vec<_> = ready
        .agents
        .iter()
        .map(|agent| {
            json!({"name": agent.name, "url": agent.ldap, "bind": ready.agent_bind_dn,
                "password": {"file": BIND_SECRET}})
        })
        .collect();
    let configuration = json!({
        "tenant": ready.tenant_id,
        "ca_file": ready.ca_file,
        "cloud": {
            "login": ready.login,
            "graph": ready.graph,
            "exchange": ready.exchange,
            "client_id": client_id,
            "client_secret": {"file": client_secret},
        },
        "directory": {
            "domain": domain_of(&ready.base_dn),
            "base_dn": ready.base_dn,
            "servers": servers,
        },
        "state": "state.redb",
        "log": "provisioning.jsonl",
    });
    format!("{configuration:#}\n")
}

/// The FQDN of a domain naming context.
fn domain_of(base_dn: &str) -> String {
    let labels = base_dn.split(',').filter_map(|part| part.split_once('='));
    labels.map(|(_, label)| label.to_ascii_lowercase()).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alone::Settings;
    use std::fs;

    /// What is written can be read by the engine's own reader, names both applications, and keeps the
    /// secrets out of the configurations.
    #[test]
    fn a_ready_file_becomes_configurations_that_the_engine_reads() {
        let folder = tempfile::tempdir().unwrap();
        let (ready_file, ca) = (folder.path().join("ready.json"), folder.path().join("ca.pem"));
        fs::write(&ca, "no certificate, which is read later").unwrap();
        let ready = json!({
            "login": "https://localhost:1", "graph": "https://localhost:1",
            "exchange": "https://localhost:1", "ca_file": ca, "tenant_id": "t",
            "client_id": "person", "client_secret": "hush-person",
            "clients": {"engine": {"id": "job", "secret": "hush-job", "roles": []}},
            "base_dn": "DC=corp,DC=Contoso,DC=com", "agent_bind_dn": "CN=agent",
            "agent_bind_password": "hush-agent",
            "agents": [{"name": "agent1", "ldap": "ldap://127.0.0.1:2"}],
        });
        fs::write(&ready_file, ready.to_string()).unwrap();
        let engine = folder.path().join("engine");
        let written = write(&ready_file, &engine, false).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&engine).unwrap().permissions().mode() & 0o777, 0o700);
        }
        write(&ready_file, &engine, false).expect("the same again");
        let edited = fs::read_to_string(&written.transfer).unwrap() + "# mine\n";
        fs::write(&written.transfer, &edited).unwrap();
        let refused = write(&ready_file, &engine, false).unwrap_err();
        assert!(matches!(refused, EnvironmentError::There { .. }), "{refused}");
        assert_eq!(fs::read_to_string(&written.transfer).unwrap(), edited);
        let written = write(&ready_file, &engine, true).unwrap();
        for (path, client) in [(written.writeback, "job"), (written.transfer, "person")] {
            assert!(!fs::read_to_string(&path).unwrap().contains("hush"));
            let settings = Settings::read(&path).unwrap();
            assert_eq!(settings.wire.client_id, client);
            assert_eq!(settings.domain, "corp.contoso.com");
            assert_eq!(settings.wire.agents[0].ldap_url, "ldap://127.0.0.1:2");
        }
    }
}

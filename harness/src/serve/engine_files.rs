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
/// made when it is not there. All files are readable by their owner alone.
///
/// # Errors
/// [`EnvironmentError`] when the ready file is none, and when a file cannot be written.
pub fn write(ready_file: &Path, folder: &Path) -> Result<EngineFiles, EnvironmentError> {
    let ready: Ready = read(ready_file)?;
    std::fs::create_dir_all(folder).map_err(|why| EnvironmentError::Folder {
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
    let writeback = configuration(&ready, &ready.clients.engine.id, WRITEBACK_SECRET);
    let transfer = configuration(&ready, &ready.client_id, TRANSFER_SECRET);
    Ok(EngineFiles {
        writeback: put("writeback.yaml", &writeback)?,
        transfer: put("transfer.yaml", &transfer)?,
    })
}

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
        let written = write(&ready_file, &folder.path().join("engine")).unwrap();
        for (path, client) in [(written.writeback, "job"), (written.transfer, "person")] {
            assert!(!fs::read_to_string(&path).unwrap().contains("hush"));
            let settings = Settings::read(&path).unwrap();
            assert_eq!(settings.wire.client_id, client);
            assert_eq!(settings.domain, "corp.contoso.com");
            assert_eq!(settings.wire.agents[0].ldap_url, "ldap://127.0.0.1:2");
        }
    }
}

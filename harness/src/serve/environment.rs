//! The environment variables that lead unmodified clients to a running `serve`.
//!
//! Which variable which runtime reads: `requests` and curl take `REQUESTS_CA_BUNDLE` and
//! `CURL_CA_BUNDLE`, OpenSSL, httpx and aiohttp `SSL_CERT_FILE`, Node `NODE_EXTRA_CA_CERTS`, .NET and
//! PowerShell on Linux `SSL_CERT_FILE`; proxies are `HTTPS_PROXY` in both cases, and `NO_PROXY` empty so
//! that nothing goes around it.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::alone::AloneError;

/// A shell's way to set variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// `export NAME='value'`: sh, bash, zsh.
    Posix,
    /// `set -gx NAME 'value'`.
    Fish,
    /// `$env:NAME = 'value'`.
    PowerShell,
}

/// A ready file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// There is none, or it is not of this program.
    #[error("{path}: {why}")]
    ReadyFile {
        /// The file.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// A folder that cannot be made.
    #[error("{path}: {why}")]
    Folder {
        /// The folder.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// A file that is there, and is not what would be written.
    #[error("{path}: is there and says something else: perhaps somebody edited it")]
    There {
        /// The file.
        path: String,
    },
    /// A file that cannot be written.
    #[error(transparent)]
    Write(#[from] AloneError),
}

/// What of the ready file is needed here.
#[derive(Deserialize)]
struct Ready {
    login: String,
    proxy: Option<String>,
    ca_file: String,
    tenant_id: String,
    client_id: String,
    client_secret: String,
}

/// The commands that set the variables for a `serve` with this ready file.
///
/// # Errors
/// [`EnvironmentError`] when the file is not there or is not a ready file.
pub fn commands(ready_file: &Path, shell: Shell) -> Result<String, EnvironmentError> {
    let ready: Ready = read(ready_file)?;
    Ok(variables(&ready).iter().map(|(name, value)| command(shell, name, value)).collect())
}

/// What is needed of a ready file.
pub(super) fn read<T: DeserializeOwned>(ready_file: &Path) -> Result<T, EnvironmentError> {
    let problem = |why: &dyn std::fmt::Display| EnvironmentError::ReadyFile {
        path: ready_file.display().to_string(),
        why: why.to_string(),
    };
    let text = std::fs::read(ready_file).map_err(|why| problem(&why))?;
    serde_json::from_slice(&text).map_err(|why| problem(&why))
}

fn variables(ready: &Ready) -> Vec<(&'static str, &str)> {
    let mut variables: Vec<(&str, &str)> =
        ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"]
            .map(|name| (name, ready.ca_file.as_str()))
            .to_vec();
    match &ready.proxy {
        Some(proxy) => {
            for name in ["HTTPS_PROXY", "https_proxy"] {
                variables.push((name, proxy));
            }
            variables.extend([("NO_PROXY", ""), ("no_proxy", ""), ("NODE_USE_ENV_PROXY", "1")]);
        }
        // Without a proxy clients are told the host.
        None => variables.push(("AZURE_AUTHORITY_HOST", &ready.login)),
    }
    variables.extend([
        ("AZURE_TENANT_ID", ready.tenant_id.as_str()),
        ("AZURE_CLIENT_ID", &ready.client_id),
        ("AZURE_CLIENT_SECRET", &ready.client_secret),
    ]);
    variables
}

fn command(shell: Shell, name: &str, value: &str) -> String {
    match shell {
        Shell::Posix => format!("export {name}='{}'\n", value.replace('\'', r"'\''")),
        Shell::Fish => {
            let value = value.replace('\\', r"\\").replace('\'', r"\'");
            format!("set -gx {name} '{value}'\n")
        }
        Shell::PowerShell => format!("$env:{name} = '{}'\n", value.replace('\'', "''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(proxy: Option<&str>) -> Ready {
        Ready {
            login: "https://localhost:1".to_owned(),
            proxy: proxy.map(str::to_owned),
            ca_file: "/tmp/it's/ca.pem".to_owned(),
            tenant_id: "t".to_owned(),
            client_id: "c".to_owned(),
            client_secret: "s".to_owned(),
        }
    }

    /// With a proxy, clients are led by it; without one, by the authority's name. Both trust the CA.
    #[test]
    fn variables_lead_clients_one_way() {
        let names = |proxy| {
            let ready = ready(proxy);
            let names: Vec<&str> = variables(&ready).iter().map(|(name, _)| *name).collect();
            names.join(" ")
        };
        let led = names(Some("http://127.0.0.1:2"));
        assert!(led.contains("HTTPS_PROXY") && !led.contains("AZURE_AUTHORITY_HOST"));
        let told = names(None);
        assert!(!told.contains("HTTPS_PROXY") && told.contains("AZURE_AUTHORITY_HOST"));
        assert!(told.contains("SSL_CERT_FILE") && told.contains("NODE_EXTRA_CA_CERTS"));
    }

    /// A value cannot end its own quotation.
    #[test]
    fn values_are_quoted_for_the_shell() {
        assert_eq!(command(Shell::Posix, "A", "it's"), "export A='it'\\''s'\n");
        assert_eq!(command(Shell::Fish, "A", "it's"), "set -gx A 'it\\'s'\n");
        assert_eq!(command(Shell::PowerShell, "A", "it's"), "$env:A = 'it''s'\n");
    }
}

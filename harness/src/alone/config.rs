//! The configuration file: where everything is, who asks, and how the engine works.
//!
//! YAML. Whatever is not known is refused with its place. Secrets are never in the file itself: it
//! names an environment variable, or a file that its owner alone can read.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::dn::Dn;
use engine::job::JobConfiguration;
use engine::ports::AgentName;
use engine::wire::{AgentGateway, Secret, WireConfig};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::job::{Scope, Writeback};
use super::{AloneError, files};
use crate::scenario::duration;

/// A configuration that can be used.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The endpoints and their credentials.
    pub wire: WireConfig,
    /// The AD domain (FQDN).
    pub domain: String,
    /// Where the state store of the job is.
    pub state: PathBuf,
    /// Where that of the transfers is.
    pub transfers: PathBuf,
    /// Where it is appended to what transfers did, one JSON object a line.
    pub transfer_log: PathBuf,
    /// Where the provisioning log is appended to, one JSON object a line.
    pub log: Option<PathBuf>,
    /// How often the inbound synchronization runs, for the recommended wait before a flip.
    pub sync_cycle: Duration,
    /// The writeback job.
    pub job: JobConfiguration,
    /// Its schema, in the shape of Microsoft Graph.
    pub schema: Value,
    /// The files that all this stands in, its own among them: nothing else may be written to them.
    pub files: Vec<(&'static str, PathBuf)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    tenant: String,
    cloud: Cloud,
    directory: Directory,
    state: PathBuf,
    transfer_state: Option<PathBuf>,
    transfer_log: Option<PathBuf>,
    log: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    timeout: Option<String>,
    sync_cycle: Option<String>,
    #[serde(default)]
    writeback: Writeback,
    #[serde(default)]
    scope: Scope,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cloud {
    #[serde(default = "login")]
    login: String,
    #[serde(default = "graph")]
    graph: String,
    #[serde(default = "exchange")]
    exchange: String,
    client_id: String,
    client_secret: Source,
}

fn login() -> String {
    "https://login.microsoftonline.com".to_owned()
}

fn graph() -> String {
    "https://graph.microsoft.com".to_owned()
}

fn exchange() -> String {
    "https://outlook.office365.com".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Directory {
    domain: String,
    base_dn: String,
    servers: Vec<Server>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Server {
    name: String,
    url: String,
    bind: String,
    password: Source,
}

/// Where a secret is.
enum Source {
    /// In this environment variable.
    Env(String),
    /// In this file, without the line end.
    File(PathBuf),
}

/// What stands where a secret's place is expected may be the secret: no error shows it.
impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SourceVisitor)
    }
}

struct SourceVisitor;

impl<'de> Visitor<'de> for SourceVisitor {
    type Value = Source;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{env: VARIABLE} or {file: PATH}: a secret is not written here")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Source, A::Error> {
        let wrong = || A::Error::custom(NO_SECRET);
        let entry = map.next_entry::<String, String>().map_err(|_| wrong())?;
        let (kind, name) = entry.ok_or_else(wrong)?;
        let more = map.next_key::<String>().map_err(|_| wrong())?.is_some();
        match kind.as_str() {
            "env" if !more => Ok(Source::Env(name)),
            "file" if !more => Ok(Source::File(name.into())),
            _ => Err(wrong()),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Source, A::Error> {
        Err(A::Error::custom(NO_SECRET))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Source, E> {
        Err(E::custom(NO_SECRET))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Source, E> {
        Err(E::custom(NO_SECRET))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Source, E> {
        Err(E::custom(NO_SECRET))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Source, E> {
        Err(E::custom(NO_SECRET))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Source, E> {
        Err(E::custom(NO_SECRET))
    }

    fn visit_unit<E: Error>(self) -> Result<Source, E> {
        Err(E::custom(NO_SECRET))
    }
}

/// What is said where something else stands in a secret's place.
const NO_SECRET: &str =
    "a secret is not written here: {env: VARIABLE} or {file: PATH} says where it is";

/// How often Connect Sync runs unless the file says otherwise (Microsoft Learn, "Microsoft Entra Connect Sync:
/// Scheduler").
const SYNC_CYCLE: Duration = Duration::from_mins(30);
/// How long to wait for one answer unless the file says otherwise: an agent may take ten minutes.
const PATIENCE: Duration = Duration::from_mins(10);
/// Reads a file in YAML; errors have their place, and show nothing of the file: somebody may have written a
/// secret into it.
pub(super) fn yaml<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, AloneError> {
    let text = files::text(path)?;
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(&text, options)
        .map_err(|error| AloneError::File { path: path.to_owned(), why: error.to_string() })
}

impl File {
    /// What no reader of the file can tell by its form.
    fn check(&self, timeout: Duration) -> Result<(), String> {
        if timeout.is_zero() {
            return Err("`timeout` leaves no time for an answer".to_owned());
        }
        if self.directory.domain.trim().is_empty() {
            return Err("`directory.domain` is empty".to_owned());
        }
        if self.directory.servers.is_empty() {
            return Err("`directory.servers` names no server".to_owned());
        }
        Dn::parse(&self.directory.base_dn)
            .map(drop)
            .map_err(|error| format!("`directory.base_dn`: {error}"))
    }
}

/// The files that a configuration names.
struct Places {
    state: PathBuf,
    transfers: PathBuf,
    transfer_log: PathBuf,
    log: Option<PathBuf>,
    files: Vec<(&'static str, PathBuf)>,
}

impl Places {
    /// Those of the file at `path`, which each stand for themselves.
    fn of(file: &File, path: &Path) -> Result<Self, String> {
        let beside = |named: &Path| path.parent().unwrap_or(Path::new("")).join(named);
        let (state, log) = (beside(&file.state), file.log.as_deref().map(beside));
        let transfers = file.transfer_state.as_deref().map_or_else(|| transfers_of(&state), beside);
        let usual = || transfers.with_extension("jsonl");
        let transfer_log = file.transfer_log.as_deref().map_or_else(usual, beside);
        let secrets = file.directory.servers.iter().map(|server| &server.password);
        let secrets =
            secrets.chain([&file.cloud.client_secret]).filter_map(|source| match source {
                Source::File(named) => Some(("a secret", beside(named))),
                Source::Env(_) => None,
            });
        let others = [("ca_file", &file.ca_file), ("writeback.schema", &file.writeback.schema)];
        let others =
            others.into_iter().filter_map(|(what, named)| Some((what, beside(named.as_deref()?))));
        let mut files = vec![("the configuration", path.to_owned())];
        files.extend(secrets.chain(others));
        let written = [("`state`", Some(&state)), ("`transfer_state`", Some(&transfers))];
        let logs = [("`transfer_log`", Some(&transfer_log)), ("`log`", log.as_ref())];
        for (what, named) in written.into_iter().chain(logs) {
            let Some(named) = named else { continue };
            if let Some(other) = the_same(&files, named) {
                return Err(format!("{other} and {what} name the same file"));
            }
            files.push((what, named.clone()));
        }
        Ok(Self { state, transfers, transfer_log, log, files })
    }
}

/// What stands in the same file.
fn the_same(files: &[(&'static str, PathBuf)], path: &Path) -> Option<&'static str> {
    let meant = files::meant(path);
    files.iter().find(|(_, other)| files::meant(other) == meant).map(|(what, _)| *what)
}

impl Settings {
    /// Reads the configuration at `path`; paths in it are relative to its folder.
    ///
    /// # Errors
    /// [`AloneError::File`] with the place and what is wrong, the file of a secret included.
    pub fn read(path: &Path) -> Result<Self, AloneError> {
        let file: File = yaml(path)?;
        let refuse = |why: String| AloneError::File { path: path.to_owned(), why };
        let beside = |named: &Path| path.parent().unwrap_or(Path::new("")).join(named);
        let length = |text: Option<&str>, usual| {
            let wrong = |expected| refuse(format!("expected {expected}"));
            text.map_or(Ok(usual), |text| duration(text).map_err(wrong))
        };
        let secret = |what: &str, source: &Source| -> Result<Secret, AloneError> {
            match source {
                Source::Env(name) => {
                    files::variable(name).map_err(|why| refuse(format!("{what}: {why}")))
                }
                Source::File(named) => files::secret(&beside(named)),
            }
        };
        let timeout = length(file.timeout.as_deref(), PATIENCE)?;
        let sync_cycle = length(file.sync_cycle.as_deref(), SYNC_CYCLE)?;
        file.check(timeout).map_err(refuse)?;
        let places = Places::of(&file, path).map_err(refuse)?;
        let agents = file
            .directory
            .servers
            .iter()
            .map(|server| {
                Ok(AgentGateway {
                    name: AgentName(server.name.clone()),
                    ldap_url: server.url.clone(),
                    bind_dn: server.bind.clone(),
                    bind_password: secret(
                        &format!("password of `{}`", server.name),
                        &server.password,
                    )?,
                })
            })
            .collect::<Result<_, AloneError>>()?;
        let ca_pem =
            file.ca_file.as_deref().map(|named| files::bytes(&beside(named))).transpose()?;
        let wire = WireConfig {
            tenant: file.tenant,
            login_url: file.cloud.login,
            graph_url: file.cloud.graph,
            exchange_url: file.cloud.exchange,
            client_id: file.cloud.client_id,
            client_secret: secret("`cloud.client_secret`", &file.cloud.client_secret)?,
            ca_pem,
            agents,
            base_dn: file.directory.base_dn,
            request_timeout: timeout,
        };
        let schema = file.writeback.schema.as_deref().map(|named| files::text(&beside(named)));
        let schema = schema.transpose()?;
        let domain = &file.directory.domain;
        let (job, schema) =
            file.writeback.configuration(file.scope, schema.as_deref(), domain).map_err(refuse)?;
        let domain = file.directory.domain;
        let Places { state, transfers, transfer_log, log, files } = places;
        Ok(Self {
            wire,
            domain,
            state,
            transfers,
            transfer_log,
            log,
            sync_cycle,
            job,
            schema,
            files,
        })
    }

    /// Refuses a file to write to that something else of the call stands in: `others` are those of its options.
    ///
    /// # Errors
    /// [`AloneError::File`].
    pub fn may_write(
        &self,
        path: &Path,
        others: &[(&'static str, PathBuf)],
    ) -> Result<(), AloneError> {
        let taken = the_same(&self.files, path).or_else(|| the_same(others, path));
        taken.map_or(Ok(()), |what| {
            let why = format!("is the file of {what}: name another");
            Err(AloneError::File { path: path.to_owned(), why })
        })
    }

    /// Every address that is talked to, and what for.
    #[must_use]
    pub fn addresses(&self) -> Vec<(&'static str, &str)> {
        let cloud = [
            ("cloud.login", self.wire.login_url.as_str()),
            ("cloud.graph", &self.wire.graph_url),
            ("cloud.exchange", &self.wire.exchange_url),
        ];
        let servers =
            self.wire.agents.iter().map(|agent| ("directory.servers", agent.ldap_url.as_str()));
        cloud.into_iter().chain(servers).collect()
    }
}

/// Where transfers keep their progress unless the file says otherwise: beside the job's.
fn transfers_of(state: &Path) -> PathBuf {
    let mut name = state.file_stem().unwrap_or_default().to_owned();
    name.push(".transfers");
    if let Some(extension) = state.extension() {
        name.push(".");
        name.push(extension);
    }
    state.with_file_name(name)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    const GOOD: &str = "
tenant: contoso.com
cloud:
  client_id: 11111111-1111-1111-1111-111111111111
  client_secret: {file: secret}
directory:
  domain: corp.contoso.com
  base_dn: DC=corp,DC=contoso,DC=com
  servers:
    - {name: DC1, url: 'ldaps://dc1.corp.contoso.com', bind: svc@corp.contoso.com, password: {file: secret}}
state: state.redb
writeback: {interval: 30m, created_on: 2026-08-02, null_flow: true}
scope: {ous: ['OU=Staff,DC=corp,DC=contoso,DC=com']}
";

    fn read(text: &str, mode: u32) -> Result<Settings, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hybridsim.yaml");
        fs::write(&path, text).unwrap();
        let secret = folder.path().join("secret");
        fs::write(&secret, "hush hush\n").unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(mode)).unwrap();
        Settings::read(&path).map_err(|error| error.to_string())
    }

    /// Settings whose configuration lies in this folder.
    pub(in crate::alone) fn settings(folder: &Path) -> Settings {
        let (path, secret) = (folder.join("hybridsim.yaml"), folder.join("secret"));
        fs::write(&path, GOOD).unwrap();
        files::write(&secret, b"hush hush").unwrap();
        Settings::read(&path).unwrap()
    }

    #[test]
    fn a_file_becomes_settings_that_show_no_secret() {
        let settings = read(GOOD, 0o600).unwrap();
        assert_eq!(settings.wire.client_secret, Secret::new("hush hush"));
        assert_eq!(settings.wire.graph_url, "https://graph.microsoft.com");
        assert_eq!(settings.job.interval, Duration::from_mins(30));
        assert!(settings.job.switches.null_flow && !settings.job.scope.is_open());
        assert!(settings.job.created_on < engine::attributes::GENERAL_AVAILABILITY);
        assert!(settings.state.is_absolute() && settings.state.ends_with("state.redb"));
        assert_eq!(settings.transfers, settings.state.with_file_name("state.transfers.redb"));
        assert_eq!(settings.transfer_log, settings.state.with_file_name("state.transfers.jsonl"));
        assert_eq!(transfers_of(Path::new("a/state")), Path::new("a/state.transfers"));
        assert_eq!(settings.sync_cycle, Duration::from_mins(30), "the default of Connect Sync");
        let slow = GOOD.replace("state: state.redb", "state: s\nsync_cycle: 3h");
        assert_eq!(read(&slow, 0o600).unwrap().sync_cycle, Duration::from_hours(3));
        let named = GOOD.replace("state: state.redb", "state: s\ntransfer_state: t");
        assert!(read(&named, 0o600).unwrap().transfers.ends_with("t"));
        let same = GOOD.replace("state: state.redb", "state: s\ntransfer_state: s");
        assert!(read(&same, 0o600).unwrap_err().contains("the same file"));
        let same = GOOD.replace("state: state.redb", "state: s\ntransfer_log: l\nlog: l");
        assert!(read(&same, 0o600).unwrap_err().contains("`transfer_log`"));
        assert!(!format!("{settings:?}").contains("hush"));
    }

    #[test]
    fn mistakes_are_named() {
        let refused = |from: &str, to: &str| read(&GOOD.replace(from, to), 0o600).unwrap_err();
        assert!(refused("null_flow", "nul_flow").contains("nul_flow"));
        assert!(refused("30m", "30").contains("unit"));
        assert!(refused("state: state.redb", "state: s\nsync_cycle: 30").contains("unit"));
        let twice = "null_flow: true, match_order: [external_id, external_id, immutable_id]";
        assert!(refused("null_flow: true", twice).contains("match_order"));
        assert!(refused("OU=Staff", "Staff").contains("`scope`"));
        assert!(refused("null_flow: true", "schema: nowhere.json").contains("nowhere.json"));
        assert!(refused("{file: secret}", "{file: nowhere}").contains("nowhere"));
        assert!(
            refused("{file: secret}", "{env: HYBRIDSIM_NOT_SET}").contains("HYBRIDSIM_NOT_SET")
        );
        for secret in [
            "hush",
            "{value: hush}",
            "{file: a, value: hush}",
            "{env: [hush]}",
            "[hush]",
            "123hush",
        ] {
            let said = refused("{file: secret}", secret);
            assert!(said.contains(NO_SECRET), "{said}");
            assert!(!said.contains("hush"), "{said}");
        }
        assert!(read(GOOD, 0o644).unwrap_err().contains("chmod 600"));
    }
}

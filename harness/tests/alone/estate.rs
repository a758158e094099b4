//! An estate that is served, and the engine's two commands as programs of their own against it.

use std::fs;
use std::ops::Deref;
use std::process::{Command, Output, Stdio};

use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::{Ldap, LdapConnAsync, Mod, Scope, SearchEntry};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::program::Program;

/// A running `hybridsim serve --no-engine` and a configuration for it.
pub(crate) struct Estate {
    program: Program,
    pub(crate) runtime: Runtime,
}

impl Deref for Estate {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.program
    }
}

impl Estate {
    pub(crate) fn serve(mailboxes: usize) -> Self {
        Self::of(&["--no-engine", "--mailboxes", &mailboxes.to_string()])
    }

    /// The world of a scenario file.
    pub(crate) fn of_world(path: &str) -> Self {
        Self::of(&["--no-engine", "--world", path])
    }

    fn of(options: &[&str]) -> Self {
        let program = Program::serve(options);
        let runtime = Runtime::new().expect("a runtime");
        let estate = Self { program, runtime };
        estate.configure();
        estate
    }

    /// A configuration for each of the two commands, as users make it.
    pub(crate) fn configure(&self) {
        let made = Command::new(env!("CARGO_BIN_EXE_hybridsim"))
            .arg("env")
            .arg(self.path("ready.json"))
            .arg("--engine-config")
            .arg(self.folder())
            .output()
            .expect("the program starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let printed = String::from_utf8_lossy(&made.stdout);
        assert!(printed.contains("transfer inventory --config"), "{printed}");
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hybridsim"));
        let config = self.path(&format!("{}.yaml", arguments[0]));
        command.args(arguments).arg("--config").arg(config).stdin(Stdio::null());
        command
    }

    /// Runs it to its end: exit code and standard output. No secret may ever show.
    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, String) {
        let Output { status, stdout, stderr } =
            self.command(arguments).output().expect("the program starts");
        let text = String::from_utf8_lossy(&stdout).into_owned();
        let errors = String::from_utf8_lossy(&stderr).into_owned();
        for name in ["writeback.secret", "transfer.secret", "bind.secret"] {
            let secret = fs::read_to_string(self.path(name)).expect("text");
            assert!(!text.contains(&secret) && !errors.contains(&secret), "{name} shows");
        }
        (status.code().expect("it ended by itself"), text + &errors)
    }

    pub(crate) fn control(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.text("control"));
        self.runtime.block_on(async {
            let answer = self.client.request(Method::GET, url).send().await.expect("an answer");
            assert_eq!(answer.status().as_u16(), 200, "{path}");
            answer.json().await.expect("JSON")
        })
    }

    /// The last entry of the provisioning log.
    pub(crate) fn last_logged(&self) -> Value {
        let log = fs::read_to_string(self.path("provisioning.jsonl")).expect("text");
        serde_json::from_str(log.lines().last().expect("a line")).expect("JSON")
    }

    pub(crate) fn fault(&self, fault: &Value) {
        let url = format!("{}/faults", self.text("control"));
        let status = self.runtime.block_on(async {
            self.client.post(url).json(fault).send().await.expect("an answer").status()
        });
        assert!(status.is_success(), "{fault}");
    }

    /// A connection of an administrator.
    pub(crate) async fn administrator(&self) -> Ldap {
        let (connection, mut ldap) =
            LdapConnAsync::new(self.text("ldap")).await.expect("a connection");
        tokio::spawn(connection.drive());
        let bound = ldap.simple_bind(self.text("bind_dn"), self.text("bind_password")).await;
        bound.expect("an answer").success().expect("bound");
        ldap
    }

    /// Somebody writes an attribute of a user in AD.
    pub(crate) fn write_in_ad(&self, name: &str, attribute: &str, value: &str) {
        self.runtime.block_on(async {
            let mut ldap = self.administrator().await;
            let filter = format!("(userPrincipalName={name})");
            let base = self.text("base_dn");
            let found = ldap.search(base, Scope::Subtree, &filter, vec!["1.1"]).await;
            let (rows, _) = found.expect("an answer").success().expect("found");
            let dn = SearchEntry::construct(rows.into_iter().next().expect("somebody")).dn;
            let modify = vec![Mod::Replace(attribute, [value].into())];
            ldap.modify(&dn, modify).await.expect("an answer").success().expect("written");
        });
    }

    /// Every AD user with a mailbox, with these attributes.
    pub(crate) fn rows(&self, names: Vec<&str>) -> Vec<SearchEntry> {
        self.runtime.block_on(async {
            let mut ldap = self.administrator().await;
            let adapters: Vec<Box<dyn Adapter<'_, _, _>>> =
                vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(500))];
            let filter = "(&(objectClass=user)(proxyAddresses=*))";
            let base = self.text("base_dn");
            let search =
                ldap.streaming_search_with(adapters, base, Scope::Subtree, filter, names).await;
            let mut search = search.expect("a search");
            let mut found = Vec::new();
            while let Some(entry) = search.next().await.expect("an entry") {
                found.push(SearchEntry::construct(entry));
            }
            found
        })
    }

    /// Every AD user with a mailbox: object name, `extensionAttribute1`, `uSNChanged`.
    pub(crate) fn directory(&self) -> Vec<(String, String, String)> {
        let row = |mut entry: SearchEntry| {
            let mut take = |name: &str| {
                entry.attrs.remove(name).and_then(|mut values| values.pop()).unwrap_or_default()
            };
            (take("userPrincipalName"), take("extensionAttribute1"), take("uSNChanged"))
        };
        let names = vec!["userPrincipalName", "extensionAttribute1", "uSNChanged"];
        let mut found: Vec<_> = self.rows(names).into_iter().map(row).collect();
        found.sort();
        found
    }

    pub(crate) fn token(&self) -> String {
        let url = format!("{}/{}/oauth2/v2.0/token", self.text("login"), self.text("tenant_id"));
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}\
             &scope=https%3A%2F%2Foutlook.office365.com%2F.default",
            self.text("client_id"),
            self.text("client_secret")
        );
        self.runtime.block_on(async {
            let request = self.client.post(url).body(form);
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            let answer: Value =
                request.send().await.expect("an answer").json().await.expect("JSON");
            answer["access_token"].as_str().expect("a token").to_owned()
        })
    }

    /// Sets `CustomAttribute1` of mailboxes in the cloud.
    pub(crate) fn edit(&self, token: &str, edits: &[(&str, String)]) {
        let tenant = self.text("tenant_id");
        let base = format!("{}/adminapi/beta/{tenant}", self.text("exchange"));
        let invoke = format!("{base}/InvokeCommand");
        for edits in edits.chunks(10) {
            let requests: Vec<Value> = edits
                .iter()
                .enumerate()
                .map(|(number, (id, value))| {
                    let parameters = json!({"Identity": id, "CustomAttribute1": value});
                    let input = json!({"CmdletName": "Set-Mailbox", "Parameters": parameters});
                    json!({"id": number.to_string(), "method": "POST", "url": invoke,
                        "headers": {"Content-Type": "application/json"},
                        "body": {"CmdletInput": input}})
                })
                .collect();
            let answer: Value = self.runtime.block_on(async {
                let request = self.client.post(format!("{base}/$batch")).bearer_auth(token);
                let request = request.json(&json!({"requests": requests}));
                request.send().await.expect("an answer").json().await.expect("JSON")
            });
            for part in answer["responses"].as_array().expect("answers") {
                assert_eq!(part["status"], 200, "{part}");
            }
        }
    }
}

/// Ids and user principal names out of `transfer inventory`.
pub(crate) fn inventory(estate: &Estate) -> Vec<(String, String)> {
    let (code, text) = estate.run(&["transfer", "inventory"]);
    assert_eq!(code, 0, "{text}");
    let row = |line: &str| {
        let mut words = line.split_whitespace();
        let id = words.next()?.to_owned();
        (id.len() == 36).then(|| (id, words.last().expect("a name").to_owned()))
    };
    text.lines().filter_map(row).collect()
}

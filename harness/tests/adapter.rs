//! The engine's LDAP adapter against the estate's own LDAP server, as a program of its own: what a domain
//! controller and the way to it may do in the middle of the work, and what the engine is told then.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    reason = "processes of their own are waited for in real time; helpers of tests may panic"
)]

mod program;

use std::borrow::Cow;
use std::fs;
use std::time::Duration;

use engine::ports::{
    AgentName, AnchorKey, AttributeChange, CallError, ChangeOperation, Directory, DirectoryObject,
    Entra, ExchangeOnline, MODIFIES_IN_FLIGHT, MailboxId, Modification, Name, ObjectGuid,
    WriteOutcome,
};
use engine::wire::{AgentGateway, LdapGateways, Secret, Wire, WireConfig};
use ldap3::{LdapConnAsync, Mod, Scope};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use program::Program;

/// A running `hybridsim serve --no-engine`, and the engine's way to its directory.
struct Estate {
    program: Program,
    runtime: Runtime,
}

impl Estate {
    fn serve(options: &[&str]) -> Self {
        let program = Program::serve(&[&["--no-engine"], options].concat());
        Self { program, runtime: Runtime::new().expect("a runtime") }
    }

    /// The connections of an engine whose only agent is reached at this address, as this account.
    fn wire(&self, url: &str, account: (&str, &str), ca: Option<Vec<u8>>) -> Wire {
        let text = |key: &str| self.program.text(key).to_owned();
        let client = &self.program.ready["clients"]["engine"];
        let config = WireConfig {
            tenant: text("tenant_id"),
            login_url: text("login"),
            graph_url: text("graph"),
            exchange_url: text("exchange"),
            client_id: client["id"].as_str().expect("an id").to_owned(),
            client_secret: Secret::new(client["secret"].as_str().expect("a secret")),
            ca_pem: ca,
            agents: vec![AgentGateway {
                name: agent(),
                ldap_url: url.to_owned(),
                bind_dn: account.0.to_owned(),
                bind_password: Secret::new(account.1),
            }],
            base_dn: text("base_dn"),
            request_timeout: Duration::from_secs(60),
        };
        Wire::new(config, self.runtime.handle().clone()).expect("a usable configuration")
    }

    /// Through the estate's agent, as in the engine's own configuration.
    fn through_agent(&self) -> Wire {
        let url = self.program.ready["agents"][0]["ldap"].as_str().expect("an address");
        let account =
            (self.program.text("agent_bind_dn"), self.program.text("agent_bind_password"));
        self.wire(url, account, Some(self.ca()))
    }

    fn administrator(&self) -> (&str, &str) {
        (self.program.text("bind_dn"), self.program.text("bind_password"))
    }

    fn ca(&self) -> Vec<u8> {
        fs::read(self.program.text("ca_file")).expect("the certificate")
    }

    /// The AD objects of all mailboxes, found as the engine finds them.
    fn objects(&self, wire: &Wire) -> Vec<ObjectGuid> {
        let page = wire.exchange().mailboxes_changed(None, None, &[]).expect("mailboxes");
        let ids: Vec<MailboxId> = page.rows.iter().map(|mailbox| mailbox.id).collect();
        let users = wire.entra().users(&ids).expect("users");
        let keys: Vec<AnchorKey> = users
            .iter()
            .filter_map(|user| user.as_ref()?.object_identifier.map(AnchorKey::ObjectGuid))
            .collect();
        assert_eq!(keys.len(), ids.len(), "everybody comes from AD");
        let found = wire.directory().find(&agent(), &keys, &[]).expect("objects");
        found.into_iter().map(|object| object.guid).collect()
    }

    fn fault(&self, fault: &Value) {
        let url = format!("{}/faults", self.program.text("control"));
        let status = self.runtime.block_on(async {
            self.program.client.post(url).json(fault).send().await.expect("an answer").status()
        });
        assert!(status.is_success(), "{fault}");
    }

    /// How often each fault was hit, in the order in which they were declared.
    fn hits(&self) -> Vec<u64> {
        let url = format!("{}/faults", self.program.text("control"));
        let faults: Value = self.runtime.block_on(async {
            let answer = self.program.client.get(url).send().await.expect("an answer");
            answer.json().await.expect("JSON")
        });
        let faults = faults.as_array().or_else(|| faults["faults"].as_array()).expect("a list");
        faults.iter().map(|fault| fault["hits"].as_u64().expect("a number")).collect()
    }

    /// Sets limits in the Default Query Policy, as an administrator of the forest.
    fn limit(&self, limits: &[&str]) {
        self.runtime.block_on(async {
            let (connection, mut ldap) =
                LdapConnAsync::new(self.program.text("ldap")).await.expect("a connection");
            tokio::spawn(connection.drive());
            let (account, password) = self.administrator();
            ldap.simple_bind(account, password).await.expect("an answer").success().expect("bound");
            let root = self.program.text("base_dn");
            let policy = format!(
                "CN=Default Query Policy,CN=Query-Policies,CN=Directory Service,CN=Windows NT,\
                 CN=Services,CN=Configuration,{root}"
            );
            let (rows, _) = ldap
                .search(&policy, Scope::Base, "(objectClass=*)", vec!["lDAPAdminLimits"])
                .await
                .expect("an answer")
                .success()
                .expect("there is a policy");
            assert_eq!(rows.len(), 1);
            let values = limits.iter().copied().collect();
            let modify = ldap.modify(&policy, vec![Mod::Replace("lDAPAdminLimits", values)]).await;
            modify.expect("an answer").success().expect("set");
        });
    }
}

fn agent() -> AgentName {
    AgentName("agent1".to_owned())
}

const ATTRIBUTE: &str = "extensionAttribute1";

fn set(object: ObjectGuid, value: &str) -> Modification {
    let change = AttributeChange {
        attribute: Cow::Borrowed(ATTRIBUTE),
        operation: ChangeOperation::Replace,
        values: vec![value.as_bytes().to_vec()],
    };
    Modification { object, changes: vec![change] }
}

fn read(directory: &mut LdapGateways, objects: &[ObjectGuid]) -> Vec<DirectoryObject> {
    directory.read(&agent(), objects, &[Name::Borrowed(ATTRIBUTE)]).expect("an answer")
}

/// Whether each object holds this value, in the order of their GUIDs.
fn holds(directory: &mut LdapGateways, objects: &[ObjectGuid], value: &str) -> Vec<bool> {
    let found = read(directory, objects);
    assert_eq!(found.len(), objects.len());
    let value = value.as_bytes();
    found.iter().map(|object| object.values.column(0).first() == Some(value)).collect()
}

fn codes(outcomes: &[WriteOutcome]) -> Vec<Option<u32>> {
    let code = |outcome: &WriteOutcome| match outcome {
        WriteOutcome::Result { code, .. } => Some(*code),
        WriteOutcome::Unknown | WriteOutcome::NotSent => None,
    };
    outcomes.iter().map(code).collect()
}

/// Busy and unavailable fail a search as a whole, and of a batch the modify alone that met them; the connection
/// stays.
#[test]
fn busy_and_unavailable_are_told_of_a_search_and_of_each_modify() {
    let estate = Estate::serve(&["--mailboxes", "4"]);
    let wire = estate.through_agent();
    let objects = estate.objects(&wire);
    let mut directory = wire.directory();
    for (fault, code) in [("dc_busy", 51), ("dc_unavailable", 52)] {
        estate.fault(&json!({fault: {"operation": "search", "count": 1}}));
        let refused = directory.read(&agent(), &objects, &[]).expect_err("it is refused");
        let CallError::ServiceFailure { code: told, .. } = &refused else { panic!("{refused}") };
        assert_eq!(*told, code.to_string());
        assert_eq!(read(&mut directory, &objects).len(), objects.len());

        estate.fault(&json!({fault: {"operation": "modify", "count": 1}}));
        let batch: Vec<Modification> = objects.iter().map(|object| set(*object, fault)).collect();
        let outcomes = directory.modify(&agent(), &batch).expect("an answer");
        assert_eq!(codes(&outcomes), [Some(code), Some(0), Some(0), Some(0)]);
        assert_eq!(holds(&mut directory, &objects, fault), [false, true, true, true]);
        assert_eq!(codes(&directory.modify(&agent(), &batch[..1]).expect("an answer")), [Some(0)]);
    }
    assert_eq!(estate.hits(), [1, 1, 1, 1]);
}

/// A connection that dies in the middle of a batch: what was answered stands, the one at whose answer it broke
/// and those under way with it are unknown, the rest was never sent; reading tells the two apart, and the next
/// call connects anew.
#[test]
fn a_disconnect_in_the_middle_of_a_batch_leaves_the_outcome_to_a_read() {
    const ANSWERED: usize = 4;
    let estate = Estate::serve(&["--mailboxes", "100"]);
    let wire = estate.through_agent();
    let objects = estate.objects(&wire);
    assert_eq!(objects.len(), 100);
    let mut directory = wire.directory();
    for (when, made) in [("before", false), ("after", true)] {
        estate.fault(&json!({"connection_lost": {"when": when, "nth": ANSWERED + 1, "count": 1}}));
        let batch: Vec<Modification> = objects.iter().map(|object| set(*object, when)).collect();
        let outcomes = directory.modify(&agent(), &batch).expect("outcomes");
        assert_eq!(outcomes.len(), batch.len());
        let unknown = ANSWERED..ANSWERED + MODIFIES_IN_FLIGHT;
        for (place, outcome) in outcomes.iter().enumerate() {
            let expected = match place {
                _ if place < unknown.start => {
                    matches!(outcome, WriteOutcome::Result { code: 0, .. })
                }
                _ if unknown.contains(&place) => *outcome == WriteOutcome::Unknown,
                _ => *outcome == WriteOutcome::NotSent,
            };
            assert!(expected, "{when} {place}: {outcome:?}");
        }
        let written = holds(&mut directory, &objects, when);
        assert!(written[..ANSWERED].iter().all(|written| *written), "what was answered");
        assert_eq!(written[ANSWERED], made, "{when} the effect");
        assert!(!written[unknown.end..].iter().any(|written| *written), "what was never sent");
    }
    estate
        .fault(&json!({"connection_lost": {"operation": "search", "when": "before", "count": 1}}));
    let lost = directory.read(&agent(), &objects, &[]).expect_err("it is lost");
    assert!(matches!(lost, CallError::Unreachable { .. }), "{lost}");
    assert_eq!(read(&mut directory, &objects).len(), objects.len());
    assert_eq!(estate.hits(), [1, 1, 1]);
}

/// An agent that is gone refuses the connection, whatever is asked; without rights and without the schema each
/// modify has its own refusal.
#[test]
fn agents_that_are_gone_or_may_not_say_so() {
    let estate = Estate::serve(&["--mailboxes", "2"]);
    let wire = estate.through_agent();
    let objects = estate.objects(&wire);
    let mut directory = wire.directory();
    for (fault, code, words) in
        [("rights_removed", 50, "00002098"), ("schema_not_extended", 16, "00000057")]
    {
        estate.fault(&json!({fault: {"count": 1}}));
        let batch: Vec<Modification> = objects.iter().map(|object| set(*object, fault)).collect();
        let outcomes = directory.modify(&agent(), &batch).expect("an answer");
        assert_eq!(codes(&outcomes), [Some(code), Some(0)]);
        let WriteOutcome::Result { diagnostic, .. } = &outcomes[0] else { panic!("{outcomes:?}") };
        assert!(diagnostic.starts_with(words), "{diagnostic}");
    }
    let name = estate.program.ready["agents"][0]["name"].clone();
    estate.fault(&json!({"agent_offline": {"agent": name, "for": "1h"}}));
    // The connection that was open breaks, and there is no other.
    let broke = directory.modify(&agent(), &[set(objects[0], "gone")]).expect("an outcome");
    assert_eq!(broke, [WriteOutcome::Unknown]);
    let gone = directory.modify(&agent(), &[set(objects[0], "gone")]).expect_err("nobody there");
    assert!(matches!(gone, CallError::Unreachable { .. }), "{gone}");
    let gone = directory.read(&agent(), &objects, &[]).expect_err("nobody there");
    assert!(matches!(gone, CallError::Unreachable { .. }), "{gone}");
}

/// A search that brings more than the domain controller hands out at once fails and says why; an attribute with
/// more values than that comes in parts, which are followed to the end.
#[test]
fn size_limits_are_told_and_ranges_are_followed() {
    let estate = Estate::serve(&["--mailboxes", "6"]);
    let wire = estate.through_agent();
    let objects = estate.objects(&wire);
    let mut directory = wire.directory();
    let many: Vec<Vec<u8>> = (0..95).map(|number| format!("value {number}").into_bytes()).collect();
    let attribute = Name::Borrowed("msExchExtensionCustomAttribute1");
    let change = AttributeChange {
        attribute: attribute.clone(),
        operation: ChangeOperation::Replace,
        values: many.clone(),
    };
    let modify = Modification { object: objects[1], changes: vec![change] };
    assert_eq!(codes(&directory.modify(&agent(), &[modify]).expect("an answer")), [Some(0)]);

    estate.limit(&["MaxPageSize=3", "MaxValRange=30"]);
    let refused = directory.read(&agent(), &objects, &[]).expect_err("too many");
    let CallError::ServiceFailure { code, .. } = &refused else { panic!("{refused}") };
    assert_eq!(code, "4", "sizeLimitExceeded");
    let found = directory
        .read(&agent(), &objects[..3], std::slice::from_ref(&attribute))
        .expect("so many are handed out");
    assert_eq!(found.len(), 3);
    let mut values: Vec<Vec<u8>> = found[1].values.column(0).iter().map(<[u8]>::to_vec).collect();
    let mut many = many;
    values.sort();
    many.sort();
    assert_eq!((values, found[1].broken.as_deref()), (many, None));
}

/// A read-only domain controller refers a write to another one: the adapter hands that on as what it is, and
/// writes nothing.
#[test]
fn a_referral_is_handed_on_and_nothing_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = folder.path().join("world.yaml");
    let text = "scenario: A world with a read-only domain controller\nabout: directory\nworld:\n  forest:\n    \
                dcs: [DC1, {name: RODC1, read_only: true}]\n  population:\n    - {shape: plain, mailboxes: 2}\n\
                story:\n  - wait: 1m\n";
    fs::write(&world, text).expect("written");
    let estate = Estate::serve(&["--world", world.to_str().expect("text")]);
    let objects = estate.objects(&estate.through_agent());
    let read_only = estate.program.ready["controllers"][0]["ldap"].as_str().expect("an address");
    let mut directory = estate.wire(read_only, estate.administrator(), None).directory();
    let batch: Vec<Modification> = objects.iter().map(|object| set(*object, "referred")).collect();
    let outcomes = directory.modify(&agent(), &batch).expect("an answer");
    assert_eq!(codes(&outcomes), [Some(10), Some(10)], "{outcomes:?}");
    assert_eq!(holds(&mut directory, &objects, "referred"), [false, false]);
}

/// Over TLS with the estate's certificate it works; with another authority, or with a server that speaks no TLS,
/// nobody is reached.
#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let estate = Estate::serve(&["--mailboxes", "2"]);
    let objects = estate.objects(&estate.through_agent());
    let (ldaps, account) = (estate.program.text("ldaps"), estate.administrator());
    let mut trusted = estate.wire(ldaps, account, Some(estate.ca())).directory();
    assert_eq!(read(&mut trusted, &objects).len(), objects.len());

    let other = Estate::serve(&["--mailboxes", "1"]);
    let plain = estate.program.text("ldap").replace("ldap://127.0.0.1", "ldaps://localhost");
    for (url, ca) in [(ldaps, other.ca()), (plain.as_str(), estate.ca())] {
        let mut directory = estate.wire(url, account, Some(ca)).directory();
        let refused = directory.modify(&agent(), &[set(objects[0], "never")]).expect_err(url);
        let untrusted = matches!(refused, CallError::Unusable { .. });
        let unreachable = matches!(refused, CallError::Unreachable { .. });
        assert!(if url == ldaps { untrusted } else { unreachable }, "{url}: {refused}");
    }
    // A password that is wrong is refused by the domain controller, and so says the engine.
    let mut stranger = estate.wire(ldaps, (account.0, "wrong"), Some(estate.ca())).directory();
    let refused = stranger.read(&agent(), &objects, &[]).expect_err("a wrong password");
    let CallError::Refused { code, detail } = &refused else { panic!("{refused}") };
    assert!(code == "49" && detail.contains("52e"), "{refused}");
    assert_eq!(holds(&mut trusted, &objects, "never"), [false, false]);
}

/// Which attributes the forest has, as its own schema says it.
#[test]
fn attributes_that_the_schema_lacks_are_told() {
    let estate = Estate::serve(&["--mailboxes", "1"]);
    let wire = estate.through_agent();
    let names = ["proxyAddresses", "noSuchAttribute", "EXTENSIONATTRIBUTE1", "a*)(b"];
    let names: Vec<Name> = names.into_iter().map(Cow::Borrowed).collect();
    let lacks = wire.directory().without_schema(&agent(), &names).expect("an answer");
    assert_eq!(lacks, ["noSuchAttribute", "a*)(b"]);
}

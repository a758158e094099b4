//! Witnesses of the cmdlets that make mailboxes, disable them, remove them and bring them back, in an estate of their
//! own: each works on what those before it left.

use serde_json::{Value, json};
use sim::exchange::cmdlets::{documented, lifecycle};

use super::document::Row;
use super::exchange::cmdlet;
use super::served::Served;
use super::steps::{self, No, Step};

/// One mailbox whose Exchange attributes are the cloud's, and one whose are AD's.
pub(crate) const WORLD: &str = "\
scenario: Mailboxes that come and go
world:
  population:
    - user: {name: u1, cloud_managed: true}
    - user: u2
story:
  - wait: 1m
";

const NEW: &str = "New-Mailbox";
const ENABLE: &str = "Enable-Mailbox";
const DISABLE: &str = "Disable-Mailbox";
const REMOVE: &str = "Remove-Mailbox";
const UNDO: &str = "Undo-SoftDeletedMailbox";

/// Parameters that are given beside others and refused to those who may not.
const BESIDE: [(&str, &str); 4] =
    [("Force", ""), ("Confirm", ""), ("ErrorAction", "Stop"), ("WarningAction", "Stop")];

/// Whether a cmdlet is one of them.
pub(crate) fn is_one(cmdlet: &str) -> bool {
    lifecycle::named(cmdlet).is_some()
}

fn with(mut given: Value, name: &str, value: Value) -> Value {
    given[name] = value;
    given
}

fn shared(name: &str) -> Value {
    json!({"Name": name, "Shared": true})
}

fn room(name: &str) -> Value {
    json!({"Name": name, "Room": true})
}

fn person(name: &str) -> Value {
    json!({"Name": name, "MicrosoftOnlineServicesID": format!("{name}@contoso.com"), "Password": "Pa55word"})
}

fn made() -> Vec<Step> {
    let alias = |name: &str| with(shared(name), "Alias", json!("alias1"));
    let primary = |name: &str| with(shared(name), "PrimarySmtpAddress", json!("first@contoso.com"));
    let abroad = with(person("no"), "MicrosoftOnlineServicesID", json!("no@elsewhere.example"));
    let nameless = json!({"Name": "no", "MicrosoftOnlineServicesID": "no@contoso.com"});
    let valued = |parameter: &'static str, good: Value, bad: Value, status: u16| -> Step {
        let name = format!("m-{parameter}");
        let refused = No::So(with(room("no"), parameter, bad), status);
        (NEW, parameter, with(room(&name), parameter, good), refused)
    };
    let mut steps = vec![
        (NEW, "Name", shared("n1"), No::Again(400)),
        (NEW, "Shared", shared("n2"), No::So(with(shared("no"), "Room", json!(true)), 400)),
        (NEW, "Room", room("n3"), No::So(with(room("no"), "Equipment", json!(true)), 400)),
        (
            NEW,
            "Equipment",
            json!({"Name": "n4", "Equipment": true}),
            No::So(with(shared("no"), "Equipment", json!(true)), 400),
        ),
        (NEW, "MicrosoftOnlineServicesID", person("n5"), No::So(abroad, 400)),
        (NEW, "Password", person("n6"), No::So(nameless, 400)),
        (NEW, "Alias", alias("n7"), No::So(alias("no"), 400)),
        (NEW, "PrimarySmtpAddress", primary("n8"), No::So(primary("no"), 400)),
        valued("ResourceCapacity", json!(12), json!("many"), 400),
        valued("ModeratedBy", json!(["n1"]), json!(["nobody@nowhere.example"]), 404),
        valued("ModerationEnabled", json!(true), json!("perhaps"), 400),
        valued("SendModerationNotifications", json!("Internal"), json!("Often"), 400),
        valued("ImmutableId", json!("AAEC"), json!("?"), 400),
        valued("EnableRoomMailboxAccount", json!(true), json!("perhaps"), 400),
    ];
    for (place, (parameter, value)) in [
        ("DisplayName", json!("Parity")),
        ("FirstName", json!("Par")),
        ("LastName", json!("Ity")),
        ("Initials", json!("P")),
        ("Office", json!("1")),
        ("Phone", json!("1")),
        ("AddressBookPolicy", json!("parity")),
        ("MailboxRegion", json!("EUR")),
        ("RetentionPolicy", json!("parity")),
        ("RoleAssignmentPolicy", json!("parity")),
        ("SharingPolicy", json!("parity")),
        ("RoomMailboxPassword", json!("Pa55word")),
        ("ResetPasswordOnNextLogon", json!(true)),
        ("Archive", json!(true)),
        ("WhatIf", json!(true)),
    ]
    .into_iter()
    .enumerate()
    {
        let given = with(shared(&format!("o{place}")), parameter, value);
        steps.push((NEW, parameter, given, No::Nobody));
    }
    steps.extend(beside(NEW, |place| shared(&format!("p{place}"))));
    steps
}

/// The parameters that change nothing, each with what else is given.
fn beside(cmdlet: &'static str, given: impl Fn(usize) -> Value) -> Vec<Step> {
    let takes = |name: &str| cmdlet != DISABLE && cmdlet != UNDO || name != "Force";
    let all = BESIDE.into_iter().filter(|(name, _)| takes(name)).enumerate();
    all.map(|(place, (parameter, text))| {
        let value = if text.is_empty() { json!(true) } else { json!(text) };
        (cmdlet, parameter, with(given(place), parameter, value), No::Nobody)
    })
    .collect()
}

fn archives() -> Vec<Step> {
    let archive = |who: &str| json!({"Identity": who, "Archive": true});
    let expanding = |who: &str| json!({"Identity": who, "AutoExpandingArchive": true});
    let named = |who: &str| with(archive(who), "ArchiveName", json!("Old"));
    let mut steps = vec![
        (ENABLE, "Identity", archive("u1@contoso.com"), No::So(archive("nobody"), 404)),
        (ENABLE, "Archive", archive("n1"), No::Again(400)),
        (ENABLE, "ArchiveName", named("n2"), No::So(named("u2@contoso.com"), 400)),
        (ENABLE, "AutoExpandingArchive", expanding("n1"), No::So(expanding("n3"), 400)),
        (
            ENABLE,
            "RoleAssignmentPolicy",
            with(archive("n3"), "RoleAssignmentPolicy", json!("parity")),
            No::Nobody,
        ),
        (ENABLE, "WhatIf", with(archive("n4"), "WhatIf", json!(true)), No::Nobody),
    ];
    steps.extend(beside(ENABLE, |place| archive(&format!("p{place}"))));
    steps.push((DISABLE, "Archive", archive("n1"), No::Again(400)));
    steps
}

fn gone() -> Vec<Step> {
    let of = |who: &str| json!({"Identity": who});
    let for_good = |who: &str| with(of(who), "PermanentlyDisable", json!(true));
    let purged = |who: &str| with(of(who), "PermanentlyDelete", json!(true));
    let special = |who: &str, name: &str, value: bool| with(of(who), name, json!(value));
    let mut steps = vec![
        (DISABLE, "Identity", of("n5"), No::So(of("u2@contoso.com"), 400)),
        (DISABLE, "PermanentlyDisable", for_good("n6"), No::So(for_good("u1@contoso.com"), 400)),
        (DISABLE, "WhatIf", with(of("n7"), "WhatIf", json!(true)), No::Nobody),
    ];
    steps.extend(beside(DISABLE, |place| of(&format!("o{place}"))));
    steps.extend([
        (REMOVE, "Identity", of("n2"), No::So(of("u1@contoso.com"), 400)),
        (REMOVE, "PermanentlyDelete", purged("n2"), No::So(purged("n3"), 400)),
        (
            REMOVE,
            "PublicFolder",
            special("n3", "PublicFolder", false),
            No::So(special("n4", "PublicFolder", true), 404),
        ),
        (
            REMOVE,
            "Migration",
            special("n8", "Migration", false),
            No::So(special("n4", "Migration", true), 404),
        ),
        (REMOVE, "WhatIf", with(of("n4"), "WhatIf", json!(true)), No::Nobody),
    ]);
    steps.extend(beside(REMOVE, |place| of(&format!("p{place}"))));
    steps
}

fn back() -> Vec<Step> {
    let of = |who: &str| json!({"SoftDeletedObject": who});
    let account = |who: &str, id: &str| json!({"SoftDeletedObject": who, "WindowsLiveID": format!("{id}@contoso.com"), "Password": "Pa55word"});
    let without = json!({"SoftDeletedObject": "o1", "WindowsLiveID": "o1-new@contoso.com"});
    let called = |who: &str, name: &str| with(of(who), name, json!("Back again"));
    let mut steps = vec![
        (UNDO, "SoftDeletedObject", of("n3"), No::Again(404)),
        (
            UNDO,
            "DisplayName",
            called("p1@contoso.com", "DisplayName"),
            No::So(called("nobody", "DisplayName"), 404),
        ),
        (UNDO, "Name", called("p0", "Name"), No::So(called("nobody", "Name"), 404)),
        (UNDO, "WindowsLiveID", account("n5", "n5-new"), No::So(account("o0", "u1"), 400)),
        (UNDO, "Password", account("o0", "o0-new"), No::So(without, 400)),
        (
            UNDO,
            "PublicFolder",
            with(of("p3"), "PublicFolder", json!(false)),
            No::So(with(of("p2"), "PublicFolder", json!(true)), 404),
        ),
        (UNDO, "WhatIf", with(of("p2"), "WhatIf", json!(true)), No::Nobody),
    ];
    let accounts = ["o1", "o2", "p2"];
    steps.extend(beside(UNDO, |place| account(accounts[place], &format!("{}-b", accounts[place]))));
    steps
}

/// Every parameter of these cmdlets, and what they leave behind.
pub(crate) async fn rows(served: &mut Served) -> Vec<Row> {
    let mut rows = Vec::new();
    let all: Vec<Step> = [made(), archives(), gone(), back()].into_iter().flatten().collect();
    let fidelity = |parameter: &str| documented::fidelity(NEW, parameter);
    rows.extend(steps::rows(served, &all, "unassigned", is_one, fidelity).await);
    look(served).await;
    rows
}

/// What reads show of mailboxes that were made, got an archive and came back.
async fn look(served: &mut Served) {
    for (identity, property, expected) in [
        ("n1", "RecipientTypeDetails", json!("SharedMailbox")),
        ("n1", "IsDirSynced", json!(false)),
        ("n1", "ArchiveStatus", json!("None")),
        ("n3", "ArchiveStatus", json!("Active")),
        ("n3", "WhenSoftDeleted", json!(null)),
        ("n4", "RecipientTypeDetails", json!("EquipmentMailbox")),
        ("p1@contoso.com", "DisplayName", json!("Back again")),
        ("n5-new@contoso.com", "PrimarySmtpAddress", json!("n5-new@contoso.com")),
        ("u1@contoso.com", "ArchiveState", json!("HostedProvisioned")),
    ] {
        let answer = served.expect(&cmdlet("Get-Mailbox", json!({"Identity": identity}))).await;
        let shown = &answer.json["value"][0][property];
        if *shown != expected {
            served.problems.push(format!("{identity} {property}: {shown}, not {expected}"));
        }
    }
    served.expect(&cmdlet("Get-Mailbox", json!({"Identity": "n2"})).is(404)).await;
    served.settle();
}

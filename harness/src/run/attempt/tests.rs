//! What is an attempt at something, and what only looks like one.

use std::path::Path;

use engine::planted_bugs::PlantedBugs;

use super::is_attempt;
use crate::scenario::{self, Action, Scenario};
use crate::stage::{catalogues, stage};

/// Whether `step` is an attempt at `never` in a world with a cloud-managed `u7` and a `u8` that is not.
fn tried(never: &str, step: &str) -> bool {
    let text = format!(
        "scenario: Attempts\nworld:\n  population:\n    - user: {{name: u7, cloud_managed: true, \
         addresses: [\"smtp:old@contoso.com\"]}}\n    - user: u8\nstory:\n  - never: {never}\n  - {step}\n"
    );
    let scenario: Scenario = scenario::read(Path::new("attempt.yaml"), &text, &catalogues())
        .unwrap_or_else(|problems| panic!("{text}\n{problems:?}"));
    let staged = stage(&scenario, 1, PlantedBugs::none()).unwrap();
    let [watch, step] = scenario.story.as_slice() else { panic!("two steps") };
    let Action::Never { expect, .. } = &watch.action else { panic!("a prohibition") };
    is_attempt(expect, &step.action, &staged.estate, &staged.roster)
}

#[test]
fn a_cmdlet_is_one_when_its_value_would_fulfil_what_is_forbidden() {
    let name = "{u7: {ad.displayName: Other}}";
    assert!(tried(name, "exo: Set-Mailbox u7 -DisplayName 'Other'"), "by another side's name");
    assert!(!tried(name, "exo: Set-Mailbox u7 -DisplayName 'Another'"));
    assert!(!tried(name, "exo: Set-Mailbox u8 -DisplayName 'Other'\n    expect_error: any"));
    assert!(!tried(name, "exo: Set-Mailbox u7 -DisplayName 'Other' -WhatIf"));
    let pattern = "{u7: {ad.extensionAttribute1: {matches: \"^secret\"}}}";
    assert!(tried(pattern, "exo: Set-Mailbox u7 -CustomAttribute1 secret-1"));
    assert!(!tried(pattern, "exo: Set-Mailbox u7 -CustomAttribute1 public"));
    let absent = "{u7: {ad.extensionAttribute1: {absent: false}}}";
    assert!(tried(absent, "ad: Set-ADUser u7 -Replace @{extensionAttribute1='x'}"));
    assert!(!tried(absent, "ad: Set-ADUser u7 -Clear extensionAttribute1"));
    let kind = "{u7: {ad.msExchRecipientTypeDetails: 34359738368}}";
    assert!(tried(kind, "exo: Set-Mailbox u7 -Type Shared"));
    assert!(!tried(kind, "exo: Set-Mailbox u7 -Type Room"));
}

#[test]
fn taking_an_address_away_is_no_attempt_to_add_it() {
    let there = "{u7: {exo.EmailAddresses: {contains: \"smtp:new@contoso.com\"}}}";
    assert!(tried(there, "exo: Set-Mailbox u7 -EmailAddresses @{Add='smtp:new@contoso.com'}"));
    assert!(!tried(there, "exo: Set-Mailbox u7 -EmailAddresses @{Remove='smtp:new@contoso.com'}"));
    assert!(tried(there, "exo: Set-Mailbox u7 -EmailAddresses @{Add='smtp:New@contoso.com'}"));
    let gone = "{u7: {ad.proxyAddresses: {lacks: \"smtp:old@contoso.com\"}}}";
    assert!(tried(gone, "exo: Set-Mailbox u7 -EmailAddresses @{Remove='smtp:old@contoso.com'}"));
    assert!(!tried(gone, "exo: Set-Mailbox u7 -EmailAddresses @{Add='smtp:new@contoso.com'}"));
    let primary = "{u7: {ad.mail: new@contoso.com}}";
    assert!(tried(primary, "exo: Set-Mailbox u7 -EmailAddresses @{Add='SMTP:new@contoso.com'}"));
    assert!(!tried(primary, "exo: Set-Mailbox u7 -EmailAddresses @{Add='smtp:new@contoso.com'}"));
}

#[test]
fn ldif_and_graph_are_read_for_whom_they_are_about_and_what_they_say() {
    let never = "{u7: {ad.department: Research}}";
    let ldif = |who: &str, value: &str| {
        format!(
            "ldif: |\n      dn: CN={who},OU=People,DC=corp,DC=contoso,DC=com\n      \
             changetype: modify\n      replace: department\n      department: {value}\n      -"
        )
    };
    assert!(tried(never, &ldif("u7", "Research")));
    assert!(!tried(never, &ldif("u8", "Research")), "somebody else");
    assert!(!tried(never, &ldif("u7", "Sales")), "another value");
    let never = "{u7: {entra.displayName: Other}}";
    let patch = |who: &str| {
        format!(
            "graph: {{method: PATCH, path: /users/{who}, body: {{displayName: Other}}}}\n    \
             expect_error: any"
        )
    };
    assert!(tried(never, &patch("u7")));
    assert!(!tried(never, &patch("u8")));
}

#[test]
fn a_transfer_has_a_direction_and_random_edits_have_those_whom_they_edit() {
    let flagged = "{u8: {exo.IsExchangeCloudManaged: true}}";
    assert!(tried(flagged, "transfer: {mailboxes: u8}"));
    assert!(!tried(flagged, "transfer: {mailboxes: u8, to: on-premises}"));
    assert!(!tried(flagged, "transfer: {mailboxes: u7}"));
    let of = |who: &str| format!("{{{who}: {{exo.CustomAttribute1: {{matches: edit}}}}}}");
    assert!(tried(&of("u7"), "edits: {share: 100%}"));
    assert!(!tried(&of("u8"), "edits: {share: 100%}"), "nobody can edit it in the cloud");
    let name = "{u7: {exo.DisplayName: {matches: edit}}}";
    assert!(!tried(name, "edits: {share: 100%}"), "no such edit is drawn");
}

//! What drawn stories were called failures for and are none, in short.

use std::path::Path;

use super::*;

/// Nothing is found in a story.
fn passes(text: &str) {
    let scenario = scenario::read(Path::new("found.yaml"), text, &catalogues()).unwrap();
    let result = run(&scenario, &RunOptions::default(), &Silent).unwrap();
    assert_eq!(result.verdict, Verdict::Pass, "{:?} {:?}", result.findings, result.reasons);
}

/// Somebody comes under the tenant default, and gets a mailbox by a licence.
const BORN: &str = "
story:
  - ad: New-ADUser n1 -UserPrincipalName n1@contoso.com -Enabled $true
  - cycle: connect
  - wait: 2m
  - graph: {method: PATCH, path: /users/n1@contoso.com, body: {usageLocation: DE}}
  - graph:
      method: POST
      path: /users/n1@contoso.com/assignLicense
      body: {addLicenses: [{skuId: 6fd2c87f-b296-42f0-b197-1e91e994b900}], removeLicenses: []}
  - wait: 45m
";

#[test]
fn what_a_mailbox_is_born_with_nobody_changed_although_the_news_took_a_while() {
    passes(&format!(
        "scenario: Born late
world:
  switches: {{forward_delay: 90s, race: refuse}}
  tenant: {{cloud_managed_by_default: true}}
  population: [user: u1]{BORN}"
    ));
}

#[test]
fn a_mailbox_that_is_cloud_managed_from_birth_may_wait_for_the_initial_cycle() {
    passes(&format!(
        "scenario: Born into the preview
world:
  profile: wb-private
  tenant: {{cloud_managed_by_default: true}}
  population: [user: u1]{BORN}"
    ));
}

#[test]
fn what_was_exported_before_entra_heard_of_the_flag_may_land_whatever_ad_says_by_then() {
    passes(
        "scenario: Landed late
about: report
world:
  switches: {race: land}
  writeback: {interval: 40m}
  population: [user: u3]
story:
  - fault: {forward_sync_delayed: {for: 5h}}
  - ad: Set-ADUser u3 -Add @{proxyAddresses='smtp:shared@contoso.com'}
  - cycle: writeback
  - exo: Set-Mailbox u3 -IsExchangeCloudManaged $true
  - wait: 1h
  - ad: Set-ADUser u3 -Clear proxyAddresses,mail",
    );
    passes(
        "scenario: Landed late, again and again
about: report
world:
  switches: {forward_delay: 20m}
  inbound: cloud_sync
  population: [user: {name: u2, cloud_managed: true}]
story:
  - repeat: {every: 10m, ad: \"Set-ADUser u2 -Replace @{extensionAttribute2='r{n}'}\"}
  - transfer: {mailboxes: u2, to: on-premises}
  - transfer: {mailboxes: all}",
    );
}

#[test]
fn a_modify_that_was_held_back_is_judged_by_the_schema_that_it_was_sent_under() {
    passes(
        "scenario: Landed under another schema
about: writeback
world: {population: [user: {name: u3, cloud_managed: true}]}
story:
  - exo: Set-Mailbox u3 -CustomAttribute1 C-5
  - fault: {delivery_reordered: {}}
  - cycle: writeback
  - graph:
      method: PUT
      path: /servicePrincipals/{principal}/synchronization/jobs/{job}/schema
      body: {synchronizationRules: [{objectMappings: [{attributeMappings: [{targetAttributeName: extensionAttribute3, source: {expression: \"StripSpaces([CustomAttribute3])\", type: Function}}]}]}]}",
    );
}

#[test]
fn whoever_was_there_from_the_start_may_be_one_too_many() {
    passes(
        "scenario: One too many
world:
  switches: {limit_action: refuse, mailbox_limit: 1}
  population:
    - user: {name: u1, cloud_managed: true}
    - user: {name: u2, cloud_managed: true}
story:
  - exo: Set-Mailbox u1 -CustomAttribute1 one
  - exo: Set-Mailbox u2 -CustomAttribute1 two
  - wait: 1h
",
    );
}

#[test]
fn a_new_server_of_connect_leaves_whole_objects_in_the_cloud() {
    passes(
        "scenario: A new server
world: {writeback: none, population: [user: u1]}
story:
  - graph: {method: PATCH, path: /users/u1/onPremisesSyncBehavior, body: {isCloudManaged: true}}
  - connect: {new_server: 2.5.190.0}
  - cycle: connect
  - cycle: connect
  - expect: {u1: {exo.IsDirSynced: false, entra.isCloudManaged: true}}
  - graph: {method: PATCH, path: /users/u1/onPremisesSyncBehavior, body: {isCloudManaged: false}}
  - cycle: connect
expect: {u1: {exo.IsDirSynced: true}}
",
    );
}

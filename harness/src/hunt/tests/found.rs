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

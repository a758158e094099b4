//! The stopwatch: criterion groups, one for each room, over worlds that this library makes.
//!
//! Speed is compared as ratios within one run, never asserted: `cargo bench -p benches`. The directory's
//! group takes its sizes from `BENCH_USERS` (default: 200000): `BENCH_USERS=200000,600000 cargo bench -p
//! benches --bench directory`.

pub mod loopback;
pub mod population;

use std::path::Path;

use engine::planted_bugs::PlantedBugs;
use harness::scenario::{self, Scenario};
use harness::stage::{catalogues, stage};
use sim::estate::Estate;

/// A scenario of this many mailboxes of a shape, all cloud-managed, each edited once and written back.
///
/// # Panics
/// When the text is no scenario: a mistake in this file.
#[must_use]
pub fn writeback_of(mailboxes: u32) -> Scenario {
    let text = format!(
        "scenario: Writeback of {mailboxes} mailboxes\n\
         world:\n\
         \x20 population:\n\
         \x20   - {{shape: university, mailboxes: {mailboxes}, cloud_managed: 100%}}\n\
         story:\n\
         \x20 - edits: {{mailboxes: all, share: 100%}}\n\
         \x20 - cycle: writeback\n"
    );
    scenario::read(Path::new("bench.yaml"), &text, &catalogues())
        .expect("the text above is a scenario")
}

/// A tenant of this many cloud-managed mailboxes, as it stands before anything happens.
///
/// # Panics
/// When it cannot be staged: a mistake in this file.
#[must_use]
pub fn tenant_of(mailboxes: u32) -> Estate {
    stage(&writeback_of(mailboxes), 1, PlantedBugs::none()).expect("the world can be staged").estate
}

/// A scenario as people write them, for the reader.
pub const SMALL_SCENARIO: &str = "\
scenario: An alias added in the cloud appears in AD
world:
  population:
    - user: {name: u7, upn: u7@contoso.com, cloud_managed: true}
story:
  - exo: Set-Mailbox u7 -EmailAddresses @{Add='smtp:new@contoso.com'}
  - within: 25m
    expect:
      u7: {ad.proxyAddresses: {contains: \"smtp:new@contoso.com\"}}
expect:
  counts: {ad_writes: 1}
";

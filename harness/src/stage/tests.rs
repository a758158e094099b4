//! What a file of the language says can be staged: `check` and `run` are of one mind about what is right.

use std::path::Path;

use engine::planted_bugs::PlantedBugs;
use proptest::prelude::*;
use proptest::sample::select;

use super::{catalogues, stage};
use crate::scenario::{self, Catalogues, SwitchKind};

thread_local! {
    static CATALOGUES: Catalogues = catalogues();
}

/// Stages a world if the reader takes it; whether it did.
fn is_staged(world: &str) -> bool {
    let text = format!("scenario: A world\nworld:\n{world}story:\n  - wait: 1m\n");
    CATALOGUES.with(|known| {
        let Ok(scenario) = scenario::read(Path::new("world.yaml"), &text, known) else {
            return false;
        };
        let staged = stage(&scenario, scenario.world.seed, PlantedBugs::default());
        if let Err(error) = staged {
            panic!("the reader takes this, and it cannot be staged: {error}\n{text}");
        }
        true
    })
}

/// What people write for a value, rightly or wrongly.
const WORDS: [&str; 44] = [
    "lots",
    "off",
    "on",
    "true",
    "false",
    "none",
    "~",
    "\"\"",
    "0",
    "1",
    "-5",
    "600000",
    "1e9",
    "07",
    "99999999999999999999",
    "2000/5m",
    "0/5m",
    "2000/5",
    "2000/0s",
    "2000/1ms",
    "1/1s",
    "5000000000/1m",
    "2000/30d",
    "/5m",
    "2000/",
    "0s",
    "90s",
    "20m",
    "1h 30m",
    "40d",
    "5000w",
    "1ms",
    "tomorrow",
    "[a, b]",
    "{a: b}",
    "merge",
    "replace_all",
    "gate",
    "warn",
    "TRUE",
    "20260901080000.0Z",
    "S-1-5-32-544",
    "CN=u1,DC=x",
    "\"a b\"",
];

#[test]
fn a_switch_that_the_reader_takes_can_be_staged() {
    for switch in CATALOGUES.with(|known| known.switches.clone()) {
        let own = match &switch.kind {
            SwitchKind::OneOf(words) => words.clone(),
            _ => Vec::new(),
        };
        let name = &switch.name;
        let all = WORDS.iter().map(|word| (*word).to_owned()).chain(own);
        let taken: Vec<String> =
            all.filter(|word| is_staged(&format!("  switches: {{{name}: {word}}}\n"))).collect();
        assert!(!taken.is_empty(), "nothing fits {name}");
        assert!(taken.len() < WORDS.len() / 2, "{name} takes {taken:?}");
    }
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        select(WORDS.to_vec()).prop_map(str::to_owned),
        "[0-9]{1,6}(ms|s|m|h|d|w)?(/[0-9]{1,4}(s|m|h|d))?",
        "'[ -&(-~]{0,40}'",
    ]
}

fn attribute() -> impl Strategy<Value = String> {
    let names = CATALOGUES.with(|known| known.ad_attributes.clone());
    select(names)
}

fn property() -> impl Strategy<Value = String> {
    let names = CATALOGUES.with(|known| known.exo_properties.clone());
    select(names)
}

/// Names of units, domains and machines, some of them impossible.
fn name() -> impl Strategy<Value = &'static str> {
    select(vec![
        "corp.contoso.com",
        "emea.corp.contoso.com",
        "contoso.com",
        "one",
        "DC1",
        "DC2",
        "a b",
        "Staff",
        "Staff/North",
        "People",
        "x",
        "agent1",
        "é",
        "contoso.onmicrosoft.com",
        "-",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Any attribute and property with any value.
    #[test]
    fn a_person_that_the_reader_takes_can_be_staged(
        attributes in prop::collection::btree_map(attribute(), word(), 0..3),
        cloud in prop::collection::btree_map(property(), word(), 0..2),
        managed in any::<bool>(),
        exchange in any::<bool>(),
        mailbox in select(vec!["cloud", "on-premises", "none"]),
    ) {
        let attributes: String =
            attributes.iter().map(|(name, value)| format!("        {name}: {value}\n")).collect();
        let cloud: String =
            cloud.iter().map(|(name, value)| format!("          {name}: {value}\n")).collect();
        let cloud = if cloud.is_empty() { cloud } else { format!("        cloud:\n{cloud}") };
        is_staged(&format!(
            "  forest: {{exchange_schema: {exchange}}}\n  population:\n    - user:\n        name: u1\n        \
             cloud_managed: {managed}\n        mailbox: {mailbox}\n{attributes}{cloud}",
        ));
    }

    /// Any places, in any role.
    #[test]
    fn a_world_that_the_reader_takes_can_be_staged(
        domains in prop::collection::vec(name(), 1..3),
        dcs in prop::collection::vec((name(), name()), 1..4),
        agent in name(),
        unit in name(),
        home in name(),
        cut_off in name(),
        scope in name(),
        synchronized in name(),
        job in name(),
        tenant in name(),
    ) {
        let dcs: Vec<String> =
            dcs.iter().map(|(name, domain)| format!("{{name: {name}, domain: {domain}}}")).collect();
        is_staged(&format!(
            "  forest: {{domains: [{}], dcs: [{}]}}\n  tenant: {{domain: {tenant}}}\n  \
             agents: [{{name: a1, dc: {agent}}}]\n  rights: {{cut_off: [{cut_off}]}}\n  \
             connect: {{ous: [{synchronized}]}}\n  \
             writeback: {{domain: {job}, scope: {{ous: [{scope}]}}}}\n  \
             population:\n    - user: {{name: u1, domain: {home}, ou: {unit}}}\n",
            domains.join(", "), dcs.join(", "),
        ));
    }
}

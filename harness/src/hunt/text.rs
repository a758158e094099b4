//! A draft as the text of a scenario file.

use super::draft::{ActionDraft, Draft, JUNIOR, OPERATOR, PersonDraft, StepDraft, WorldDraft};
use super::world::{OTHER_FOREST, PILOTS, SECOND_DC, SECOND_DOMAIN};

/// The build of Connect Sync that worlds have unless they say another.
const CONNECT_BUILD: &str = "2.5.190.0";

/// The file.
pub(super) fn of(draft: &Draft) -> String {
    let mut text = String::with_capacity(4096);
    line(&mut text, 0, &format!("scenario: {}", scalar(&draft.title)));
    world(&draft.world, &mut text);
    line(&mut text, 0, "story:");
    for step in &draft.story {
        push_step(step, &mut text);
    }
    text
}

fn line(text: &mut String, depth: usize, words: &str) {
    for _ in 0..depth {
        text.push_str("  ");
    }
    text.push_str(words);
    text.push('\n');
}

fn world(world: &WorldDraft, text: &mut String) {
    line(text, 0, "world:");
    line(text, 1, &format!("seed: {}", world.seed));
    if let Some(start) = world.start {
        line(text, 1, &format!("start: {start}"));
    }
    if let Some(profile) = world.profile {
        line(text, 1, &format!("profile: {profile}"));
    }
    if !world.switches.is_empty() {
        let switches = world.switches.iter().map(|(name, value)| format!("{name}: {value}"));
        line(text, 1, &format!("switches: {{{}}}", joined(switches)));
    }
    push_places(world, text);
    push_job(world, text);
    line(text, 1, "population:");
    for shape in &world.shapes {
        line(text, 2, &format!("- shape: {}", shape.name));
        line(text, 3, &format!("mailboxes: {}", shape.mailboxes));
        if let Some(domain) = shape.domain {
            line(text, 3, &format!("domain: {domain}"));
        }
        if shape.cloud_managed {
            line(text, 3, "cloud_managed: 100%");
        }
    }
    for person in &world.people {
        push_person(person, text);
    }
}

/// Forests, what synchronizes them, agents and rights.
fn push_places(world: &WorldDraft, text: &mut String) {
    push_forests(world, text);
    if world.cloud_sync {
        line(text, 1, "inbound: cloud_sync");
    }
    let cycle = world.connect.map(|minutes| format!("cycle: {minutes}m"));
    let staging = world.staging.then(|| format!("staging: {CONNECT_BUILD}"));
    let units = if world.scope.is_some() { "ous: [People, Staff]" } else { "ous: [People]" };
    let units = world.only_units.then(|| units.to_owned());
    let server = world.server.iter().cloned();
    push_mapping("connect", cycle.into_iter().chain(staging).chain(units).chain(server), text);
    push_agents(world, text);
    push_rights(world, text);
    if world.operator {
        let may = "Set-Mailbox -IsExchangeCloudManaged, Get-Mailbox";
        let operator = format!("{{name: {OPERATOR}, may: [{may}]}}");
        let keys =
            "like: helpdesk, may_not: [Set-Mailbox -CustomAttribute5], ad: [extensionAttribute6]";
        line(text, 1, &format!("roles: [{operator}, {{name: {JUNIOR}, {keys}}}]"));
    }
    let licensed = world.licensed.then(|| "entra_id_p1: true".to_owned());
    let default = world.managed_by_default.then(|| "cloud_managed_by_default: true".to_owned());
    let further = world.tenant.iter().cloned();
    push_mapping("tenant", licensed.into_iter().chain(default).chain(further), text);
}

/// Agents, as far as they are not the one that every world has.
fn push_agents(world: &WorldDraft, text: &mut String) {
    let dcs = world.agents_at.map(|dc| match dc {
        SECOND_DC => format!("dc: [{dc}]"),
        dc => format!("dc: [{dc}, DC1]"),
    });
    let version = world.agent_version.map(|version| format!("version: {version}"));
    let keys = joined(dcs.into_iter().chain(version));
    let alone = (!keys.is_empty() && world.agents.is_empty()).then(|| "agent1".to_owned());
    let agents = world.agents.iter().cloned().chain(alone).map(|name| match keys.as_str() {
        "" => name,
        keys => format!("{{name: {name}, {keys}}}"),
    });
    let agents = joined(agents);
    if !agents.is_empty() {
        line(text, 1, &format!("agents: [{agents}]"));
    }
}

fn push_rights(world: &WorldDraft, text: &mut String) {
    let of = |key: &str, names: &[String]| {
        (!names.is_empty()).then(|| format!("{key}: [{}]", joined(names.iter().cloned())))
    };
    let protected = of("protected", &world.protected);
    let cut_off = of("cut_off", &world.cut_off);
    let denied = world.denied.iter().map(|(name, attribute)| match attribute {
        Some(attribute) => format!("{{on: {name}, attributes: [{attribute}]}}"),
        None => name.clone(),
    });
    let denied = (!world.denied.is_empty()).then(|| format!("deny: [{}]", joined(denied)));
    let given_back = of("allow", &world.given_back);
    let keys = protected.into_iter().chain(cut_off).chain(denied).chain(given_back);
    push_mapping("rights", keys, text);
}

fn push_forests(world: &WorldDraft, text: &mut String) {
    let as_ever = world.second_dc.is_none()
        && world.read_only_dc.is_none()
        && !world.without_recycle_bin
        && !world.second_domain
        && !world.second_forest;
    if as_ever {
        return;
    }
    let mut domains = vec!["corp.contoso.com"];
    let mut dcs = vec!["DC1".to_owned()];
    dcs.extend(world.second_dc.map(|late| format!("{{name: DC2, replication: {late}m}}")));
    let read_only = world.read_only_dc;
    dcs.extend(
        read_only.map(|late| format!("{{name: RODC1, read_only: true, replication: {late}m}}")),
    );
    if world.second_domain {
        domains.push(SECOND_DOMAIN);
        dcs.push(format!("{{name: {SECOND_DC}, domain: {SECOND_DOMAIN}}}"));
    }
    let bin = if world.without_recycle_bin { ", recycle_bin: false" } else { "" };
    let first = format!(
        "{{domains: [{}], dcs: [{}]{bin}}}",
        joined(domains.into_iter().map(str::to_owned)),
        joined(dcs.into_iter())
    );
    if world.second_forest {
        line(text, 1, "forest:");
        line(text, 2, &format!("- {first}"));
        line(text, 2, &format!("- {{domains: [{OTHER_FOREST}], dcs: [FDC1]}}"));
    } else {
        line(text, 1, &format!("forest: {first}"));
    }
}

fn push_job(world: &WorldDraft, text: &mut String) {
    if !world.job {
        line(text, 1, "writeback: none");
        return;
    }
    let created = world.created.map(|date| format!("created: {date}"));
    let interval = world.interval.map(|minutes| format!("interval: {minutes}m"));
    let scope = world.scope.map(|unit| format!("scope: {{ous: [{unit}]}}"));
    let pilots = (!world.pilots.is_empty()).then(|| format!("scope: {{groups: [\"{PILOTS}\"]}}"));
    let waits = world.job_waits.then(|| "enabled: false".to_owned());
    let elsewhere = world.job_elsewhere.then(|| format!("domain: {SECOND_DOMAIN}"));
    let settings = pilots.into_iter().chain(waits).chain(elsewhere);
    let mappings = world.mappings.iter().map(|(name, source)| format!("{name}: {source}"));
    let mappings =
        (!world.mappings.is_empty()).then(|| format!("mappings: {{{}}}", joined(mappings)));
    let keys = created.into_iter().chain(interval).chain(scope).chain(mappings).chain(settings);
    push_mapping("writeback", keys, text);
}

/// A key of the world with these beneath it, where there is one.
fn push_mapping(key: &str, keys: impl Iterator<Item = String>, text: &mut String) {
    let keys = joined(keys);
    if !keys.is_empty() {
        line(text, 1, &format!("{key}: {{{keys}}}"));
    }
}

fn push_person(person: &PersonDraft, text: &mut String) {
    line(text, 2, "- user:");
    line(text, 4, &format!("name: {}", scalar(&person.name)));
    if !person.addresses.is_empty() {
        line(text, 4, &format!("addresses: {}", list(&person.addresses)));
    }
    if person.cloud_managed {
        line(text, 4, "cloud_managed: true");
    }
    if let Some(kind) = person.kind {
        line(text, 4, &format!("type: {kind}"));
    }
    if let Some(mailbox) = person.mailbox {
        line(text, 4, &format!("mailbox: {mailbox}"));
    }
    if person.licensed {
        line(text, 4, "licensed: true");
    }
    if !person.dir_synced {
        line(text, 4, "dir_synced: false");
    }
    if let Some(domain) = person.domain {
        line(text, 4, &format!("domain: {domain}"));
    }
    if let Some(unit) = person.ou {
        line(text, 4, &format!("ou: {unit}"));
    }
    for (name, values) in &person.attributes {
        line(text, 4, &format!("{name}: {}", values_of(values)));
    }
    if !person.cloud.is_empty() {
        line(text, 4, "cloud:");
        for (name, values) in &person.cloud {
            line(text, 5, &format!("{name}: {}", values_of(values)));
        }
    }
}

fn push_step(step: &StepDraft, text: &mut String) {
    match &step.action {
        ActionDraft::Cmdlet(door, words) => line(text, 1, &format!("- {door}: {}", scalar(words))),
        ActionDraft::Graph { method, path, body } => {
            let body = body.iter().map(|body| format!("body: {body}"));
            let keys = [format!("method: {method}"), format!("path: {}", quoted(path))];
            line(text, 1, &format!("- graph: {{{}}}", joined(keys.into_iter().chain(body))));
        }
        ActionDraft::Expect { how, who, path, value, window } => {
            let demand = format!("{{{who}: {{{path}: {}}}}}", quoted(value));
            match window {
                None => line(text, 1, &format!("- {how}: {demand}")),
                Some(minutes) => {
                    line(text, 1, &format!("- {how}: {minutes}m"));
                    line(text, 2, &format!("expect: {demand}"));
                }
            }
        }
        ActionDraft::LdifOn(dc, records) => {
            line(text, 1, "- ldif:");
            line(text, 4, &format!("dc: {dc}"));
            line(text, 4, "records: |");
            for record in records.lines() {
                line(text, 5, record);
            }
        }
        ActionDraft::Ldif(records) => {
            line(text, 1, "- ldif: |");
            for record in records.lines() {
                line(text, 4, record);
            }
        }
        ActionDraft::Transfer { mailboxes, wave, pause, back, further } => {
            let keys = [
                Some(format!("mailboxes: {}", list(mailboxes))),
                wave.map(|wave| format!("wave: {wave}")),
                pause.map(|minutes| format!("pause: {minutes}m")),
                back.then(|| "to: on-premises".to_owned()),
            ];
            let further = further.iter().map(|key| (*key).to_owned());
            let keys = joined(keys.into_iter().flatten().chain(further));
            line(text, 1, &format!("- transfer: {{{keys}}}"));
        }
        ActionDraft::Edits { mailboxes, share, repeated } => {
            let mut keys =
                vec![format!("mailboxes: {}", selector(mailboxes)), format!("share: {share}%")];
            if let Some((every, lasts)) = repeated {
                keys.push(format!("every: {every}m"));
                keys.push(format!("for: {lasts}m"));
            }
            line(text, 1, &format!("- edits: {{{}}}", joined(keys.into_iter())));
        }
        ActionDraft::Fault(name, keys) => {
            let keys = keys.iter().map(|(key, value)| format!("{key}: {value}"));
            line(text, 1, &format!("- fault: {{{name}: {{{}}}}}", joined(keys)));
        }
        ActionDraft::Repeat(door, words, every, lasts) => {
            let words = if words.starts_with('{') { words.clone() } else { quoted(words) };
            let keys = format!("every: {every}m, for: {lasts}m, {door}: {words}");
            line(text, 1, &format!("- repeat: {{{keys}}}"));
        }
        ActionDraft::Connect(what) => line(text, 1, &format!("- connect: {what}")),
        ActionDraft::Decommission(stated) => line(text, 1, &format!("- decommission: {stated}")),
        ActionDraft::Wait(minutes) => line(text, 1, &format!("- wait: {minutes}m")),
        ActionDraft::Cycle(which) => line(text, 1, &format!("- cycle: {which}")),
        ActionDraft::Job(what) => line(text, 1, &format!("- job: {what}")),
    }
    push_beside(step, text);
}

/// What stands beside what a step does.
fn push_beside(step: &StepDraft, text: &mut String) {
    if let Some(minutes) = step.at {
        line(text, 2, &format!("at: {minutes}m"));
    }
    if let Some(note) = step.note {
        line(text, 2, &format!("note: {note}"));
    }
    if let Some(role) = step.role {
        line(text, 2, &format!("as: {role}"));
    }
    if let Some(code) = step.refused {
        line(text, 2, &format!("expect_error: {code}"));
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

fn list(values: &[String]) -> String {
    format!("[{}]", joined(values.iter().map(|value| quoted(value))))
}

/// Names, or one selector that stands alone.
fn selector(names: &[String]) -> String {
    match names {
        [one] if one.starts_with("shape:") || one == "all" => quoted(one),
        names => list(names),
    }
}

/// Nothing, one value, or a list.
fn values_of(values: &[String]) -> String {
    match values {
        [] => "~".to_owned(),
        [one] => quoted(one),
        more => list(more),
    }
}

/// A scalar in block context: plain where YAML cannot misread it.
fn scalar(value: &str) -> String {
    let first = value.chars().next().is_some_and(|first| first.is_ascii_alphabetic());
    let plain = first
        && !value.contains(": ")
        && !value.contains(" #")
        && !value.ends_with([':', ' '])
        && value.chars().all(|c| !c.is_control());
    if plain { value.to_owned() } else { quoted(value) }
}

/// A scalar in double quotes: what JSON escapes, YAML 1.2 reads in the same way.
fn quoted(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_plain_only_where_yaml_cannot_misread_them() {
        assert_eq!(
            scalar("Set-Mailbox u1 -CustomAttribute1 'a'"),
            "Set-Mailbox u1 -CustomAttribute1 'a'"
        );
        for odd in ["", "7", "'a'", "a: b", "a #b", "a:", "- a", "~"] {
            assert!(scalar(odd).starts_with('"'), "{odd}");
        }
    }
}

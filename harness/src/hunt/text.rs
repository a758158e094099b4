//! A draft as the text of a scenario file.

use super::draft::{ActionDraft, Draft, PersonDraft, StepDraft, WorldDraft};

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
    if let Some(profile) = world.profile {
        line(text, 1, &format!("profile: {profile}"));
    }
    if !world.switches.is_empty() {
        let switches = world.switches.iter().map(|(name, value)| format!("{name}: {value}"));
        line(text, 1, &format!("switches: {{{}}}", joined(switches)));
    }
    if let Some(minutes) = world.connect {
        line(text, 1, &format!("connect: {{cycle: {minutes}m}}"));
    }
    if !world.agents.is_empty() {
        line(text, 1, &format!("agents: [{}]", joined(world.agents.iter().cloned())));
    }
    if !world.job {
        line(text, 1, "writeback: none");
    } else if world.created.is_some() || world.interval.is_some() {
        let created = world.created.map(|date| format!("created: {date}"));
        let interval = world.interval.map(|minutes| format!("interval: {minutes}m"));
        line(text, 1, &format!("writeback: {{{}}}", joined(created.into_iter().chain(interval))));
    }
    line(text, 1, "population:");
    for shape in &world.shapes {
        line(text, 2, &format!("- shape: {}", shape.name));
        line(text, 3, &format!("mailboxes: {}", shape.mailboxes));
        if shape.cloud_managed {
            line(text, 3, "cloud_managed: 100%");
        }
    }
    for person in &world.people {
        push_person(person, text);
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
    if !person.dir_synced {
        line(text, 4, "dir_synced: false");
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
        ActionDraft::Expect { how, who, path, value } => {
            line(text, 1, &format!("- {how}: {{{who}: {{{path}: {}}}}}", quoted(value)));
        }
        ActionDraft::Ldif(records) => {
            line(text, 1, "- ldif: |");
            for record in records.lines() {
                line(text, 4, record);
            }
        }
        ActionDraft::Transfer { mailboxes, wave, pause, back } => {
            let keys = [
                Some(format!("mailboxes: {}", list(mailboxes))),
                wave.map(|wave| format!("wave: {wave}")),
                pause.map(|minutes| format!("pause: {minutes}m")),
                back.then(|| "to: on-premises".to_owned()),
            ];
            line(text, 1, &format!("- transfer: {{{}}}", joined(keys.into_iter().flatten())));
        }
        ActionDraft::Edits { mailboxes, share, repeated } => {
            let mut keys =
                vec![format!("mailboxes: {}", list(mailboxes)), format!("share: {share}%")];
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
        ActionDraft::Wait(minutes) => line(text, 1, &format!("- wait: {minutes}m")),
        ActionDraft::Cycle(which) => line(text, 1, &format!("- cycle: {which}")),
        ActionDraft::Job(what) => line(text, 1, &format!("- job: {what}")),
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

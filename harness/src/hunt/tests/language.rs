//! No part of the language is silently not hunted: every key, word, switch, fault and cmdlet that a scenario
//! can say is drawn by some seed, or stands below with the reason why none does.

use serde_json::Value;

use super::*;
use crate::scenario::schema;

/// Seeds within which everything is drawn.
const SEEDS: u64 = 4_000;

/// What no seed draws (`*`: whatever), and why.
const LEFT_OUT: &[(&str, &str)] = &[
    // What says nothing of an estate.
    ("id", OF_THE_LIBRARY),
    ("about*", OF_THE_LIBRARY),
    ("evidence*", OF_THE_LIBRARY),
    ("tier*", OF_THE_LIBRARY),
    ("suspend*", "a drawn story breaks no rule on purpose"),
    // What only somebody who knows how a story ends can say.
    ("expect", JUDGED),
    ("expectations.*", JUDGED),
    ("comparison.*", JUDGED),
    // What needs a second file.
    ("world.include*", ONE_TEXT),
    ("population.ldif", ONE_TEXT),
    // Other spellings of what is drawn.
    ("population.user.mailbox=cloud", DEFAULT),
    ("population.user.type=user", DEFAULT),
    ("world.inbound=connect_sync", DEFAULT),
    ("world.profile=wb-ga-2026-08", DEFAULT),
    ("world.switches.licence_check=information", DEFAULT),
    ("world.rights.allow.*", "who is named alone gets every right back"),
    ("step.always.expect", "`always: 2h` has it, and without a window the demand stands alone"),
    ("step.never.expect", "`never: 2h` has it, and without a window the demand stands alone"),
    ("step.until.expect", "`until: 2h` has it, and without a window the demand stands alone"),
    ("step.repeat.graph.method=*", "one method is like another to whoever repeats it"),
    ("step.repeat.ldif.*", "the records alone are drawn"),
    ("population.user.upn", "names are the language's own; one is like another"),
    ("world.tenant.domain", "names are the language's own; one is like another"),
    // What a story could not go on after.
    (
        "world.forest.exchange_schema",
        "nothing is written in a forest that stays without its schema",
    ),
    ("world.rights.agents*", "nothing is written where everybody's object is closed to the agents"),
    ("step.connect.edited_config", "no cycle of Connect ends well after it"),
    // Roles of a world: one with little of its own, and one that begins with another.
    ("world.roles.like=*", "one built-in role is like another to begin with"),
    // What stands against nobody who is drawn, or is nobody's to foresee.
    ("step.transfer.accept=*", "a finding that nobody has"),
    (
        "step.graph.method=PUT",
        "replaces secrets and schema of the job, whose words are a file's own",
    ),
    ("fault.*.call=directory.*", NO_SERVICE),
    ("fault.*.call=store.*", NO_SERVICE),
    ("fault.*.call=job.*", NO_SERVICE),
    ("fault.*.call=exchange.organization", OF_THE_CHECK),
    ("fault.engine_crash.at=exchange.organization", OF_THE_CHECK),
    (
        "fault.certificate_expired.*",
        "the quarantine that follows lets no other call and no window be met",
    ),
    ("fault.timed_out.call=entra.users", "a call of rollbacks alone, drawn by other faults"),
    ("fault.page_expired.for", "a listing of two pages takes a second"),
    ("fault.throttled.budget=Exchange Online", SPENT_BY_PEOPLE),
    ("fault.throttled.budget=Tenant_Application/ProvisionOnDemand", SPENT_BY_PEOPLE),
    // What the scenes do not know yet.
    ("exo: New-Mailbox", MADE_AT_HOME),
    ("exo: Enable-Mailbox", MADE_AT_HOME),
    ("exo: Disable-Mailbox", MADE_AT_HOME),
    ("exo: Remove-Mailbox", MADE_AT_HOME),
    ("exo: Undo-SoftDeletedMailbox", MADE_AT_HOME),
];

const OF_THE_LIBRARY: &str = "says what a file is to the library, and nothing of the estate";
const JUDGED: &str = "drawn stories are judged by the rules that always hold";
const ONE_TEXT: &str = "a drawn scenario is one text, so that `--write` keeps all of it";
const DEFAULT: &str = "what holds where nothing is said is not said";
const NO_SERVICE: &str = "no request to a service in the cloud: such a file is refused";
const OF_THE_CHECK: &str = "asked by the look before the last server goes, which has no second try";
const MADE_AT_HOME: &str = "drawn people come and go in AD alone: still to be hunted";
const SPENT_BY_PEOPLE: &str =
    "people's own steps spend it, and which of them is refused nobody foresees";

/// The schema of the language, to be walked along.
struct Language {
    schema: Value,
    /// Attributes of AD: keys of a user as many as there are, and one word.
    attributes: BTreeSet<String>,
}

impl Language {
    fn new(catalogues: &Catalogues) -> Self {
        let attributes = catalogues.ad_attributes.iter().cloned().collect();
        Self { schema: schema(catalogues), attributes }
    }

    /// A part of the schema and what its words are called: what is defined once has its own name.
    fn resolve<'s>(&'s self, node: &'s Value, called: &str) -> (&'s Value, String) {
        let name = node["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/"));
        match name {
            Some(name) => (&self.schema["$defs"][name], name.to_owned()),
            None => (node, called.to_owned()),
        }
    }

    /// What a key of a mapping is called.
    fn key(&self, called: &str, key: &str) -> String {
        let own = called == "population.user" && self.attributes.contains(key);
        if own || called == "population.user.cloud" {
            return format!("{called}.*");
        }
        [called, key].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(".")
    }

    /// Every word that a part of the language has.
    fn words(&self, node: &Value, called: &str, words: &mut BTreeSet<String>) {
        let is_defined = !node["$ref"].is_null();
        let (node, called) = self.resolve(node, called);
        // A comparison may hold another one.
        if is_defined && !words.insert(format!("${called}")) {
            return;
        }
        for one in node["anyOf"].as_array().into_iter().flatten() {
            self.words(one, &called, words);
        }
        for (key, of_key) in node["properties"].as_object().into_iter().flatten() {
            let name = self.key(&called, key);
            words.insert(name.clone());
            self.words(of_key, &name, words);
        }
        if node["additionalProperties"].is_object() {
            let name = format!("{called}.*");
            words.insert(name.clone());
            self.words(&node["additionalProperties"], &name, words);
        }
        if node["items"].is_object() {
            self.words(&node["items"], &called, words);
        }
        words.extend(spellings(node).into_iter().map(|word| format!("{called}={word}")));
    }

    /// The words that a file says.
    fn said(&self, node: &Value, file: &Value, called: &str, said: &mut BTreeSet<String>) {
        let (node, called) = self.resolve(node, called);
        for one in node["anyOf"].as_array().into_iter().flatten() {
            if self.fits(one, file) {
                self.said(one, file, &called, said);
            }
        }
        let mut word = scalar(file);
        let words = spellings(node);
        if word == "false" && words.iter().any(|known| known == "off") {
            word = "off".to_owned();
        }
        if words.contains(&word) {
            said.insert(format!("{called}={word}"));
        }
        for item in file.as_array().into_iter().flatten() {
            self.said(&node["items"], item, &called, said);
        }
        for (key, value) in file.as_object().into_iter().flatten() {
            let known = &node["properties"][key];
            let (name, of_key) = match known {
                Value::Null if node["additionalProperties"].is_object() => {
                    (format!("{called}.*"), &node["additionalProperties"])
                }
                Value::Null => continue,
                known => (self.key(&called, key), known),
            };
            said.insert(name.clone());
            self.said(of_key, value, &name, said);
        }
    }

    /// Whether a part of a file can be of a form: a mapping by its keys, the rest by its kind.
    fn fits(&self, node: &Value, file: &Value) -> bool {
        let (node, _) = self.resolve(node, "");
        if let Some(forms) = node["anyOf"].as_array() {
            return forms.iter().any(|form| self.fits(form, file));
        }
        match file {
            Value::Object(keys) => {
                let required = node["required"].as_array().into_iter().flatten();
                let mut required = required.filter_map(Value::as_str);
                let known = |key: &String| {
                    !node["properties"][key].is_null() || node["additionalProperties"].is_object()
                };
                may_be(node, "object")
                    && required.all(|key| keys.contains_key(key))
                    && keys.keys().all(known)
            }
            Value::Array(_) => node["items"].is_object(),
            _ => !may_be(node, "object") && !may_be(node, "array"),
        }
    }
}

/// Whether a form takes values of a kind: it names one kind, or several.
fn may_be(node: &Value, kind: &str) -> bool {
    node["type"] == kind
        || node["type"].as_array().is_some_and(|kinds| kinds.iter().any(|known| known == kind))
}

/// The words that a scalar can be; of two that mean the same, one.
fn spellings(node: &Value) -> Vec<String> {
    let words: Vec<String> = node["enum"].as_array().into_iter().flatten().map(scalar).collect();
    let has = |word: &str| words.iter().any(|known| known == word);
    let means_another = |word: &str| match word {
        "on" | "off" => has("true"),
        "false" => has("off") && !has("true") || has("none"),
        _ => false,
    };
    words.iter().filter(|word| !means_another(word)).cloned().collect()
}

fn scalar(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The cmdlets of steps, with the door that they go through.
fn cmdlets(steps: &Value, said: &mut BTreeSet<String>) {
    for step in steps.as_array().into_iter().flatten() {
        for step in [step, &step["repeat"]] {
            for door in ["exo", "onprem", "ad"] {
                let name = step[door].as_str().and_then(|line| line.split_whitespace().next());
                said.extend(name.map(|name| format!("{door}: {name}")));
            }
        }
    }
}

/// Whether a word is one that `pattern` means.
fn matches(pattern: &str, word: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == word,
        Some((head, rest)) => word.strip_prefix(head).is_some_and(|tail| {
            tail.char_indices()
                .map(|(at, _)| at)
                .chain([tail.len()])
                .any(|at| matches(rest, &tail[at..]))
        }),
    }
}

#[test]
fn every_part_of_the_language_is_hunted_or_left_out_with_a_reason() {
    let catalogues = catalogues();
    let language = Language::new(&catalogues);
    let mut words = BTreeSet::new();
    language.words(&language.schema, "", &mut words);
    words.retain(|word| !word.starts_with('$'));
    let doors = [("exo", &catalogues.exo), ("onprem", &catalogues.onprem), ("ad", &catalogues.ad)];
    for (door, specs) in doors {
        words.extend(specs.iter().map(|spec| format!("{door}: {}", spec.name)));
    }
    let mut said = BTreeSet::new();
    for seed in 1..=SEEDS {
        let file: Value = serde_saphyr::from_str(&Draw::of(seed).text).unwrap();
        language.said(&language.schema, &file, "", &mut said);
        cmdlets(&file["story"], &mut said);
    }
    let unsaid: Vec<&String> = words.iter().filter(|word| !said.contains(*word)).collect();
    let left_out = |word: &str| LEFT_OUT.iter().any(|(pattern, _)| matches(pattern, word));
    let forgotten: Vec<&&String> = unsaid.iter().filter(|word| !left_out(word)).collect();
    assert!(
        forgotten.is_empty(),
        "{} parts of the language are not hunted: {forgotten:#?}",
        forgotten.len()
    );
    let stands = |pattern: &str| unsaid.iter().any(|word| matches(pattern, word));
    let hunted: Vec<&str> =
        LEFT_OUT.iter().map(|(pattern, _)| *pattern).filter(|pattern| !stands(pattern)).collect();
    assert!(hunted.is_empty(), "left out, and everything that it means is hunted: {hunted:#?}");
}

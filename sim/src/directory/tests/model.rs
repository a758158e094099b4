//! A naive model beside the store: plain maps, no index, no shared entries.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// What the model knows of an object: values by attribute.
type Model = Vec<BTreeMap<&'static str, Vec<String>>>;

pub(super) const ATTRIBUTES: [(&str, bool); 4] =
    [("proxyAddresses", false), ("mail", true), ("title", true), ("otherTelephone", false)];

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) object: usize,
    pub(super) changes: Vec<(ChangeOperation, usize, Vec<String>)>,
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let operation = prop_oneof![
        Just(ChangeOperation::Add),
        Just(ChangeOperation::Delete),
        Just(ChangeOperation::Replace),
    ];
    let values = prop::collection::vec("[aAbBcä]{1,2}", 0..3);
    let change = (operation, 0..ATTRIBUTES.len(), values);
    (0..4_usize, prop::collection::vec(change, 1..4))
        .prop_map(|(object, changes)| Step { object, changes })
}

/// Of all accents, the values here have one.
pub(super) fn fold(value: &str) -> String {
    value.to_lowercase().replace('ä', "a")
}

/// Applies a step the plain way; `None` when it is refused. With `permissive`, adding what is there and
/// deleting what is not there is passed over.
pub(super) fn apply(
    values: &BTreeMap<&'static str, Vec<String>>,
    step: &Step,
    permissive: bool,
) -> Option<BTreeMap<&'static str, Vec<String>>> {
    let mut values = values.clone();
    for (operation, attribute, given) in &step.changes {
        let (name, single) = ATTRIBUTES[*attribute];
        let mut seen = Vec::new();
        for value in given {
            // Taking a value away twice is taking away what is not there.
            let passed_over = permissive && *operation == ChangeOperation::Delete;
            if seen.contains(&fold(value)) && !passed_over {
                return None;
            }
            seen.push(fold(value));
        }
        let now = values.entry(name).or_default();
        let at = |now: &Vec<String>, value: &str| now.iter().position(|v| fold(v) == fold(value));
        match operation {
            ChangeOperation::Add => {
                let is_there = |value: &String| at(now, value).is_some();
                if given.is_empty() || (!permissive && given.iter().any(is_there)) {
                    return None;
                }
                let fresh: Vec<String> =
                    given.iter().filter(|value| !is_there(value)).cloned().collect();
                now.extend(fresh);
            }
            ChangeOperation::Delete if given.is_empty() => {
                if now.is_empty() && !permissive {
                    return None;
                }
                now.clear();
            }
            ChangeOperation::Delete => {
                for value in given {
                    match at(now, value) {
                        Some(at) => {
                            now.remove(at);
                        }
                        None if permissive => {}
                        None => return None,
                    }
                }
            }
            _ => *now = given.clone(),
        }
        if single && now.len() > 1 {
            return None;
        }
    }
    values.retain(|_, values| !values.is_empty());
    Some(values)
}

fn sorted(mut values: Vec<String>) -> Vec<String> {
    values.sort();
    values
}

proptest! {
    #[test]
    fn the_store_and_the_model_agree(steps in prop::collection::vec(step(), 1..30)) {
        let (mut forest, people) = forest_with(4);
        let mut model: Model = vec![BTreeMap::new(); 4];
        for step in &steps {
            let changes = step
                .changes
                .iter()
                .map(|(operation, attribute, values)| {
                    let values: Vec<&str> = values.iter().map(String::as_str).collect();
                    change(*operation, ATTRIBUTES[*attribute].0, &values)
                })
                .collect();
            let result = modify(&mut forest, people[step.object], changes);
            match apply(&model[step.object], step, false) {
                Some(values) => {
                    let written = result.unwrap();
                    let differs = ATTRIBUTES.iter().any(|(name, _)| {
                        let of = |map: &BTreeMap<&'static str, Vec<String>>| {
                            sorted(map.get(name).cloned().unwrap_or_default())
                        };
                        of(&model[step.object]) != of(&values)
                    });
                    prop_assert_eq!(written.usn.is_some(), differs);
                    model[step.object] = values;
                }
                None => prop_assert!(result.is_err()),
            }
        }
        for (at, object) in people.iter().enumerate() {
            for (name, _) in ATTRIBUTES {
                let expected = model[at].get(name).cloned().unwrap_or_default();
                prop_assert_eq!(sorted(texts(&forest, *object, name)), sorted(expected));
            }
        }
        for value in ["a", "B", "ab", "ä", "Ä", "c"] {
            for (name, _) in ATTRIBUTES {
                let expected: Vec<ObjectNumber> = people
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| {
                        let values = model[*at].get(name);
                        values.is_some_and(|values| values.iter().any(|v| fold(v) == fold(value)))
                    })
                    .map(|(_, object)| *object)
                    .collect();
                prop_assert_eq!(found(&forest, equal(name, value)), expected);
            }
        }
    }
}

//! Declared endpoints against their witnesses: each call is made, and what came of it is the row.

use std::collections::BTreeMap;

use serde_json::json;
use sim::parity::{Endpoint, Fidelity};

use super::call::{Body, Call, Who, Witness, call};
use super::document::Row;
use super::served::Served;

/// The versions that may stand before a path of Graph.
const VERSIONS: [&str; 2] = ["/v1.0", "/beta"];

/// Makes the calls of every witness and compares them with what is declared. What is absent needs no
/// witness: it is called here, and has to be refused.
pub(crate) async fn rows(
    served: &mut Served,
    declared: impl Iterator<Item = Endpoint>,
    witnesses: &[Witness],
    absent: impl Fn(&Endpoint) -> Call,
) -> Vec<Row> {
    let mut declared: BTreeMap<String, Endpoint> = declared
        .map(|endpoint| (format!("{} {}", endpoint.method, endpoint.path), endpoint))
        .collect();
    let mut rows = Vec::new();
    for witness in witnesses {
        let Some(endpoint) = declared.remove(witness.row) else {
            served.problems.push(format!("a witness without a row, or twice: {}", witness.row));
            continue;
        };
        assert_ne!(endpoint.fidelity, Fidelity::Absent, "{} is absent", witness.row);
        for made in [&witness.success, &witness.refusal] {
            assert!(is_of(made, &endpoint), "{}: {} {}", witness.row, made.method, made.target);
        }
        assert!(witness.success.status < 400, "{}: no success", witness.row);
        assert!(witness.refusal.status >= 400, "{}: no refusal", witness.row);
        for call in &witness.before {
            served.expect(call).await;
        }
        let success = served.expect(&witness.success).await;
        let refusal = served.expect(&witness.refusal).await;
        let (success, refusal) = (success.shown(), refusal.shown());
        rows.push(Row::of_endpoint(&endpoint, Some(success), refusal));
    }
    for (name, endpoint) in declared {
        if endpoint.fidelity != Fidelity::Absent {
            served.problems.push(format!("a row without a witness: {name}"));
            continue;
        }
        let answer = served.send(&absent(&endpoint)).await;
        assert!((400..600).contains(&answer.status), "{name}: {} {}", answer.status, answer.text);
        rows.push(Row::of_endpoint(&endpoint, None, answer.shown()));
    }
    served.settle();
    rows.sort_by(|a, b| a.what.cmp(&b.what));
    rows
}

/// Nobody gets past an endpoint without a token, whatever it is about and whether it is there.
pub(crate) async fn need_tokens(
    served: &mut Served,
    declared: impl Iterator<Item = Endpoint>,
    prefix: &str,
) {
    for endpoint in declared {
        let made = any(&endpoint, prefix).by(Who::Nobody);
        let answer = served.send(&made).await;
        // An endpoint of the admin API that does not exist is nowhere, for everybody.
        let absent = endpoint.fidelity == Fidelity::Absent && answer.status == 404;
        if answer.status != 401 && !absent {
            let what = format!("{} {}", endpoint.method, endpoint.path);
            served.problems.push(format!("{what} without a token: {}", answer.status));
        }
    }
    served.settle();
}

/// Whether a call is for an endpoint.
fn is_of(call: &Call, endpoint: &Endpoint) -> bool {
    let path = call.target.split('?').next().unwrap_or_default();
    let path = VERSIONS.iter().find_map(|version| path.strip_prefix(version)).unwrap_or(path);
    let (called, declared) = (path.split('/'), endpoint.path.split('/'));
    call.method == endpoint.method
        && called.clone().count() == declared.clone().count()
        && called.zip(declared).all(|(called, declared)| {
            // A key may stand in parentheses after the name of its set.
            let (name, key) = declared.split_once('(').unwrap_or((declared, ""));
            declared.starts_with('{')
                || called.eq_ignore_ascii_case(declared)
                || (key.starts_with("'{")
                    && called.split_once('(').is_some_and(|(of, _)| of.eq_ignore_ascii_case(name)))
        })
}

/// A call of an absent endpoint, with something in place of its keys.
pub(crate) fn any(endpoint: &Endpoint, prefix: &str) -> Call {
    let mut target = prefix.to_owned();
    for (place, segment) in endpoint.path.split('/').enumerate() {
        if place > 0 {
            target.push('/');
        }
        target.push_str(match segment {
            "{tenant}" => "<tenant>",
            _ if segment.starts_with('{') => "<user>",
            _ => segment,
        });
    }
    let made = call(endpoint.method, &target);
    Call { body: if endpoint.method == "GET" { Body::None } else { Body::Json(json!({})) }, ..made }
}

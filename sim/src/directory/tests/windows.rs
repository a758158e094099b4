//! Sorted answers over several requests: in pages and as windows. What was found and sorted first is what
//! later requests go on with, whatever was added, deleted or written in between ([MS-ADTS] 3.1.1.3.4.1.1,
//! 3.1.1.3.4.1.17).

use super::*;
use crate::directory::answer::Response;
use crate::directory::request::{Control, ControlValue, SortKey, VlvTarget};

/// People with a title each, `a` to `f`, sorted by it.
fn titled() -> (Forest, Vec<ObjectNumber>) {
    let (mut forest, people) = forest_with(6);
    for (object, title) in people.iter().zip(["a", "b", "c", "d", "e", "f"]) {
        modify(&mut forest, *object, vec![replace("title", &[title])]).unwrap();
    }
    (forest, people)
}

fn by(attribute: &str, critical: bool) -> Control {
    let attribute = attribute.to_owned();
    let key = SortKey { attribute, rule: None, reverse: false };
    Control { critical, value: ControlValue::Sort(vec![key]) }
}

fn asked(forest: &Forest, filter: Filter, controls: &[Control]) -> Response {
    let selection = vec![AttributeName::from("title")];
    let request = SearchRequest { selection, ..search_for(filter) };
    forest.search(DC, &Principal::system(), now(), &request, controls)
}

fn titles(response: &Response) -> Vec<String> {
    let of = |values: &Vec<Vec<u8>>| String::from_utf8(values[0].clone()).unwrap();
    response.entries.iter().map(|entry| of(&entry.attributes[0].1)).collect()
}

fn everybody() -> Filter {
    Filter::Present("title".into())
}

fn page(forest: &Forest, cookie: &[u8], sort: Control, further: &[Control]) -> Response {
    let value = ControlValue::PagedResults { size: 2, cookie: cookie.to_vec() };
    let mut controls = vec![Control { critical: true, value }, sort];
    controls.extend_from_slice(further);
    asked(forest, everybody(), &controls)
}

fn cookie(response: &Response) -> Vec<u8> {
    let of = |control: &Control| match &control.value {
        ControlValue::PagedResults { cookie, .. } => Some(cookie.clone()),
        ControlValue::VlvResult { context, .. } => Some(context.clone()),
        _ => None,
    };
    response.controls.iter().find_map(of).unwrap()
}

#[test]
fn pages_of_a_sorted_answer_are_those_of_the_first_request() {
    let (mut forest, people) = titled();
    let first = page(&forest, &[], by("title", true), &[]);
    assert_eq!(titles(&first), ["a", "b"]);
    modify(&mut forest, people[2], vec![replace("title", &["z"])]).unwrap();
    modify(&mut forest, people[0], vec![replace("title", &["cc"])]).unwrap();
    let second = page(&forest, &cookie(&first), by("title", true), &[]);
    assert_eq!(titles(&second), ["z", "d"], "in its old place, as it is now");
    // What the filter no longer finds is left out.
    modify(&mut forest, people[4], vec![replace("title", &[])]).unwrap();
    let third = page(&forest, &cookie(&second), by("title", true), &[]);
    assert_eq!(titles(&third), ["f"]);
    assert!(cookie(&third).is_empty());
}

/// A cookie belongs to its controls, too.
#[test]
fn a_cookie_goes_on_with_the_same_controls_only() {
    let (forest, _) = titled();
    let first = page(&forest, &[], by("title", true), &[]);
    let deleted = Control { critical: true, value: ControlValue::ShowDeleted };
    let refused = ResultCode::UnavailableCriticalExtension;
    for (sort, further) in [
        (by("cn", true), Vec::new()),
        (by("title", false), Vec::new()),
        (by("title", true), vec![deleted]),
    ] {
        let answer = page(&forest, &cookie(&first), sort, &further);
        assert_eq!(answer.result.code, refused, "{:?}", answer.result);
    }
}

fn window(forest: &Forest, filter: Filter, context: Option<Vec<u8>>) -> Response {
    let target = VlvTarget::Offset { offset: 1, count: 0 };
    let value = ControlValue::Vlv { before: 0, after: 9, target, context };
    asked(forest, filter, &[Control { critical: true, value }, by("title", true)])
}

#[test]
fn a_window_moves_over_what_the_first_request_found() {
    let (mut forest, people) = titled();
    let first = window(&forest, everybody(), None);
    assert_eq!(titles(&first), ["a", "b", "c", "d", "e", "f"]);
    let context = cookie(&first);
    modify(&mut forest, people[2], vec![replace("title", &["z"])]).unwrap();
    let again = window(&forest, everybody(), Some(context.clone()));
    assert_eq!(titles(&again), ["a", "b", "z", "d", "e", "f"]);
    // Another search with the context is a new one.
    let other = window(&forest, equal("title", "z"), Some(context));
    assert_eq!(titles(&other), ["z"]);
    let refusal = window(&forest, everybody(), Some(b"nothing".to_vec()));
    assert_eq!(refusal.result.code, ResultCode::UnwillingToPerform);
}

//! The nearest valid name, for whoever mistyped one.

/// The candidate that `wrong` most probably meant, if any is near enough.
pub(crate) fn nearest<'c>(
    wrong: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let lowered = wrong.to_lowercase();
    let allowed = (wrong.chars().count() / 3).clamp(1, 4);
    candidates
        .into_iter()
        .map(|candidate| (distance(&lowered, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// "did you mean", or the list of what there is when nothing is near and the list is short.
pub(crate) fn advice<'c>(
    wrong: &str,
    candidates: impl IntoIterator<Item = &'c str> + Clone,
) -> Option<String> {
    if let Some(name) = nearest(wrong, candidates.clone()) {
        return Some(format!("did you mean `{name}`?"));
    }
    let all: Vec<&str> = candidates.into_iter().collect();
    match all.as_slice() {
        [] => None,
        [only] => Some(format!("there is only `{only}`")),
        several if several.len() <= 24 => Some(format!("there are {}", list(several))),
        _ => None,
    }
}

/// `a`, `b` and `c`, each in backticks.
pub(crate) fn list(names: &[&str]) -> String {
    join(names, "and")
}

/// `a`, `b` or `c`, each in backticks.
pub(crate) fn choice(names: &[&str]) -> String {
    join(names, "or")
}

fn join(names: &[&str], last_word: &str) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} {last_word} {last}", first.join(", ")),
    }
}

/// Swapped neighbours count once; a word that only begins or ends so is near.
fn distance(wrong: &str, candidate: &str) -> usize {
    if wrong.len() >= 3 && (candidate.starts_with(wrong) || candidate.ends_with(wrong)) {
        return 1;
    }
    strsim::osa_distance(wrong, candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_understood_and_another_word_is_not() {
        let names = ["proxyAddresses", "extensionAttribute1", "mail"];
        assert_eq!(nearest("proxyAdresses", names), Some("proxyAddresses"));
        assert_eq!(nearest("PROXYADDRESSES", names), Some("proxyAddresses"));
        assert_eq!(nearest("mial", names), Some("mail"));
        assert_eq!(nearest("telephone", names), None);
    }

    #[test]
    fn without_a_near_name_a_short_list_is_shown() {
        assert_eq!(
            advice("x", ["one", "two", "three"]).unwrap(),
            "there are `one`, `two` and `three`"
        );
        assert_eq!(advice("x", ["wb"]).unwrap(), "there is only `wb`");
    }
}

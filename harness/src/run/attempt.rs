//! Whether a step tries to bring about what must never hold.

use crate::scenario::{Action, Comparison, Expectations, Selector};

/// A step is an attempt when it acts, names one of the objects (or many at once), and carries one of
/// the forbidden values or names the attribute.
pub(super) fn is_attempt(expect: &Expectations, action: &Action, text: &str) -> bool {
    let acts = matches!(
        action,
        Action::Exo(_)
            | Action::OnPrem(_)
            | Action::Ad(_)
            | Action::Ldif(_)
            | Action::Graph(_)
            | Action::Transfer(_)
            | Action::Edits(_)
    );
    if !acts {
        return false;
    }
    let text = text.to_lowercase();
    let contains = |word: &str| text.contains(&word.to_lowercase());
    expect.mailboxes.iter().any(|mailbox| {
        let named = match &mailbox.mailboxes.value {
            Selector::Names(names) => names.iter().any(|name| contains(&name.value)),
            Selector::All | Selector::Shape(_) => true,
        };
        let many = matches!(action, Action::Transfer(_) | Action::Edits(_));
        (named || many)
            && mailbox.attributes.iter().any(|demand| {
                contains(&demand.path.value.attribute)
                    || forbidden(&demand.comparison.value).iter().any(|value| contains(value))
            })
    })
}

fn forbidden(comparison: &Comparison) -> Vec<String> {
    match comparison {
        Comparison::Equals(values) | Comparison::Contains(values) | Comparison::Set(values) => {
            values.clone()
        }
        _ => Vec::new(),
    }
}

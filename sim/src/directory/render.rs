//! From an object to what a client asked to see of it: attribute selection, ranges, spelling.

use std::sync::Arc;

use crate::directory::answer::{SearchEntry, SearchHit};
use crate::directory::derived::{DERIVED, Origin, View};
use crate::directory::forest::{DomainController, Forest};
use crate::directory::request::AttributeName;
use crate::directory::schema::{Attribute, known};
use crate::directory::store::Slot;

/// Which attributes a search returns.
#[derive(Debug, Default)]
pub(super) struct Selection<'f> {
    /// All ordinary ones.
    all: bool,
    /// Named ones, each once.
    named: Vec<Selected<'f>>,
}

#[derive(Debug)]
struct Selected<'f> {
    attribute: &'f Attribute,
    /// `;range=first-last`; `last` is `None` for `*`.
    range: Option<(usize, Option<usize>)>,
    /// `;binary` is echoed.
    binary: bool,
}

impl Forest {
    /// Reads an attribute selection. Unknown names are ignored, as is everything below `1.1`.
    pub(super) fn selection<'f>(&'f self, names: &[AttributeName]) -> Selection<'f> {
        let mut selection = Selection { all: names.is_empty(), named: Vec::new() };
        for name in names {
            if let AttributeName::Text(text) = name
                && &**text == "*"
            {
                selection.all = true;
                continue;
            }
            let Some(attribute) = self.attribute(name) else { continue };
            if selection.named.iter().any(|known| known.attribute.number == attribute.number) {
                continue;
            }
            let options = match name {
                AttributeName::Text(text) => {
                    text.split_once(';').map_or("", |(_, options)| options)
                }
                AttributeName::Number(_) => "",
            };
            let range = options.split(';').find_map(range_of);
            let binary = options.split(';').any(|option| option.eq_ignore_ascii_case("binary"));
            selection.named.push(Selected { attribute, range, binary });
        }
        selection
    }

    /// An entry as a client sees it.
    pub(super) fn rendered(
        &self,
        controller: &DomainController,
        hit: &SearchHit,
        selection: &Selection<'_>,
        types_only: bool,
    ) -> SearchEntry {
        let slot = Slot { entry: Arc::clone(&hit.entry), stamp: hit.stamp };
        let view = View { forest: self, controller, object: hit.object, slot: &slot };
        let mut attributes = Vec::new();
        if selection.all {
            self.render_all(&view, &mut attributes);
        }
        for selected in &selection.named {
            let is_there = selection.all && Origin::of(selected.attribute) != Origin::Constructed;
            if is_there && selected.range.is_none() {
                continue;
            }
            if selected.attribute.number == known::UNICODE_PWD {
                continue;
            }
            let values = view.values(selected.attribute);
            if !values.is_empty() {
                self.push_values(&mut attributes, selected, values);
            }
        }
        if types_only {
            for (_, values) in &mut attributes {
                values.clear();
            }
        }
        let dn = self.dn(controller, hit.object);
        SearchEntry { guid: Some(hit.entry.guid), dn, attributes }
    }

    /// Every ordinary attribute that has a value: derived, stored, back links.
    fn render_all(&self, view: &View<'_>, attributes: &mut Vec<(Arc<str>, Vec<Vec<u8>>)>) {
        let mut push = |attribute| {
            let values = view.values(attribute);
            if !values.is_empty() {
                let selected = Selected { attribute, range: None, binary: false };
                self.push_values(attributes, &selected, values);
            }
        };
        for attribute in DERIVED.iter().filter_map(|number| self.schema.attribute(*number)) {
            push(attribute);
        }
        for (number, _) in view.slot.entry.record.attributes() {
            if let Some(attribute) =
                self.schema.attribute(number).filter(|_| number != known::UNICODE_PWD)
            {
                push(attribute);
            }
        }
        let mut last = None;
        for (forward, _) in view.controller.store.links_to(view.object) {
            if last.replace(forward) == Some(forward) {
                continue;
            }
            let forward = self.schema.attribute(forward);
            if let Some(back) = forward.and_then(|forward| self.schema.back_link_of(forward)) {
                push(back);
            }
        }
    }

    /// Adds the values of an attribute, in a range when there are more than an answer may have
    /// ([MS-ADTS] 3.1.1.3.1.3.3).
    fn push_values(
        &self,
        attributes: &mut Vec<(Arc<str>, Vec<Vec<u8>>)>,
        selected: &Selected<'_>,
        mut values: Vec<Vec<u8>>,
    ) {
        let most = self.policies.max_value_range;
        let mut name = Arc::clone(&selected.attribute.name);
        if selected.range.is_none() && values.len() <= most {
            if selected.binary {
                name = format!("{name};binary").into();
            }
            attributes.push((name, values));
            return;
        }
        let (first, last) = selected.range.unwrap_or((0, None));
        if first >= values.len() {
            return;
        }
        let end = last.map_or(usize::MAX, |last| last.saturating_add(1));
        let end = end.min(first.saturating_add(most)).min(values.len()).max(first);
        let complete = end == values.len();
        values.truncate(end);
        values.drain(..first);
        if selected.range.is_none() {
            attributes.push((Arc::clone(&name), Vec::new()));
        }
        let until = if complete { "*".to_owned() } else { (end.max(1) - 1).to_string() };
        attributes.push((format!("{name};range={first}-{until}").into(), values));
    }
}

/// `range=first-last` or `range=first-*`.
fn range_of(option: &str) -> Option<(usize, Option<usize>)> {
    let (word, bounds) = option.split_once('=')?;
    let (first, last) = bounds.split_once('-')?;
    if !word.eq_ignore_ascii_case("range") {
        return None;
    }
    let last = if last == "*" { None } else { Some(last.parse().ok()?) };
    Some((first.parse().ok()?, last))
}

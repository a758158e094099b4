//! From an object to what a client asked to see of it: attribute selection, ranges, spelling.

use std::sync::Arc;

use crate::directory::account::DEFAULTED;
use crate::directory::answer::{LdapResult, ResultCode, SearchEntry, SearchHit};
use crate::directory::derived::{DERIVED, Look, Origin, View};
use crate::directory::diagnostic::{self, ServiceProblem};
use crate::directory::forest::{DomainController, Forest};
use crate::directory::policies::Policy;
use crate::directory::request::AttributeName;
use crate::directory::schema::{Attribute, known};
use crate::directory::store::Slot;
use crate::record::AttributeNumber;

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
            // A name with an option that cannot be read is that of no attribute (RFC 4512 2.5).
            let is_range = |option: &&str| {
                option.split_once('=').is_some_and(|(word, _)| word.eq_ignore_ascii_case("range"))
            };
            let range = match options.split(';').find(is_range).map(range_of) {
                Some(None) => continue,
                range => range.flatten(),
            };
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
        look: Look<'_>,
        types_only: bool,
    ) -> Result<SearchEntry, LdapResult> {
        let slot = Slot { entry: Arc::clone(&hit.entry), stamp: hit.stamp };
        let view = View { look, ..View::new(self, controller, hit.object, &slot) };
        let mut attributes = Vec::new();
        if selection.all {
            self.render_all(&view, &mut attributes)?;
        }
        for selected in &selection.named {
            // Of all attributes the descriptor comes with the control for it, or by its name.
            let number = selected.attribute.number;
            let hidden = number == known::NT_SECURITY_DESCRIPTOR && look.descriptor.is_none();
            let is_there =
                selection.all && !hidden && Origin::of(selected.attribute) != Origin::Constructed;
            if is_there && selected.range.is_none() {
                continue;
            }
            if !is_shown(selected.attribute, &look) || !view.is_readable(selected.attribute) {
                continue;
            }
            if is_base_only(number) && !look.base {
                let problem = ServiceProblem::DirError;
                return Err(diagnostic::service(ResultCode::OperationsError, problem, 0x2120));
            }
            let values = view.values(selected.attribute);
            if !values.is_empty() {
                self.push_values(&mut attributes, selected, values, &look)?;
            }
        }
        if types_only {
            for (_, values) in &mut attributes {
                values.clear();
            }
        }
        let dn = self.shown_dn(controller, hit.object, look.extended_dn);
        Ok(SearchEntry { guid: Some(hit.entry.guid), dn, attributes })
    }

    /// Every ordinary attribute that has a value: derived, stored, back links.
    fn render_all(
        &self,
        view: &View<'_>,
        attributes: &mut Vec<(Arc<str>, Vec<Vec<u8>>)>,
    ) -> Result<(), LdapResult> {
        let mut push = |attribute: &Attribute| {
            if !is_shown(attribute, &view.look) || !view.is_readable(attribute) {
                return Ok(());
            }
            let values = view.values(attribute);
            if values.is_empty() {
                return Ok(());
            }
            let selected = Selected { attribute, range: None, binary: false };
            self.push_values(attributes, &selected, values, &view.look)
        };
        for attribute in DERIVED.iter().filter_map(|number| self.schema.attribute(*number)) {
            push(attribute)?;
        }
        for (number, _) in view.slot.entry.record.attributes() {
            let hidden = matches!(number, known::NT_SECURITY_DESCRIPTOR | known::OBJECT_CLASS);
            if let Some(attribute) = self.schema.attribute(number).filter(|_| !hidden) {
                push(attribute)?;
            }
        }
        for number in DEFAULTED.iter().filter(|number| !view.slot.entry.record.has(**number)) {
            if let Some(attribute) = self.schema.attribute(*number) {
                push(attribute)?;
            }
        }
        if view.look.descriptor.is_some()
            && let Some(attribute) = self.schema.attribute(known::NT_SECURITY_DESCRIPTOR)
        {
            push(attribute)?;
        }
        let mut last = None;
        for (forward, _) in view.controller.store.links_to(view.object) {
            if last.replace(forward) == Some(forward) {
                continue;
            }
            let forward = self.schema.attribute(forward);
            if let Some(back) = forward.and_then(|forward| self.schema.back_link_of(forward)) {
                push(back)?;
            }
        }
        Ok(())
    }

    /// Adds the values of an attribute, in a range when there are more than an answer may have
    /// ([MS-ADTS] 3.1.1.3.1.3.3).
    fn push_values(
        &self,
        attributes: &mut Vec<(Arc<str>, Vec<Vec<u8>>)>,
        selected: &Selected<'_>,
        mut values: Vec<Vec<u8>>,
        look: &Look<'_>,
    ) -> Result<(), LdapResult> {
        let most = self.policies.size_of(match selected.attribute.number {
            known::MSDS_MEMBER_OF_TRANSITIVE | known::MSDS_MEMBER_TRANSITIVE => {
                Policy::MaxValRangeTransitive
            }
            _ => Policy::MaxValRange,
        });
        let mut name = Arc::clone(&selected.attribute.name);
        if selected.range.is_none() && values.len() <= most {
            if selected.binary {
                name = format!("{name};binary").into();
            }
            attributes.push((name, values));
            return Ok(());
        }
        let (first, last) = selected.range.unwrap_or((0, None));
        if last.is_some_and(|last| last < first) {
            return Err(diagnostic::unwilling(0x57));
        }
        if first >= values.len() {
            if selected.attribute.link.is_some() && !look.range_without_error {
                let problem = ServiceProblem::DirError;
                return Err(diagnostic::service(ResultCode::OperationsError, problem, 0x2020));
            }
            attributes.push((format!("{name};range={first}-*").into(), Vec::new()));
            return Ok(());
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
        Ok(())
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

/// Whether an attribute is shown at all: no secret, and in the global catalog only what belongs to it.
fn is_shown(attribute: &Attribute, look: &Look<'_>) -> bool {
    !attribute.secret && (!look.catalog || attribute.global_catalog || attribute.constructed)
}

/// Attributes that are made for one object at a time only ([MS-ADTS] 3.1.1.4.5.19).
fn is_base_only(number: AttributeNumber) -> bool {
    matches!(
        number,
        known::TOKEN_GROUPS
            | known::TOKEN_GROUPS_GLOBAL_AND_UNIVERSAL
            | known::TOKEN_GROUPS_NO_GC_ACCEPTABLE
    )
}

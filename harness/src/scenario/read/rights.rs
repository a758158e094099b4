//! `world.rights`: rights in AD that differ from those of the setup.

use super::super::diagnostic::Diagnostic;
use super::super::nearest::advice;
use super::super::span::Spanned;
use super::super::world::{Population, Rights, RightsEntry};
use super::super::yaml::{Entry, Node};
use super::Reader;
use super::places::units;

impl Reader<'_> {
    pub(super) fn rights(&mut self, node: &Node, population: &[Population]) -> Rights {
        let mut rights = Rights::default();
        let Some(mut fields) = self.fields(node, "`rights`") else { return rights };
        if let Some(entry) = fields.take("agents") {
            let word = entry.value.scalar().map(|scalar| scalar.text.as_str());
            rights.agents = match word {
                Some("all") => None,
                Some("none") => Some(Vec::new()),
                _ => Some(self.writable(&entry.value)),
            };
        }
        let units = units(population);
        let users: Vec<String> = population
            .iter()
            .flat_map(|part| match part {
                Population::User(user) if user.dir_synced => vec![user.name.value.clone()],
                Population::Ldif { people, .. } => {
                    people.iter().map(|person| person.name.clone()).collect()
                }
                _ => Vec::new(),
            })
            .collect();
        let known: Vec<&str> = users.iter().chain(&units).map(String::as_str).collect();
        if let Some(entry) = fields.take("cut_off") {
            rights.cut_off = self.named_places(&entry.value, &known);
        }
        if let Some(entry) = fields.take("protected") {
            let users: Vec<&str> = users.iter().map(String::as_str).collect();
            rights.protected = self.named_places(&entry.value, &users);
        }
        for (key, deny) in [("deny", true), ("allow", false)] {
            let Some(entry) = fields.take(key) else { continue };
            let entries = self.rights_entries(entry, deny, &known);
            rights.entries.extend(entries);
        }
        self.finish(&fields, "`rights`");
        rights
    }

    /// `deny: [{on: u7, attributes: [proxyAddresses]}]`, or names alone.
    fn rights_entries(&mut self, entry: &Entry, deny: bool, known: &[&str]) -> Vec<RightsEntry> {
        let what = format!("`{}`", entry.key.value);
        let mut entries = Vec::new();
        for node in self.items(&entry.value, &what) {
            let (places, attributes) = if super::is_scalar(node) {
                (self.named_places(node, known), Vec::new())
            } else {
                let Some(mut fields) = self.fields(node, "an entry of rights") else { continue };
                let on = self.required(&mut fields, "on");
                let attributes =
                    fields.take("attributes").map(|entry| match entry.value.scalar() {
                        Some(scalar) if scalar.text == "all" => Vec::new(),
                        _ => self.writable(&entry.value),
                    });
                self.finish(&fields, "an entry of rights");
                let places = on.map(|on| self.named_places(&on.value, known));
                (places.unwrap_or_default(), attributes.unwrap_or_default())
            };
            entries.extend(places.into_iter().map(|on| RightsEntry {
                on,
                attributes: attributes.clone(),
                deny,
            }));
        }
        entries
    }

    pub(super) fn writable(&mut self, node: &Node) -> Vec<Spanned<String>> {
        let names = &self.catalogues.ad_attributes;
        let texts = self.texts(node);
        let names = || names.iter().map(String::as_str);
        let what = "AD attribute";
        texts.iter().filter_map(|t| self.known(t, names(), "unknown-attribute", what)).collect()
    }

    fn named_places(&mut self, node: &Node, known: &[&str]) -> Vec<Spanned<String>> {
        let mut found = Vec::new();
        for text in self.texts(node) {
            match known.iter().find(|name| name.eq_ignore_ascii_case(&text.value)) {
                Some(name) => found.push(Spanned::new((*name).to_owned(), text.span)),
                None => {
                    let message = format!("nobody and no unit is called `{}`", text.value);
                    let problem = Diagnostic::error("unknown-place", text.span, message)
                        .label("neither a `user:` of the population nor the `ou:` of one, nor of an export");
                    self.report(match advice(&text.value, known.iter().copied()) {
                        Some(help) => problem.help(help),
                        None => problem,
                    });
                }
            }
        }
        found
    }
}

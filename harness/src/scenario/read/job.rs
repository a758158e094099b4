//! `world.writeback:`: the job, its mapping and its scope.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use super::super::diagnostic::Diagnostic;
use super::super::quantity;
use super::super::span::Spanned;
use super::super::world::{Writeback, WritebackScope};
use super::super::yaml::Node;
use super::Reader;

const MINUTE: Duration = Duration::from_secs(60);
/// The day of the general availability profile's job.
const CREATED: Date = date(2026, 9, 1);

impl Reader<'_> {
    pub(super) fn writeback(
        &mut self,
        node: Option<&Node>,
        start: Timestamp,
        domains: &[String],
    ) -> Writeback {
        let today = start.to_zoned(TimeZone::UTC).date();
        let mut writeback = Writeback {
            created: CREATED.min(today),
            interval: 20 * MINUTE,
            exists: true,
            enabled: true,
            domain: None,
            mappings: Vec::new(),
            scope: WritebackScope::default(),
        };
        let Some(node) = node else { return writeback };
        let word = node.scalar().map(|scalar| scalar.text.as_str());
        if matches!(word, Some("none" | "false")) {
            writeback.exists = false;
            return writeback;
        }
        let Some(mut fields) = self.fields(node, "`writeback` (or `none`)") else {
            return writeback;
        };
        if let Some(entry) = fields.take("created") {
            let text = self.text(&entry.value);
            match text.as_ref().and_then(|text| quantity::date(&text.value)) {
                Some(created) if created > today => {
                    let message = "the job cannot have been created after the world's start";
                    self.report(
                        Diagnostic::error("instant-in-the-future", entry.value.span, message)
                            .label(format!("expected {today} or earlier")),
                    );
                }
                Some(created) => writeback.created = created,
                None if text.is_some() => {
                    self.wrong_type(&entry.value, "a date such as `2026-09-01`");
                }
                None => {}
            }
        }
        if let Some(entry) = fields.take("interval") {
            writeback.interval = self.duration(&entry.value).unwrap_or(writeback.interval);
        }
        if let Some(entry) = fields.take("enabled") {
            writeback.enabled = self.boolean(&entry.value).unwrap_or(true);
        }
        if let Some(entry) = fields.take("mappings") {
            writeback.mappings = self.mappings(&entry.value);
        }
        if let Some(entry) = fields.take("scope") {
            writeback.scope = self.writeback_scope(&entry.value);
        }
        writeback.domain = fields.take("domain").and_then(|entry| self.domain_of(entry, domains));
        self.finish(&fields, "`writeback`");
        writeback
    }

    /// AD attributes with what feeds each; a property's name stands for itself, nothing for no mapping.
    fn mappings(&mut self, node: &Node) -> Vec<(Spanned<String>, Option<Spanned<String>>)> {
        let mut mappings: Vec<(Spanned<String>, Option<Spanned<String>>)> = Vec::new();
        let Some(fields) = self.fields(node, "`mappings`") else { return mappings };
        for entry in fields.others() {
            let names = self.catalogues.ad_attributes.iter().map(String::as_str);
            let Some(target) = self.known(&entry.key, names, "unknown-attribute", "attribute")
            else {
                continue;
            };
            let source = if entry.value.is_null() {
                None
            } else {
                let Some(text) = self.text(&entry.value) else { continue };
                let is_name = text.value.chars().all(char::is_alphanumeric);
                let source = if is_name { format!("[{}]", text.value) } else { text.value };
                Some(Spanned::new(source, text.span))
            };
            let check = self.catalogues.mapping.zip(source.as_ref());
            let refused = check.and_then(|(check, source)| {
                Some((check(&target.value, &source.value).err()?, source.span))
            });
            if let Some((why, span)) = refused {
                let message = format!("the job does not take this mapping: {why}");
                self.report(Diagnostic::error("unsupported-mapping", span, message));
                continue;
            }
            mappings.push((target, source));
        }
        let targets: Vec<_> = mappings.iter().map(|(target, _)| target.clone()).collect();
        self.report_duplicates(&targets, "mapping");
        mappings
    }

    fn writeback_scope(&mut self, node: &Node) -> WritebackScope {
        let mut scope = WritebackScope::default();
        let Some(mut fields) = self.fields(node, "`scope`") else { return scope };
        if let Some(entry) = fields.take("ous") {
            scope.ous = self.texts(&entry.value);
        }
        if let Some(entry) = fields.take("groups") {
            scope.groups = self.texts(&entry.value);
        }
        self.finish(&fields, "`scope`");
        if scope.is_open() {
            self.wrong_type(node, "`ous`, `groups` or both");
        }
        let paths = |name: &&Spanned<String>| name.value.contains('=');
        let names = scope.ous.iter().filter(paths).chain(&scope.groups);
        for name in names {
            let refused =
                self.catalogues.distinguished_name.and_then(|check| check(&name.value).err());
            if let Some(why) = refused {
                self.report(Diagnostic::error("bad-name", name.span, why));
            }
        }
        scope
    }
}

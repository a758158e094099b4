//! `ldif:`, change records (RFC 2849).

use super::super::catalogue::{LdifProblem, LdifRecord};
use super::super::diagnostic::Diagnostic;
use super::super::model::Action;
use super::super::nearest::{advice, list};
use super::super::span::{Span, Spanned};
use super::super::world::{Population, World};
use super::super::yaml::Node;
use super::Reader;
use super::places::units;
use crate::cmdlet::ROUND;

impl Reader<'_> {
    /// LDIF records, or `{records: ..., dc: DC2}`.
    pub(super) fn ldif_action(
        &mut self,
        node: &Node,
        world: &World,
        lenient: bool,
    ) -> Option<Action> {
        if super::is_scalar(node) {
            return Some(Action::Ldif(self.ldif_block(node, world, lenient)?, None));
        }
        let mut fields = self.fields(node, "`ldif` (or its records alone)")?;
        let records = self.required(&mut fields, "records");
        let dc = fields.take("dc").map(|entry| self.dc_of(entry, world));
        self.finish(&fields, "`ldif`");
        let records = self.ldif_block(&records?.value, world, lenient)?;
        let dc = match dc {
            Some(dc) => Some(dc?),
            None => None,
        };
        Some(Action::Ldif(records, dc))
    }

    fn ldif_block(&mut self, node: &Node, world: &World, lenient: bool) -> Option<Spanned<String>> {
        let text = self.sentence(node)?;
        if !text.value.lines().any(|line| line.to_ascii_lowercase().starts_with("dn:")) {
            self.wrong_type(node, "LDIF change records; each begins with `dn:`");
            return None;
        }
        let Some(read) = self.catalogues.ldif else { return Some(text) };
        let records = match read(&text.value) {
            Ok(records) => records,
            Err(_) if lenient => return Some(text),
            Err(LdifProblem { line, problem }) => {
                let line = text.value.lines().nth(line.saturating_sub(1)).unwrap_or_default();
                let span = self.found(node, line.trim_end());
                let message = format!("these are no LDIF change records: {problem}");
                self.report(
                    Diagnostic::error("bad-ldif", span, message)
                        .help("RFC 2849: `dn:`, `changetype:`, then for a modify `replace: <attribute>`, its values and `-`"),
                );
                return None;
            }
        };
        for record in &records {
            if !lenient {
                self.check_record(node, record, world);
            }
            let named = record.renames.as_deref().or(record.adds.then_some(&*record.dn));
            let first = named.and_then(|dn| dn.split(',').next()?.split_once('='));
            if let Some((_, name)) = first {
                self.cast.learn_entry(name.trim());
            }
            if record.adds {
                let classes =
                    record.values.iter().filter(|(n, _)| n.eq_ignore_ascii_case("objectClass"));
                let is_group = |class: &String| class.eq_ignore_ascii_case("group");
                let is_group = classes.flat_map(|(_, classes)| classes).any(is_group);
                self.cast.tree.learn_entry(&record.dn, is_group);
                if let (true, Some((_, name))) = (is_group, first) {
                    self.cast.learn_group(name.trim());
                }
            }
            if record.renames.is_some() {
                self.cast.tree.open();
            }
        }
        Some(text)
    }

    /// The object is there, or somebody made it; the schema has the attributes.
    fn check_record(&mut self, node: &Node, record: &LdifRecord, world: &World) {
        let domain = domain_of(&record.dn);
        let mut domains = world.forests().flat_map(|forest| &forest.domains);
        if !domain.is_empty() && !domains.any(|known| is_of(&domain, &known.value)) {
            let span = self.found(node, &record.dn);
            let message = format!("no domain of this world holds `{}`", record.dn);
            let names: Vec<String> = world
                .forests()
                .flat_map(|forest| &forest.domains)
                .map(|known| format!("DC={}", known.value.replace('.', ",DC=")))
                .collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            self.report(
                Diagnostic::error("unknown-domain", span, message)
                    .help(format!("the domains are {}", list(&names))),
            );
        } else if !record.adds {
            self.check_entry(node, record, world);
        } else if let Some((_, parent)) = record.dn.split_once(',') {
            let span = self.found(node, parent);
            self.check_parent(parent.trim(), span);
        }
        self.check_given(node, record);
        let known = &self.catalogues.ad_attributes;
        for name in &record.attributes {
            let bare = name.split(';').next().unwrap_or_default();
            if known.iter().any(|attribute| attribute.eq_ignore_ascii_case(bare)) {
                continue;
            }
            let span = self.found(node, bare);
            let message = format!("there is no AD attribute `{bare}`");
            let problem =
                Diagnostic::error("unknown-attribute", span, message).label("unknown attribute");
            self.problems.push(match advice(bare, known.iter().map(String::as_str)) {
                Some(help) => problem.help(help),
                None => problem,
            });
        }
    }

    /// The values that a record gives are such as AD takes, and the class of what it adds exists.
    fn check_given(&mut self, node: &Node, record: &LdifRecord) {
        for (name, values) in &record.values {
            if values.iter().any(|value| value.contains(ROUND)) {
                continue;
            }
            let first = values.first().map_or(name.as_str(), String::as_str);
            if let (true, Some(exists)) =
                (name.eq_ignore_ascii_case("objectClass"), self.catalogues.class)
            {
                for class in values.iter().filter(|class| !exists(class)) {
                    let span = self.found(node, class);
                    let message = format!("AD has no class `{class}`");
                    self.report(
                        Diagnostic::error("impossible-value", span, message).label(
                            "expected a class such as `user`, `group` or `organizationalUnit`",
                        ),
                    );
                }
                continue;
            }
            if let Some(check) = self.catalogues.step_values {
                let span = self.found(node, if first.is_empty() { name } else { first });
                self.report_misfit(span, check(name, values).err());
            }
        }
    }

    /// A person below a unit of the population has to be one of it, or of the story.
    fn check_entry(&mut self, node: &Node, record: &LdifRecord, world: &World) {
        let is_export = |part: &Population| matches!(part, Population::Ldif { .. });
        let Some((first, rest)) = record.dn.split_once(',') else { return };
        let Some((kind, name)) = first.split_once('=') else { return };
        let above: Vec<String> = rest
            .split(',')
            .filter_map(|part| part.trim().get(..3).zip(part.trim().get(3..)))
            .filter(|(kind, _)| kind.eq_ignore_ascii_case("ou="))
            .map(|(_, name)| name.to_owned())
            .collect();
        let path: Vec<&str> = above.iter().rev().map(String::as_str).collect();
        let path = path.join("/");
        let is_home = units(&world.population).iter().any(|unit| unit.eq_ignore_ascii_case(&path));
        let is_known = self.cast.resolve(name).is_some() || name.contains(['\\', '{']);
        if !is_home
            || is_known
            || !kind.trim().eq_ignore_ascii_case("cn")
            || world.population.iter().any(is_export)
        {
            return;
        }
        let span = self.found(node, name);
        self.unknown_user(&Spanned::new(name.to_owned(), span));
    }

    /// Where a word of the records stands; the whole of them when it is folded or encoded.
    fn found(&self, node: &Node, word: &str) -> Span {
        let Some(scalar) = node.scalar() else { return node.span };
        match scalar.text.find(word) {
            Some(at) if !word.is_empty() => {
                scalar.locate(self.source, node.span, at, at + word.len())
            }
            _ => node.span,
        }
    }
}

/// `corp.contoso.com` of `CN=u7,DC=corp,DC=contoso,DC=com`.
fn domain_of(dn: &str) -> String {
    let parts = dn.split(',').filter_map(|part| part.trim().split_once('='));
    let names = parts.filter(|(kind, _)| kind.trim().eq_ignore_ascii_case("dc"));
    names.map(|(_, name)| name.trim()).collect::<Vec<_>>().join(".")
}

/// Whether a domain is a known one, or one of its partitions (`ForestDnsZones`).
fn is_of(domain: &str, known: &str) -> bool {
    let domain = domain.to_ascii_lowercase();
    let known = known.to_ascii_lowercase();
    domain == known || domain.strip_suffix(&known).is_some_and(|rest| rest.ends_with("dnszones."))
}

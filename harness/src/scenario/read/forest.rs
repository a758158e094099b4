//! `forest:`, the domains and their domain controllers.

use super::super::diagnostic::Diagnostic;
use super::super::span::Spanned;
use super::super::world::{Dc, Forest};
use super::super::yaml::{Entry, Node, Value};
use super::Reader;

impl Reader<'_> {
    fn forest(&mut self, node: Option<&Node>) -> Forest {
        let mut forest = Forest {
            domains: vec![Spanned::implied("corp.contoso.com".to_owned())],
            dcs: vec![Dc {
                name: Spanned::implied("DC1".to_owned()),
                replication: None,
                domain: None,
                read_only: false,
            }],
            exchange_schema: true,
            recycle_bin: true,
        };
        let Some(mut fields) = node.and_then(|node| self.fields(node, "`forest`")) else {
            return forest;
        };
        if let Some(entry) = fields.take("domains") {
            let domains = self.texts(&entry.value);
            if domains.is_empty() {
                self.wrong_type(&entry.value, "at least one domain");
            } else {
                self.report_duplicates(&domains, "domain");
                forest.domains = domains;
            }
        }
        if let Some(entry) = fields.take("dcs") {
            let nodes = self.items(&entry.value, "`dcs`");
            let dcs: Vec<Dc> = nodes.iter().filter_map(|node| self.dc(node, &forest)).collect();
            if nodes.is_empty() {
                self.wrong_type(&entry.value, "at least one domain controller");
            }
            let names: Vec<_> = dcs.iter().map(|dc| dc.name.clone()).collect();
            self.report_duplicates(&names, "domain controller");
            if !dcs.is_empty() {
                forest.dcs = dcs;
            }
        }
        if let Some(entry) = fields.take("exchange_schema") {
            forest.exchange_schema = self.boolean(&entry.value).unwrap_or(true);
        }
        if let Some(entry) = fields.take("recycle_bin") {
            forest.recycle_bin = self.boolean(&entry.value).unwrap_or(true);
        }
        self.finish(&fields, "`forest`");
        self.check_forest_names(&forest);
        self.check_domains(&mut forest, node);
        forest
    }

    /// Every domain has a domain controller that takes writes, and it is the first one of its domain.
    fn check_domains(&mut self, forest: &mut Forest, node: Option<&Node>) {
        let root = forest.domains.first().map(|domain| domain.value.clone()).unwrap_or_default();
        let of = |dc: &Dc| dc.domain.as_ref().map_or_else(|| root.clone(), |at| at.value.clone());
        for domain in &forest.domains {
            let mut dcs = forest.dcs.iter().filter(|dc| of(dc).eq_ignore_ascii_case(&domain.value));
            let problem = match dcs.next() {
                Some(first) if first.read_only => Diagnostic::error(
                    "impossible-forest",
                    first.name.span,
                    format!("the first domain controller of {} is read-only", domain.value),
                )
                .help("list one that takes writes before it"),
                Some(_) => continue,
                None => {
                    let span = node.map_or(domain.span, |node| node.span);
                    let message = format!("no domain controller holds {}", domain.value);
                    Diagnostic::error("impossible-forest", span, message)
                        .help(format!("add `{{name: ..., domain: {}}}` to `dcs`", domain.value))
                }
            };
            self.problems.push(problem);
        }
    }

    /// `forest:`, one or a list of them; names of domains and domain controllers are unique.
    pub(super) fn forests(&mut self, node: Option<&Node>) -> (Forest, Vec<Forest>) {
        let Some(nodes) = node.and_then(|node| match &node.value {
            Value::Sequence(nodes) if !nodes.is_empty() => Some(nodes),
            _ => None,
        }) else {
            return (self.forest(node), Vec::new());
        };
        let mut forests: Vec<Forest> = nodes.iter().map(|node| self.forest(Some(node))).collect();
        let domains: Vec<_> = forests.iter().flat_map(|at| at.domains.clone()).collect();
        self.report_duplicates(&domains, "domain");
        let dcs: Vec<_> = forests.iter().flat_map(|at| &at.dcs).map(|dc| dc.name.clone()).collect();
        self.report_duplicates(&dcs, "domain controller");
        let further = forests.split_off(1);
        (forests.remove(0), further)
    }

    /// The domain of the world that an entry names.
    pub(super) fn domain_of(
        &mut self,
        entry: &Entry,
        domains: &[String],
    ) -> Option<Spanned<String>> {
        let name = self.text(&entry.value)?;
        let names = domains.iter().map(String::as_str);
        self.known(&name, names, "unknown-domain", "domain")
    }

    fn dc(&mut self, node: &Node, forest: &Forest) -> Option<Dc> {
        if super::is_scalar(node) {
            let name = self.sentence(node)?;
            return Some(Dc { name, replication: None, domain: None, read_only: false });
        }
        let mut fields = self.fields(node, "a domain controller")?;
        let name = self.required(&mut fields, "name");
        let replication = fields.take("replication");
        let replication = replication.and_then(|entry| self.any_duration(&entry.value));
        let read_only = fields.take("read_only").and_then(|entry| self.boolean(&entry.value));
        let domain = fields.take("domain").and_then(|e| self.text(&e.value));
        self.finish(&fields, "a domain controller");
        let domain = domain.and_then(|domain| {
            let names: Vec<String> = forest.domains.iter().map(|d| d.value.clone()).collect();
            self.known(&domain, names.iter().map(String::as_str), "unknown-domain", "domain")
        });
        let read_only = read_only.unwrap_or(false);
        Some(Dc { name: self.sentence(&name?.value)?, replication, domain, read_only })
    }

    /// The domain controller that a text names.
    pub(super) fn dc_in(&mut self, node: &Node, homes: &[&Forest]) -> Option<Spanned<String>> {
        let name = self.text(node)?;
        let names = homes.iter().flat_map(|at| &at.dcs).map(|dc| dc.name.value.as_str());
        self.known(&name, names, "unknown-dc", "domain controller")
    }

    /// The domain controllers that a text or a list names.
    pub(super) fn dcs_in(&mut self, node: &Node, homes: &[&Forest]) -> Vec<Spanned<String>> {
        match &node.value {
            Value::Sequence(nodes) => {
                nodes.iter().filter_map(|node| self.dc_in(node, homes)).collect()
            }
            _ => self.dc_in(node, homes).into_iter().collect(),
        }
    }
}

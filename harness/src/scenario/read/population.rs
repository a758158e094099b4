//! `population:`, who is there.

use std::collections::BTreeMap;

use super::super::diagnostic::Diagnostic;
use super::super::model::Share;
use super::super::nearest::{advice, nearest};
use super::super::span::{Span, Spanned};
use super::super::world::{MailboxKind, MailboxLocation, Population, Tenant, User};
use super::super::yaml::{Entry, Node, Value};
use super::Reader;
use super::cast::RESERVED;
use super::words::{KINDS, LOCATIONS};

/// More mailboxes than any tenant that is rehearsed.
const MOST_MAILBOXES: i64 = 2_000_000;

impl Reader<'_> {
    pub(super) fn population(
        &mut self,
        node: Option<&Node>,
        tenant: &Tenant,
        domains: &[String],
    ) -> Vec<Population> {
        let mut population = Vec::new();
        let Some(node) = node else { return population };
        for node in self.items(node, "`population`") {
            population.extend(self.part(node, tenant, domains));
        }
        self.report_collisions(&population);
        population
    }

    fn part(&mut self, node: &Node, tenant: &Tenant, domains: &[String]) -> Option<Population> {
        let kinds = ["shape", "user", "ldif"];
        let entries: &[Entry] = match &node.value {
            Value::Mapping(entries) => entries,
            Value::Scalar(_) | Value::Sequence(_) => &[],
        };
        let Some(first) = entries.first() else {
            self.wrong_type(node, "`shape:`, `user:` or `ldif:`");
            return None;
        };
        match first.key.value.as_str() {
            "shape" => self.shape(node, domains),
            "user" => self.user_part(node, tenant, domains),
            "ldif" => self.ldif(node),
            other => {
                let message = format!("`{other}` is no kind of population");
                let problem = Diagnostic::error("unknown-key", first.key.span, message)
                    .label("expected `shape`, `user` or `ldif` as the first key");
                self.report(match nearest(other, kinds) {
                    Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                    None => problem,
                });
                None
            }
        }
    }

    fn shape(&mut self, node: &Node, domains: &[String]) -> Option<Population> {
        let mut fields = self.fields(node, "a shape")?;
        let shape = fields.take("shape").and_then(|entry| self.text(&entry.value));
        let mailboxes = self.required(&mut fields, "mailboxes");
        let cloud_managed = match fields.take("cloud_managed") {
            Some(entry) => match entry.value.scalar().and_then(|scalar| scalar.boolean()) {
                Some(all) => Some(if all { Share::ALL } else { Share::NONE }),
                None => self.share(&entry.value),
            },
            None => Some(Share::NONE),
        };
        let domain = fields.take("domain").and_then(|entry| self.domain_of(entry, domains));
        self.finish(&fields, "a shape");
        let mailboxes = self.integer(&mailboxes?.value, 1, MOST_MAILBOXES);
        let names = self.catalogues.shapes.iter().map(String::as_str);
        let shape = self.known(&shape?, names, "unknown-shape", "shape")?;
        let mailboxes = u32::try_from(mailboxes?).ok()?;
        Some(Population::Shape { shape, mailboxes, cloud_managed: cloud_managed?, domain })
    }

    fn user_part(
        &mut self,
        node: &Node,
        tenant: &Tenant,
        domains: &[String],
    ) -> Option<Population> {
        let mut fields = self.fields(node, "a user's entry")?;
        let entry = fields.take("user")?;
        self.finish(&fields, "a user's entry");
        self.user(&entry.value, tenant, domains).map(|user| Population::User(Box::new(user)))
    }

    /// Attributes are compared without case: one that comes twice has no say in which value counts.
    fn report_repeated(&mut self, entries: &[&Entry]) {
        for (place, entry) in entries.iter().enumerate() {
            let name = &entry.key.value;
            let first = entries[..place].iter().find(|e| e.key.value.eq_ignore_ascii_case(name));
            if let Some(first) = first {
                let message = format!("`{name}` is `{}`, and that comes twice", first.key.value);
                self.report(
                    Diagnostic::error("duplicate-key", entry.key.span, message)
                        .label("the second time")
                        .help("names of attributes are compared without case"),
                );
            }
        }
    }

    fn user(&mut self, node: &Node, tenant: &Tenant, domains: &[String]) -> Option<User> {
        if super::is_scalar(node) {
            let name = self.sentence(node)?;
            let upn = name.clone().map(|name| format!("{name}@{}", tenant.domain.value));
            return Some(plain_user(name, upn, node.span));
        }
        let mut fields = self.fields(node, "a user")?;
        let name = fields.take("name").and_then(|entry| self.sentence(&entry.value));
        let upn = fields.take("upn").and_then(|entry| self.upn(&entry.value));
        let addresses = fields.take("addresses").map(|entry| self.texts(&entry.value));
        let cloud_managed = fields.take("cloud_managed").and_then(|e| self.boolean(&e.value));
        let kind = fields.take("type").and_then(|entry| self.word(&entry.value, &KINDS));
        let mailbox = fields.take("mailbox").and_then(|entry| self.word(&entry.value, &LOCATIONS));
        let dir_synced = fields.take("dir_synced").and_then(|entry| self.boolean(&entry.value));
        let licence = fields.take("licensed");
        let units = fields.take("ou").and_then(|entry| self.units(&entry.value));
        let domain = fields.take("domain").and_then(|entry| self.domain_of(entry, domains));
        let cloud = fields.take("cloud").map(|entry| self.cloud_properties(&entry.value));
        let asked = fields.asked().to_vec();
        let others = fields.others();
        self.report_repeated(&others);
        let attributes =
            others.into_iter().filter_map(|entry| self.ad_attribute(entry, &asked)).collect();
        let (name, upn) = match (name, upn) {
            (Some(name), Some(upn)) => (name, upn),
            (Some(name), None) => {
                let upn = name.clone().map(|name| format!("{name}@{}", tenant.domain.value));
                (name, upn)
            }
            (None, Some(upn)) => {
                let local = upn.value.split('@').next().unwrap_or_default().to_owned();
                (Spanned::new(local, upn.span), upn)
            }
            (None, None) => {
                self.report(
                    Diagnostic::error("missing-key", node.span, "a user has a name")
                        .label("expected `name:` or `upn:` in here"),
                );
                return None;
            }
        };
        let span = licence.map(|entry| entry.key.span);
        let licensed = licence.and_then(|entry| self.boolean(&entry.value));
        let user = User {
            licensed,
            addresses: addresses.unwrap_or_default(),
            cloud_managed: cloud_managed.unwrap_or(false),
            kind: kind.unwrap_or_default(),
            mailbox: mailbox.unwrap_or_default(),
            dir_synced: dir_synced.unwrap_or(true),
            domain,
            units: units.unwrap_or_default(),
            attributes,
            cloud: cloud.unwrap_or_default(),
            ..plain_user(name, upn, node.span)
        };
        self.report_impossible(&user);
        self.check_verified(&user, tenant);
        self.report_licence(&user, span.unwrap_or_default());
        Some(user)
    }

    /// A licence makes a mailbox, and the mailbox of a person does not outlive it: neither is at rest.
    fn report_licence(&mut self, user: &User, key: Span) {
        let is_person = user.kind == MailboxKind::User;
        let problem = match (user.licensed, user.mailbox) {
            (Some(false), MailboxLocation::Cloud) if is_person => {
                ("the mailbox of a person goes thirty days after its licence", "removeLicenses")
            }
            (Some(true), MailboxLocation::None) => {
                ("a licence makes a mailbox, and this user has none", "addLicenses")
            }
            _ => return,
        };
        let (message, member) = problem;
        let help = format!(
            "a population is at rest; let a step do it: `graph: {{method: POST, path: /users/{}/assignLicense, body: {{{member}: [...], ...}}}}`",
            user.name.value
        );
        self.report(Diagnostic::error("impossible-user", key, message).help(help));
    }

    /// `Staff/North`: organizational units from the domain down.
    fn units(&mut self, node: &Node) -> Option<Vec<String>> {
        let path = self.sentence(node)?;
        let units: Vec<String> = path.value.split('/').map(|unit| unit.trim().to_owned()).collect();
        if units.iter().any(|unit| unit.is_empty() || unit.contains(['=', ','])) {
            self.wrong_type(node, "names of organizational units such as `Staff/North`");
            return None;
        }
        Some(units)
    }

    fn upn(&mut self, node: &Node) -> Option<Spanned<String>> {
        let upn = self.sentence(node)?;
        let whole = upn.value.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@')
        });
        if !whole {
            self.wrong_type(node, "a user principal name such as `u7@contoso.com`");
            return None;
        }
        Some(upn)
    }

    /// A key of a user that is none of the language's own: an AD attribute.
    fn ad_attribute(
        &mut self,
        entry: &Entry,
        own: &[&'static str],
    ) -> Option<(Spanned<String>, Vec<String>)> {
        let catalogues = self.catalogues;
        let key = &entry.key;
        if key.value.eq_ignore_ascii_case("userPrincipalName") {
            let message = "the user principal name has a key of its own";
            self.report(
                Diagnostic::error("unknown-key", key.span, message).label("expected `upn`"),
            );
            return None;
        }
        let known = catalogues.ad_attributes.iter().find(|a| a.eq_ignore_ascii_case(&key.value));
        let Some(known) = known else {
            let message = format!("`{}` is neither a key of a user nor an AD attribute", key.value);
            let problem = Diagnostic::error("unknown-attribute", key.span, message)
                .label("unknown attribute");
            let names =
                own.iter().copied().chain(catalogues.ad_attributes.iter().map(String::as_str));
            self.report(match advice(&key.value, names) {
                Some(help) => problem.help(help),
                None => problem,
            });
            return None;
        };
        let values = self.texts(&entry.value).into_iter().map(|text| text.value).collect();
        Some((Spanned::new(known.clone(), key.span), values))
    }

    fn cloud_properties(&mut self, node: &Node) -> Vec<(Spanned<String>, Vec<String>)> {
        let Some(fields) = self.fields(node, "`cloud`") else { return Vec::new() };
        let catalogues = self.catalogues;
        let mut properties = Vec::new();
        for entry in fields.others() {
            let names = catalogues.exo_properties.iter().map(String::as_str);
            let what = "Exchange Online property";
            let name = self.known(&entry.key, names, "unknown-attribute", what);
            let values = self.texts(&entry.value).into_iter().map(|text| text.value).collect();
            properties.extend(name.map(|name| (name, values)));
        }
        properties
    }

    /// Names and addresses that two of the population would share.
    fn report_collisions(&mut self, population: &[Population]) {
        let mut taken: BTreeMap<String, (Span, String)> = BTreeMap::new();
        let mut shapes: Vec<Spanned<String>> = Vec::new();
        for part in population {
            match part {
                Population::Shape { shape, .. } => shapes.push(shape.clone()),
                Population::Ldif { .. } => {}
                Population::User(user) => {
                    self.check_name(user, population);
                    let own = own_names(user);
                    for (key, name) in &own {
                        self.check_free(&taken, key, name);
                    }
                    let owner = &user.name.value;
                    taken.extend(own.into_iter().map(|(k, name)| (k, (name.span, owner.clone()))));
                }
            }
        }
        self.report_duplicates(&shapes, "shape");
    }

    fn check_free(
        &mut self,
        taken: &BTreeMap<String, (Span, String)>,
        key: &str,
        name: &Spanned<String>,
    ) {
        let Some((first, owner)) = taken.get(key) else { return };
        let (line, _) = first.line_column(self.source);
        let (code, what) = if key.starts_with('@') {
            ("duplicate-user", "name")
        } else {
            ("duplicate-address", "address")
        };
        let message = format!("`{}` is the {what} of `{owner}` already", name.value);
        self.report(
            Diagnostic::error(code, name.span, message)
                .label(format!("taken in line {line}"))
                .help("a population starts clean; let a step of the story make the collision"),
        );
    }

    fn check_name(&mut self, user: &User, population: &[Population]) {
        let name = &user.name;
        if RESERVED.iter().any(|word| word.eq_ignore_ascii_case(&name.value)) {
            let message = format!("`{}` means something else in expectations", name.value);
            self.report(
                Diagnostic::error("reserved-name", name.span, message).label("choose another name"),
            );
        }
        let member = population.iter().find_map(|part| match part {
            Population::Shape { shape, mailboxes, .. } => {
                let number = name.value.strip_prefix(&shape.value)?.strip_prefix('-')?;
                number.parse::<u32>().ok().filter(|n| (1..=*mailboxes).contains(n)).map(|_| shape)
            }
            _ => None,
        });
        if let Some(shape) = member {
            let message = format!("`{}` is a mailbox of the shape `{}`", name.value, shape.value);
            self.report(
                Diagnostic::error("duplicate-user", name.span, message)
                    .label("choose another name"),
            );
        }
    }
}

fn plain_user(name: Spanned<String>, upn: Spanned<String>, span: Span) -> User {
    User {
        name,
        upn,
        addresses: Vec::new(),
        cloud_managed: false,
        kind: MailboxKind::User,
        mailbox: MailboxLocation::Cloud,
        dir_synced: true,
        licensed: None,
        domain: None,
        units: Vec::new(),
        attributes: Vec::new(),
        cloud: Vec::new(),
        span,
    }
}

/// What nobody else may have: the name (marked with `@`) and the SMTP addresses, the user principal
/// name among them. Compared without case.
fn own_names(user: &User) -> Vec<(String, Spanned<String>)> {
    let mut names = vec![(format!("@{}", user.name.value.to_lowercase()), user.name.clone())];
    names.push((user.upn.value.to_lowercase(), user.upn.clone()));
    for address in &user.addresses {
        let (prefix, rest) = address.value.split_once(':').unwrap_or(("smtp", &address.value));
        let key = rest.to_lowercase();
        let is_own = names.iter().any(|(name, _)| *name == key);
        if prefix.eq_ignore_ascii_case("smtp") && !is_own {
            names.push((key, address.clone()));
        }
    }
    names
}

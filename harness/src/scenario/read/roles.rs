//! `world.roles`: roles of Exchange Online beside the built-in ones, or other than these are.

use sim::caller::Role;
use sim::exchange::rbac::Rbac;

use super::super::diagnostic::Diagnostic;
use super::super::nearest::advice;
use super::super::span::{Span, Spanned};
use super::super::world::{InAd, OwnRole, RoleEntry};
use super::super::yaml::Node;
use super::Reader;

impl Reader<'_> {
    /// The roles of a world; each may begin with one that stands before it.
    pub(super) fn own_roles(&mut self, node: &Node) -> Vec<OwnRole> {
        let mut roles: Vec<OwnRole> = Vec::new();
        for node in self.items(node, "`roles`") {
            let Some(mut fields) = self.fields(node, "a role") else { continue };
            let name = self.required(&mut fields, "name");
            let like = fields.take("like");
            let like = like.and_then(|entry| self.role_named(&entry.value, &roles));
            let may = fields.take("may").map(|entry| self.role_entries(&entry.value));
            let may_not = fields.take("may_not").map(|entry| self.role_entries(&entry.value));
            let in_ad = fields.take("ad").map(|entry| self.in_ad(&entry.value));
            self.finish(&fields, "a role");
            let Some(name) = name.and_then(|entry| self.sentence(&entry.value)) else { continue };
            let (may, may_not) = (may.unwrap_or_default(), may_not.unwrap_or_default());
            let role = OwnRole { name, like, may, may_not, in_ad };
            self.report_role(&role);
            roles.push(role);
        }
        let names: Vec<Spanned<String>> = roles.iter().map(|role| role.name.clone()).collect();
        self.report_duplicates(&names, "role");
        let mut new = roles.iter().filter(|role| Role::by_name(&role.name.value).is_none());
        if let Some(role) = new.nth(Role::OWN.len()) {
            let message = format!("a world has at most {} roles of its own", Role::OWN.len());
            let problem = Diagnostic::error("too-many-roles", role.name.span, message);
            self.report(problem.label("one too many"));
        }
        roles
    }

    /// `all`, `none`, or attributes.
    fn in_ad(&mut self, node: &Node) -> InAd {
        match node.scalar().map(|scalar| scalar.text.as_str()) {
            Some("all") => InAd::All,
            Some("none") => InAd::Attributes(Vec::new()),
            _ => InAd::Attributes(self.writable(node).into_iter().map(|name| name.value).collect()),
        }
    }

    /// A built-in role or one of the world's own.
    fn role_named(&mut self, node: &Node, roles: &[OwnRole]) -> Option<Spanned<String>> {
        let name = self.text(node)?;
        let own: Vec<&str> = roles.iter().map(|role| role.name.value.as_str()).collect();
        let built_in = self.catalogues.roles.iter().map(String::as_str);
        self.known(&name, built_in.chain(own.iter().copied()), "unknown-role", "role")
    }

    /// A role that comes to nothing, or to what it is already.
    fn report_role(&mut self, role: &OwnRole) {
        let is_built_in = Role::by_name(&role.name.value).is_some();
        let problem = if let (true, Some(like)) = (is_built_in, &role.like) {
            let message = format!("`{}` is built in and begins with what it is", role.name.value);
            Diagnostic::error("impossible-role", like.span, message)
                .label("leave this out")
                .help("what it may beyond that says `may:`, what it may no more `may_not:`")
        } else if role.is_empty() {
            let message = format!("the role `{}` may nothing", role.name.value);
            Diagnostic::error("impossible-role", role.name.span, message)
                .label("expected `may:`, `like:` or `ad:` beside it")
                .help("somebody who may nothing is `unprivileged`")
        } else if !is_built_in && Rbac::built_in().group(&role.name.value).is_some() {
            let message = format!("Exchange Online has a role group `{}` already", role.name.value);
            Diagnostic::error("duplicate-name", role.name.span, message)
                .label("choose another name")
        } else {
            return;
        };
        self.report(problem);
    }

    /// `[Set-Mailbox -IsExchangeCloudManaged -CustomAttribute1, Get-Mailbox]`.
    fn role_entries(&mut self, node: &Node) -> Vec<RoleEntry> {
        let mut entries = Vec::new();
        for text in self.texts(node) {
            entries.extend(self.role_entry(&text));
        }
        entries
    }

    fn role_entry(&mut self, text: &Spanned<String>) -> Option<RoleEntry> {
        let catalogues = self.catalogues;
        let mut words = text.value.split_whitespace();
        let cmdlet = words.next()?;
        // The module's own reads are in no role: whoever may `Get-Mailbox` may `Get-EXOMailbox`.
        let mut cmdlets = catalogues.exo.iter().filter(|spec| !spec.name.starts_with("Get-EXO"));
        let names = cmdlets.clone().map(|spec| spec.name);
        let Some(spec) = cmdlets.find(|spec| spec.name.eq_ignore_ascii_case(cmdlet)) else {
            let message = format!("there is no cmdlet `{cmdlet}` in Exchange Online");
            self.report_word(text.span, "unknown-cmdlet", message, advice(cmdlet, names));
            return None;
        };
        let mut parameters = Vec::new();
        for word in words {
            let bare = word.strip_prefix('-').unwrap_or(word);
            let Some(parameter) = spec.parameter(bare) else {
                let names = spec.parameters.iter().map(|parameter| parameter.name);
                let message = format!("{} has no parameter `{word}`", spec.name);
                let help = advice(bare, names);
                self.report_word(text.span, "unknown-parameter", message, help);
                continue;
            };
            parameters.push(parameter.name.to_owned());
        }
        Some(RoleEntry { cmdlet: spec.name.to_owned(), parameters, span: text.span })
    }

    fn report_word(&mut self, at: Span, code: &'static str, message: String, help: Option<String>) {
        let problem = Diagnostic::error(code, at, message).label(
            "expected a cmdlet, and parameters of it: `Set-Mailbox -IsExchangeCloudManaged`",
        );
        self.report(match help {
            Some(help) => problem.help(help),
            None => problem,
        });
    }
}

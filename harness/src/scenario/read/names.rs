//! Names of domains and machines (RFC 1123 2.1; Microsoft Learn, "Naming conventions in Active Directory for
//! computers, domains, sites, and OUs").

use super::super::diagnostic::Diagnostic;
use super::super::span::{Span, Spanned};
use super::super::world::{Forest, Tenant};
use super::Reader;

/// The longest label of a DNS name, and the longest name of AD's domains.
const LONGEST_LABEL: usize = 63;
const LONGEST_NAME: usize = 64;
/// What the name of every tenant's first domain ends with.
pub(super) const INITIAL: &str = ".onmicrosoft.com";

fn is_label(label: &str) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=LONGEST_LABEL).contains(&label.len())
        && label.bytes().all(is_inside)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_dns_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME && name.split('.').all(is_label)
}

/// A verified domain has a dot in it.
fn is_public(name: &str) -> bool {
    name.contains('.') && name.split('.').all(is_label)
}

impl Reader<'_> {
    pub(super) fn check_tenant_names(&mut self, tenant: &Tenant) {
        for domain in std::iter::once(&tenant.domain).chain(&tenant.domains).chain(&tenant.verified)
        {
            if !is_public(&domain.value) {
                self.report_name(domain, "domain", "a domain such as `contoso.com`");
            }
        }
        let initial = &tenant.initial;
        let label = initial.value.to_ascii_lowercase();
        let label = label.strip_suffix(INITIAL);
        if !label.is_some_and(is_label) {
            let message = format!("`{}` cannot be an initial domain", initial.value);
            self.report(
                Diagnostic::error("impossible-tenant", initial.span, message)
                    .label("expected one name before `.onmicrosoft.com`"),
            );
        }
    }

    pub(super) fn check_forest_names(&mut self, forest: &Forest) {
        for domain in &forest.domains {
            if !is_dns_name(&domain.value) {
                self.report_name(domain, "domain", "a DNS name such as `corp.contoso.com`");
            }
        }
        for dc in &forest.dcs {
            if !is_label(&dc.name.value) {
                let expected = "letters, digits and hyphens, such as `DC1`";
                self.report_name(&dc.name, "domain controller", expected);
            }
        }
    }

    fn report_name(&mut self, name: &Spanned<String>, what: &str, expected: &str) {
        if name.span == Span::default() {
            return;
        }
        let message = format!("no {what} can be called `{}`", name.value);
        self.report(
            Diagnostic::error("bad-name", name.span, message).label(format!("expected {expected}")),
        );
    }
}

//! Whether people of the population can have the values that the file gives them.

use super::super::catalogue::Misfit;
use super::super::diagnostic::Diagnostic;
use super::super::span::{Span, Spanned};
use super::super::world::{Forest, MailboxLocation, Population, Tenant, User};
use super::Reader;

impl Reader<'_> {
    /// Checks the values of everybody against the schema of their forest and the properties of mailboxes.
    pub(super) fn check_values(&mut self, population: &[Population], homes: &[&Forest]) {
        for part in population {
            let Population::User(user) = part else { continue };
            let exchange = home_of(user, homes).is_none_or(|forest| forest.exchange_schema);
            if let Some(check) = self.catalogues.ad_values {
                for (name, values) in &user.attributes {
                    let misfit = check(&name.value, values, exchange).err();
                    self.report_misfit(name.span, misfit);
                }
            }
            if let Some(check) = self.catalogues.exo_values {
                for (name, values) in &user.cloud {
                    self.report_misfit(name.span, check(&name.value, values).err());
                }
            }
            self.check_addresses(&user.addresses);
        }
    }

    pub(super) fn report_misfit(&mut self, span: Span, misfit: Option<Misfit>) {
        let Some(Misfit { message, expected, help }) = misfit else { return };
        let problem = Diagnostic::error("impossible-value", span, message).label(expected);
        self.report(match help {
            Some(help) => problem.help(help),
            None => problem,
        });
    }

    /// SMTP addresses have something on both sides of their `@`, and no blank; one is primary at most.
    fn check_addresses(&mut self, addresses: &[Spanned<String>]) {
        let mut primary: Option<Span> = None;
        for address in addresses {
            let (kind, rest) = address.value.split_once(':').unwrap_or(("smtp", &address.value));
            if !kind.eq_ignore_ascii_case("smtp") {
                continue;
            }
            let parts = rest.split_once('@');
            let whole = parts.is_some_and(|(local, domain)| {
                !local.is_empty() && !domain.is_empty() && !domain.contains('@')
            });
            if !whole || rest.contains(char::is_whitespace) {
                let message = format!("`{}` is no SMTP address", address.value);
                self.report(
                    Diagnostic::error("impossible-value", address.span, message)
                        .label("expected an address such as `smtp:new@contoso.com`"),
                );
            }
            if kind == "SMTP"
                && let Some(first) = primary.replace(address.span)
            {
                let (line, _) = first.line_column(self.source);
                let message = format!("`{}` is a second primary address", address.value);
                self.report(
                    Diagnostic::error("impossible-value", address.span, message)
                        .label(format!("the first is in line {line}"))
                        .help("`smtp:` in small letters marks the others"),
                );
            }
        }
    }

    /// A user of the cloud alone has its name in a verified domain; AD's names may be anywhere.
    pub(super) fn check_verified(&mut self, user: &User, tenant: &Tenant) {
        let own = [&tenant.domain, &tenant.initial].into_iter();
        let mut verified = own.chain(&tenant.domains).chain(&tenant.verified);
        let domain = user.upn.value.split_once('@').map_or("", |(_, domain)| domain);
        if user.dir_synced || verified.any(|known| known.value.eq_ignore_ascii_case(domain)) {
            return;
        }
        let message = format!("nobody verified `{domain}`, and this user is of the cloud alone");
        self.report(
            Diagnostic::error("impossible-user", user.upn.span, message)
                .label(format!(
                    "expected a name such as `{}@{}`",
                    user.name.value, tenant.domain.value
                ))
                .help("`tenant: {verified: [...]}` lists further domains of its users"),
        );
    }

    /// What no user can be.
    pub(super) fn report_impossible(&mut self, user: &User) {
        let mut impossible = |message: &str, help: &str| {
            self.problems
                .push(Diagnostic::error("impossible-user", user.name.span, message).help(help));
        };
        if user.cloud_managed && user.mailbox == MailboxLocation::OnPremises {
            impossible(
                "an on-premises mailbox cannot be cloud-managed",
                "the flag belongs to a mailbox in Exchange Online",
            );
        }
        if user.cloud_managed && user.mailbox == MailboxLocation::None {
            impossible(
                "a user without a mailbox cannot be cloud-managed",
                "the flag belongs to a mailbox in Exchange Online",
            );
        }
        if user.cloud_managed && !user.dir_synced {
            impossible(
                "a user who is not in AD has nothing to be cloud-managed instead",
                "leave out `dir_synced: false` or `cloud_managed: true`",
            );
        }
        if !user.dir_synced && user.mailbox == MailboxLocation::OnPremises {
            impossible(
                "a user who is not in AD has no on-premises mailbox",
                "leave out `dir_synced: false` or `mailbox: on-premises`",
            );
        }
        if !user.dir_synced && !user.units.is_empty() {
            impossible(
                "a user who is not in AD is in no organizational unit",
                "leave out `dir_synced: false` or `ou:`",
            );
        }
        if !user.dir_synced && user.domain.is_some() {
            impossible(
                "a user who is not in AD is in no domain",
                "leave out `dir_synced: false` or `domain:`",
            );
        }
        if !user.dir_synced && !user.attributes.is_empty() {
            impossible(
                "a user who is not in AD has no AD attributes",
                "put Exchange Online properties under `cloud:`",
            );
        }
    }
}

/// The forest in which somebody is.
fn home_of<'f>(user: &User, homes: &[&'f Forest]) -> Option<&'f Forest> {
    let Some(domain) = &user.domain else { return homes.first().copied() };
    let holds = |forest: &&&Forest| {
        forest.domains.iter().any(|known| known.value.eq_ignore_ascii_case(&domain.value))
    };
    homes.iter().find(holds).copied()
}

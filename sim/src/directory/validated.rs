//! Validated writes of computers: who may not write their names, but may register those that belong to the
//! account ([MS-ADTS] 3.1.1.5.3.1.1.2, 3.1.1.5.3.1.1.4, 5.1.3.2.2).

use crate::directory::answer::LdapResult;
use crate::directory::diagnostic::{self, AttributeProblem};
use crate::directory::entry::Entry;
use crate::directory::forest::{DomainController, Forest};
use crate::directory::modify::{Working, Writer};
use crate::directory::principal::Rights;
use crate::directory::request::ObjectNumber;
use crate::directory::schema::syntax::integer;
use crate::directory::schema::{Attribute, known};
use crate::directory::security::descriptor::SELF;
use crate::record::AttributeNumber;

/// userAccountControl: a domain controller, a read-only one.
const DOMAIN_CONTROLLER: i64 = 0x2000 | 0x0400_0000;

/// The names of a computer after a modification.
struct Names {
    /// sAMAccountName without its dollar sign.
    account: String,
    host: Option<String>,
    is_controller: bool,
}

impl Forest {
    /// Whether the validated write of an attribute is given: Validated-DNS-Host-Name and Validated-SPN have
    /// the GUIDs of their attributes, and are for computers.
    pub(super) fn may_write_validated(
        &self,
        controller: &DomainController,
        writer: &Writer<'_>,
        object: ObjectNumber,
        entry: &Entry,
        attribute: &Attribute,
    ) -> bool {
        is_validated(attribute.number)
            && self.schema.class(entry.class).is_some_and(|class| class.is_computer)
            && self.may(controller, writer.principal, object, SELF, &[attribute.guid])
    }

    /// Refuses names that are not the computer's own, of a caller who may write no others. All elements of
    /// the request count.
    ///
    /// # Errors
    /// 19/202F.
    pub(super) fn check_validated(
        &self,
        controller: &DomainController,
        writer: &Writer<'_>,
        object: ObjectNumber,
        entry: &Entry,
        working: &[Working],
    ) -> Result<(), LdapResult> {
        if !matches!(writer.principal.rights, Rights::Acl(_)) {
            return Ok(());
        }
        for changed in working.iter().filter(|at| is_validated(at.attribute)) {
            let Some(attribute) = self.schema.attribute(changed.attribute) else { continue };
            if self.may_write(controller, writer.principal, object, entry, attribute) {
                continue;
            }
            let names = names_after(entry, working);
            let mut fresh = changed.new.iter().filter(|value| !changed.old.contains(value));
            let fits = fresh.all(|value| {
                let text = core::str::from_utf8(value).unwrap_or_default();
                match changed.attribute {
                    known::DNS_HOST_NAME => self.is_own_host(controller, &names, text),
                    _ => self.is_own_service(controller, &names, text),
                }
            });
            if !fits {
                return Err(diagnostic::attribute(AttributeProblem::Constraint, 0x202F, attribute));
            }
        }
        Ok(())
    }

    /// Service principal names follow the names of their computer: those that name it as it was called name
    /// it as it is called now ([MS-ADTS] 3.1.1.5.3.2, [MS-SAMR] 3.1.1.8.4).
    pub(super) fn follow_names(&self, entry: &Entry, working: &mut Vec<Working>) {
        let renamed: Vec<(String, String)> = [known::DNS_HOST_NAME, known::SAM_ACCOUNT_NAME]
            .into_iter()
            .filter_map(|number| {
                let changed = working.iter().find(|at| at.attribute == number)?;
                let name = |values: &[Vec<u8>]| {
                    let text = core::str::from_utf8(values.first()?).ok()?;
                    Some(text.strip_suffix('$').unwrap_or(text).to_owned())
                };
                let (old, new) = (name(&changed.old)?, name(&changed.new)?);
                (!old.eq_ignore_ascii_case(&new)).then_some((old, new))
            })
            .collect();
        let is_computer = self.schema.class(entry.class).is_some_and(|class| class.is_computer);
        if renamed.is_empty() || !is_computer {
            return;
        }
        let attribute = known::SERVICE_PRINCIPAL_NAME;
        let at = working.iter().position(|at| at.attribute == attribute).unwrap_or_else(|| {
            let old: Vec<Vec<u8>> = entry.record.values(attribute).map(<[u8]>::to_vec).collect();
            working.push(Working { attribute, new: old.clone(), old });
            working.len() - 1
        });
        let values = core::mem::take(&mut working[at].new);
        for value in values {
            let value = followed(&value, &renamed).unwrap_or(value);
            if !working[at].new.contains(&value) {
                working[at].new.push(value);
            }
        }
    }

    /// The account's name in the domain, or with a suffix that the domain allows.
    fn is_own_host(&self, controller: &DomainController, names: &Names, host: &str) -> bool {
        let Some((label, suffix)) = host.split_once('.') else { return false };
        let Some(domain) = self.domain(controller.domain) else { return false };
        let allowed = self
            .schema
            .attribute_named("msDS-AllowedDNSSuffixes")
            .zip(controller.store.get(domain.head));
        let mut allowed = allowed
            .into_iter()
            .flat_map(|(attribute, slot)| slot.entry.record.values(attribute.number));
        label.eq_ignore_ascii_case(&names.account)
            && (suffix.eq_ignore_ascii_case(&domain.dns)
                || allowed.any(|allowed| allowed.eq_ignore_ascii_case(suffix.as_bytes())))
    }

    /// A service on the computer itself; those of the domain are registered by its domain controllers.
    fn is_own_service(&self, controller: &DomainController, names: &Names, name: &str) -> bool {
        let parts: Vec<&str> = name.split('/').collect();
        let (class, instance, of) = match parts.as_slice() {
            [class, instance] => (class, instance, None),
            [class, instance, of] => (class, instance, Some(of)),
            _ => return false,
        };
        let host = instance.split(':').next().unwrap_or_default();
        let own = host.eq_ignore_ascii_case(&names.account)
            || names.host.as_deref().is_some_and(|own| host.eq_ignore_ascii_case(own));
        let of_domain = |of: &&str| {
            let domain = self.domain(controller.domain);
            let known = domain.into_iter().flat_map(|domain| [&domain.dns, &domain.netbios]);
            let mut known = known.chain(self.domains.first().map(|root| &root.dns));
            known.any(|known| of.eq_ignore_ascii_case(known))
        };
        let fits = of.is_none_or(|of| names.is_controller && of_domain(of));
        !class.is_empty() && !host.is_empty() && own && fits
    }
}

/// A service principal name whose host is one of the old names, with the new one.
fn followed(value: &[u8], renamed: &[(String, String)]) -> Option<Vec<u8>> {
    let text = core::str::from_utf8(value).ok()?;
    let (class, rest) = text.split_once('/')?;
    let end = rest.find(['/', ':']).unwrap_or(rest.len());
    let (host, rest) = rest.split_at(end);
    let (_, new) = renamed.iter().find(|(old, _)| old.eq_ignore_ascii_case(host))?;
    Some(format!("{class}/{new}{rest}").into_bytes())
}

fn is_validated(attribute: AttributeNumber) -> bool {
    matches!(attribute, known::DNS_HOST_NAME | known::SERVICE_PRINCIPAL_NAME)
}

fn names_after(entry: &Entry, working: &[Working]) -> Names {
    let after = |attribute: AttributeNumber| -> Option<String> {
        let changed = working.iter().find(|at| at.attribute == attribute);
        let value = match changed {
            Some(changed) => changed.new.first().map(Vec::as_slice),
            None => entry.record.first(attribute),
        };
        value.and_then(|value| core::str::from_utf8(value).ok()).map(str::to_owned)
    };
    let account = after(known::SAM_ACCOUNT_NAME).unwrap_or_default();
    let control = after(known::USER_ACCOUNT_CONTROL).and_then(|text| integer(text.as_bytes()));
    Names {
        account: account.strip_suffix('$').unwrap_or(&account).to_owned(),
        host: after(known::DNS_HOST_NAME),
        is_controller: control.is_some_and(|control| control & DOMAIN_CONTROLLER != 0),
    }
}

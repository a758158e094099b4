//! From a name to an object and back.

use crate::directory::answer::{LdapResult, ResultCode};
use crate::directory::derived::View;
use crate::directory::diagnostic;
use crate::directory::entry::{DcNumber, Life};
use crate::directory::fold;
use crate::directory::forest::{DomainController, Forest, NamingContext};
use crate::directory::name::{Dn, Sid, push_rdn};
use crate::directory::request::{Name, ObjectNumber, Sight};
use crate::directory::schema::known;
use crate::directory::store::Slot;
use crate::directory::well_known;
use crate::guid::Guid;

/// How deep objects may be nested: a bound for walks towards the root.
const MAX_DEPTH: usize = 512;

impl Forest {
    /// The object that a name means on a domain controller.
    ///
    /// # Errors
    /// No such object (32/208D, with the nearest ancestor), a bad name (34/208F), or a referral to
    /// another domain (10/202B).
    pub fn resolve(&self, dc: DcNumber, name: &Name) -> Result<ObjectNumber, LdapResult> {
        self.resolve_seeing(dc, name, Sight::Live)
    }

    /// As [`Self::resolve`]; deleted objects are found as far as they are seen.
    pub(super) fn resolve_seeing(
        &self,
        dc: DcNumber,
        name: &Name,
        sight: Sight,
    ) -> Result<ObjectNumber, LdapResult> {
        let Some(controller) = self.dc(dc) else { return Err(diagnostic::no_such_object("")) };
        let seen = |object: &ObjectNumber| {
            controller.store.get(*object).is_some_and(|slot| slot.entry.life.is_seen(sight))
        };
        let found = match name {
            Name::Dn(text) => {
                let dn = Dn::parse(text).map_err(|_| diagnostic::bad_name(text))?;
                let object = self.resolve_dn(controller, &dn)?;
                if !seen(&object) {
                    let parent = controller.store.get(object).and_then(|slot| slot.entry.parent);
                    let matched = parent.map(|parent| self.dn(controller, parent));
                    return Err(diagnostic::no_such_object(&matched.unwrap_or_default()));
                }
                Some(object)
            }
            Name::Number(object) => Some(*object),
            Name::Guid(guid) => controller.store.by_guid(*guid),
            Name::Sid(sid) => self.by_sid(controller, sid).into_iter().find(seen),
            Name::WellKnown { guid, below } => {
                let below = Dn::parse(below).map_err(|_| diagnostic::bad_name(below))?;
                let head = self.resolve_dn(controller, &below)?;
                let name = well_known::container(guid);
                name.and_then(|name| controller.store.child(head, name))
            }
        };
        found.filter(seen).ok_or_else(|| diagnostic::no_such_object(""))
    }

    /// As [`Self::resolve`], wherever in the forest the object is.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub fn resolve_anywhere(&self, dc: DcNumber, name: &Name) -> Result<ObjectNumber, LdapResult> {
        self.resolve_in_forest(dc, name, Sight::Live)
    }

    /// As [`Self::resolve_seeing`], wherever in the forest the object is: as a global catalog knows it.
    /// Objects of other domains are found on the first domain controller of their domain.
    pub(super) fn resolve_in_forest(
        &self,
        dc: DcNumber,
        name: &Name,
        sight: Sight,
    ) -> Result<ObjectNumber, LdapResult> {
        let own = self.resolve_seeing(dc, name, sight);
        let elsewhere = matches!(
            &own,
            Err(refusal) if matches!(refusal.code, ResultCode::Referral | ResultCode::NoSuchObject)
        );
        if self.domains.len() < 2 || !elsewhere {
            return own;
        }
        let others = self.holders(dc).skip(1);
        others
            .map(|other| self.resolve_seeing(other.number, name, sight))
            .find(Result::is_ok)
            .unwrap_or(own)
    }

    /// The domain controllers that together have the whole forest: this one, and the first one of each
    /// other domain.
    pub(super) fn holders(&self, dc: DcNumber) -> impl Iterator<Item = &DomainController> {
        let own = self.dc(dc);
        let others = self.domains.iter().map(|domain| domain.number);
        let others = others.filter(move |number| own.is_none_or(|own| own.domain != *number));
        let first = |number| self.dcs.iter().find(move |dc| dc.domain == number);
        own.into_iter().chain(others.filter_map(first))
    }

    /// Where an object is looked at from a domain controller: there, or, when it does not hold it, on the
    /// first domain controller of the object's domain, of which a global catalog has the names.
    pub(super) fn holder<'c>(
        &'c self,
        controller: &'c DomainController,
        object: ObjectNumber,
    ) -> &'c DomainController {
        if self.domains.len() < 2 || controller.store.get(object).is_some() {
            return controller;
        }
        let mut others = self.holders(controller.number).skip(1);
        others.find(|other| other.store.get(object).is_some()).unwrap_or(controller)
    }

    /// The objects with a SID: a deleted account keeps it.
    pub(super) fn by_sid(&self, controller: &DomainController, sid: &Sid) -> Vec<ObjectNumber> {
        let found = controller.store.with_value(&self.schema, known::OBJECT_SID, sid.as_bytes());
        found.unwrap_or_default()
    }

    /// The live objects that carry a value in an indexed attribute.
    pub(super) fn live_with_value(
        &self,
        controller: &DomainController,
        attribute: crate::record::AttributeNumber,
        value: &[u8],
    ) -> Vec<ObjectNumber> {
        let mut found =
            controller.store.with_value(&self.schema, attribute, value).unwrap_or_default();
        found.retain(|object| {
            controller.store.get(*object).is_some_and(|slot| slot.entry.life == Life::Live)
        });
        found
    }

    /// The object that a distinguished name means.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub fn resolve_dn(
        &self,
        controller: &DomainController,
        dn: &Dn,
    ) -> Result<ObjectNumber, LdapResult> {
        let Some(context) = self.context_of_dn(dn) else { return Err(foreign(dn)) };
        if context.domain.is_some_and(|domain| domain != controller.domain) {
            return Err(self.other_domain(context, dn));
        }
        let mut at = context.head;
        for rdn in dn.rdns[..dn.rdns.len() - context.dn.rdns.len()].iter().rev() {
            let child = controller.store.child(at, &rdn.value).filter(|child| {
                let attribute = self.schema.attribute_named(&rdn.attribute);
                controller.store.get(*child).is_some_and(|slot| {
                    attribute.is_some_and(|named| named.number == slot.entry.rdn_attribute)
                })
            });
            match child {
                Some(child) => at = child,
                None => return Err(diagnostic::no_such_object(&self.dn(controller, at))),
            }
        }
        Ok(at)
    }

    /// The object with this GUID, on whatever domain controller it is.
    #[must_use]
    pub fn number_of(&self, guid: Guid) -> Option<ObjectNumber> {
        self.dcs.iter().find_map(|controller| controller.store.by_guid(guid))
    }

    /// The object that a person means by an identity: `sAMAccountName`, user principal name,
    /// distinguished name, GUID or mail address. `None` when nothing, or several objects, answer to it.
    #[must_use]
    pub fn find_account(&self, dc: DcNumber, identity: &str) -> Option<ObjectNumber> {
        let controller = self.dc(dc)?;
        if identity.contains('=') {
            return self.resolve(dc, &Name::from_text(identity)).ok();
        }
        if let Ok(guid) = identity.parse::<Guid>() {
            return self.resolve(dc, &Name::Guid(guid)).ok();
        }
        let account = identity.rsplit_once('\\').map_or(identity, |(_, account)| account);
        let smtp = format!("smtp:{identity}");
        [
            (known::SAM_ACCOUNT_NAME, account),
            (known::USER_PRINCIPAL_NAME, identity),
            (known::MAIL, identity),
            (known::PROXY_ADDRESSES, &smtp),
        ]
        .into_iter()
        .find_map(|(attribute, value)| {
            let found = self.live_with_value(controller, attribute, value.as_bytes());
            if let [one] = found.as_slice() { Some(*one) } else { None }
        })
    }

    /// The values of an attribute as a client would see them; none for an attribute that the schema
    /// lacks.
    #[must_use]
    pub fn values(&self, dc: DcNumber, object: ObjectNumber, attribute: &str) -> Vec<Vec<u8>> {
        let view = self.dc(dc).and_then(|controller| {
            let slot = controller.store.get(object)?;
            Some(View::new(self, controller, object, slot))
        });
        let attribute = self.schema.attribute_named(attribute);
        view.zip(attribute).map(|(view, attribute)| view.values(attribute)).unwrap_or_default()
    }

    /// The distinguished name of an object; empty when the domain controller does not hold it.
    #[must_use]
    pub fn dn_of(&self, dc: DcNumber, object: ObjectNumber) -> String {
        self.dc(dc).map(|controller| self.dn(controller, object)).unwrap_or_default()
    }

    /// The distinguished name of an object; empty when nobody in the forest holds it.
    pub(super) fn dn(&self, controller: &DomainController, object: ObjectNumber) -> String {
        let controller = self.holder(controller, object);
        let mut text = String::with_capacity(96);
        let mut at = object;
        for _ in 0..MAX_DEPTH {
            let Some(slot) = controller.store.get(at) else { return String::new() };
            if !text.is_empty() {
                text.push(',');
            }
            match slot.entry.parent {
                Some(parent) => {
                    let attribute = self.schema.attribute(slot.entry.rdn_attribute);
                    let attribute = attribute.map_or("CN", |attribute| &*attribute.name);
                    push_rdn(&mut text, attribute, slot.entry.rdn_value());
                    at = parent;
                }
                None => {
                    let context = self.contexts.iter().find(|context| context.head == at);
                    text.push_str(context.map_or("", |context| context.text.as_str()));
                    return text;
                }
            }
        }
        text
    }

    /// The name of an object in the form that a client wants: `<GUID=...>;<SID=...>;DN` with the
    /// extended DN control, as text or as hex digits ([MS-ADTS] 3.1.1.3.4.1.5).
    pub(super) fn shown_dn(
        &self,
        controller: &DomainController,
        object: ObjectNumber,
        extended: Option<bool>,
    ) -> String {
        let dn = self.dn(controller, object);
        let controller = self.holder(controller, object);
        let (Some(text), Some(slot)) = (extended, controller.store.get(object)) else { return dn };
        let sid = slot.entry.record.first(known::OBJECT_SID).and_then(Sid::from_bytes);
        let hex = |bytes: &[u8]| {
            let mut digits = String::with_capacity(bytes.len() * 2);
            for byte in bytes {
                for half in [byte >> 4, byte & 15] {
                    digits.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
                }
            }
            digits
        };
        let guid = slot.entry.guid;
        let (guid, sid) = if text {
            (guid.to_string(), sid.map(|sid| sid.to_string()))
        } else {
            (hex(&guid.0), sid.map(|sid| hex(sid.as_bytes())))
        };
        let sid = sid.map(|sid| format!("<SID={sid}>;")).unwrap_or_default();
        format!("<GUID={guid}>;{sid}{dn}")
    }

    /// Whether an object is `ancestor` or lies below it.
    pub(super) fn is_within(
        controller: &DomainController,
        object: ObjectNumber,
        slot: &Slot,
        ancestor: ObjectNumber,
    ) -> bool {
        let mut at = object;
        let mut parent = slot.entry.parent;
        for _ in 0..MAX_DEPTH {
            if at == ancestor {
                return true;
            }
            let Some(up) = parent else { return false };
            at = up;
            parent = controller.store.get(at).and_then(|slot| slot.entry.parent);
        }
        false
    }

    /// The innermost naming context that a name lies in.
    pub(super) fn context_of_dn(&self, dn: &Dn) -> Option<&NamingContext> {
        self.contexts
            .iter()
            .filter(|context| dn.ends_with(&context.dn))
            .max_by_key(|context| context.dn.rdns.len())
    }

    /// A referral to the domain that holds a name.
    pub(super) fn other_domain(&self, context: &NamingContext, dn: &Dn) -> LdapResult {
        let host = context.domain.and_then(|domain| self.domain(domain));
        diagnostic::referral(host.map_or("", |domain| domain.dns.as_str()), &dn.to_string())
    }
}

/// The answer for a name outside the forest: a referral when it ends in domain components.
fn foreign(dn: &Dn) -> LdapResult {
    let labels: Vec<&str> = dn
        .rdns
        .iter()
        .rev()
        .take_while(|rdn| fold::same(rdn.attribute.as_bytes(), b"dc"))
        .map(|rdn| rdn.value.as_str())
        .collect();
    if labels.is_empty() {
        return diagnostic::no_such_object("");
    }
    let host = labels.into_iter().rev().collect::<Vec<_>>().join(".");
    diagnostic::referral(&host, &dn.to_string())
}

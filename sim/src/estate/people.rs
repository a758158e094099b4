//! What people and scripts do, each on the side where they sit.

use super::Estate;
use crate::caller::Caller;
use crate::directory::answer::{LdapResult, Written};
use crate::directory::entry::DcNumber;
use crate::directory::ldif::{self, LdifError};
use crate::directory::modify::Writer;
use crate::directory::principal::Principal;
use crate::directory::request::{
    Filter, ModifyRequest, Name, ObjectNumber, Request, Scope, SearchRequest,
};
use crate::exchange::cmdlets::{CmdletError, Output};
use crate::ledger::{Activity, Actor};
use crate::onprem::{self, OnPremError};
use crate::powershell::CmdletCall;

/// Why something that a person did in AD did not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PersonError {
    /// The cmdlet itself refused.
    #[error(transparent)]
    Cmdlet(#[from] OnPremError),
    /// The LDIF text is wrong.
    #[error(transparent)]
    Ldif(#[from] LdifError),
    /// The directory refused: result code and diagnostic message.
    #[error("LDAP result {}: {}", .0.code.number(), .0.diagnostic.trim())]
    Directory(LdapResult),
}

impl PersonError {
    /// Whether a scenario may expect it under this name: the cmdlet error's kind, or the LDAP result
    /// code as a number or a name.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        match self {
            Self::Cmdlet(error) => {
                let kind = match error {
                    OnPremError::UnknownCmdlet(_) => "UnknownCmdlet",
                    OnPremError::UnknownParameter(_) => "UnknownParameter",
                    OnPremError::WrongValue { .. } => "WrongValue",
                    OnPremError::NotFound(_) => "NotFound",
                };
                kind.eq_ignore_ascii_case(name)
            }
            Self::Ldif(_) => name.eq_ignore_ascii_case("LDIF"),
            Self::Directory(result) => {
                result.code.number().to_string() == name
                    || format!("{:?}", result.code).eq_ignore_ascii_case(name)
            }
        }
    }
}

impl Estate {
    /// A cmdlet typed in Exchange Online.
    ///
    /// # Errors
    /// The service's refusal.
    pub fn person_exo(
        &mut self,
        caller: &Caller,
        call: &CmdletCall,
    ) -> Result<Output, CmdletError> {
        self.cmdlet(caller, &self.with_ids(call), None, 1_000)
    }

    /// A cmdlet typed on the last Exchange server or with the ActiveDirectory module, on the forest's
    /// first domain controller, by somebody who may do everything there.
    ///
    /// # Errors
    /// [`PersonError`]; then nothing changed.
    pub fn person_ad(
        &mut self,
        who: &str,
        call: &CmdletCall,
    ) -> Result<Option<Written>, PersonError> {
        let identity = call.text("Identity").unwrap_or_default();
        let dc = DcNumber(0);
        let object = self
            .ad_identity(dc, &identity)
            .ok_or_else(|| OnPremError::NotFound(identity.clone()))?;
        let current = |attribute: &str| self.ad_texts(dc, object, attribute);
        let changes = onprem::changes(call, &current)?;
        if changes.is_empty() {
            return Ok(None);
        }
        let request = ModifyRequest { object: Name::Number(object), changes };
        let principal = Principal::system();
        let writer = Writer { dc, principal: &principal, now: self.now(), permissive: false };
        let written = self.forest.modify(&writer, &request).map_err(PersonError::Directory)?;
        self.note_ad_write(&Actor::new(who, Activity::Person), &written);
        Ok(Some(written))
    }

    /// LDIF change records, applied on the forest's first domain controller by somebody who may do
    /// everything there. Records before the first that is refused have been applied.
    ///
    /// # Errors
    /// [`PersonError`] at the first record that is wrong or refused.
    pub fn person_ldif(&mut self, who: &str, text: &str) -> Result<(), PersonError> {
        let principal = Principal::system();
        let actor = Actor::new(who, Activity::Person);
        for operation in ldif::operations(text)? {
            let response =
                self.directory(DcNumber(0), &principal, &actor, &Request::from(operation));
            if !response.result.is_success() {
                return Err(PersonError::Directory(response.result));
            }
        }
        Ok(())
    }

    /// The values of an AD attribute as text; none for an attribute that the schema does not have.
    #[must_use]
    pub fn ad_texts(&self, dc: DcNumber, object: ObjectNumber, attribute: &str) -> Vec<String> {
        let Some(number) = self.forest.schema().attribute_named(attribute).map(|a| a.number) else {
            return Vec::new();
        };
        self.forest.object(dc, object).map_or_else(Vec::new, |slot| {
            let values = slot.entry.record.values(number);
            values.map(|value| String::from_utf8_lossy(value).into_owned()).collect()
        })
    }

    /// The AD object that people mean: by the name that steps use, `sAMAccountName`, user principal
    /// name, distinguished name, GUID or mail address.
    #[must_use]
    pub fn ad_identity(&self, dc: DcNumber, identity: &str) -> Option<ObjectNumber> {
        if let Some(ad) = self.subject(identity).and_then(|subject| subject.ad) {
            return Some(ObjectNumber(ad));
        }
        let equals = |attribute: &str, value: &str| {
            Filter::Equality(attribute.into(), value.as_bytes().to_vec())
        };
        let request = SearchRequest {
            base: Name::Number(self.forest.domains().first()?.head),
            scope: Scope::Subtree,
            filter: Filter::Or(vec![
                equals("sAMAccountName", identity),
                equals("userPrincipalName", identity),
                equals("mail", identity),
                equals("proxyAddresses", &format!("smtp:{identity}")),
            ]),
            selection: Vec::new(),
            size_limit: 0,
            time_limit: 0,
            types_only: false,
        };
        let found = self.forest.search_hits(dc, &Principal::system(), &request, None).ok()?;
        if let [hit] = found.hits.as_slice() {
            return Some(hit.object);
        }
        self.forest.resolve(dc, &Name::from_text(identity)).ok()
    }

    /// The call with the name that steps use replaced by the mailbox's id: people's names are no
    /// identities in Exchange Online once an alias has changed.
    fn with_ids(&self, call: &CmdletCall) -> CmdletCall {
        let mut call = call.clone();
        for (name, value) in &mut call.parameters {
            if !name.eq_ignore_ascii_case("Identity") {
                continue;
            }
            let typed = value.texts().into_iter().next().unwrap_or_default();
            let id = self
                .subject(&typed)
                .and_then(|subject| subject.exchange)
                .and_then(|number| self.exchange.mailbox(number))
                .map(|mailbox| mailbox.id.to_string());
            if let Some(id) = id {
                *value = crate::powershell::Argument::Text(id);
            }
        }
        call
    }
}

//! What people and scripts do, each on the side where they sit.

use super::Estate;
use crate::caller::Caller;
use crate::directory::answer::{LdapResult, ResultCode};
use crate::directory::diagnostic;
use crate::directory::entry::Life;
use crate::directory::forest::Forest;
use crate::directory::forests::{AdObject, DcKey};
use crate::directory::ldif::{self, LdifError};
use crate::directory::principal::Principal;
use crate::directory::request::{
    Control, ControlValue, Filter, Name, ObjectNumber, Operation, Request, Scope, SearchRequest,
};
use crate::directory::schema::known;
use crate::exchange::cmdlets::{CmdletError, Output, sent_by_optimized};
use crate::guid::Guid;
use crate::marks::Mark;
use crate::onprem::{self, About, Act, Directory, OnPremError};
use crate::powershell::{Argument, CmdletCall};
use crate::throttle::{CMDLETS, whole_seconds};

/// What a cmdlet shows: a name and its values.
pub type Shown = (String, Vec<String>);

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
    /// No domain controller answers, in the words of the tool.
    #[error("{0}")]
    ServerDown(String),
}

impl PersonError {
    /// The names of those that no directory gives: what a cmdlet, or the reader of LDIF, refuses by itself.
    pub const CMDLET_NAMES: [&str; 11] = [
        "UnknownCmdlet",
        "UnknownParameter",
        "WrongValue",
        "NotFound",
        "MissingParameter",
        "InvalidOperation",
        "NoServer",
        "LDIF",
        "ServerDown",
        "ADServerDownException",
        "81",
    ];

    /// The name under which a scenario may expect it: the cmdlet error's kind, or the name of the LDAP
    /// result code (RFC 4511 appendix A).
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Cmdlet(OnPremError::UnknownCmdlet(_)) => "UnknownCmdlet".to_owned(),
            Self::Cmdlet(OnPremError::UnknownParameter(_)) => "UnknownParameter".to_owned(),
            Self::Cmdlet(OnPremError::WrongValue { .. }) => "WrongValue".to_owned(),
            Self::Cmdlet(OnPremError::NotFound(_)) => "NotFound".to_owned(),
            Self::Cmdlet(OnPremError::MissingParameter(_)) => "MissingParameter".to_owned(),
            Self::Cmdlet(OnPremError::InvalidOperation(_)) => "InvalidOperation".to_owned(),
            Self::Cmdlet(OnPremError::NoServer(_)) => "NoServer".to_owned(),
            Self::Ldif(_) => "LDIF".to_owned(),
            Self::Directory(result) => result.code.name(),
            Self::ServerDown(_) => "ServerDown".to_owned(),
        }
    }

    /// Whether a scenario may expect it under this name: [`Self::name`] without case, or the LDAP result
    /// code as a number.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        let number = match self {
            Self::Directory(result) => Some(result.code.number().to_string()),
            Self::Cmdlet(_) | Self::Ldif(_) => None,
            // LDAP_SERVER_DOWN, which a client says by itself.
            Self::ServerDown(_) if name.eq_ignore_ascii_case("ADServerDownException") => {
                return true;
            }
            Self::ServerDown(_) => Some("81".to_owned()),
        };
        self.name().eq_ignore_ascii_case(name) || number.as_deref() == Some(name)
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
        if let Some(wait) = self.meet_budget(CMDLETS) {
            return Err(CmdletError::throttled(whole_seconds(wait)));
        }
        let sent = sent_by_optimized(call)?;
        let call = sent.as_ref().unwrap_or(call);
        let with_ids = self.with_ids(call);
        let named = (call.text("Identity"), with_ids.text("Identity"));
        self.cmdlet(caller, &with_ids, None, 1_000).map_err(|mut error| {
            if let (Some(typed), Some(id)) = named
                && typed != id
            {
                error.message = error.message.replace(&id, &typed);
            }
            error
        })
    }

    /// A cmdlet typed on the last Exchange server or with the ActiveDirectory module, on the domain
    /// controller that `-Server` or `-DomainController` names, else on the first one of the object's domain,
    /// with the rights of whoever types it, or, `through_server`, of the Exchange server. Answers what it shows:
    /// attributes or things of the organization, with their values.
    ///
    /// # Errors
    /// [`PersonError`]. Operations before the first that the directory refuses have been done.
    pub fn person_ad(
        &mut self,
        caller: &Caller,
        call: &CmdletCall,
        through_server: bool,
    ) -> Result<Vec<Shown>, PersonError> {
        let about = onprem::about(call)?;
        let (object, server) = self.asked_for(call, about)?;
        let (object, server) = self.reached(call, object, server)?;
        // Only what is made needs one.
        let fresh = if call.name.starts_with(['N', 'n', 'E', 'e']) {
            self.new_objects.guid()
        } else {
            Guid([0; 16])
        };
        let act = self.planned(call, object, fresh)?;
        let operations = match act {
            Act::Write(operations) => operations,
            Act::Show(attributes) => {
                return Ok(object.map_or_else(Vec::new, |ad| self.shown(ad, attributes, call)));
            }
            Act::Organization(_) if !self.standing(caller.role).may_change_organization() => {
                return Err(PersonError::Directory(diagnostic::access_denied()));
            }
            Act::Organization(change) => {
                self.onprem.apply(change);
                return Ok(Vec::new());
            }
            Act::ShowOrganization(kind) => {
                let names = self.onprem.of(kind).map(|thing| thing.name.clone());
                return Ok(vec![("Name".to_owned(), names.collect())]);
            }
        };
        for operation in operations {
            let home = match (&operation, object) {
                (Operation::Add(request), _) => {
                    server.or_else(|| self.home_of(&Name::Dn(request.dn.clone())))
                }
                (_, object) => object.map(AdObject::at),
            };
            let Some(mut dc) = home else {
                return Err(PersonError::Directory(diagnostic::no_such_object("")));
            };
            if object.is_none() && server.is_none() {
                dc = self.alive(dc).ok_or_else(|| self.server_down(Some(call), dc))?;
            }
            let mut request = Request::from(operation);
            let recursive = call.parameter("Recursive").and_then(Argument::boolean) == Some(true);
            let wanted = [
                (about == About::Deleted, ControlValue::ShowDeleted),
                (recursive, ControlValue::TreeDelete),
            ];
            for (_, value) in wanted.into_iter().filter(|(is_wanted, _)| *is_wanted) {
                request.controls.push(Control { critical: true, value });
            }
            let principal = self.writer_at(caller, dc, through_server);
            let response = self.directory(dc, &principal, &caller.actor, &request);
            if !response.result.is_success() {
                Mark::of_directory(response.result.code).reach();
                return Err(PersonError::Directory(response.result));
            }
        }
        Ok(Vec::new())
    }

    /// The object that a call is about, as the domain controller holds it that the call names, and that one.
    fn asked_for(
        &self,
        call: &CmdletCall,
        about: About,
    ) -> Result<(Option<AdObject>, Option<DcKey>), PersonError> {
        let identity = call.text("Identity").unwrap_or_default();
        let missing = || OnPremError::NotFound(identity.clone());
        let is_live =
            |ad: &AdObject| self.ad_object(*ad).is_some_and(|slot| slot.entry.life == Life::Live);
        let server = call.text("Server").or_else(|| call.text("DomainController"));
        let server = server.map(|name| self.server(&name)).transpose()?;
        let found = || self.ad_identity_on(&identity, server);
        let object = match about {
            About::Nothing => None,
            About::Object => Some(found().filter(is_live).ok_or_else(missing)?),
            About::Deleted => Some(found().ok_or_else(missing)?),
        };
        let object = match (object, server) {
            // What is deleted is on every domain controller that has heard of it, and shown on none.
            (Some(object), Some(at)) if about == About::Deleted && at.forest == object.forest => {
                Some(AdObject::on(at, object.number))
            }
            (Some(object), Some(at)) => Some(self.on_server(object, at)?),
            (object, _) => object,
        };
        Ok((object, server))
    }

    /// What a call comes to, with what it looks up.
    fn planned(
        &self,
        call: &CmdletCall,
        object: Option<AdObject>,
        fresh: Guid,
    ) -> Result<Act, OnPremError> {
        let gone = object.and_then(|ad| self.forests.get(ad.forest)?.last_known(ad.dc, ad.number));
        let current = |attribute: &str| match (&gone, attribute) {
            (Some((name, _)), "msDS-LastKnownRDN") => vec![name.clone()],
            (Some((_, parent)), "lastKnownParent") => vec![parent.clone()],
            _ => object.map_or_else(Vec::new, |object| self.ad_texts(object, attribute)),
        };
        let dn_of = |identity: &str| {
            self.ad_identity_on(identity, object.map(AdObject::at)).map(|ad| self.ad_dn(ad))
        };
        let container = self.forests.dn_of(self.people.dc, self.people.container);
        let label = self.domains.initial.split('.').next().unwrap_or_default();
        onprem::act(
            call,
            &Directory {
                object: object.map(|object| object.number),
                current: &current,
                dn_of: &dn_of,
                container: &container,
                domain: &self.domains.verified,
                routing_domain: &format!("{label}.mail.onmicrosoft.com"),
                fresh,
                organization: &self.onprem,
                local_mailboxes: &|| self.local_mailboxes().len(),
            },
        )
    }

    /// Attributes of an object, and those that `-Properties` names beside them.
    fn shown(&self, ad: AdObject, attributes: &[&str], call: &CmdletCall) -> Vec<Shown> {
        let further = call.parameter("Properties").map(|value| value.texts()).unwrap_or_default();
        let names = attributes.iter().map(|name| (*name).to_owned()).chain(further);
        names.map(|name| (name.clone(), self.ad_texts(ad, &name))).collect()
    }

    /// The mailboxes of people that are on servers of the forests, by distinguished name: in every domain,
    /// as no tool of one domain sees them.
    #[must_use]
    pub fn local_mailboxes(&self) -> Vec<String> {
        let is = |number: &&str| {
            Filter::Equality("msExchRecipientTypeDetails".into(), number.as_bytes().to_vec())
        };
        let filter = Filter::Or(onprem::LOCAL_MAILBOXES.iter().map(is).collect());
        let mut found = Vec::new();
        for (domain, at) in self.forests.domains() {
            let request = SearchRequest {
                base: Name::Number(domain.head),
                scope: Scope::Subtree,
                filter: filter.clone(),
                selection: Vec::new(),
                size_limit: 0,
                time_limit: 0,
                types_only: false,
            };
            let Some(forest) = self.forests.get(at.forest) else { continue };
            if let Ok(hits) = forest.search_hits(at.dc, &Principal::system(), &request, None) {
                let names = hits.hits.iter().map(|hit| self.forests.dn_of(at, hit.object));
                found.extend(names);
            }
        }
        found
    }

    /// The domain controller of a name, with its domain or without.
    fn server(&self, name: &str) -> Result<DcKey, OnPremError> {
        let host = name.split('.').next().unwrap_or(name);
        self.dc_named(host).ok_or_else(|| OnPremError::NotFound(name.to_owned()))
    }

    /// An object as a certain domain controller holds it.
    pub(super) fn on_server(&self, object: AdObject, at: DcKey) -> Result<AdObject, OnPremError> {
        let there = AdObject::on(at, object.number);
        if at.forest == object.forest && self.ad_object(there).is_some() {
            Ok(there)
        } else {
            Err(OnPremError::NotFound(self.dc_name(at)))
        }
    }

    /// LDIF change records, each applied on a domain controller with the rights of whoever applies them: on
    /// `dc`, else on the first one of its object's domain. Records before the first that is refused have been
    /// applied.
    ///
    /// # Errors
    /// [`PersonError`] at the first record that is wrong or refused.
    pub fn person_ldif(
        &mut self,
        caller: &Caller,
        text: &str,
        dc: Option<DcKey>,
    ) -> Result<(), PersonError> {
        for operation in ldif::operations(text)? {
            let home = match dc {
                Some(named) => Some(named).filter(|_| !self.finds_down(named)),
                None => self.home_of(&target(&operation)).and_then(|home| self.alive(home)),
            };
            let Some(dc) = home else {
                let asked = dc.or_else(|| self.home_of(&target(&operation)));
                return Err(match asked {
                    Some(asked) => self.server_down(None, asked),
                    None => PersonError::Directory(diagnostic::no_such_object("")),
                });
            };
            let principal = self.writer_at(caller, dc, false);
            let request = Request::from(operation);
            let response = self.directory(dc, &principal, &caller.actor, &request);
            if !response.result.is_success() {
                return Err(PersonError::Directory(response.result));
            }
        }
        Ok(())
    }

    /// The first domain controller of the domain in which a name is; of the first domain when it is in
    /// none, where the answer is a referral.
    fn home_of(&self, name: &Name) -> Option<DcKey> {
        let is_here = |at: &DcKey| {
            let found = self.forests.get(at.forest).map(|forest| forest.resolve(at.dc, name));
            match found {
                Some(Err(refusal)) => match name {
                    Name::Dn(_) => refusal.code != ResultCode::Referral,
                    Name::Guid(_) | Name::Sid(_) | Name::WellKnown { .. } | Name::Number(_) => {
                        false
                    }
                },
                Some(Ok(_)) => true,
                None => false,
            }
        };
        let homes = || self.forests.domains().map(|(_, at)| at);
        homes().find(is_here).or_else(|| homes().next())
    }

    /// The values of an AD attribute as text, references as distinguished names; none for an attribute that the schema does not have.
    #[must_use]
    pub fn ad_texts(&self, object: AdObject, attribute: &str) -> Vec<String> {
        let schema = self.forests.get(object.forest).map(Forest::schema);
        let Some(found) = schema.and_then(|s| s.attribute_named(attribute)) else {
            return Vec::new();
        };
        if found.number == known::OBJECT_GUID {
            return self
                .ad_object(object)
                .map(|slot| slot.entry.guid.to_string())
                .into_iter()
                .collect();
        }
        if !found.is_stored_as_shown() {
            let forest = self.forests.get(object.forest);
            let values = forest.map(|f| f.values(object.dc, object.number, attribute));
            let values = values.unwrap_or_default().into_iter();
            return values.map(|value| String::from_utf8_lossy(&value).into_owned()).collect();
        }
        let number = found.number;
        self.ad_object(object).map_or_else(Vec::new, |slot| {
            let values = slot.entry.record.values(number);
            values.map(|value| String::from_utf8_lossy(value).into_owned()).collect()
        })
    }

    /// The AD object that people mean: by the name that steps use, `sAMAccountName`, user principal
    /// name, distinguished name, GUID or mail address.
    #[must_use]
    pub fn ad_identity(&self, identity: &str) -> Option<AdObject> {
        self.ad_identity_on(identity, None)
    }

    /// [`Self::ad_identity`] as a certain domain controller knows it, which may have heard of more than the first one
    /// of its domain; or as the first ones do.
    fn ad_identity_on(&self, identity: &str, server: Option<DcKey>) -> Option<AdObject> {
        if let Some(ad) = self.subject(identity).and_then(|subject| subject.ad) {
            return Some(ad);
        }
        let equals = |attribute: &str, value: &str| {
            Filter::Equality(attribute.into(), value.as_bytes().to_vec())
        };
        let request = |head: ObjectNumber| SearchRequest {
            base: Name::Number(head),
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
        let of_server = |at: DcKey| Some((at.forest, self.forests.dc(at)?.domain));
        let own = server.and_then(of_server);
        let asked = |at: DcKey| match server {
            Some(server) if own.is_some() && of_server(at) == own => server,
            _ => at,
        };
        for (domain, at) in self.forests.domains() {
            let at = asked(at);
            let forest = self.forests.get(at.forest)?;
            let system = Principal::system();
            let found = forest.search_hits(at.dc, &system, &request(domain.head), None).ok();
            if let Some([hit]) = found.as_ref().map(|found| found.hits.as_slice()) {
                return Some(AdObject::on(at, hit.object));
            }
        }
        let name = Name::from_text(identity);
        self.forests.domains().find_map(|(_, at)| {
            let at = asked(at);
            let object = self.forests.get(at.forest)?.resolve(at.dc, &name).ok()?;
            Some(AdObject::on(at, object))
        })
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
                *value = Argument::Text(id);
            }
        }
        call
    }
}

/// The object that an operation is about.
fn target(operation: &Operation) -> Name {
    match operation {
        Operation::Modify(request) => request.object.clone(),
        Operation::Search(request) => request.base.clone(),
        Operation::Add(request) => Name::Dn(request.dn.clone()),
        Operation::Delete(request) => request.object.clone(),
        Operation::ModifyDn(request) => request.object.clone(),
        Operation::Compare(request) => request.object.clone(),
    }
}

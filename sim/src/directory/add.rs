//! Add ([MS-ADTS] 3.1.1.5.2): a new object with everything its class demands.

use std::sync::Arc;

use crate::directory::account::{default_value, file_time};
use crate::directory::account_rules::is_group_type;
use crate::directory::answer::{LdapResult, ResultCode, ValueChange, Written};
use crate::directory::definitions::Kind;
use crate::directory::derived::DERIVED;
use crate::directory::diagnostic::{self, AttributeProblem, UpdateProblem};
use crate::directory::entry::{Entry, Life, LinkStamps, Stamp};
use crate::directory::fold;
use crate::directory::forest::Forest;
use crate::directory::membership::MEMBER_ALREADY;
use crate::directory::modify::{Working, Writer};
use crate::directory::name::{Dn, Rdn};
use crate::directory::password::names_of;
use crate::directory::request::{AddRequest, AttributeName, Name, ObjectNumber};
use crate::directory::schema::class::{Class, ClassKind};
use crate::directory::schema::syntax::integer;
use crate::directory::schema::{Attribute, Schema, known};
use crate::directory::security::descriptor::CONTROL_ACCESS;
use crate::directory::store::Slot;
use crate::directory::system_objects::flags_of_class;
use crate::guid::Guid;
use crate::record::{AttributeNumber, Record};

/// userAccountControl of a new account: disabled, no password required, a normal account or a workstation's.
const NEW_USER_CONTROL: &[u8] = b"546";
const NEW_COMPUTER_CONTROL: &[u8] = b"4130";

/// Stored values by attribute.
type Values = Vec<(AttributeNumber, Vec<Vec<u8>>)>;

impl Forest {
    /// Adds an object. `guid` becomes its objectGUID; its SID follows from its number.
    ///
    /// # Errors
    /// As Active Directory ([MS-ADTS] 3.1.1.5.2.2). Nothing changes then.
    pub fn add(
        &mut self,
        writer: &Writer<'_>,
        request: &AddRequest,
        guid: Guid,
    ) -> Result<Written, LdapResult> {
        if writer.principal.is_anonymous() {
            return Err(diagnostic::not_bound());
        }
        self.check_writable(writer.dc, &Name::Dn(request.dn.clone()))?;
        self.settle_if_due(writer.dc);
        let with_password = self.with_unicode_password(request);
        let request = with_password.as_ref().unwrap_or(request);
        let dn = Dn::parse(&request.dn).map_err(|_| diagnostic::bad_name(&request.dn))?;
        let (Some(rdn), Some(parent_dn)) = (dn.rdn(), dn.parent()) else {
            // The rootDSE is there already, and nothing can be added in its place.
            return Err(diagnostic::update(UpdateProblem::NameViolation, 0x2037));
        };
        self.check_instance_type(request)?;
        let controller = self.dc(writer.dc).ok_or_else(|| diagnostic::no_such_object(""))?;
        let parent = self.resolve_dn(controller, &parent_dn)?;
        let class = class_of(&self.schema, &request.attributes)?;
        if !self.may_create(controller, writer.principal, parent, &class.name) {
            return Err(diagnostic::access_denied());
        }
        let definition = self.new_definition(writer.dc, parent, class)?;
        let completed = match definition {
            Some(kind) => Some(self.completed_definition(writer.dc, kind, request)?),
            None => None,
        };
        let request = completed.as_ref().unwrap_or(request);
        let guid = self.given_guid(writer, request)?.unwrap_or(guid);
        let password = self.given_password(writer, request)?;
        let mut values = self.given_values(writer, class, request, definition)?;
        self.check_place(writer, parent, class, rdn)?;
        name_object(&self.schema, class, rdn, &mut values)?;
        self.complete(writer, class, &mut values)?;
        self.settle_new_account(writer, class, &mut values)?;
        if definition.is_none() {
            settle_system_flags(class, &mut values);
        }
        self.settle_new_descriptor(controller, writer, parent, class, &mut values)?;
        if let Some(kind) = definition {
            self.finish_definition(kind, &mut values);
        }
        check_must(class, &values)?;
        self.check_first_members(writer, class, &values)?;
        self.check_names_free(writer, &values)?;
        if password.is_some() {
            note_password(writer, &mut values);
        }
        // What an object has by default is not stored.
        values.retain(|(number, given)| {
            default_value(class, *number).is_none_or(|default| given.as_slice() != [default])
        });
        let class_is_account = class.is_user || class.is_group;
        let (class, rdn_attribute) = (class.number, class.rdn_attribute);
        values.sort_unstable_by_key(|(number, _)| *number);
        let definition = match definition {
            Some(kind) => {
                let own = ObjectNumber(self.next_object);
                Some(self.definition(writer.dc, kind, own, &record_of(&values))?)
            }
            None => None,
        };
        if class_is_account {
            self.take_rid(writer.dc);
        }
        let object = self.new_object();
        let written = self.place_new(writer, object, (guid, parent, class, rdn_attribute), values);
        if let Some(password) = password {
            self.set_password(object, password);
        }
        if let Some(definition) = definition {
            self.enforce(definition);
        }
        Ok(written)
    }

    /// An instanceType in a request says nothing, or that the object is writable; one that makes the
    /// object the head of a naming context is refused: naming contexts are not made by an add here
    /// ([MS-ADTS] 3.1.1.5.2.2).
    fn check_instance_type(&self, request: &AddRequest) -> Result<(), LdapResult> {
        const NC_HEAD: i64 = 1;
        const WRITE: i64 = 4;
        const ADD_REPLICA_INHIBITED: u32 = 0x206E;
        const BAD_INSTANCE_TYPE: u32 = 0x2074;
        let given = request.attributes.iter().find(|(name, _)| {
            self.attribute(name).is_some_and(|at| at.number == known::INSTANCE_TYPE)
        });
        let Some((_, values)) = given else { return Ok(()) };
        let win32 = match values.as_slice() {
            [value] => match integer(value) {
                Some(0 | WRITE) => return Ok(()),
                Some(bits) if bits & NC_HEAD != 0 && bits & WRITE == 0 => ADD_REPLICA_INHIBITED,
                Some(bits) if bits & NC_HEAD != 0 => 0x2035,
                _ => BAD_INSTANCE_TYPE,
            },
            _ => BAD_INSTANCE_TYPE,
        };
        Err(diagnostic::unwilling(win32))
    }

    pub(super) fn place_new(
        &mut self,
        writer: &Writer<'_>,
        object: ObjectNumber,
        (guid, parent, class, rdn_attribute): (Guid, ObjectNumber, u16, AttributeNumber),
        values: Values,
    ) -> Written {
        let record = record_of(&values);
        let schema = Arc::clone(&self.schema);
        let mut usn = None;
        if let Some(controller) = self.dcs.get_mut(usize::from(writer.dc.0)) {
            let next = controller.take_usn();
            usn = Some(next);
            let entry = Arc::new(Entry {
                guid,
                parent: Some(parent),
                class,
                rdn_attribute,
                life: Life::Live,
                created_by: writer.dc,
                created_usn: next,
                when_created: writer.now,
                record,
                changed: Box::default(),
                links: LinkStamps::default(),
            });
            let stamp = Stamp { usn_created: next, usn_changed: next, when_changed: writer.now };
            controller.store.insert(&schema, object, Slot { entry, stamp });
        }
        let changes: Vec<ValueChange> = values
            .into_iter()
            .map(|(attribute, new)| {
                self.value_change(writer.dc, Working { attribute, old: Vec::new(), new })
            })
            .collect();
        Written { object, guid, usn, changes }
    }

    /// Refuses names that another account has.
    fn check_names_free(&self, writer: &Writer<'_>, values: &Values) -> Result<(), LdapResult> {
        for (number, given) in values {
            let Some(attribute) = self.schema.attribute(*number) else { continue };
            for value in given {
                self.check_unique(writer.dc, ObjectNumber(u32::MAX), attribute, value)?;
            }
        }
        Ok(())
    }

    /// The values that the request gives, in their stored form.
    fn given_values(
        &self,
        writer: &Writer<'_>,
        class: &Class,
        request: &AddRequest,
        definition: Option<Kind>,
    ) -> Result<Values, LdapResult> {
        let mut values = Values::new();
        for (name, given) in &request.attributes {
            let attribute =
                self.written_attribute(name).ok_or_else(diagnostic::unknown_attribute)?;
            let number = attribute.number;
            let is_guid = number == known::OBJECT_GUID;
            if number == known::OBJECT_SID || is_guid && !self.heuristics.takes_guids() {
                return Err(diagnostic::unwilling(0x20E7));
            }
            if number == known::OBJECT_CATEGORY && !self.is_category(writer, given) {
                let problem = UpdateProblem::ObjectClassViolation;
                return Err(diagnostic::update(problem, 0x2014));
            }
            // Of these the system knows better; constructed ones are dropped.
            if DERIVED.contains(&number)
                || attribute.constructed
                || matches!(number, known::SAM_ACCOUNT_TYPE | known::IS_DELETED)
            {
                continue;
            }
            if number == known::MEMBER_OF && (class.is_user || class.is_group) {
                return Err(diagnostic::unwilling(0x209A));
            }
            // What the system alone changes in a definition is given with it; of flags it takes some.
            let given_too = definition.is_some() || number == known::SYSTEM_FLAGS;
            if attribute.is_back_link() || attribute.system_only && !given_too {
                return Err(diagnostic::attribute(AttributeProblem::Constraint, 0x20B1, attribute));
            }
            if number == known::UNICODE_PWD {
                continue;
            }
            if number == known::NT_SECURITY_DESCRIPTOR {
                values.push((number, given.clone()));
                continue;
            }
            if !class.allows(number) {
                return Err(diagnostic::update(UpdateProblem::ObjectClassViolation, 0x207D));
            }
            let mut stored = Vec::with_capacity(given.len());
            for value in given {
                let value = self.stored_value(writer.dc, attribute, value)?;
                stored.push(self.account_value(writer.now, attribute, value)?);
            }
            match values.iter_mut().find(|(known, _)| *known == number) {
                Some((_, known)) => known.append(&mut stored),
                None => values.push((number, stored)),
            }
        }
        let count: usize = values.iter().map(|(_, values)| values.len()).sum();
        if count > self.policies.max_values {
            let problem = diagnostic::ServiceProblem::AdminLimitExceeded;
            return Err(diagnostic::service(ResultCode::AdminLimitExceeded, problem, 0x2024));
        }
        for (number, values) in &mut values {
            let Some(attribute) = self.schema.attribute(*number) else { continue };
            check_values(attribute, values)?;
        }
        Ok(values)
    }

    /// Whether a given objectCategory is a class of the schema.
    fn is_category(&self, writer: &Writer<'_>, given: &[Vec<u8>]) -> bool {
        let head = self.schema_head();
        given.iter().all(|value| {
            let name = core::str::from_utf8(value).map(Name::from_text);
            let object = name.ok().and_then(|name| self.resolve(writer.dc, &name).ok());
            let slot = object.and_then(|object| self.slot(writer.dc, object));
            slot.is_some_and(|slot| head.is_some() && slot.entry.parent == head)
        })
    }

    /// Whether the class may stand below the parent under this name.
    fn check_place(
        &self,
        writer: &Writer<'_>,
        parent: ObjectNumber,
        class: &Class,
        rdn: &Rdn,
    ) -> Result<(), LdapResult> {
        let Some(controller) = self.dc(writer.dc) else { return Ok(()) };
        if controller.store.child(parent, &rdn.value).is_some() {
            return Err(diagnostic::update(UpdateProblem::EntryExists, 0x2071));
        }
        let above = controller.store.get(parent).map(|slot| slot.entry.class);
        let fits = above.is_some_and(|above| {
            class.superiors.iter().any(|superior| self.schema.is_a(above, *superior))
        });
        if !fits {
            return Err(diagnostic::update(UpdateProblem::NameViolation, 0x2099));
        }
        // Accounts and groups live in domains ([MS-ADTS] 3.1.1.5.2.2).
        let head = self.domain(controller.domain).map(|domain| domain.head);
        let in_domain = head.zip(controller.store.get(parent));
        let in_domain =
            in_domain.is_some_and(|(head, slot)| Self::is_within(controller, parent, slot, head));
        if (class.is_user || class.is_group) && !in_domain {
            return Err(diagnostic::unwilling(0x2035));
        }
        Ok(())
    }

    /// The objectGUID that a request gives: dSHeuristics have to say that it may, and the caller needs the
    /// right Add-GUID on the naming context ([MS-ADTS] 3.1.1.5.2.2).
    fn given_guid(
        &self,
        writer: &Writer<'_>,
        request: &AddRequest,
    ) -> Result<Option<Guid>, LdapResult> {
        const ADD_GUID: &str = "440820ad-65b4-11d1-a3da-0000f875ae0d";
        const OBJECT_GUID_TAKEN: u32 = 0x20E7;
        let given = request.attributes.iter().find(|(name, _)| {
            self.attribute(name).is_some_and(|attribute| attribute.number == known::OBJECT_GUID)
        });
        let Some((_, values)) = given.filter(|_| self.heuristics.takes_guids()) else {
            return Ok(None);
        };
        let refused = || diagnostic::unwilling(OBJECT_GUID_TAKEN);
        let controller = self.dc(writer.dc).ok_or_else(|| diagnostic::no_such_object(""))?;
        let head = self.domain(controller.domain).map(|domain| domain.head);
        let objects = [ADD_GUID.parse().ok()];
        let may = head.is_some_and(|head| {
            self.may(controller, writer.principal, head, CONTROL_ACCESS, &objects)
        });
        if !may {
            return Err(diagnostic::access_denied());
        }
        let [value] = values.as_slice() else { return Err(refused()) };
        let guid = Guid(value.as_slice().try_into().map_err(|_| refused())?);
        let taken = guid.0 == [0; 16] || controller.store.by_guid(guid).is_some();
        if taken { Err(refused()) } else { Ok(Some(guid)) }
    }

    /// The password that a request gives, if any.
    fn given_password(
        &self,
        writer: &Writer<'_>,
        request: &AddRequest,
    ) -> Result<Option<Vec<u8>>, LdapResult> {
        let given = request.attributes.iter().find(|(name, _)| {
            self.attribute(name).is_some_and(|attribute| attribute.number == known::UNICODE_PWD)
        });
        let Some(value) = given.and_then(|(_, values)| values.first()) else { return Ok(None) };
        let password = self.password_of(writer.principal.secure, value)?;
        let text = |number: AttributeNumber| {
            let mut all = request.attributes.iter();
            let found =
                all.find(|(name, _)| self.attribute(name).is_some_and(|at| at.number == number));
            found.and_then(|(_, values)| core::str::from_utf8(values.first()?).ok())
        };
        let names = names_of(text(known::SAM_ACCOUNT_NAME), text(known::DISPLAY_NAME));
        self.check_password(writer.dc, &password, &names, None)?;
        Ok(Some(password))
    }

    /// Adds what the security accounts manager gives a new account.
    fn complete(
        &self,
        writer: &Writer<'_>,
        class: &Class,
        values: &mut Values,
    ) -> Result<(), LdapResult> {
        let (is_user, is_group) = (class.is_user, class.is_group);
        if !is_user && !is_group {
            return Ok(());
        }
        let controller = self.dc(writer.dc).ok_or_else(|| diagnostic::no_such_object(""))?;
        let domain =
            self.domain(controller.domain).ok_or_else(|| diagnostic::no_such_object(""))?;
        let rid = self.next_rid(controller);
        let mut default = |attribute: AttributeNumber, value: Vec<u8>| {
            if !values.iter().any(|(known, _)| *known == attribute) {
                values.push((attribute, vec![value]));
            }
        };
        default(known::OBJECT_SID, domain.sid.with_rid(rid).as_bytes().to_vec());
        let generated = format!("${:06X}-{:012X}", self.next_object, u64::from(rid) << 12);
        default(known::SAM_ACCOUNT_NAME, generated.into_bytes());
        if is_user {
            let control = if class.is_computer { NEW_COMPUTER_CONTROL } else { NEW_USER_CONTROL };
            default(known::USER_ACCOUNT_CONTROL, control.to_vec());
        } else {
            // Global security group, unless the request says otherwise.
            default(known::GROUP_TYPE, b"-2147483646".to_vec());
            let kind = values.iter().find(|(number, _)| *number == known::GROUP_TYPE);
            let kind = kind.and_then(|(_, values)| integer(values.first()?)).unwrap_or_default();
            if !is_group_type(kind) {
                return Err(diagnostic::unwilling(0x2141));
            }
            let kind = account_type_of_group(kind);
            values.push((known::SAM_ACCOUNT_TYPE, vec![kind.as_bytes().to_vec()]));
        }
        Ok(())
    }
}

/// What of systemFlags a client can give, and what objects of the class have anyway
/// ([MS-ADTS] 3.1.1.5.2.4).
fn settle_system_flags(class: &Class, values: &mut Values) {
    // FLAG_CONFIG_ALLOW_RENAME, FLAG_CONFIG_ALLOW_MOVE, FLAG_CONFIG_ALLOW_LIMITED_MOVE.
    const GIVEN: i64 = 0x7000_0000;
    let of_class = flags_of_class(&class.name);
    let given = values.iter().find(|(number, _)| *number == known::SYSTEM_FLAGS);
    let given = given.and_then(|(_, values)| integer(values.first()?));
    if given.is_none() && of_class == 0 {
        return;
    }
    let flags = given.unwrap_or_default() & GIVEN | of_class;
    values.retain(|(number, _)| *number != known::SYSTEM_FLAGS);
    values.push((known::SYSTEM_FLAGS, vec![flags.to_string().into_bytes()]));
}

/// A new account's password was set with it.
fn note_password(writer: &Writer<'_>, values: &mut Values) {
    let now = file_time(writer.now).to_string().into_bytes();
    values.retain(|(number, _)| *number != known::PWD_LAST_SET);
    values.push((known::UNICODE_PWD, vec![now.clone()]));
    values.push((known::PWD_LAST_SET, vec![now]));
}

/// Sorted values as a record.
fn record_of(values: &Values) -> Record {
    Record::from_sorted(
        values.iter().map(|(number, values)| (*number, values.iter().map(Vec::as_slice))),
    )
}

/// The class of a new object: the most specific structural one of objectClass.
fn class_of<'s>(
    schema: &'s Schema,
    attributes: &[(AttributeName, Vec<Vec<u8>>)],
) -> Result<&'s Class, LdapResult> {
    let is_class = |name: &AttributeName| match name {
        AttributeName::Number(number) => *number == known::OBJECT_CLASS,
        AttributeName::Text(text) => {
            schema.attribute_named(text).is_some_and(|at| at.number == known::OBJECT_CLASS)
        }
    };
    let mut given = attributes.iter().filter(|(name, _)| is_class(name));
    let violation = |win32| diagnostic::update(UpdateProblem::ObjectClassViolation, win32);
    let (_, names) = given.next().ok_or_else(|| violation(0x207B))?;
    if names.is_empty() {
        let attribute = schema.attribute(known::OBJECT_CLASS);
        let refused = |at| diagnostic::attribute(AttributeProblem::Constraint, 0x202F, at);
        return Err(attribute.map_or_else(|| violation(0x207B), refused));
    }
    if given.next().is_some() {
        return Err(violation(0x2077));
    }
    let mut best: Option<&Class> = None;
    for name in names {
        let class = core::str::from_utf8(name).ok().and_then(|name| schema.class_named(name));
        let class = class.ok_or_else(diagnostic::unknown_attribute)?;
        best = match best {
            Some(known) if schema.is_a(known.number, class.number) => Some(known),
            Some(known) if schema.is_a(class.number, known.number) => Some(class),
            Some(_) if class.kind == ClassKind::Auxiliary => best,
            Some(known) if known.kind == ClassKind::Auxiliary => Some(class),
            Some(_) => return Err(violation(0x20B4)),
            None => Some(class),
        };
    }
    let class = best.ok_or_else(|| violation(0x207B))?;
    if !matches!(class.kind, ClassKind::Structural | ClassKind::Class88) {
        return Err(diagnostic::unwilling(0x20A7));
    }
    // Those of the local security authority are made by it alone ([MS-ADTS] 3.1.1.5.2.2).
    let of_authority = matches!(&*class.name, "secret" | "trustedDomain");
    if class.system_only || of_authority || matches!(&*class.name, "builtinDomain" | "domainDNS") {
        return Err(diagnostic::unwilling(0x20A6));
    }
    Ok(class)
}

/// Sees to the naming attribute: it is the class's own, and its value is that of the name.
fn name_object(
    schema: &Schema,
    class: &Class,
    rdn: &Rdn,
    values: &mut Values,
) -> Result<(), LdapResult> {
    let named = schema.attribute_named(&rdn.attribute);
    let Some(attribute) = named.filter(|named| named.number == class.rdn_attribute) else {
        return Err(diagnostic::update(UpdateProblem::NameViolation, 0x2073));
    };
    if !is_name_length(&rdn.value) {
        return Err(diagnostic::attribute(AttributeProblem::Constraint, 0x2082, attribute));
    }
    let value = rdn.value.clone().into_bytes();
    if let Some((_, given)) = values.iter().find(|(number, _)| *number == attribute.number)
        && !given.iter().all(|given| fold::same(given, &value))
    {
        let mut refusal = diagnostic::bad_name(&rdn.value);
        refusal.diagnostic = refusal.diagnostic.replacen("0000208F", "00002032", 1);
        return Err(refusal);
    }
    values.retain(|(number, _)| *number != attribute.number);
    values.push((attribute.number, vec![value]));
    Ok(())
}

fn check_values(attribute: &Attribute, values: &mut Vec<Vec<u8>>) -> Result<(), LdapResult> {
    if values.is_empty() {
        return Err(diagnostic::attribute(AttributeProblem::Constraint, 0x202F, attribute));
    }
    if attribute.single && values.len() > 1 {
        return Err(diagnostic::attribute(AttributeProblem::Constraint, 0x2081, attribute));
    }
    let mut bytes: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
    bytes.sort_unstable();
    if bytes.windows(2).any(|pair| pair[0] == pair[1]) {
        if attribute.number == known::MEMBER {
            return Err(diagnostic::update(UpdateProblem::EntryExists, MEMBER_ALREADY));
        }
        if !attribute.is_forward_link() {
            return Err(diagnostic::attribute(AttributeProblem::ValueExists, 0x2083, attribute));
        }
    }
    // Values that differ in case only are one.
    let mut seen = std::collections::BTreeSet::new();
    let fold = attribute.syntax.ignores_case();
    values.retain(|value| {
        let folded = if fold { fold::folded(value).into_owned() } else { value.clone() };
        seen.insert(folded)
    });
    Ok(())
}

fn check_must(class: &Class, values: &[(AttributeNumber, Vec<Vec<u8>>)]) -> Result<(), LdapResult> {
    let supplied = |number: &AttributeNumber| {
        DERIVED.contains(number)
            || *number == known::NT_SECURITY_DESCRIPTOR
            || default_value(class, *number).is_some()
            || values.iter().any(|(given, _)| given == number)
    };
    // Only top and person demand cn of objects that are named by another attribute.
    let demanded =
        |number: &AttributeNumber| *number != known::CN || class.rdn_attribute == known::CN;
    if class.must.iter().filter(|number| demanded(number)).all(supplied) {
        Ok(())
    } else {
        Err(diagnostic::update(UpdateProblem::ObjectClassViolation, 0x207C))
    }
}

/// sAMAccountType of a group: by security and scope ([MS-SAMR] 2.2.1.9).
pub(super) fn account_type_of_group(kind: i64) -> &'static str {
    let (security, local) = (kind < 0, kind & 4 != 0);
    match (security, local) {
        (true, false) => "268435456",
        (false, false) => "268435457",
        (true, true) => "536870912",
        (false, true) => "536870913",
    }
}

/// Whether a relative name is as long as names may be ([MS-ADTS] 3.1.1.5.2.2).
pub(super) fn is_name_length(name: &str) -> bool {
    (1..=255).contains(&name.encode_utf16().count())
}

//! Whether an account may do something with an object ([MS-ADTS] 5.1.3.3).

use super::descriptor::{
    Ace, CREATE_CHILD, DELETE, DELETE_CHILD, FULL, INHERIT_ONLY, READ_CONTROL, SecurityDescriptor,
    WRITE_DAC, WRITE_OWNER, WRITE_PROPERTY,
};
use crate::directory::entry::Entry;
use crate::directory::forest::{DomainController, Forest};
use crate::directory::name::Sid;
use crate::directory::principal::{Principal, Rights};
use crate::directory::request::ObjectNumber;
use crate::directory::schema::{Attribute, known};
use crate::guid::Guid;

/// The property sets, with what belongs to them ([MS-ADTS] 3.1.1.2.3.3).
const PROPERTY_SETS: [(&str, &[&str]); 10] = [
    (
        "77b5b886-944a-11d1-aebd-0000f80367c1",
        &[
            "assistant",
            "c",
            "facsimileTelephoneNumber",
            "homePhone",
            "homePostalAddress",
            "info",
            "ipPhone",
            "l",
            "mobile",
            "msDS-cloudExtensionAttribute1",
            "msDS-ExternalDirectoryObjectId",
            "otherFacsimileTelephoneNumber",
            "otherHomePhone",
            "otherIpPhone",
            "otherMobile",
            "otherPager",
            "otherTelephone",
            "pager",
            "personalTitle",
            "physicalDeliveryOfficeName",
            "postalAddress",
            "postalCode",
            "postOfficeBox",
            "publicDelegates",
            "st",
            "street",
            "streetAddress",
            "telephoneNumber",
            "thumbnailPhoto",
            "userCertificate",
            "userSMIMECertificate",
        ],
    ),
    (
        "e48d0154-bcf8-11d1-8702-00c04fb96050",
        &[
            "allowedAttributes",
            "allowedAttributesEffective",
            "allowedChildClasses",
            "allowedChildClassesEffective",
            "cn",
            "co",
            "company",
            "department",
            "description",
            "directReports",
            "distinguishedName",
            "division",
            "givenName",
            "homeMDB",
            "initials",
            "legacyExchangeDN",
            "mail",
            "mailNickname",
            "manager",
            "msDS-Approx-Immed-Subordinates",
            "msDS-PhoneticCompanyName",
            "msDS-PhoneticDepartment",
            "msDS-PhoneticDisplayName",
            "msDS-PhoneticFirstName",
            "msDS-PhoneticLastName",
            "msExchHideFromAddressLists",
            "msExchMailboxGuid",
            "name",
            "objectCategory",
            "objectClass",
            "objectGUID",
            "o",
            "otherMailbox",
            "ou",
            "proxyAddresses",
            "servicePrincipalName",
            "showInAddressBook",
            "sn",
            "systemFlags",
            "targetAddress",
            "textEncodedORAddress",
            "title",
            "userPrincipalName",
        ],
    ),
    ("e45795b3-9455-11d1-aebd-0000f80367c1", &["wWWHomePage", "url"]),
    (
        "59ba2f42-79a2-11d0-9020-00c04fc2d3cf",
        &[
            "adminDescription",
            "codePage",
            "comment",
            "countryCode",
            "displayName",
            "objectSid",
            "primaryGroupID",
            "sAMAccountName",
            "sAMAccountType",
            "sDRightsEffective",
            "showInAdvancedViewOnly",
            "sIDHistory",
            "uid",
        ],
    ),
    (
        "4c164200-20c0-11d0-a768-00aa006e0529",
        &[
            "accountExpires",
            "msDS-User-Account-Control-Computed",
            "msDS-UserPasswordExpiryTimeComputed",
            "pwdLastSet",
            "userAccountControl",
            "userParameters",
        ],
    ),
    (
        "5f202010-79a5-11d0-9020-00c04fc2d4cf",
        &[
            "badPwdCount",
            "homeDirectory",
            "homeDrive",
            "lastLogoff",
            "lastLogon",
            "lastLogonTimestamp",
            "logonCount",
            "logonHours",
            "profilePath",
            "scriptPath",
            "userWorkstations",
        ],
    ),
    ("bc0ac240-79a9-11d0-9020-00c04fc2d4cf", &["member", "memberOf"]),
    ("72e39547-7b18-11d1-adef-00c04fd8d5cd", &["dNSHostName"]),
    (
        "037088f8-0ae1-11d2-b422-00a0c968f939",
        &["tokenGroups", "tokenGroupsGlobalAndUniversal", "tokenGroupsNoGCAcceptable"],
    ),
    (
        "c7407360-20bf-11d0-a768-00aa006e0529",
        &[
            "lockOutObservationWindow",
            "lockoutDuration",
            "lockoutThreshold",
            "maxPwdAge",
            "minPwdAge",
            "minPwdLength",
            "pwdHistoryLength",
            "pwdProperties",
        ],
    ),
];

const PUBLIC_INFORMATION: &str = "e48d0154-bcf8-11d1-8702-00c04fb96050";
const EXCHANGE_INFORMATION: &str = "1f298a89-de98-47b8-b5cd-572ad53d267e";

/// The right to read changes of a whole naming context (DS-Replication-Get-Changes).
const GET_CHANGES: &str = "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2";

/// Who asks, as ACLs see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The account.
    pub user: Sid,
    /// Its groups, the well-known ones too, in ascending order.
    pub groups: Vec<Sid>,
}

impl Token {
    /// A token; the groups that everybody who is authenticated belongs to are added: Everyone,
    /// Authenticated Users, and Pre-Windows 2000 Compatible Access, whose member the latter is in a new
    /// domain.
    #[must_use]
    pub fn new(user: Sid, mut groups: Vec<Sid>) -> Self {
        groups
            .extend(["S-1-1-0", "S-1-5-11", "S-1-5-32-554"].into_iter().filter_map(Sid::from_text));
        groups.sort_unstable();
        groups.dedup();
        Self { user, groups }
    }

    pub(super) fn has(&self, sid: &Sid, object: Option<&Sid>) -> bool {
        *sid == self.user
            || self.groups.binary_search(sid).is_ok()
            || (Sid::from_text("S-1-5-10").as_ref() == Some(sid) && object == Some(&self.user))
    }
}

/// The property set that an attribute belongs to.
#[must_use]
pub fn property_set(attribute: &Attribute) -> Option<Guid> {
    attribute.property_set.or_else(|| known_property_set(&attribute.name))
}

fn known_property_set(attribute: &str) -> Option<Guid> {
    let of = PROPERTY_SETS.iter().find(|(_, names)| names.contains(&attribute));
    let guid = match of {
        Some((guid, _)) => guid,
        None if attribute.starts_with("extensionAttribute") => PUBLIC_INFORMATION,
        None if attribute.starts_with("msExch") => EXCHANGE_INFORMATION,
        None => return None,
    };
    guid.parse().ok()
}

/// Whether a descriptor gives a right; `objects` are the attribute, property set, class or extended
/// right that it is about.
#[must_use]
pub fn allows(
    descriptor: &SecurityDescriptor,
    token: &Token,
    own: Option<&Sid>,
    right: u32,
    objects: &[Option<Guid>],
) -> bool {
    let effective = || descriptor.dacl.iter().filter(|ace| ace.flags & INHERIT_ONLY == 0);
    let is_owner = token.has(&descriptor.owner, own);
    let by_itself = is_owner && right & !(READ_CONTROL | WRITE_DAC) == 0;
    if by_itself && !effective().any(Ace::is_for_owner) {
        return true;
    }
    let mut wanted = right;
    for ace in effective() {
        let about = ace.object.is_none() || objects.contains(&ace.object);
        let is_meant = token.has(&ace.sid, own) || is_owner && ace.is_for_owner();
        if !about || ace.mask & wanted == 0 || !is_meant {
            continue;
        }
        if ace.deny {
            return false;
        }
        wanted &= !ace.mask;
        if wanted == 0 {
            return true;
        }
    }
    false
}

impl Forest {
    /// Whether a caller may write an attribute of an object.
    pub(in crate::directory) fn may_write(
        &self,
        controller: &DomainController,
        principal: &Principal,
        object: ObjectNumber,
        entry: &Entry,
        attribute: &Attribute,
    ) -> bool {
        match &principal.rights {
            Rights::Full if attribute.number == known::NT_SECURITY_DESCRIPTOR => true,
            Rights::Full if !self.may_be_denied(controller, object) => true,
            Rights::Full => {
                let objects = [attribute.guid, property_set(attribute)];
                let sid = principal.sid.as_ref();
                !self.is_denied(controller, sid, object, WRITE_PROPERTY, &objects)
            }
            Rights::ReadOnly | Rights::Anonymous => false,
            Rights::WriteAttributes(set) => {
                let is_user = self.schema.class(entry.class).is_some_and(|class| class.is_user);
                let set_up = is_user && set.contains(attribute.number);
                let account = principal.sid.as_ref();
                self.reach(controller, account, entry).allows(attribute, set_up)
            }
            Rights::Acl(token) => {
                let right = match attribute.number {
                    known::NT_SECURITY_DESCRIPTOR => WRITE_DAC,
                    _ => WRITE_PROPERTY,
                };
                let objects = [attribute.guid, property_set(attribute)];
                self.token_allows(controller, token, object, right, &objects)
            }
        }
    }

    /// Whether a caller may create an object of a class below another one.
    pub(in crate::directory) fn may_create(
        &self,
        controller: &DomainController,
        principal: &Principal,
        parent: ObjectNumber,
        class: &str,
    ) -> bool {
        let objects = [self.schema.class_named(class).and_then(|class| class.guid)];
        self.may(controller, principal, parent, CREATE_CHILD, &objects)
    }

    /// Whether a caller may delete an object, or take it to another place: by a right on it, or on what is
    /// above it, which may be given for its class alone ([MS-ADTS] 3.1.1.5.5.1.1, 5.1.3.3.3).
    pub(in crate::directory) fn may_delete(
        &self,
        controller: &DomainController,
        principal: &Principal,
        object: ObjectNumber,
        entry: &Entry,
    ) -> bool {
        let class = [self.schema.class(entry.class).and_then(|class| class.guid)];
        let from = |parent| self.may(controller, principal, parent, DELETE_CHILD, &class);
        self.may(controller, principal, object, DELETE, &[]) || entry.parent.is_some_and(from)
    }

    /// Whether a caller may read what changed in a naming context.
    pub(in crate::directory) fn may_read_changes(
        &self,
        controller: &DomainController,
        principal: &Principal,
        head: ObjectNumber,
    ) -> bool {
        match &principal.rights {
            // The provisioning agents' accounts read the whole directory.
            Rights::WriteAttributes(_) | Rights::ReadOnly => true,
            _ => {
                let right = super::descriptor::CONTROL_ACCESS;
                self.may(controller, principal, head, right, &[GET_CHANGES.parse().ok()])
            }
        }
    }

    /// The parts of an object's descriptor that a caller may write: 1 owner, 2 group, 4 DACL, 8 SACL.
    pub(in crate::directory) fn descriptor_rights(
        &self,
        controller: &DomainController,
        principal: &Principal,
        object: ObjectNumber,
    ) -> u32 {
        if principal.rights == Rights::Full {
            return 15;
        }
        let owner = self.may(controller, principal, object, WRITE_OWNER, &[]);
        let dacl = self.may(controller, principal, object, WRITE_DAC, &[]);
        (if owner { 3 } else { 0 }) | (if dacl { 4 } else { 0 })
    }

    pub(in crate::directory) fn may(
        &self,
        controller: &DomainController,
        principal: &Principal,
        object: ObjectNumber,
        right: u32,
        objects: &[Option<Guid>],
    ) -> bool {
        match &principal.rights {
            Rights::Full => {
                let sid = principal.sid.as_ref();
                right & !FULL == 0 && !self.is_denied(controller, sid, object, right, objects)
            }
            Rights::Acl(token) => self.token_allows(controller, token, object, right, objects),
            Rights::WriteAttributes(_) | Rights::ReadOnly | Rights::Anonymous => false,
        }
    }

    fn token_allows(
        &self,
        controller: &DomainController,
        token: &Token,
        object: ObjectNumber,
        right: u32,
        objects: &[Option<Guid>],
    ) -> bool {
        let Some(slot) = controller.store.get(object) else { return false };
        let own = slot.entry.record.first(known::OBJECT_SID).and_then(Sid::from_bytes);
        self.descriptor(controller, object)
            .is_some_and(|descriptor| allows(&descriptor, token, own.as_ref(), right, objects))
    }
}

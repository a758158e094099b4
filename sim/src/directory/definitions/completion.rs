//! What a new definition gets when the request leaves it out, and values that a request may give in another
//! form ([MS-ADTS] 3.1.1.2.3.1, 3.1.1.2.5.2).

use super::{Kind, SEMANTIC};
use crate::directory::answer::LdapResult;
use crate::directory::diagnostic;
use crate::directory::entry::{DcNumber, reference};
use crate::directory::forest::Forest;
use crate::directory::name::Dn;
use crate::directory::request::{AddRequest, AttributeName, ObjectNumber};
use crate::directory::schema::syntax::{Syntax, integer};
use crate::directory::schema::{BASE_OBJECT, known};
use crate::directory::schema_objects::schema_guid;
use crate::record::AttributeNumber;

/// A linkID or mAPIID of this value asks for one that is free.
const ANY_LINK: &str = "1.2.840.113556.1.2.50";
const ANY_MAPI_ID: &[u8] = b"1.2.840.113556.1.2.49";

/// The mAPIIDs that are given on request begin above those of Exchange's own attributes.
const LAST_TAKEN_MAPI_ID: i64 = 0x9fff;

/// ERROR_DS_ILLEGAL_MOD_OPERATION ([MS-ERREF] 2.2).
const ILLEGAL: u32 = 0x2077;

/// Values of a request by attribute.
type Given = Vec<(AttributeName, Vec<Vec<u8>>)>;

impl Forest {
    /// The request with everything that the system adds to a new definition, but for what refers to the
    /// object itself: that comes with [`Self::finish_definition`].
    ///
    /// # Errors
    /// 53 for a msDS-IntId of an attribute, which the system alone gives, and for a linkID that names no
    /// forward link.
    pub(in crate::directory) fn completed_definition(
        &self,
        dc: DcNumber,
        kind: Kind,
        request: &AddRequest,
    ) -> Result<AddRequest, LdapResult> {
        let own = Dn::parse(&request.dn).ok();
        let rdn = own.as_ref().and_then(Dn::rdn).map_or("", |rdn| rdn.value.as_str());
        let mut given = request.attributes.clone();
        // Its own category does not exist yet.
        let names_itself = self.first_given(&given, known::DEFAULT_OBJECT_CATEGORY);
        let names_itself = names_itself.and_then(|text| Dn::parse(text).ok());
        if names_itself.is_some() && names_itself == own {
            self.take_given(&mut given, known::DEFAULT_OBJECT_CATEGORY);
        }
        let identity = match kind {
            Kind::Attribute => known::ATTRIBUTE_ID,
            Kind::Class => known::GOVERNS_ID,
        };
        let oid = self.first_given(&given, identity).unwrap_or_default().to_owned();
        self.default(&mut given, known::LDAP_DISPLAY_NAME, display_name(rdn).into_bytes());
        let guid = schema_guid(None, &oid);
        self.default(&mut given, known::SCHEMA_ID_GUID, guid.0.to_vec());
        let flags = self.first_given(&given, known::SYSTEM_FLAGS).map(str::to_owned);
        if let Some(flags) = flags.and_then(|text| integer(text.as_bytes())) {
            // Only Windows' own definitions are part of the base schema.
            let flags = flags & !i64::from(BASE_OBJECT);
            self.put(&mut given, known::SYSTEM_FLAGS, flags.to_string().into_bytes());
        }
        match kind {
            Kind::Attribute => self.complete_attribute(dc, &mut given, &guid.0)?,
            Kind::Class => {
                let superior = self.first_given(&given, known::SUB_CLASS_OF);
                let superior = superior.and_then(|name| self.schema.class_named(name));
                let rdn = superior.and_then(|at| self.schema.attribute(at.rdn_attribute));
                let rdn = rdn.map_or("cn", |rdn| &*rdn.name).as_bytes().to_vec();
                self.default(&mut given, known::RDN_ATT_ID, rdn);
            }
        }
        Ok(AddRequest { attributes: given, ..request.clone() })
    }

    /// What refers to the object itself: a class is its own category.
    pub(in crate::directory) fn finish_definition(
        &self,
        kind: Kind,
        values: &mut Vec<(AttributeNumber, Vec<Vec<u8>>)>,
    ) {
        let has = values.iter().any(|(number, _)| *number == known::DEFAULT_OBJECT_CATEGORY);
        if kind == Kind::Class && !has {
            let own = reference(ObjectNumber(self.next_object)).to_vec();
            values.push((known::DEFAULT_OBJECT_CATEGORY, vec![own]));
        }
    }

    fn complete_attribute(
        &self,
        dc: DcNumber,
        given: &mut Given,
        seed: &[u8; 16],
    ) -> Result<(), LdapResult> {
        if self.first_given(given, known::MS_DS_INT_ID).is_some() {
            return Err(diagnostic::unwilling(ILLEGAL));
        }
        let own = self.free_type(seed).cast_signed();
        self.put(given, known::MS_DS_INT_ID, own.to_string().into_bytes());
        let syntax = self.first_given(given, known::ATTRIBUTE_SYNTAX).unwrap_or_default();
        let om = self.first_given(given, known::OM_SYNTAX);
        let om = om.and_then(|text| integer(text.as_bytes())).unwrap_or_default();
        let syntax = Syntax::of_definition(syntax, om, None).ok();
        if let Some(object) = syntax.and_then(Syntax::om_object_class) {
            self.default(given, known::OM_OBJECT_CLASS, object.to_vec());
        }
        if let Some(link) = self.first_given(given, known::LINK_ID) {
            let link = self.link_meant(link)?;
            self.put(given, known::LINK_ID, link.into_bytes());
        }
        if self.first_given(given, known::MAPI_ID).map(str::as_bytes) == Some(ANY_MAPI_ID) {
            let taken = self.mapi_ids(dc).filter_map(|(_, id)| integer(id));
            let free = taken.max().unwrap_or_default().max(LAST_TAKEN_MAPI_ID) + 1;
            self.put(given, known::MAPI_ID, free.to_string().into_bytes());
        }
        Ok(())
    }

    /// An attribute type that no other attribute has, of those that stand for no OID
    /// ([MS-ADTS] 3.1.1.2.3, msDS-IntId).
    fn free_type(&self, seed: &[u8; 16]) -> u32 {
        const FIRST: u32 = 0x8000_0000;
        const SPAN: u32 = 0x3fff_ffff;
        let [a, b, c, d, ..] = *seed;
        let mut own = u32::from_le_bytes([a, b, c, d]) & SPAN;
        while self.schema.attributes().any(|other| other.att == FIRST | own) {
            own = (own + 1) & SPAN;
        }
        FIRST | own
    }

    /// A linkID as a number: one that is free, or that of the back link of an attribute that is named.
    fn link_meant(&self, text: &str) -> Result<String, LdapResult> {
        if text == ANY_LINK {
            // The next even number.
            return Ok(((self.schema.highest_link() | 1) + 1).to_string());
        }
        if integer(text.as_bytes()).is_some() {
            return Ok(text.to_owned());
        }
        let forward = self.schema.attribute_named(text).filter(|named| named.is_forward_link());
        let link = forward.and_then(|forward| forward.link);
        link.map(|link| (link + 1).to_string()).ok_or_else(|| diagnostic::unwilling(SEMANTIC))
    }

    fn position(&self, given: &Given, wanted: AttributeNumber) -> Option<usize> {
        let number = |name| self.attribute(name).map(|attribute| attribute.number);
        given.iter().position(|(name, _)| number(name) == Some(wanted))
    }

    fn first_given<'g>(&self, given: &'g Given, wanted: AttributeNumber) -> Option<&'g str> {
        let (_, values) = given.get(self.position(given, wanted)?)?;
        core::str::from_utf8(values.first()?).ok()
    }

    fn take_given(&self, given: &mut Given, wanted: AttributeNumber) {
        if let Some(at) = self.position(given, wanted) {
            given.remove(at);
        }
    }

    fn put(&self, given: &mut Given, wanted: AttributeNumber, value: Vec<u8>) {
        self.take_given(given, wanted);
        given.push((AttributeName::Number(wanted), vec![value]));
    }

    fn default(&self, given: &mut Given, wanted: AttributeNumber, value: Vec<u8>) {
        if self.position(given, wanted).is_none() {
            given.push((AttributeName::Number(wanted), vec![value]));
        }
    }
}

/// The lDAPDisplayName that follows from a name: its words joined, each but the first with a capital
/// ([MS-ADTS] 3.1.1.2.3.4).
fn display_name(name: &str) -> String {
    let mut joined = String::with_capacity(name.len());
    for word in name.split(|letter: char| !letter.is_ascii_alphanumeric()) {
        let mut letters = word.chars();
        let Some(first) = letters.next() else { continue };
        let first =
            if joined.is_empty() { first.to_ascii_lowercase() } else { first.to_ascii_uppercase() };
        joined.push(first);
        joined.extend(letters);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_name_follows_from_the_name() {
        assert_eq!(display_name("Sam-Account-Name"), "samAccountName");
        assert_eq!(display_name("test Attr-17"), "testAttr17");
        assert_eq!(display_name("-"), "");
    }
}

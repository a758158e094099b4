//! Replication metadata as clients read it: `replPropertyMetaData`, `msDS-ReplAttributeMetaData` and
//! `msDS-ReplValueMetaData` ([MS-ADTS] 3.1.1.4.5, [MS-DRSR], PROPERTY_META_DATA_VECTOR,
//! DS_REPL_ATTR_META_DATA_2 and DS_REPL_VALUE_META_DATA_2).

use crate::clock::VirtualTime;
use crate::directory::derived::View;
use crate::directory::entry::{AttributeStamp, DcNumber, LinkStamp, referenced};
use crate::directory::forest::{DomainController, Forest};
use crate::directory::schema::known;
use crate::guid::Guid;
use crate::record::AttributeNumber;

/// Seconds from 1601 to 1970.
const DSTIME_EPOCH: u64 = 11_644_473_600;

/// What replicates of every object without standing in its record.
const OF_EVERY_OBJECT: [AttributeNumber; 6] = [
    known::OBJECT_CLASS,
    known::INSTANCE_TYPE,
    known::WHEN_CREATED,
    known::NT_SECURITY_DESCRIPTOR,
    known::NAME,
    known::OBJECT_CATEGORY,
];

impl Forest {
    /// The name of the settings of a domain controller, its nTDSDSA object.
    pub(super) fn settings_dn(&self, controller: &DomainController) -> String {
        format!("CN=NTDS Settings,{}", self.server_dn(controller))
    }

    /// The name of the server object of a domain controller.
    pub(super) fn server_dn(&self, controller: &DomainController) -> String {
        let configuration = self.contexts.get(1).map_or("", |context| context.text.as_str());
        let (host, site) = (&controller.host, &controller.site);
        format!("CN={host},CN=Servers,CN={site},CN=Sites,{configuration}")
    }
}

impl View<'_> {
    /// The stamps of all attributes that replicate as such, in the order of their prefix table numbers.
    fn stamps(&self) -> Vec<AttributeStamp> {
        let entry = &self.slot.entry;
        let stored = entry.record.attributes().map(|(number, _)| number);
        let stamped = entry.changed.iter().map(|stamp| stamp.attribute);
        let mut numbers: Vec<AttributeNumber> = stored
            .chain(stamped)
            .chain(OF_EVERY_OBJECT)
            .filter(|number| {
                let attribute = self.forest.schema.attribute(*number);
                attribute.is_some_and(|attribute| attribute.link.is_none())
            })
            .collect();
        let att = |number: &AttributeNumber| {
            self.forest.schema.attribute(*number).map_or(0, |attribute| attribute.att)
        };
        numbers.sort_by_key(att);
        numbers.dedup();
        let name = entry.metadata(known::NAME);
        let stamp = |number| {
            if number == entry.rdn_attribute {
                (number, name)
            } else {
                (number, entry.metadata(number))
            }
        };
        numbers.into_iter().map(stamp).map(|(number, stamp)| stamp.as_of(number)).collect()
    }

    fn database(&self, dc: DcNumber) -> Guid {
        self.forest.dc(dc).map_or(Guid([0; 16]), |dc| dc.invocation_id)
    }

    fn local_usn(&self, dc: DcNumber, usn: u64) -> u64 {
        self.controller.local_usn(self.slot, dc, usn)
    }

    /// `replPropertyMetaData`.
    pub(super) fn property_metadata(&self) -> Vec<u8> {
        let stamps = self.stamps();
        let count = u32::try_from(stamps.len()).unwrap_or(u32::MAX);
        let mut blob = Vec::with_capacity(16 + 48 * stamps.len());
        for header in [1, 0, count, 0] {
            blob.extend_from_slice(&u32::to_le_bytes(header));
        }
        for stamp in stamps {
            let att = self.forest.schema.attribute(stamp.attribute).map_or(0, |at| at.att);
            let time = u64::from(stamp.seconds) + DSTIME_EPOCH;
            blob.extend_from_slice(&att.to_le_bytes());
            blob.extend_from_slice(&stamp.version.to_le_bytes());
            blob.extend_from_slice(&time.to_le_bytes());
            blob.extend_from_slice(&self.database(stamp.dc).0);
            blob.extend_from_slice(&stamp.usn().to_le_bytes());
            blob.extend_from_slice(&self.local_usn(stamp.dc, stamp.usn()).to_le_bytes());
        }
        blob
    }

    /// `msDS-ReplAttributeMetaData`.
    pub(super) fn attribute_metadata(&self) -> Vec<Vec<u8>> {
        let show = |stamp: AttributeStamp| {
            let attribute = self.forest.schema.attribute(stamp.attribute)?;
            let mut xml = Xml::new("DS_REPL_ATTR_META_DATA");
            xml.element("pszAttributeName", &attribute.name);
            xml.element("dwVersion", &stamp.version.to_string());
            self.write_of(&mut xml, stamp.dc, stamp.seconds, stamp.usn());
            Some(xml.ended())
        };
        self.stamps().into_iter().filter_map(show).collect()
    }

    /// `msDS-ReplValueMetaData`: every value of every forward link, those that went included.
    pub(super) fn value_metadata(&self) -> Vec<Vec<u8>> {
        let entry = &self.slot.entry;
        let mut stamps: Vec<LinkStamp> = entry.links.all().to_vec();
        for (number, values) in entry.record.attributes() {
            let link = self.forest.schema.attribute(number).is_some_and(|at| at.is_forward_link());
            let without = values
                .filter_map(referenced)
                .filter(|target| link && entry.links.get(number, *target).is_none());
            stamps.extend(without.map(|target| LinkStamp::of_creation(entry, number, target)));
        }
        stamps.sort_by_key(|stamp| (stamp.attribute, stamp.target));
        let show = |stamp: LinkStamp| {
            let attribute = self.forest.schema.attribute(stamp.attribute)?;
            let target = String::from_utf8(self.dn(stamp.target)?).ok()?;
            let mut xml = Xml::new("DS_REPL_VALUE_META_DATA");
            xml.element("pszAttributeName", &attribute.name);
            xml.element("pszObjectDn", &target);
            xml.element("cbData", "0");
            xml.element("pbData", "");
            let gone = if stamp.present { NEVER.to_owned() } else { instant(stamp.seconds) };
            xml.element("ftimeDeleted", &gone);
            xml.element("ftimeCreated", &instant(stamp.created));
            xml.element("dwVersion", &stamp.version.to_string());
            self.write_of(&mut xml, stamp.dc, stamp.seconds, stamp.usn());
            Some(xml.ended())
        };
        stamps.into_iter().filter_map(show).collect()
    }

    /// The originating write of a stamp.
    fn write_of(&self, xml: &mut Xml, dc: DcNumber, seconds: u32, usn: u64) {
        xml.element("ftimeLastOriginatingChange", &instant(seconds));
        xml.element("uuidLastOriginatingDsaInvocationID", &self.database(dc).to_string());
        xml.element("usnOriginatingChange", &usn.to_string());
        xml.element("usnLocalChange", &self.local_usn(dc, usn).to_string());
        let settings = self.forest.dc(dc).map(|dc| self.forest.settings_dn(dc));
        xml.element("pszLastOriginatingDsaDN", &settings.unwrap_or_default());
    }
}

/// The instant of what did not happen: zero as FILETIME.
const NEVER: &str = "1601-01-01T00:00:00Z";

fn instant(seconds: u32) -> String {
    VirtualTime::from_micros(i64::from(seconds) * 1_000_000).to_string()
}

/// One structure as the directory writes it: an element a line, a line feed and a zero at its end.
struct Xml {
    name: &'static str,
    text: String,
}

impl Xml {
    fn new(name: &'static str) -> Self {
        Self { name, text: format!("<{name}>\n") }
    }

    fn element(&mut self, name: &str, value: &str) {
        let escaped = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        self.text.push_str(&format!("\t<{name}>{escaped}</{name}>\n"));
    }

    fn ended(self) -> Vec<u8> {
        format!("{}</{}>\n\0", self.text, self.name).into_bytes()
    }
}

//! What a forest offers, as objects: the rights that access control lists can name, the optional features,
//! the group policies of a new domain ([MS-ADTS] 5.1.3.2.1, 6.1.1.2.4.1.3, 6.1.1.2.6, 6.1.1.4; [MS-GPOL]
//! 2.2.2).

use crate::clock::VirtualTime;
use crate::directory::entry::{DcNumber, reference};
use crate::directory::forest::{DomainNumber, Forest};
use crate::directory::modify::Working;
use crate::directory::request::ObjectNumber;
use crate::directory::schema::known;
use crate::guid::Guid;
use crate::record::AttributeNumber;

/// The recycle bin as an optional feature.
pub(super) const RECYCLE_BIN: &str = "766ddcd8-acd0-445e-f3b9-a7f9b6744f2a";
const RECYCLE_BIN_NAME: &str = "Recycle Bin Feature";

/// validAccesses: an extended right, a property set (read and write), a validated write.
const RIGHT: &str = "256";
const PROPERTY_SET: &str = "48";
const VALIDATED: &str = "8";

/// Names of rights with what they are and their GUIDs.
const RIGHTS: [(&str, &str, &str); 26] = [
    ("Add-GUID", RIGHT, "440820ad-65b4-11d1-a3da-0000f875ae0d"),
    ("Allowed-To-Authenticate", RIGHT, "68b1d179-0d15-4d4f-ab71-46152e79a7bc"),
    ("DS-Replication-Get-Changes", RIGHT, "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2"),
    ("DS-Replication-Get-Changes-All", RIGHT, "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2"),
    ("DS-Replication-Manage-Topology", RIGHT, "1131f6ac-9c07-11d1-f79f-00c04fc2dcd2"),
    ("DS-Replication-Synchronize", RIGHT, "1131f6ab-9c07-11d1-f79f-00c04fc2dcd2"),
    ("DS-Install-Replica", RIGHT, "9923a32a-3607-11d2-b9be-0000f87a36b2"),
    (
        "Enable-Per-User-Reversibly-Encrypted-Password",
        RIGHT,
        "05c74c5e-4deb-43b4-bd9f-86664c2a7fd5",
    ),
    ("Unexpire-Password", RIGHT, "ccc2dc7d-a6ad-4a7a-8846-c04e3cc53501"),
    ("Update-Password-Not-Required-Bit", RIGHT, "280f369c-67c7-438e-ae98-1d46f3c6f541"),
    ("Reanimate-Tombstones", RIGHT, "45ec5156-db7e-47bb-b53f-dbeb2d03c40f"),
    ("Receive-As", RIGHT, "ab721a56-1e2f-11d0-9819-00aa0040529b"),
    ("Send-As", RIGHT, "ab721a54-1e2f-11d0-9819-00aa0040529b"),
    ("Send-To", RIGHT, "ab721a55-1e2f-11d0-9819-00aa0040529b"),
    ("User-Change-Password", RIGHT, "ab721a53-1e2f-11d0-9819-00aa0040529b"),
    ("User-Force-Change-Password", RIGHT, "00299570-246d-11d0-a768-00aa006e0529"),
    ("Self-Membership", VALIDATED, "bf9679c0-0de6-11d0-a285-00aa003049e2"),
    ("Validated-SPN", VALIDATED, "f3a64788-5306-11d1-a9c5-0000f80367c1"),
    ("Domain-Password", PROPERTY_SET, "c7407360-20bf-11d0-a768-00aa006e0529"),
    ("General-Information", PROPERTY_SET, "59ba2f42-79a2-11d0-9020-00c04fc2d3cf"),
    ("Membership", PROPERTY_SET, "bc0ac240-79a9-11d0-9020-00c04fc2d4cf"),
    ("Personal-Information", PROPERTY_SET, "77b5b886-944a-11d1-aebd-0000f80367c1"),
    ("Public-Information", PROPERTY_SET, "e48d0154-bcf8-11d1-8702-00c04fb96050"),
    ("User-Account-Restrictions", PROPERTY_SET, "4c164200-20c0-11d0-a768-00aa006e0529"),
    ("User-Logon", PROPERTY_SET, "5f202010-79a5-11d0-9020-00c04fc2d4cf"),
    ("Web-Information", PROPERTY_SET, "e45795b3-9455-11d1-aebd-0000f80367c1"),
];

/// The policies of a new domain: GUID, display name, and the unit that is linked to it; none: the domain.
const POLICIES: [(&str, &str, Option<&str>); 2] = [
    ("{31B2F340-016D-11D2-945F-00C04FB984F9}", "Default Domain Policy", None),
    (
        "{6AC1786C-016F-11D2-945F-00C04FB984F9}",
        "Default Domain Controllers Policy",
        Some("Domain Controllers"),
    ),
];

impl Forest {
    /// Loads an object whose attributes are given by name; those that the schema lacks are left out.
    fn load_named(
        &mut self,
        domain: Option<DomainNumber>,
        parent: ObjectNumber,
        (class, name): (&str, &str),
        values: &[(&str, &[u8])],
        now: VirtualTime,
    ) -> ObjectNumber {
        let number = |(name, value): &(&str, &'_ [u8])| {
            Some((self.schema.attribute_named(name)?.number, value.to_vec()))
        };
        let values: Vec<(AttributeNumber, Vec<u8>)> = values.iter().filter_map(number).collect();
        let values: Vec<(AttributeNumber, &[u8])> =
            values.iter().map(|(number, value)| (*number, value.as_slice())).collect();
        self.load_system(domain, parent, class, name, &values, now)
    }

    /// `CN=Extended-Rights` of the configuration.
    pub(super) fn add_extended_rights(&mut self, configuration: ObjectNumber, now: VirtualTime) {
        let rights =
            self.load_system(None, configuration, "container", "Extended-Rights", &[], now);
        for (name, kind, guid) in RIGHTS {
            let display = name.replace('-', " ");
            let values = [
                ("displayName", display.as_bytes()),
                ("rightsGuid", guid.as_bytes()),
                ("validAccesses", kind.as_bytes()),
            ];
            self.load_named(None, rights, ("controlAccessRight", name), &values, now);
        }
    }

    /// `CN=Optional Features` of the directory service: the recycle bin.
    pub(super) fn add_optional_features(&mut self, service: ObjectNumber, now: VirtualTime) {
        let features = self.load_system(None, service, "container", "Optional Features", &[], now);
        let guid = RECYCLE_BIN.parse::<Guid>().map(|guid| guid.0).unwrap_or_default();
        let values = [
            ("msDS-OptionalFeatureGUID", guid.as_slice()),
            ("msDS-OptionalFeatureFlags", b"1".as_slice()),
            ("msDS-RequiredForestBehaviorVersion", b"4".as_slice()),
        ];
        self.load_named(None, features, ("msDS-OptionalFeature", RECYCLE_BIN_NAME), &values, now);
    }

    /// A new forest has the recycle bin enabled: its administrators did so long ago.
    pub fn begin_with_recycle_bin(&mut self) {
        self.recycle_bin = true;
        if let Some((feature, partitions)) = self.recycle_bin_objects() {
            self.give(partitions, known::MS_DS_ENABLED_FEATURE, &[&reference(feature)]);
        }
    }

    /// The feature, and `CN=Partitions`, which says whether it is enabled.
    fn recycle_bin_objects(&self) -> Option<(ObjectNumber, ObjectNumber)> {
        let features = self.below(self.directory_service?, "Optional Features")?;
        let configuration = self.contexts.get(1)?.head;
        Some((self.below(features, RECYCLE_BIN_NAME)?, self.below(configuration, "Partitions")?))
    }

    /// Enables the recycle bin, which cannot be taken back: `CN=Partitions` says so.
    pub(super) fn enable_recycle_bin(&mut self, dc: DcNumber, now: VirtualTime) {
        self.recycle_bin = true;
        let Some((feature, partitions)) = self.recycle_bin_objects() else { return };
        let Some(slot) = self.slot(dc, partitions) else { return };
        let entry = std::sync::Arc::clone(&slot.entry);
        let attribute = known::MS_DS_ENABLED_FEATURE;
        let old: Vec<Vec<u8>> = entry.record.values(attribute).map(<[u8]>::to_vec).collect();
        let new = vec![reference(feature).to_vec()];
        if old != new {
            self.commit(dc, now, partitions, &entry, vec![Working { attribute, old, new }]);
        }
    }

    /// `CN=Policies,CN=System` of a new domain, linked to the domain and its domain controllers. What the
    /// policies say is in files, which are not here.
    pub(super) fn add_policies(&mut self, domain: DomainNumber, now: VirtualTime) {
        let Some(spec) = self.domain(domain).cloned() else { return };
        let Some(system) = self.below(spec.head, "System") else { return };
        let context = self.contexts.iter().find(|at| at.head == spec.head);
        let head = context.map(|context| context.text.clone()).unwrap_or_default();
        let own = Some(domain);
        let policies = self.load_system(own, system, "container", "Policies", &[], now);
        for (guid, display, unit) in POLICIES {
            let files = format!("\\\\{0}\\sysvol\\{0}\\Policies\\{guid}", spec.dns);
            let values = [
                ("displayName", display.as_bytes()),
                ("gPCFileSysPath", files.as_bytes()),
                ("gPCFunctionalityVersion", b"2".as_slice()),
                ("flags", b"0".as_slice()),
                ("versionNumber", b"1".as_slice()),
            ];
            self.load_named(own, policies, ("groupPolicyContainer", guid), &values, now);
            let link = format!("[LDAP://CN={guid},CN=Policies,CN=System,{head};0]");
            let target = unit.map_or(Some(spec.head), |unit| self.below(spec.head, unit));
            if let Some(target) = target {
                self.give(target, known::GP_LINK, &[link.as_bytes()]);
            }
        }
    }
}

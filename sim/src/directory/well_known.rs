//! Well-known objects: containers that clients find by a GUID that is the same everywhere
//! ([MS-ADTS] 6.1.1.4).

/// The digits that stand for a container, the name below the naming context's head, its class.
pub(super) const CONTAINERS: [(&str, &str, &str); 11] = [
    ("a9d1ca15768811d1aded00c04fd8d5cd", "Users", "container"),
    ("aa312825768811d1aded00c04fd8d5cd", "Computers", "container"),
    ("", "Builtin", "builtinDomain"),
    ("a361b2ffffd211d1aa4b00c04fd7d83a", "Domain Controllers", "organizationalUnit"),
    ("ab1d30f3768811d1aded00c04fd8d5cd", "System", "container"),
    ("18e2ea80684f11d2b9aa00c04f79f805", "Deleted Objects", "container"),
    ("22b70c67d56e4efb91e9300fca3dc1aa", "ForeignSecurityPrincipals", "container"),
    ("ab8153b7768811d1aded00c04fd8d5cd", "LostAndFound", "lostAndFound"),
    ("09460c08ae1e4a4ea0f64aee7daa1e5a", "Program Data", "container"),
    ("1eb93889e40c45df9f0c64d23bbb6237", "Managed Service Accounts", "container"),
    ("6227f0af1fc2410d8e3bb10615bb5b0f", "NTDS Quotas", "container"),
];

/// Where objects go whose parent is gone: in a domain, and in the configuration.
pub(super) const LOST_AND_FOUND: &str = "LostAndFound";
/// See [`LOST_AND_FOUND`].
pub(super) const LOST_AND_FOUND_CONFIG: &str = "LostAndFoundConfig";

/// The container of deleted objects.
pub(super) const DELETED_OBJECTS: &str = "Deleted Objects";

/// Whether every domain has a container of this name directly below its head.
#[must_use]
pub fn is_default_container(name: &str) -> bool {
    CONTAINERS.iter().any(|(_, known, _)| known.eq_ignore_ascii_case(name))
}

/// The name of the container that digits stand for.
pub(super) fn container(digits: &str) -> Option<&'static str> {
    let found = CONTAINERS.iter().find(|(known, _, _)| *known == digits);
    found.map(|(_, name, _)| *name)
}

/// Global, universal and local security groups (groupType).
const GLOBAL: &str = "-2147483646";
const UNIVERSAL: &str = "-2147483640";
const LOCAL: &str = "-2147483644";

/// The groups below `CN=Users`: name, last part of the SID, groupType.
pub(super) const DOMAIN_GROUPS: [(&str, u32, &str); 18] = [
    ("Domain Admins", 512, GLOBAL),
    ("Domain Users", 513, GLOBAL),
    ("Domain Guests", 514, GLOBAL),
    ("Domain Computers", 515, GLOBAL),
    ("Domain Controllers", 516, GLOBAL),
    ("Cert Publishers", 517, LOCAL),
    ("Schema Admins", 518, UNIVERSAL),
    ("Enterprise Admins", 519, UNIVERSAL),
    ("Group Policy Creator Owners", 520, GLOBAL),
    ("Read-only Domain Controllers", 521, GLOBAL),
    ("Cloneable Domain Controllers", 522, GLOBAL),
    ("Protected Users", 525, GLOBAL),
    ("Key Admins", 526, GLOBAL),
    ("Enterprise Read-only Domain Controllers", 498, UNIVERSAL),
    ("Enterprise Key Admins", 527, UNIVERSAL),
    ("RAS and IAS Servers", 553, LOCAL),
    ("Allowed RODC Password Replication Group", 571, LOCAL),
    ("Denied RODC Password Replication Group", 572, LOCAL),
];

/// The groups that only the root of a forest has, by the last part of their SID.
pub(super) const OF_FOREST: [u32; 4] = [518, 519, 498, 527];

/// The accounts below `CN=Users` that nobody logs on with: name, last part of the SID,
/// userAccountControl.
pub(super) const ACCOUNTS: [(&str, u32, &str); 2] =
    [("Guest", 501, "66082"), ("krbtgt", 502, "514")];

/// Principals of every Windows that are members of groups: Interactive, Authenticated Users, Enterprise
/// Domain Controllers.
pub(super) const WELL_KNOWN_PRINCIPALS: [&str; 3] = ["S-1-5-4", "S-1-5-11", "S-1-5-9"];

/// The groups below `CN=Builtin`: name, last part of the SID.
pub(super) const BUILTIN_GROUPS: [(&str, u32); 24] = [
    ("Administrators", 544),
    ("Users", 545),
    ("Guests", 546),
    ("Account Operators", 548),
    ("Server Operators", 549),
    ("Print Operators", 550),
    ("Backup Operators", 551),
    ("Replicator", 552),
    ("Pre-Windows 2000 Compatible Access", 554),
    ("Remote Desktop Users", 555),
    ("Network Configuration Operators", 556),
    ("Incoming Forest Trust Builders", 557),
    ("Performance Monitor Users", 558),
    ("Performance Log Users", 559),
    ("Windows Authorization Access Group", 560),
    ("Terminal Server License Servers", 561),
    ("Distributed COM Users", 562),
    ("IIS_IUSRS", 568),
    ("Cryptographic Operators", 569),
    ("Event Log Readers", 573),
    ("Certificate Service DCOM Access", 574),
    ("Hyper-V Administrators", 578),
    ("Access Control Assistance Operators", 579),
    ("Remote Management Users", 580),
];

/// Who belongs to which group in a new domain.
pub(super) const MEMBERS: [(&str, &[&str]); 6] = [
    ("Administrators", &["Domain Admins", "Enterprise Admins"]),
    ("Users", &["Domain Users", "S-1-5-4", "S-1-5-11"]),
    ("Guests", &["Domain Guests", "Guest"]),
    ("Pre-Windows 2000 Compatible Access", &["S-1-5-11"]),
    ("Windows Authorization Access Group", &["S-1-5-9"]),
    (
        "Denied RODC Password Replication Group",
        &[
            "krbtgt",
            "Domain Controllers",
            "Schema Admins",
            "Enterprise Admins",
            "Cert Publishers",
            "Domain Admins",
            "Group Policy Creator Owners",
            "Read-only Domain Controllers",
        ],
    ),
];

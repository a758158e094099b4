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

/// The name of the container that digits stand for.
pub(super) fn container(digits: &str) -> Option<&'static str> {
    let found = CONTAINERS.iter().find(|(known, _, _)| *known == digits);
    found.map(|(_, name, _)| *name)
}

/// The groups below `CN=Users`: name, last part of the SID, groupType, whether its members are protected.
pub(super) const DOMAIN_GROUPS: [(&str, u32, &str); 9] = [
    ("Domain Admins", 512, "-2147483646"),
    ("Domain Users", 513, "-2147483646"),
    ("Domain Guests", 514, "-2147483646"),
    ("Domain Computers", 515, "-2147483646"),
    ("Domain Controllers", 516, "-2147483646"),
    ("Cert Publishers", 517, "-2147483644"),
    ("Schema Admins", 518, "-2147483640"),
    ("Enterprise Admins", 519, "-2147483640"),
    ("Group Policy Creator Owners", 520, "-2147483646"),
];

/// The groups below `CN=Builtin`: name, last part of the SID.
pub(super) const BUILTIN_GROUPS: [(&str, u32); 8] = [
    ("Administrators", 544),
    ("Users", 545),
    ("Guests", 546),
    ("Account Operators", 548),
    ("Server Operators", 549),
    ("Print Operators", 550),
    ("Backup Operators", 551),
    ("Replicator", 552),
];

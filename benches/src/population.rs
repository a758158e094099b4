//! Directories of many users, made without a scenario: for measurements of the directory alone.

use sim::clock::VirtualTime;
use sim::directory::entry::DcNumber;
use sim::directory::forest::{DcSpec, DomainNumber, DomainSpec, Forest};
use sim::directory::name::Sid;
use sim::directory::principal::Rights;
use sim::directory::schema::{Schema, known};
use sim::guid::Guid;
use sim::record::Record;

/// The one domain controller.
pub const DC: DcNumber = DcNumber(0);

/// The unit with the users.
pub const PEOPLE: &str = "OU=People,DC=contoso,DC=com";

/// An administrator, and the password.
pub const ADMINISTRATOR: (&str, &str) = ("CN=user0,OU=People,DC=contoso,DC=com", "secret");

/// How many users the directories have: `BENCH_USERS=200000,600000`, or 200,000 without it.
///
/// # Panics
/// When the variable is no list of numbers.
#[must_use]
pub fn sizes() -> Vec<u32> {
    let text = std::env::var("BENCH_USERS").unwrap_or_else(|_| "200000".to_owned());
    let number = |size: &str| size.trim().replace('_', "").parse().expect("BENCH_USERS: numbers");
    text.split(',').map(number).collect()
}

/// When everything happens.
#[must_use]
pub const fn now() -> VirtualTime {
    VirtualTime::from_micros(1_790_000_000_000_000)
}

/// The GUID of a user, or of what is added later.
#[must_use]
pub fn guid(number: u32) -> Guid {
    let mut bytes = [0x5a; 16];
    bytes[..4].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_be_bytes());
    bytes[4..8].copy_from_slice(&number.to_be_bytes());
    Guid(bytes)
}

/// A forest with so many users, eleven attributes each, below one unit.
///
/// # Panics
/// When the schema lacks what it has.
#[must_use]
pub fn forest_of(users: u32) -> Forest {
    let sid = Sid::from_text("S-1-5-21-1-2-3").expect("a SID");
    let root = DomainSpec { dns: "contoso.com".into(), netbios: "CONTOSO".into(), sid };
    let dc = DcSpec {
        host: "DC01".into(),
        site: "Site".into(),
        invocation_id: guid(u32::MAX),
        read_only: false,
    };
    let mut minted = u32::MAX - 1000;
    let mut mint = move || {
        minted += 1;
        guid(minted)
    };
    let mut forest = Forest::new(Schema::base().with_exchange(), &root, dc, now(), &mut mint);
    let domain = DomainNumber(0);
    let head = forest.domains()[0].head;
    let unit = forest.load_container(domain, head, "organizationalUnit", "People", mint(), now());
    let class = forest.schema().class_named("user").expect("the class of users").number;
    forest.reserve(domain, users as usize);
    for number in 0..users {
        let name = format!("user{number}");
        let upn = format!("{name}@contoso.com");
        let primary = format!("SMTP:{upn}");
        let alias = format!("smtp:{name}@contoso.mail.onmicrosoft.com");
        let display = format!("User {number}");
        let sid = forest.domains()[0].sid.with_rid(10_000 + number);
        let mut values: Vec<(u16, Vec<&[u8]>)> = vec![
            (known::CN, vec![name.as_bytes()]),
            (known::SAM_ACCOUNT_NAME, vec![name.as_bytes()]),
            (known::USER_PRINCIPAL_NAME, vec![upn.as_bytes()]),
            (known::OBJECT_SID, vec![sid.as_bytes()]),
            (known::MAIL, vec![upn.as_bytes()]),
            (known::PROXY_ADDRESSES, vec![primary.as_bytes(), alias.as_bytes()]),
            (known::DISPLAY_NAME, vec![display.as_bytes()]),
            (known::GIVEN_NAME, vec![b"User"]),
            (known::SN, vec![name.as_bytes()]),
            (known::USER_ACCOUNT_CONTROL, vec![b"512"]),
            (known::DEPARTMENT, vec![b"Engineering"]),
        ];
        values.sort_unstable_by_key(|(attribute, _)| *attribute);
        let record = Record::from_sorted(values);
        let object = forest.load(domain, unit, class, guid(number), record, now());
        if number == 0 {
            forest.set_account(object, ADMINISTRATOR.1.as_bytes(), Rights::Full);
        }
    }
    forest.settle();
    forest
}

/// The same with so many domain controllers, each with everything.
///
/// # Panics
/// When the forest takes none.
#[must_use]
pub fn with_controllers(mut forest: Forest, controllers: u32) -> Forest {
    for number in 1..controllers {
        let spec = DcSpec {
            host: format!("DC{:02}", number + 1),
            site: "Site".into(),
            invocation_id: guid(u32::MAX - 2000 - number),
            read_only: false,
        };
        forest.add_dc(DomainNumber(0), spec).expect("a further domain controller");
    }
    forest
}

/// Bytes that this process has in memory, as Linux tells it; `None` elsewhere.
#[must_use]
pub fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

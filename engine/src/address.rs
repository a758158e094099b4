//! Proxy addresses: typed texts such as `SMTP:anna@contoso.com`, compared without case.
//!
//! `SMTP:` marks the one primary address, `smtp:` every other; a value of another type keeps its
//! prefix. Sources: Microsoft Learn, "How the proxyAddresses attribute is populated in Microsoft Entra
//! ID", and the reference of `Set-Mailbox -EmailAddresses`. How the service merges the lists of the
//! two sides is not published (open questions U2 and U3).

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::job::ProxyMode;
use crate::planted_bugs::{PlantedBugs, planted};
use crate::values::Column;

/// A proxy address, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address<'a> {
    text: &'a str,
    colon: Option<usize>,
}

impl<'a> Address<'a> {
    /// Splits a text at its first colon. Every text is accepted: AD holds malformed ones too.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        Self { text, colon: text.find(':') }
    }

    /// The whole text.
    #[must_use]
    pub const fn text(self) -> &'a str {
        self.text
    }

    /// The type, without the colon and in the case it is written in; empty when there is none.
    #[must_use]
    pub fn kind(self) -> &'a str {
        self.colon.map_or("", |colon| &self.text[..colon])
    }

    /// What follows the type.
    #[must_use]
    pub fn value(self) -> &'a str {
        self.colon.map_or(self.text, |colon| &self.text[colon + 1..])
    }

    /// Whether it is an SMTP address, primary or not.
    #[must_use]
    pub fn is_smtp(self) -> bool {
        self.kind().eq_ignore_ascii_case("smtp")
    }

    /// Whether it is marked as the primary SMTP address.
    #[must_use]
    pub fn is_primary(self) -> bool {
        self.kind() == "SMTP"
    }

    /// Whether it is an SMTP address in `onmicrosoft.com` or below.
    #[must_use]
    pub fn is_onmicrosoft(self) -> bool {
        const SUFFIX: &str = "onmicrosoft.com";
        let Some((_, domain)) = self.value().rsplit_once('@') else { return false };
        let Some(start) = domain.len().checked_sub(SUFFIX.len()) else { return false };
        self.is_smtp()
            && domain.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(SUFFIX))
            && (start == 0 || domain.as_bytes()[start - 1] == b'.')
    }

    /// Whether it is in `*.mail.onmicrosoft.com`, the domain that hybrid deployments route mail to Exchange Online by
    /// (Microsoft Learn, "Exchange Server hybrid deployments", hybrid routing).
    #[must_use]
    pub fn is_routing(self) -> bool {
        let domain = self.value().rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
        self.is_onmicrosoft()
            && domain.is_some_and(|domain| domain.ends_with(".mail.onmicrosoft.com"))
    }

    /// Whether it is a former `legacyExchangeDN`, by which replies to older messages find the mailbox.
    #[must_use]
    pub fn is_x500(self) -> bool {
        self.kind().eq_ignore_ascii_case("x500")
    }

    /// Whether it is an address of the Session Initiation Protocol.
    #[must_use]
    pub fn is_sip(self) -> bool {
        self.kind().eq_ignore_ascii_case("sip")
    }

    /// Whether the writeback carries this type from the cloud to AD unless a switch says otherwise: SMTP and X500.
    /// `SIP` and `SPO` and the like stay with the side that made them.
    #[must_use]
    pub fn is_carried(self) -> bool {
        self.is_smtp() || self.is_x500()
    }
}

/// Whether AD takes two addresses for the same one: equal without case.
#[must_use]
pub fn same(left: &str, right: &str) -> bool {
    left.eq_ignore_ascii_case(right)
        || (!(left.is_ascii() && right.is_ascii())
            && left
                .chars()
                .flat_map(char::to_lowercase)
                .eq(right.chars().flat_map(char::to_lowercase)))
}

/// Which types of addresses go from the cloud to AD (open question U3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyTypes {
    /// Those in `onmicrosoft.com`: off, they do not cross in either sense, AD gets none and keeps its own; only the
    /// primary always crosses.
    pub onmicrosoft: bool,
    /// X500: off, they do not cross in either sense.
    pub x500: bool,
    /// SIP: on, those of the cloud come to those of AD, as X500 addresses do. Under [`ProxyMode::ReplaceAll`] they
    /// follow the cloud anyway.
    pub sip: bool,
}

impl ProxyTypes {
    /// As it is taken to be where nothing is published.
    pub const USUAL: Self = Self { onmicrosoft: true, x500: true, sip: false };

    /// Whether an address of the cloud goes to AD.
    fn crosses(self, address: Address<'_>, mode: ProxyMode) -> bool {
        if self.stays_at_home(address) {
            return false;
        }
        address.is_carried() || mode == ProxyMode::ReplaceAll || (self.sip && address.is_sip())
    }

    /// Whether each side keeps its own of this address's type.
    fn stays_at_home(self, address: Address<'_>) -> bool {
        (!self.onmicrosoft && address.is_onmicrosoft()) || (!self.x500 && address.is_x500())
    }
}

/// What `proxyAddresses` is to hold: the addresses of the cloud brought together with those that AD
/// has, by `mode`.
///
/// The result has no two addresses that are equal without case, and at most one primary; exactly one
/// when the cloud has any SMTP address. The text of the cloud wins over that of AD. `types` says which types cross.
#[must_use]
pub fn merge<'a>(
    cloud: Column<'a, str>,
    directory: Column<'a, [u8]>,
    mode: ProxyMode,
    types: ProxyTypes,
    bugs: PlantedBugs,
) -> Vec<Cow<'a, [u8]>> {
    let cloud: Vec<Address<'a>> = cloud.iter().map(Address::parse).collect();
    let primary = cloud
        .iter()
        .position(|address| address.is_primary())
        .or_else(|| cloud.iter().position(|address| address.is_smtp()));
    let most = cloud.len() + directory.len();
    let mut seen = Seen { few: Vec::with_capacity(most.min(FEW)), many: BTreeSet::new() };
    let mut merged = Vec::with_capacity(most);
    if let Some(index) = primary {
        seen.insert(cloud[index].text);
        merged.push(marked(cloud[index], true));
    }
    for (index, address) in cloud.iter().enumerate() {
        if types.crosses(*address, mode) && Some(index) != primary && seen.insert(address.text) {
            merged.push(marked(*address, false));
        }
    }
    let mut primary_open = primary.is_none();
    for value in directory.iter() {
        let Ok(text) = core::str::from_utf8(value) else {
            if mode != ProxyMode::ReplaceAll {
                merged.push(Cow::Borrowed(value));
            }
            continue;
        };
        let address = Address::parse(text);
        if planted!(bugs, TwoPrimaries) && address.is_primary() {
            merged.retain(|kept| !kept.eq_ignore_ascii_case(value));
            merged.push(Cow::Borrowed(value));
            continue;
        }
        let stays = match mode {
            ProxyMode::Merge => !planted!(bugs, MergeReplaces),
            ProxyMode::ReplaceSmtp => !address.is_smtp() && !planted!(bugs, DropOtherKinds),
            ProxyMode::ReplaceAll => false,
        } || types.stays_at_home(address);
        if stays && seen.insert(text) {
            let keeps_mark = address.is_primary() && core::mem::take(&mut primary_open);
            merged.push(marked(address, keeps_mark));
        }
    }
    let stranger = "smtp:stranger@example.com";
    if planted!(bugs, InventAddress) && mode == ProxyMode::Merge && seen.insert(stranger) {
        merged.push(Cow::Borrowed(stranger.as_bytes()));
    }
    merged
}

/// The address with the prefix that says whether it is the primary; other types as they are.
fn marked(address: Address<'_>, primary: bool) -> Cow<'_, [u8]> {
    if !address.is_smtp() || address.is_primary() == primary {
        return Cow::Borrowed(address.text.as_bytes());
    }
    let prefix = if primary { "SMTP:" } else { "smtp:" };
    Cow::Owned([prefix, address.value()].concat().into_bytes())
}

/// Addresses met so far. Few are compared one by one, many through a folded index.
struct Seen<'a> {
    few: Vec<&'a str>,
    many: BTreeSet<String>,
}

const FEW: usize = 24;

impl<'a> Seen<'a> {
    /// Whether the address is new.
    fn insert(&mut self, text: &'a str) -> bool {
        if self.few.len() < FEW {
            let new = !self.few.iter().any(|earlier| same(earlier, text));
            if new {
                self.few.push(text);
            }
            return new;
        }
        if self.many.is_empty() {
            self.many.extend(self.few.iter().map(|earlier| earlier.to_lowercase()));
        }
        self.many.insert(text.to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{Texts, Values};
    use proptest::prelude::*;

    fn texts(merged: &[Vec<u8>]) -> Vec<String> {
        merged.iter().map(|value| String::from_utf8(value.clone()).unwrap()).collect()
    }

    fn merged<C: AsRef<str>, D: AsRef<[u8]>>(
        cloud: &[C],
        directory: &[D],
        mode: ProxyMode,
        onmicrosoft: bool,
    ) -> Vec<Vec<u8>> {
        let cloud: Texts = [cloud].into_iter().collect();
        let held: Values = [directory].into_iter().collect();
        let bugs = PlantedBugs::none();
        let types = ProxyTypes { onmicrosoft, ..ProxyTypes::USUAL };
        let merged = merge(cloud.column(0), held.column(0), mode, types, bugs);
        merged.into_iter().map(Cow::into_owned).collect()
    }

    fn run(cloud: &[&str], directory: &[&str], mode: ProxyMode, onmicrosoft: bool) -> Vec<String> {
        let mut merged = texts(&merged(cloud, directory, mode, onmicrosoft));
        merged.sort();
        merged
    }

    #[test]
    fn smtp_follows_the_cloud_and_other_types_of_ad_stay() {
        let merged = run(
            &["SMTP:new@c.com", "smtp:old@c.com", "X500:/o=cloud", "SPO:SPO_1@SPO_2"],
            &["SMTP:old@c.com", "smtp:gone@c.com", "X500:/o=ad", "SIP:a@c.com"],
            ProxyMode::ReplaceSmtp,
            true,
        );
        assert_eq!(
            merged,
            ["SIP:a@c.com", "SMTP:new@c.com", "X500:/o=ad", "X500:/o=cloud", "smtp:old@c.com"]
        );
    }

    #[test]
    fn merging_removes_nothing_but_the_mark_of_the_old_primary() {
        let merged = run(&["SMTP:new@c.com"], &["SMTP:old@c.com", "sip:x"], ProxyMode::Merge, true);
        assert_eq!(merged, ["SMTP:new@c.com", "sip:x", "smtp:old@c.com"]);
        let replaced =
            run(&["SMTP:new@c.com"], &["SMTP:old@c.com", "sip:x"], ProxyMode::ReplaceAll, true);
        assert_eq!(replaced, ["SMTP:new@c.com"]);
    }

    #[test]
    fn onmicrosoft_addresses_do_not_cross_when_switched_off() {
        let merged = run(
            &["SMTP:a@c.com", "smtp:a@c.onmicrosoft.com"],
            &["SMTP:b@c.com", "smtp:a@c.mail.onmicrosoft.com"],
            ProxyMode::ReplaceSmtp,
            false,
        );
        assert_eq!(merged, ["SMTP:a@c.com", "smtp:a@c.mail.onmicrosoft.com"]);
        assert!(!Address::parse("smtp:a@notonmicrosoft.com").is_onmicrosoft());
    }

    #[test]
    fn several_or_no_marked_primaries_come_to_exactly_one() {
        let both = run(&["SMTP:a@c", "SMTP:b@c"], &[], ProxyMode::ReplaceSmtp, true);
        assert_eq!(both, ["SMTP:a@c", "smtp:b@c"]);
        let none = run(&["smtp:a@c", "smtp:b@c"], &[], ProxyMode::ReplaceSmtp, true);
        assert_eq!(none, ["SMTP:a@c", "smtp:b@c"]);
    }

    fn address() -> impl Strategy<Value = String> {
        ("(SMTP|smtp|X500|x500|SIP|SPO|)", "[abAB]{1,2}", "(c\\.com|x\\.onmicrosoft\\.com)")
            .prop_map(|(kind, name, domain)| {
                if kind.is_empty() {
                    format!("{name}@{domain}")
                } else {
                    format!("{kind}:{name}@{domain}")
                }
            })
    }

    fn mode() -> impl Strategy<Value = ProxyMode> {
        prop_oneof![
            Just(ProxyMode::ReplaceSmtp),
            Just(ProxyMode::ReplaceAll),
            Just(ProxyMode::Merge)
        ]
    }

    proptest! {
        #[test]
        fn a_merged_list_is_a_set_with_one_primary(
            cloud in proptest::collection::vec(address(), 0..40),
            directory in proptest::collection::vec(address(), 0..40),
            mode in mode(),
            onmicrosoft: bool,
        ) {
            let merged = texts(&merged(&cloud, &directory, mode, onmicrosoft));
            for (index, text) in merged.iter().enumerate() {
                prop_assert!(!merged[..index].iter().any(|earlier| same(earlier, text)));
                prop_assert!(
                    cloud.iter().chain(&directory).any(|from| same(from, text)),
                    "{text} comes from nowhere"
                );
            }
            let primaries = merged.iter().filter(|text| Address::parse(text).is_primary()).count();
            let cloud_has_smtp = cloud.iter().any(|text| Address::parse(text).is_smtp());
            prop_assert!(primaries <= 1);
            prop_assert!(!cloud_has_smtp || primaries == 1);
            if mode != ProxyMode::ReplaceAll {
                for text in directory.iter().filter(|text| !Address::parse(text).is_smtp()) {
                    prop_assert!(merged.iter().any(|kept| same(kept, text)));
                }
            }
        }

        #[test]
        fn merging_again_changes_nothing(
            cloud in proptest::collection::vec(address(), 1..12),
            directory in proptest::collection::vec(address(), 0..12),
            mode in mode(),
            onmicrosoft: bool,
        ) {
            let mut once = merged(&cloud, &directory, mode, onmicrosoft);
            let mut twice = merged(&cloud, &once, mode, onmicrosoft);
            once.sort();
            twice.sort();
            prop_assert_eq!(once, twice);
        }
    }
}

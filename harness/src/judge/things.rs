//! What can be asked for beside people who are on all sides: groups, and who is in AD alone.
//!
//! Source: Microsoft Graph reference, "group resource type"; Microsoft Learn, "Get-Recipient" (groups with an address are
//! recipients).

use std::borrow::Cow;

use sim::entra::group::Group;
use sim::estate::{Estate, Subject};
use sim::exchange::{address, truth};
use sim::guid::Guid;

use crate::scenario::Selector;
use crate::stage::Roster;

/// Whom and what a selector means. A name that is nobody's on all sides is an object of AD, of the cloud, or nothing: of
/// which nothing is there.
#[must_use]
pub fn meant<'e>(
    estate: &'e Estate,
    roster: &Roster,
    selector: &Selector,
) -> Vec<Cow<'e, Subject>> {
    let Selector::Names(names) = selector else {
        return roster.subjects(estate, selector).into_iter().map(Cow::Borrowed).collect();
    };
    let thing = |name: &str| Subject {
        name: name.into(),
        ad: estate.ad_identity(name),
        entra: None,
        exchange: None,
    };
    let one = |name: &str| match estate.subject(name) {
        Some(subject) => Cow::Borrowed(subject),
        None => Cow::Owned(thing(name)),
    };
    names.iter().map(|name| one(&name.value)).collect()
}

/// The group of a thing in the cloud: that of its object in AD, else the one that is called so; one that was deleted
/// last.
#[must_use]
pub fn group_of<'e>(estate: &'e Estate, thing: &Subject) -> Option<&'e Group> {
    if thing.entra.is_some() {
        return None;
    }
    let joined = thing.ad.and_then(|ad| estate.connect.others.get(&(ad.forest, ad.number.0)));
    let joined = joined.and_then(|other| estate.entra.group(other.id));
    let is = |own: &str| own.eq_ignore_ascii_case(&thing.name);
    let named = |group: &&Group| is(&group.display_name) || is(&group.mail_nickname);
    joined.or_else(|| {
        let all = || estate.entra.groups.iter().filter(named);
        all().find(|group| group.deleted.is_none()).or_else(|| all().next())
    })
}

/// The values of a group in Entra, as Graph shows them; members and owners by their user principal names, groups
/// among them by their display names.
#[must_use]
pub fn in_entra(estate: &Estate, group: &Group, name: &str) -> Vec<String> {
    let one = |text: &str| vec![text.to_owned()];
    let truth = |on: bool| vec![truth(on).to_owned()];
    let some = |text: &Option<String>| text.iter().cloned().collect();
    match name.to_ascii_lowercase().as_str() {
        "deleteddatetime" => group.deleted.iter().map(ToString::to_string).collect(),
        _ if group.deleted.is_some() => Vec::new(),
        "id" => one(&group.id.to_string()),
        "displayname" => one(&group.display_name),
        "description" => some(&group.description),
        "mail" => some(&group.mail),
        "mailnickname" => one(&group.mail_nickname),
        "proxyaddresses" => group.proxy_addresses.clone(),
        "grouptypes" => group.types.clone(),
        "mailenabled" => truth(group.mail_enabled),
        "securityenabled" => truth(group.security_enabled),
        "members" => group.members.iter().map(|id| called(estate, *id)).collect(),
        "owners" => group.owners.iter().map(|id| called(estate, *id)).collect(),
        "onpremisessyncenabled" => group.synced.sync_enabled.into_iter().flat_map(truth).collect(),
        "iscloudmanaged" => truth(group.synced.object_cloud_managed),
        _ => Vec::new(),
    }
}

fn called(estate: &Estate, id: Guid) -> String {
    let group = || estate.entra.group(id).map(|group| group.display_name.clone());
    let user = estate.live_user(id).and_then(|number| estate.entra.user(number));
    let name = user.and_then(|user| user.record.text(sim::exchange::property::USER_PRINCIPAL_NAME));
    name.map(str::to_owned).or_else(group).unwrap_or_else(|| id.to_string())
}

/// The values of a group in Exchange Online: of one with an address, as `Get-Recipient` shows it.
#[must_use]
pub fn in_exchange(group: &Group, name: &str) -> Vec<String> {
    if group.deleted.is_some() || !group.mail_enabled {
        return Vec::new();
    }
    let primary = || {
        let list = group.proxy_addresses.iter().map(String::as_str);
        address::primary(list).map(str::to_owned).or_else(|| group.mail.clone())
    };
    match name.to_ascii_lowercase().as_str() {
        "emailaddresses" => group.proxy_addresses.clone(),
        "primarysmtpaddress" | "windowsemailaddress" => primary().into_iter().collect(),
        "displayname" => vec![group.display_name.clone()],
        "alias" => vec![group.mail_nickname.clone()],
        "externaldirectoryobjectid" => vec![group.id.to_string()],
        "isdirsynced" => vec![truth(group.synced.sync_enabled == Some(true)).to_owned()],
        "recipienttypedetails" => vec![
            match (group.types.iter().any(|kind| kind == "Unified"), group.security_enabled) {
                (true, _) => "GroupMailbox",
                (false, true) => "MailUniversalSecurityGroup",
                (false, false) => "MailUniversalDistributionGroup",
            }
            .to_owned(),
        ],
        _ => Vec::new(),
    }
}

//! What userAccountControl makes of an account, its primary group, and what administrators are denied.

use super::*;
use crate::directory::principal::Rights;
use crate::directory::request::{
    AddRequest, Control, ControlValue, DeleteRequest, ModifyDnRequest, Operation, Request,
};
use crate::directory::security::access::Token;
use crate::directory::security::descriptor::{
    Ace, CONTROL_ACCESS, CREATE_CHILD, DELETE, DELETE_CHILD, DELETE_TREE, INHERITED, LIST,
    READ_CONTROL, WRITE_DAC, WRITE_PROPERTY,
};

const UNIT: &str = "OU=People,DC=contoso,DC=com";

/// The account of `user0`, with the groups of everybody.
fn delegate(forest: &Forest) -> Principal {
    let sid = forest.domains()[0].sid.with_rid(1000);
    let users = forest.domains()[0].sid.with_rid(513);
    let rights = Rights::Acl(Token::new(sid.clone(), vec![users]));
    Principal { name: "CONTOSO\\user0".into(), sid: Some(sid), rights, secure: true }
}

/// An administrator who is an object: `user0` in the group.
fn administrator(forest: &Forest) -> Principal {
    Principal { rights: Rights::Full, ..delegate(forest) }
}

fn perform(
    forest: &mut Forest,
    principal: &Principal,
    operation: Operation,
    controls: &[ControlValue],
) -> LdapResult {
    let controls =
        controls.iter().map(|value| Control { critical: true, value: value.clone() }).collect();
    let request = Request { operation, controls };
    forest.perform(DC, principal, now(), &request, &mut minter()).0.result
}

fn create(
    forest: &mut Forest,
    principal: &Principal,
    name: &str,
    attributes: &[(&str, &str)],
) -> Result<ObjectNumber, (ResultCode, String)> {
    let attributes = attributes
        .iter()
        .map(|(name, value)| (AttributeName::from(*name), vec![value.as_bytes().to_vec()]));
    let dn = format!("CN={name},{UNIT}");
    let add = AddRequest { dn: dn.clone(), attributes: attributes.collect() };
    let result = perform(forest, principal, Operation::Add(add), &[]);
    let win32 = result.diagnostic.get(4..8).unwrap_or_default().to_owned();
    if !result.is_success() {
        return Err((result.code, win32));
    }
    Ok(forest.resolve(DC, &Name::from_text(&dn)).unwrap())
}

/// Puts an entry for a SID in front of an object's own access control list.
fn put_ace(
    forest: &mut Forest,
    name: &str,
    sid: &Sid,
    deny: bool,
    mask: u32,
    object: Option<Guid>,
) {
    let number = forest.resolve(DC, &Name::from_text(name)).unwrap();
    let mut descriptor = forest.descriptor(forest.dc(DC).unwrap(), number).unwrap();
    descriptor.dacl.retain(|ace| ace.flags & INHERITED == 0);
    let (audit, flags, inherited_object) = (false, 0, None);
    let ace = Ace { deny, audit, flags, mask, object, inherited_object, sid: sid.clone() };
    descriptor.dacl.insert(0, ace);
    let attribute = "nTSecurityDescriptor".into();
    let values = vec![descriptor.to_bytes(15)];
    let change = Change { operation: ChangeOperation::Replace, attribute, values };
    modify(forest, number, vec![change]).unwrap();
}

fn grant(forest: &mut Forest, name: &str, mask: u32) {
    let sid = delegate(forest).sid.unwrap();
    put_ace(forest, name, &sid, false, mask, None);
}

/// sAMAccountType, primaryGroupID and isCriticalSystemObject follow from the kind ([MS-SAMR] 3.1.1.8.1).
#[test]
fn the_kind_of_an_account_follows_from_its_control() {
    let system = Principal::system();
    for (class, control, expected) in [
        ("user", None, ["546", "805306368", "513", ""]),
        ("user", Some("0"), ["512", "805306368", "513", ""]),
        ("computer", None, ["4130", "805306369", "515", "FALSE"]),
        ("computer", Some("0"), ["4096", "805306369", "515", "FALSE"]),
        ("computer", Some("544"), ["544", "805306368", "513", ""]),
        ("computer", Some("8192"), ["8192", "805306369", "516", "TRUE"]),
        ("computer", Some("67112960"), ["67112960", "805306369", "521", "TRUE"]),
        // What is told elsewhere, or has no meaning, does not stick: lockout, expired, script.
        ("user", Some("8389169"), ["544", "805306368", "513", ""]),
    ] {
        let (mut forest, _) = forest_with(0);
        let mut of = vec![("objectClass", class)];
        of.extend(control.map(|control| ("userAccountControl", control)));
        let object = create(&mut forest, &system, "new", &of).unwrap();
        let attributes =
            ["userAccountControl", "sAMAccountType", "primaryGroupID", "isCriticalSystemObject"];
        let found = attributes.map(|at| texts(&forest, object, at).pop().unwrap_or_default());
        assert_eq!(found, expected, "{class} {control:?}");
    }
}

#[test]
fn no_account_has_bits_that_do_not_go_together() {
    use ResultCode::{InsufficientAccessRights, ObjectClassViolation, Other};
    let (mut forest, people) = forest_with(1);
    let system = Principal::system();
    modify(&mut forest, people[0], vec![replace("userAccountControl", &["514"])]).unwrap();
    let computer = [("objectClass", "computer")];
    let computer = create(&mut forest, &system, "machine", &computer).unwrap();
    for (object, control, expected) in [
        // A temporary duplicate; two kinds; a read-only domain controller that is no workstation, or that
        // is trusted for delegation.
        (people[0], "256", Other),
        (people[0], "4608", Other),
        (computer, "67109376", Other),
        (computer, "67637248", Other),
        (people[0], "8192", ObjectClassViolation),
        (people[0], "67112960", ObjectClassViolation),
        (people[0], "2048", InsufficientAccessRights),
        (computer, "2048", ObjectClassViolation),
    ] {
        let result = modify(&mut forest, object, vec![replace("userAccountControl", &[control])]);
        assert_eq!(refused(result).0, expected, "{control}");
    }
    // Without a kind it is a normal account, whatever the class.
    modify(&mut forest, computer, vec![replace("userAccountControl", &["2"])]).unwrap();
    assert_eq!(texts(&forest, computer, "userAccountControl"), ["514"]);
}

/// KB5008102: who is no administrator makes accounts whose kind and name are those of their class.
#[test]
fn delegates_make_accounts_of_their_class_only() {
    use ResultCode::{ObjectClassViolation, UnwillingToPerform};
    let (mut forest, _) = forest_with(1);
    let user = delegate(&forest);
    grant(&mut forest, UNIT, CREATE_CHILD | LIST);
    for (name, class, control, expected) in [
        ("a$", "computer", "4128", None),
        ("b", "computer", "4128", Some(UnwillingToPerform)),
        ("c$", "computer", "544", Some(ObjectClassViolation)),
        ("d", "user", "544", None),
    ] {
        let of =
            [("objectClass", class), ("sAMAccountName", name), ("userAccountControl", control)];
        let result = create(&mut forest, &user, name, &of);
        assert_eq!(result.err().map(|refusal| refusal.0), expected, "{name}");
    }
    let machine = format!("CN=a$,{UNIT}");
    grant(&mut forest, &machine, WRITE_PROPERTY);
    let machine = forest.resolve(DC, &Name::from_text(&machine)).unwrap();
    for (change, expected) in [
        (replace("sAMAccountName", &["dc01"]), UnwillingToPerform),
        (replace("userAccountControl", &["544"]), ObjectClassViolation),
    ] {
        assert_eq!(refused(modify_as(&mut forest, &user, machine, vec![change])).0, expected);
    }
}

/// [MS-SAMR] 3.1.1.8.10: three bits take rights on the domain that authenticated users have in a new one.
#[test]
fn bits_of_passwords_take_rights_on_the_domain() {
    let (mut forest, people) = forest_with(1);
    modify(&mut forest, people[0], vec![replace("userAccountControl", &["514"])]).unwrap();
    grant(&mut forest, &format!("CN=user0,{UNIT}"), WRITE_PROPERTY);
    let user = delegate(&forest);
    let control = |value: &str| vec![replace("userAccountControl", &[value])];
    modify_as(&mut forest, &user, people[0], control("66050")).unwrap();
    modify_as(&mut forest, &user, people[0], control("514")).unwrap();
    let sid = user.sid.clone().unwrap();
    let right = "ccc2dc7d-a6ad-4a7a-8846-c04e3cc53501".parse().ok();
    put_ace(&mut forest, ROOT, &sid, true, CONTROL_ACCESS, right);
    let result = modify_as(&mut forest, &user, people[0], control("66050"));
    assert_eq!(refused(result).0, ResultCode::InsufficientAccessRights);
}

#[test]
fn a_lockout_is_lifted_by_its_bit_and_a_smart_card_takes_the_password_away() {
    let (mut forest, people) = forest_with(1);
    let changes = vec![replace("userAccountControl", &["512"]), replace("lockoutTime", &["0"])];
    forest.set_account(people[0], b"Secret!1", Rights::ReadOnly);
    modify(&mut forest, people[0], changes).unwrap();
    let bind = |forest: &Forest| {
        let name = "user0@contoso.com".to_owned();
        let request = crate::directory::request::BindRequest { name, password: b"Secret!1".into() };
        forest.bind(DC, now(), &request)
    };
    modify(&mut forest, people[0], vec![replace("pwdLastSet", &["-1"])]).unwrap();
    assert!(bind(&forest).is_ok(), "{:?}", bind(&forest));
    modify(&mut forest, people[0], vec![replace("userAccountControl", &["528"])]).unwrap();
    assert_eq!(texts(&forest, people[0], "userAccountControl"), ["512"]);
    modify(&mut forest, people[0], vec![replace("userAccountControl", &["262656"])]).unwrap();
    assert!(bind(&forest).is_err());
}

/// The primary group of a domain controller stays; it is another one when the account becomes one, and the
/// group before lists it unless that were the computers ([MS-SAMR] 3.1.1.8.10).
#[test]
fn a_domain_controller_keeps_its_primary_group() {
    let (mut forest, _) = forest_with(0);
    let system = Principal::system();
    let of = [("objectClass", "computer"), ("userAccountControl", "544")];
    let machine = create(&mut forest, &system, "machine", &of).unwrap();
    let member = forest.dn_of(DC, machine);
    let control = |value: &str| vec![replace("userAccountControl", &[value])];
    modify(&mut forest, machine, control("8192")).unwrap();
    assert_eq!(texts(&forest, machine, "memberOf"), ["CN=Domain Users,CN=Users,DC=contoso,DC=com"]);
    let result = modify(&mut forest, machine, vec![replace("primaryGroupID", &["513"])]);
    assert_eq!(refused(result), (ResultCode::UnwillingToPerform, "213A".to_owned()));
    let users = Name::from_text("CN=Domain Users,CN=Users,DC=contoso,DC=com");
    let users = forest.resolve(DC, &users).unwrap();
    modify(&mut forest, users, vec![delete("member", &[&member])]).unwrap();
    modify(&mut forest, machine, control("4096")).unwrap();
    modify(&mut forest, machine, control("8192")).unwrap();
    assert!(texts(&forest, machine, "memberOf").is_empty());
}

/// A group for mail alone is nobody's primary one.
#[test]
fn a_distribution_group_is_no_primary_one() {
    let (mut forest, people) = forest_with(1);
    let of = [("objectClass", "group"), ("groupType", "2")];
    let group = create(&mut forest, &Principal::system(), "list", &of).unwrap();
    let member = forest.dn_of(DC, people[0]);
    modify(&mut forest, group, vec![add("member", &[&member])]).unwrap();
    let rid = texts(&forest, group, "primaryGroupToken").remove(0);
    let result = modify(&mut forest, people[0], vec![replace("primaryGroupID", &[&rid])]);
    assert_eq!(refused(result).0, ResultCode::UnwillingToPerform);
}

/// "Protect an object from accidental deletion": Everyone is denied what deletes it.
#[test]
fn administrators_do_not_delete_what_is_protected() {
    let (mut forest, _) = forest_with(1);
    let admin = administrator(&forest);
    let everyone = Sid::from_text("S-1-1-0").unwrap();
    let dn = format!("CN=user0,{UNIT}");
    let remove = |forest: &mut Forest, principal: &Principal, name: &str, tree: bool| {
        let delete = Operation::Delete(DeleteRequest { object: Name::from_text(name) });
        let controls = [ControlValue::TreeDelete];
        perform(forest, principal, delete, if tree { &controls } else { &[] }).code
    };
    put_ace(&mut forest, &dn, &everyone, true, DELETE | DELETE_TREE, None);
    put_ace(&mut forest, UNIT, &everyone, true, DELETE | DELETE_TREE | DELETE_CHILD, None);
    let denied = ResultCode::InsufficientAccessRights;
    assert_eq!(remove(&mut forest, &admin, &dn, false), denied);
    assert_eq!(remove(&mut forest, &admin, &dn, true), denied);
    assert_eq!(remove(&mut forest, &admin, UNIT, true), denied);
    let system = Principal::system();
    assert_eq!(remove(&mut forest, &system, &dn, false), ResultCode::Success);
}

fn rename(
    forest: &mut Forest,
    principal: &Principal,
    name: &str,
    new_rdn: &str,
    to: Option<&str>,
) -> ResultCode {
    let rename = ModifyDnRequest {
        object: Name::from_text(name),
        new_rdn: new_rdn.to_owned(),
        delete_old_rdn: true,
        new_superior: to.map(Name::from_text),
    };
    perform(forest, principal, Operation::ModifyDn(rename), &[]).code
}

/// [MS-ADTS] 3.1.1.5.4.1.1: a rename writes the name and the naming attribute; a move deletes here and
/// creates there.
#[test]
fn a_move_takes_the_rights_of_a_delete_and_of_an_add() {
    const CN: &str = "bf96793f-0de6-11d0-a285-00aa003049e2";
    let (mut forest, _) = forest_with(2);
    let user = delegate(&forest);
    let sid = user.sid.clone().unwrap();
    let denied = ResultCode::InsufficientAccessRights;
    let (old, new) = (format!("CN=user1,{UNIT}"), format!("CN=moved,{UNIT}"));
    let place = "CN=Computers,DC=contoso,DC=com";
    grant(&mut forest, &old, WRITE_PROPERTY);
    put_ace(&mut forest, &old, &sid, true, WRITE_PROPERTY, CN.parse().ok());
    assert_eq!(rename(&mut forest, &user, &old, "CN=moved", None), denied, "the naming attribute");
    grant(&mut forest, &old, WRITE_PROPERTY);
    assert_eq!(rename(&mut forest, &user, &old, "CN=moved", None), ResultCode::Success);
    assert_eq!(rename(&mut forest, &user, &new, "CN=moved", Some(place)), denied);
    grant(&mut forest, place, CREATE_CHILD);
    assert_eq!(rename(&mut forest, &user, &new, "CN=moved", Some(place)), denied);
    let class = forest.schema().class_named("user").unwrap().guid;
    put_ace(&mut forest, UNIT, &sid, false, DELETE_CHILD, class);
    assert_eq!(rename(&mut forest, &user, &new, "CN=moved", Some(place)), ResultCode::Success);
}

/// [MS-ADTS] 3.1.1.5.4.1.2: in the configuration flags allow, in domains they forbid.
#[test]
fn flags_say_what_is_renamed_and_moved() {
    let (mut forest, _) = forest_with(0);
    let system = Principal::system();
    let configuration = "CN=Configuration,DC=contoso,DC=com";
    let specifiers = format!("CN=DisplaySpecifiers,{configuration}");
    let services = format!("CN=Services,{configuration}");
    let site = format!("CN=Bonn,CN=Sites,{configuration}");
    let attributes = vec![("objectClass".into(), vec![b"site".to_vec()])];
    let add = AddRequest { dn: site.clone(), attributes };
    assert!(perform(&mut forest, &system, Operation::Add(add), &[]).is_success());
    let unwilling = ResultCode::UnwillingToPerform;
    for (name, rdn, to, expected) in [
        (specifiers.as_str(), "CN=Other", None, unwilling),
        (&specifiers, "CN=DisplaySpecifiers", Some(services.as_str()), unwilling),
        ("CN=Users,DC=contoso,DC=com", "CN=Other", None, unwilling),
        (
            "CN=Users,DC=contoso,DC=com",
            "CN=Users",
            Some("CN=Computers,DC=contoso,DC=com"),
            unwilling,
        ),
        (&site, "CN=Berlin", None, ResultCode::Success),
    ] {
        assert_eq!(rename(&mut forest, &system, name, rdn, to), expected, "{name} {rdn}");
    }
    let subnet = format!("CN=10.0.0.0/24,CN=Subnets,CN=Sites,{configuration}");
    let attributes = vec![
        ("objectClass".into(), vec![b"subnet".to_vec()]),
        ("systemFlags".into(), vec![b"-1".to_vec()]),
    ];
    let add = AddRequest { dn: subnet.clone(), attributes };
    assert!(perform(&mut forest, &system, Operation::Add(add), &[]).is_success());
    let object = forest.resolve(DC, &Name::from_text(&subnet)).unwrap();
    assert_eq!(texts(&forest, object, "systemFlags"), ["1879048192"]);
    assert_eq!(rename(&mut forest, &system, &subnet, "CN=10.0.1.0/24", None), ResultCode::Success);
}

/// What stays where it is when it is deleted (FLAG_DISALLOW_MOVE_ON_DELETE, [MS-ADTS] 3.1.1.5.5.6).
#[test]
fn a_deleted_site_stays_among_the_sites() {
    let (mut forest, _) = forest_with(0);
    let system = Principal::system();
    let sites = "CN=Sites,CN=Configuration,DC=contoso,DC=com";
    let dn = format!("CN=Empty,{sites}");
    let attributes = vec![("objectClass".into(), vec![b"site".to_vec()])];
    let add = Operation::Add(AddRequest { dn: dn.clone(), attributes });
    assert!(perform(&mut forest, &system, add, &[]).is_success());
    let object = forest.resolve(DC, &Name::from_text(&dn)).unwrap();
    let delete = Operation::Delete(DeleteRequest { object: Name::from_text(&dn) });
    assert!(perform(&mut forest, &system, delete, &[]).is_success());
    let name = forest.dn_of(DC, object);
    assert!(name.starts_with("CN=Empty\\0ADEL:") && name.ends_with(sites), "{name}");
}

/// [MS-ADTS] 3.1.1.5.3.7.1: Reanimate-Tombstones, the name, and creating where it goes.
#[test]
fn whoever_has_the_right_brings_back_what_was_deleted() {
    const REANIMATE: &str = "45ec5156-db7e-47bb-b53f-dbeb2d03c40f";
    let (mut forest, people) = forest_with(2);
    let user = delegate(&forest);
    let sid = user.sid.clone().unwrap();
    let dn = format!("CN=user1,{UNIT}");
    grant(&mut forest, &dn, WRITE_PROPERTY);
    let delete_it = Operation::Delete(DeleteRequest { object: Name::from_text(&dn) });
    assert!(perform(&mut forest, &Principal::system(), delete_it, &[]).is_success());
    let undelete = |forest: &mut Forest, with: Option<Change>| {
        let mut changes = vec![delete("isDeleted", &[]), replace("distinguishedName", &[&dn])];
        changes.extend(with);
        let request = ModifyRequest { object: Name::Number(people[1]), changes };
        perform(forest, &user, Operation::Modify(request), &[ControlValue::ShowDeleted]).code
    };
    let denied = ResultCode::InsufficientAccessRights;
    assert_eq!(undelete(&mut forest, None), denied);
    put_ace(&mut forest, ROOT, &sid, false, CONTROL_ACCESS, REANIMATE.parse().ok());
    assert_eq!(undelete(&mut forest, None), denied);
    grant(&mut forest, UNIT, CREATE_CHILD);
    assert_eq!(undelete(&mut forest, Some(replace("title", &["back"]))), ResultCode::Success);
    assert_eq!(texts(&forest, people[1], "title"), ["back"]);
}

/// OWNER RIGHTS stands in the place of what owners have by themselves ([MS-DTYP] 2.4.2.4), and whoever is a
/// member of the group that owns an object owns it too.
#[test]
fn owners_have_what_their_own_entry_says() {
    let (mut forest, people) = forest_with(2);
    let dn = format!("CN=user1,{UNIT}");
    let group = Sid::from_text("S-1-5-21-1-2-3-4711").unwrap();
    let controller = forest.dc(DC).unwrap();
    let mut descriptor = forest.descriptor(controller, people[1]).unwrap();
    descriptor.owner = group.clone();
    let values = vec![descriptor.to_bytes(15)];
    let attribute = "nTSecurityDescriptor".into();
    let change = Change { operation: ChangeOperation::Replace, attribute, values };
    modify(&mut forest, people[1], vec![change]).unwrap();
    let mut user = delegate(&forest);
    let may = |forest: &Forest, user: &Principal, right| {
        forest.may(forest.dc(DC).unwrap(), user, people[1], right, &[])
    };
    assert!(!may(&forest, &user, WRITE_DAC));
    let sid = user.sid.clone().unwrap();
    user.rights = Rights::Acl(Token::new(sid, vec![group]));
    assert!(may(&forest, &user, WRITE_DAC));
    let owner = Sid::from_text("S-1-3-4").unwrap();
    put_ace(&mut forest, &dn, &owner, false, READ_CONTROL, None);
    assert!(!may(&forest, &user, WRITE_DAC));
    assert!(may(&forest, &user, READ_CONTROL));
}

/// What is below a base that the caller does not see is found all the same; only where nothing is found, the
/// base is not there ([MS-ADTS] 3.1.1.4.3).
#[test]
fn a_base_that_is_not_seen_can_have_something_below_it() {
    let (mut forest, _) = forest_with(1);
    let user = delegate(&forest);
    let sid = user.sid.clone().unwrap();
    put_ace(&mut forest, ROOT, &sid, true, LIST, None);
    let search = |scope| {
        let base = Name::from_text(UNIT);
        let request = SearchRequest { base, scope, ..search_for(Filter::everything()) };
        let response = forest.search(DC, &user, now(), &request, &[]);
        (response.result.code, response.entries.len())
    };
    assert_eq!(search(Scope::Base), (ResultCode::NoSuchObject, 0));
    assert_eq!(search(Scope::OneLevel), (ResultCode::Success, 1));
    assert_eq!(search(Scope::Subtree), (ResultCode::Success, 1));
}

/// fUserPwdSupport: with it `userPassword` is the password, without it an attribute like others
/// ([MS-ADTS] 3.1.1.3.1.5.2).
#[test]
fn user_password_is_the_password_where_the_heuristics_say_so() {
    let (mut forest, people) = forest_with(1);
    let write = |forest: &mut Forest| {
        modify(forest, people[0], vec![replace("userPassword", &["Secret!1word"])])
    };
    write(&mut forest).unwrap();
    assert_eq!(texts(&forest, people[0], "userPassword"), ["Secret!1word"]);
    modify(&mut forest, people[0], vec![replace("userPassword", &[])]).unwrap();
    let service =
        "CN=Directory Service,CN=Windows NT,CN=Services,CN=Configuration,DC=contoso,DC=com";
    let service = forest.resolve(DC, &Name::from_text(service)).unwrap();
    modify(&mut forest, service, vec![replace("dSHeuristics", &["000000001"])]).unwrap();
    write(&mut forest).unwrap();
    assert!(texts(&forest, people[0], "userPassword").is_empty());
    modify(&mut forest, people[0], vec![replace("userAccountControl", &["512"])]).unwrap();
    let name = "user0@contoso.com".to_owned();
    let password = b"Secret!1word".to_vec();
    let request = crate::directory::request::BindRequest { name, password };
    assert!(forest.bind(DC, now(), &request).is_ok());
}

/// What a domain controller that runs needs stays; the account of one that never came can go.
#[test]
fn only_what_runs_is_needed() {
    let (mut forest, _) = forest_with(0);
    let system = Principal::system();
    let of = [("objectClass", "computer"), ("userAccountControl", "8192")];
    create(&mut forest, &system, "never", &of).unwrap();
    let own = "CN=DC01,OU=Domain Controllers,DC=contoso,DC=com";
    for (name, expected) in [
        (format!("CN=never,{UNIT}"), ResultCode::Success),
        (format!("CN=RID Set,{own}"), ResultCode::UnwillingToPerform),
        (own.to_owned(), ResultCode::UnwillingToPerform),
        ("CN=Guest,CN=Users,DC=contoso,DC=com".to_owned(), ResultCode::UnwillingToPerform),
    ] {
        let delete = DeleteRequest { object: Name::from_text(&name) };
        let result = perform(&mut forest, &system, Operation::Delete(delete), &[]);
        assert_eq!(result.code, expected, "{name}");
    }
}

#[test]
fn a_category_that_is_no_class_is_refused() {
    let (mut forest, _) = forest_with(0);
    let system = Principal::system();
    let person = "CN=Person,CN=Schema,CN=Configuration,DC=contoso,DC=com";
    for (name, category, fits) in [("a", ROOT, false), ("b", person, true)] {
        let of = [("objectClass", "contact"), ("objectCategory", category)];
        let result = create(&mut forest, &system, name, &of);
        assert_eq!(result.is_ok(), fits, "{category}: {result:?}");
    }
}

/// Taking away whatever password there is and adding a new one sets it, which is for administrators; taking
/// away one that is not the account's is refused with its own number ([MS-ADTS] 3.1.1.3.1.5.1).
#[test]
fn a_password_is_set_in_the_place_of_whatever_there_is() {
    let (mut forest, people) = forest_with(1);
    let of = |text: &str| -> Vec<u8> {
        format!("\"{text}\"").encode_utf16().flat_map(u16::to_le_bytes).collect()
    };
    let element = |operation, values| Change { operation, attribute: "unicodePwd".into(), values };
    let new = || element(ChangeOperation::Add, vec![of("Secret!1word")]);
    let wrong = element(ChangeOperation::Delete, vec![of("Wrong!1word")]);
    let result = modify(&mut forest, people[0], vec![wrong, new()]);
    assert_eq!(refused(result), (ResultCode::ConstraintViolation, "0056".to_owned()));
    let whatever = element(ChangeOperation::Delete, Vec::new());
    modify(&mut forest, people[0], vec![whatever.clone(), new()]).unwrap();
    assert!(modify(&mut forest, people[0], vec![whatever]).is_err());
}

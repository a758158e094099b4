//! Security descriptors as requests give them and as objects have them afterwards ([MS-ADTS] 6.1.3,
//! [MS-DTYP] 2.5.3.4).

use super::{DC, ROOT, forest_with, guid, now, refused};
use crate::directory::answer::{LdapResult, ResultCode, Written};
use crate::directory::forest::Forest;
use crate::directory::modify::Writer;
use crate::directory::name::Sid;
use crate::directory::principal::Principal;
use crate::directory::request::{
    AddRequest, AttributeName, Change, ChangeOperation, ModifyRequest, Name, ObjectNumber,
};
use crate::directory::security::descriptor::{
    Ace, CONTAINER_INHERIT, DACL_PROTECTED, INHERIT_ONLY, INHERITED, SACL_PROTECTED,
    SecurityDescriptor, WRITE_PROPERTY,
};

const CREATOR_OWNER: &str = "S-1-3-0";
const EVERYBODY: &str = "S-1-5-11";

fn ace(flags: u8, sid: &str) -> Ace {
    let sid = Sid::from_text(sid).unwrap();
    let (object, inherited_object) = (None, None);
    Ace { deny: true, audit: false, flags, mask: WRITE_PROPERTY, object, inherited_object, sid }
}

fn descriptor(control: u16, dacl: Vec<Ace>) -> SecurityDescriptor {
    let owner = Sid::from_text(EVERYBODY).unwrap();
    SecurityDescriptor { group: owner.clone(), owner, control, dacl, sacl: Vec::new() }
}

fn new(
    forest: &mut Forest,
    dn: &str,
    class: &str,
    given: Vec<Vec<u8>>,
) -> Result<Written, LdapResult> {
    let attributes = vec![
        (AttributeName::from("objectClass"), vec![class.as_bytes().to_vec()]),
        (AttributeName::from("nTSecurityDescriptor"), given),
    ];
    let number = 3_000_000 + u32::try_from(forest.dcs()[0].highest_usn).unwrap();
    let request = AddRequest { dn: dn.to_owned(), attributes };
    forest.add(&Writer::new(DC, &Principal::system(), now()), &request, guid(number))
}

fn of(forest: &Forest, object: ObjectNumber) -> SecurityDescriptor {
    forest.descriptor(&forest.dcs()[0], object).unwrap()
}

#[test]
fn a_creator_is_whoever_owns_the_object() {
    let (mut forest, _) = forest_with(0);
    let unit = format!("OU=closed,{ROOT}");
    let above = descriptor(DACL_PROTECTED, vec![ace(CONTAINER_INHERIT, CREATOR_OWNER)]);
    let unit_object = new(&mut forest, &unit, "organizationalUnit", vec![above.to_bytes(15)]);
    let own = of(&forest, unit_object.unwrap().object).dacl;
    let below = CONTAINER_INHERIT | INHERIT_ONLY;
    assert_eq!(own, [ace(0, EVERYBODY), ace(below, CREATOR_OWNER)]);

    let name = format!("CN=child,{unit}");
    let given = descriptor(0, vec![ace(INHERITED, EVERYBODY), ace(INHERIT_ONLY, EVERYBODY)]);
    let child = new(&mut forest, &name, "container", vec![given.to_bytes(7)]).unwrap().object;
    let inherited = [ace(INHERITED, EVERYBODY), ace(below | INHERITED, CREATOR_OWNER)];
    assert_eq!(of(&forest, child).dacl, inherited, "nothing of what was given is its own");

    // A descriptor without an owner takes the writer's: the administrators.
    let bytes = descriptor(0, vec![ace(0, EVERYBODY)]).to_bytes(4);
    let change = Change {
        operation: ChangeOperation::Replace,
        attribute: "nTSecurityDescriptor".into(),
        values: vec![bytes],
    };
    let request = ModifyRequest { object: Name::Number(child), changes: vec![change] };
    forest.modify(&Writer::new(DC, &Principal::system(), now()), &request).unwrap();
    let changed = of(&forest, child);
    let administrators = forest.domains()[0].sid.with_rid(512);
    assert_eq!(changed.owner, administrators);
    assert_eq!(changed.dacl[0], ace(0, EVERYBODY));
    assert_eq!(changed.dacl[1].sid, administrators, "whom the inherited entry means now");
}

/// A SACL in which there is nothing is not shown, unless it is protected.
#[test]
fn a_protected_list_takes_nothing_from_above() {
    let (mut forest, _) = forest_with(0);
    let offset = |bytes: &[u8]| bytes[12..16] != [0; 4];
    let mut make = |name: &str, control| {
        let dn = format!("CN={name},CN=Users,{ROOT}");
        let given = descriptor(control, Vec::new()).to_bytes(15);
        let object = new(&mut forest, &dn, "container", vec![given]).unwrap().object;
        of(&forest, object)
    };
    let protected = make("protected", DACL_PROTECTED | SACL_PROTECTED);
    assert!(protected.dacl.is_empty() && protected.sacl.is_empty());
    assert!(offset(&protected.shown(15)));
    let half = make("half", DACL_PROTECTED);
    assert!(half.dacl.is_empty() && !half.sacl.is_empty());
    let empty = SecurityDescriptor { sacl: Vec::new(), ..half };
    assert!(!offset(&empty.shown(15)));
}

#[test]
fn a_descriptor_that_is_none_is_refused() {
    let (mut forest, _) = forest_with(0);
    let dn = format!("CN=new,CN=Users,{ROOT}");
    let none = new(&mut forest, &dn, "container", Vec::new());
    assert_eq!(refused(none), (ResultCode::ConstraintViolation, "202F".to_owned()));
    let text = new(&mut forest, &dn, "container", vec![b"D:".to_vec()]);
    assert_eq!(refused(text), (ResultCode::InvalidAttributeSyntax, "200B".to_owned()));
}

//! Whatever is written where, and in whichever order it is pulled: all end equal.

use proptest::prelude::*;

use super::*;

/// Something that somebody does on a domain controller.
#[derive(Clone, Debug)]
enum Step {
    Add(u16, u8, bool),
    Title(u16, usize, u8),
    Both(u16, usize, u8),
    Member(u16, usize, bool),
    Manager(u16, usize, usize),
    Rename(u16, usize, u8),
    Move(u16, usize, usize),
    Delete(u16, usize),
    Restore(u16, usize),
    Tick,
    Pull(u16, u16),
}

fn step() -> impl Strategy<Value = Step> {
    let dc = || 0..3_u16;
    let object = || 0..12_usize;
    prop_oneof![
        3 => (dc(), 0..4_u8, any::<bool>()).prop_map(|(dc, name, unit)| Step::Add(dc, name, unit)),
        4 => (dc(), object(), 0..4_u8).prop_map(|(dc, at, value)| Step::Title(dc, at, value)),
        2 => (dc(), object(), 0..4_u8).prop_map(|(dc, at, value)| Step::Both(dc, at, value)),
        5 => (dc(), object(), any::<bool>()).prop_map(|(dc, at, on)| Step::Member(dc, at, on)),
        2 => (dc(), object(), object()).prop_map(|(dc, at, to)| Step::Manager(dc, at, to)),
        3 => (dc(), object(), 0..4_u8).prop_map(|(dc, at, name)| Step::Rename(dc, at, name)),
        3 => (dc(), object(), object()).prop_map(|(dc, at, to)| Step::Move(dc, at, to)),
        2 => (dc(), object()).prop_map(|(dc, at)| Step::Delete(dc, at)),
        1 => (dc(), object()).prop_map(|(dc, at)| Step::Restore(dc, at)),
        3 => Just(Step::Tick),
        6 => (dc(), dc()).prop_map(|(to, from)| Step::Pull(to, from)),
    ]
}

/// Does a step; what the directory refuses there and then is refused.
fn play(estate: &mut Estate, objects: &mut Vec<ObjectNumber>, group: ObjectNumber, step: &Step) {
    let at = |place: &usize| (!objects.is_empty()).then(|| objects[place % objects.len()]);
    match step {
        Step::Add(dc, name, unit) => {
            let (class, rdn) = if *unit { ("organizationalUnit", "OU") } else { ("user", "CN") };
            let added = estate.try_add(DcNumber(*dc), class, &format!("{rdn}=n{name}"), PEOPLE);
            objects.extend(added.map(|written| written.object));
        }
        Step::Title(dc, place, value) => {
            let Some(object) = at(place) else { return };
            let values: &[&str] = [&["a"] as &[&str], &["b"], &["c"], &[]][usize::from(*value)];
            let _ = estate.modify(DcNumber(*dc), object, vec![replace("description", values)]);
        }
        Step::Both(dc, place, value) => {
            let Some(object) = at(place) else { return };
            let text = format!("v{value}");
            let changes = vec![replace("displayName", &[&text]), replace("description", &[&text])];
            let _ = estate.modify(DcNumber(*dc), object, changes);
        }
        Step::Member(dc, place, on) => {
            let Some(object) = at(place) else { return };
            let dc = DcNumber(*dc);
            let dn = estate.dn(dc, object);
            let change = if *on { add("member", &[&dn]) } else { delete("member", &[&dn]) };
            let _ = estate.modify(dc, group, vec![change]);
        }
        Step::Manager(dc, place, to) => {
            let (Some(object), Some(target)) = (at(place), at(to)) else { return };
            let dc = DcNumber(*dc);
            let dn = estate.dn(dc, target);
            let _ = estate.modify(dc, object, vec![replace("manager", &[&dn])]);
        }
        Step::Rename(dc, place, name) => {
            let Some(object) = at(place) else { return };
            let dc = DcNumber(*dc);
            let rdn = if estate.dn(dc, object).starts_with("OU") { "OU" } else { "CN" };
            let _ = estate.rename(dc, object, &format!("{rdn}=n{name}"), None);
        }
        Step::Move(dc, place, to) => {
            let (Some(object), Some(parent)) = (at(place), at(to)) else { return };
            let dc = DcNumber(*dc);
            let dn = estate.dn(dc, object);
            let rdn = dn.split(',').next().unwrap_or_default();
            let _ = estate.rename(dc, object, rdn, Some(parent));
        }
        Step::Delete(dc, place) => {
            let Some(object) = at(place) else { return };
            let _ = estate.delete(DcNumber(*dc), object);
        }
        Step::Restore(dc, place) => {
            let Some(object) = at(place) else { return };
            restore(estate, DcNumber(*dc), object);
        }
        Step::Tick => estate.tick(),
        Step::Pull(to, from) => {
            estate.pull(DcNumber(*to), DcNumber(*from));
        }
    }
}

/// Brings a deleted object back, in the organizational unit `Staff`.
fn restore(estate: &mut Estate, dc: DcNumber, object: ObjectNumber) {
    let Some(slot) = estate.forest.slot(dc, object) else { return };
    let rdn = estate.forest.schema.attribute(slot.entry.rdn_attribute).unwrap().name.clone();
    let dn = format!("{rdn}=r{},OU=Staff,DC=contoso,DC=com", object.0);
    let gone = Change {
        operation: ChangeOperation::Delete,
        attribute: "isDeleted".into(),
        values: Vec::new(),
    };
    let system = Principal::system();
    let writer = Writer { sight: Sight::Deleted, ..Writer::new(dc, &system, estate.at) };
    let changes = vec![gone, replace("distinguishedName", &[&dn])];
    let request = ModifyRequest { object: Name::Number(object), changes };
    let _ = estate.forest.modify(&writer, &request);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is written where, and in whatever order it is pulled: in the end all hold the same.
    #[test]
    fn all_domain_controllers_end_equal(
        bin in any::<bool>(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut estate = Estate::new(3);
        estate.forest.recycle_bin = bin;
        let group = estate.add(ONE, "group", "CN=Group", PEOPLE);
        estate.converge();
        let mut objects = Vec::new();
        for step in &steps {
            // Without the recycle bin a restore has lost what the object had: it is done by one
            // person at a time.
            if matches!(step, Step::Restore(..)) && !bin {
                estate.converge();
                play(&mut estate, &mut objects, group, step);
                estate.converge();
                continue;
            }
            play(&mut estate, &mut objects, group, step);
        }
        estate.converge();
        assert_equal(&estate.forest);
        for object in &objects {
            if estate.forest.object(ONE, *object).is_some() {
                prop_assert!(estate.dn(ONE, *object).ends_with("DC=contoso,DC=com"));
            }
        }
    }

    /// The order in which three pull from each other does not matter.
    #[test]
    fn the_order_of_replication_does_not_matter(
        steps in prop::collection::vec(step(), 1..30),
        order in Just([(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)].to_vec()).prop_shuffle(),
    ) {
        let mut estate = Estate::new(3);
        let group = estate.add(ONE, "group", "CN=Group", PEOPLE);
        estate.converge();
        let mut objects = Vec::new();
        // Attributes and links alone: repairs are writes, and who makes them depends on the order.
        let plain = |step: &&Step| {
            matches!(
                step,
                Step::Title(..) | Step::Both(..) | Step::Member(..) | Step::Manager(..) | Step::Tick
            )
        };
        for name in 0..4 {
            objects.push(estate.add(ONE, "user", &format!("CN=n{name}"), PEOPLE));
        }
        estate.converge();
        for step in steps.iter().filter(plain) {
            play(&mut estate, &mut objects, group, step);
        }
        let mut other = estate.forest.clone();
        estate.converge();
        for _ in 0..3 {
            for (to, from) in &order {
                other.pull(DcNumber(*to), DcNumber(*from), now());
            }
        }
        assert_equal(&other);
        prop_assert_eq!(content(&estate.forest, ONE), content(&other, TWO));
    }
}

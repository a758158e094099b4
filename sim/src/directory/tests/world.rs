//! A whole naive directory beside the store: a list of objects with plain maps, no index, no tree. Both
//! get the same random sequences of adds, modifications, renames, moves and deletes, and are asked the
//! same searches, with random filters and controls.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::model::{ATTRIBUTES, Step, apply, fold, step};
use super::*;
use crate::directory::answer::Response;
use crate::directory::request::{
    AddRequest, Control, ControlValue, DeleteRequest, ModifyDnRequest, Operation, Request, SortKey,
    Substrings,
};

type Values = BTreeMap<&'static str, Vec<String>>;

/// The units below the domain in which everything happens.
const UNITS: [&str; 2] = ["One", "Two"];

/// What tombstones keep of [`ATTRIBUTES`]: with the Exchange schema, what searchFlags 8 preserves.
const PRESERVED: &str = "proxyAddresses";

/// An object as the naive directory knows it.
#[derive(Clone, Debug)]
struct Object {
    guid: Guid,
    unit: usize,
    name: String,
    values: Values,
    deleted: bool,
}

#[derive(Clone, Debug)]
enum Act {
    Add {
        unit: usize,
        name: usize,
        values: Vec<(usize, String)>,
    },
    Modify {
        step: Step,
        permissive: bool,
    },
    Rename {
        object: usize,
        unit: usize,
        name: usize,
    },
    Delete {
        object: usize,
    },
    Search(Search),
    /// Reads the changes since the last time.
    Changes,
}

#[derive(Clone, Debug)]
struct Search {
    /// The domain, or a unit.
    base: Option<usize>,
    scope: Scope,
    filter: Test,
    deleted: bool,
    how: How,
}

/// In which way the answer is asked for.
#[derive(Clone, Debug)]
enum How {
    Plain,
    Limited(u32),
    Paged(u32),
    Sorted { attribute: usize, reverse: bool, paged: Option<u32> },
}

/// A filter on the attributes and the name.
#[derive(Clone, Debug)]
enum Test {
    Equal(usize, String),
    Starts(usize, String),
    Contains(usize, String),
    Ends(usize, String),
    Present(usize),
    Named(usize),
    And(Vec<Test>),
    Or(Vec<Test>),
    Not(Box<Test>),
}

fn name_of(name: usize) -> String {
    // Some differ by case only.
    ["anna", "Bea", "BEA", "carl", "dora", "Emil", "anNa"][name % 7].to_owned()
}

fn test() -> impl Strategy<Value = Test> {
    let value = "[aAbBcä]{1,2}";
    let attribute = || 0..ATTRIBUTES.len();
    let leaf = prop_oneof![
        (attribute(), value).prop_map(|(at, value)| Test::Equal(at, value)),
        (attribute(), value).prop_map(|(at, value)| Test::Starts(at, value)),
        (attribute(), value).prop_map(|(at, value)| Test::Contains(at, value)),
        (attribute(), value).prop_map(|(at, value)| Test::Ends(at, value)),
        attribute().prop_map(Test::Present),
        (0..7_usize).prop_map(Test::Named),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Test::And),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Test::Or),
            inner.prop_map(|test| Test::Not(Box::new(test))),
        ]
    })
}

fn search() -> impl Strategy<Value = Search> {
    let how = prop_oneof![
        Just(How::Plain),
        (1..4_u32).prop_map(How::Limited),
        (1..4_u32).prop_map(How::Paged),
        (0..ATTRIBUTES.len(), any::<bool>(), prop::option::of(1..4_u32))
            .prop_map(|(attribute, reverse, paged)| How::Sorted { attribute, reverse, paged }),
    ];
    let scope = prop_oneof![Just(Scope::Base), Just(Scope::OneLevel), Just(Scope::Subtree)];
    (prop::option::of(0..UNITS.len()), scope, test(), any::<bool>(), how).prop_map(
        |(base, scope, filter, deleted, how)| Search { base, scope, filter, deleted, how },
    )
}

fn act() -> impl Strategy<Value = Act> {
    let values = prop::collection::vec((0..ATTRIBUTES.len(), "[aAbBcä]{1,2}"), 0..3);
    prop_oneof![
        4 => (0..UNITS.len(), 0..7_usize, values)
            .prop_map(|(unit, name, values)| Act::Add { unit, name, values }),
        4 => (step(), any::<bool>()).prop_map(|(step, permissive)| Act::Modify { step, permissive }),
        2 => (0..8_usize, 0..UNITS.len(), 0..7_usize)
            .prop_map(|(object, unit, name)| Act::Rename { object, unit, name }),
        1 => (0..8_usize).prop_map(|object| Act::Delete { object }),
        6 => search().prop_map(Act::Search),
        1 => Just(Act::Changes),
    ]
}

/// Both directories, side by side.
struct Pair {
    forest: Forest,
    naive: Vec<Object>,
    minted: u32,
    cookie: Vec<u8>,
    /// What changed since the last reading of changes.
    touched: BTreeSet<[u8; 16]>,
}

impl Pair {
    fn new() -> Self {
        let mut forest = empty_forest(Schema::base().with_exchange());
        let head = forest.domains()[0].head;
        let mut mint = minter();
        for unit in UNITS {
            let domain = DomainNumber(0);
            forest.load_container(domain, head, "organizationalUnit", unit, mint(), now());
        }
        forest.settle();
        let mut pair = Self {
            forest,
            naive: Vec::new(),
            minted: 5000,
            cookie: Vec::new(),
            touched: BTreeSet::new(),
        };
        pair.read_changes();
        pair
    }

    fn perform(&mut self, operation: Operation, controls: Vec<ControlValue>) -> Response {
        let controls =
            controls.into_iter().map(|value| Control { critical: true, value }).collect();
        let request = Request { operation, controls };
        let fresh = guid(self.minted);
        let system = Principal::system();
        let (response, _) = self.forest.perform(DC, &system, now(), &request, &mut || fresh);
        response
    }

    fn unit_dn(unit: usize) -> String {
        format!("OU={},{ROOT}", UNITS[unit])
    }

    /// A live object, by a number that may be beyond what there is.
    fn live(&self, number: usize) -> Option<usize> {
        let live: Vec<usize> =
            (0..self.naive.len()).filter(|at| !self.naive[*at].deleted).collect();
        (!live.is_empty()).then(|| live[number % live.len()])
    }

    fn is_taken(&self, unit: usize, name: &str, but: Option<usize>) -> bool {
        self.naive.iter().enumerate().any(|(at, object)| {
            Some(at) != but
                && !object.deleted
                && object.unit == unit
                && fold(&object.name) == fold(name)
        })
    }

    fn add(&mut self, unit: usize, name: usize, given: &[(usize, String)]) {
        let name = name_of(name);
        self.minted += 1;
        let mut values = Values::new();
        let mut given_twice = false;
        let mut sent: Vec<(&str, String)> = Vec::new();
        for (at, value) in given {
            let (attribute, single) = ATTRIBUTES[*at];
            let known = values.entry(attribute).or_default();
            given_twice |= known.contains(value) || (single && !known.is_empty());
            // Of those that differ in case only the first counts.
            if known.iter().all(|known| fold(known) != fold(value)) {
                known.push(value.clone());
            }
            sent.push((attribute, value.clone()));
        }
        let mut attributes = vec![("objectClass".into(), vec![b"contact".to_vec()])];
        for attribute in values.keys() {
            let of = sent.iter().filter(|(name, _)| name == attribute);
            let values = of.map(|(_, value)| value.as_bytes().to_vec()).collect();
            attributes.push(((*attribute).into(), values));
        }
        let dn = format!("CN={name},{}", Self::unit_dn(unit));
        let response = self.perform(Operation::Add(AddRequest { dn, attributes }), Vec::new());
        let refused = given_twice || self.is_taken(unit, &name, None);
        assert_eq!(response.result.is_success(), !refused, "{name}: {:?}", response.result);
        if !refused {
            let guid = guid(self.minted);
            self.touched.insert(guid.0);
            self.naive.push(Object { guid, unit, name, values, deleted: false });
        }
    }

    fn modify(&mut self, step: &Step, permissive: bool) {
        let Some(at) = self.live(step.object) else { return };
        let changes = step
            .changes
            .iter()
            .map(|(operation, attribute, values)| {
                let values: Vec<&str> = values.iter().map(String::as_str).collect();
                change(*operation, ATTRIBUTES[*attribute].0, &values)
            })
            .collect();
        let object = Name::Guid(self.naive[at].guid);
        let controls = if permissive { vec![ControlValue::PermissiveModify] } else { Vec::new() };
        let before = self.forest.dc(DC).expect("a domain controller").highest_usn;
        let modify = Operation::Modify(ModifyRequest { object, changes });
        let response = self.perform(modify, controls);
        let after = self.forest.dc(DC).expect("a domain controller").highest_usn;
        match apply(&self.naive[at].values, step, permissive) {
            Some(values) => {
                assert!(response.result.is_success(), "{:?}", response.result);
                let sets = |values: &Values| -> BTreeMap<&str, BTreeSet<String>> {
                    values.iter().map(|(at, v)| (*at, v.iter().cloned().collect())).collect()
                };
                let differs = sets(&self.naive[at].values) != sets(&values);
                assert_eq!(after > before, differs, "a sequence number is taken for a change");
                if differs {
                    self.touched.insert(self.naive[at].guid.0);
                    self.naive[at].values = values;
                }
            }
            None => assert!(!response.result.is_success() && after == before),
        }
    }

    fn rename(&mut self, object: usize, unit: usize, name: usize) {
        let Some(at) = self.live(object) else { return };
        let name = name_of(name);
        let rename = Operation::ModifyDn(ModifyDnRequest {
            object: Name::Guid(self.naive[at].guid),
            new_rdn: format!("CN={name}"),
            delete_old_rdn: true,
            new_superior: Some(Name::Dn(Self::unit_dn(unit))),
        });
        let before = self.forest.dc(DC).expect("a domain controller").highest_usn;
        let response = self.perform(rename, Vec::new());
        let taken = self.is_taken(unit, &name, Some(at));
        assert_eq!(response.result.is_success(), !taken, "{name}: {:?}", response.result);
        if !taken {
            let after = self.forest.dc(DC).expect("a domain controller").highest_usn;
            if after > before {
                self.touched.insert(self.naive[at].guid.0);
            } else {
                let known = &self.naive[at];
                assert_eq!((known.unit, &known.name), (unit, &name), "nothing changed");
            }
            self.naive[at].unit = unit;
            self.naive[at].name = name;
        }
    }

    fn delete(&mut self, object: usize) {
        let Some(at) = self.live(object) else { return };
        let object = Name::Guid(self.naive[at].guid);
        let response = self.perform(Operation::Delete(DeleteRequest { object }), Vec::new());
        assert!(response.result.is_success(), "{:?}", response.result);
        let object = &mut self.naive[at];
        object.deleted = true;
        object.values.retain(|attribute, _| *attribute == PRESERVED);
        self.touched.insert(object.guid.0);
    }

    /// What a search finds, the plain way.
    fn expected(&self, search: &Search) -> BTreeSet<[u8; 16]> {
        let in_scope = |object: &Object| match (search.base, search.scope, object.deleted) {
            (_, Scope::Base, _) | (None, Scope::OneLevel, _) => false,
            (None, Scope::Subtree, deleted) => !deleted || search.deleted,
            // What is deleted lies in a container of its own.
            (Some(_), _, true) => false,
            (Some(unit), _, false) => object.unit == unit,
        };
        let found = self.naive.iter().filter(|object| in_scope(object));
        found.filter(|object| holds(&search.filter, object)).map(|object| object.guid.0).collect()
    }

    fn search(&mut self, search: &Search) {
        let expected = self.expected(search);
        let mut controls = Vec::new();
        if search.deleted {
            controls.push(ControlValue::ShowDeleted);
        }
        let mut limit = 0;
        let mut size = None;
        match &search.how {
            How::Plain => {}
            How::Limited(most) => limit = *most,
            How::Paged(paged) => size = Some(*paged),
            How::Sorted { attribute, reverse, paged } => {
                let attribute = ATTRIBUTES[*attribute].0.to_owned();
                let key = SortKey { attribute, rule: None, reverse: *reverse };
                controls.push(ControlValue::Sort(vec![key]));
                size = *paged;
            }
        }
        let mut found = Vec::new();
        let mut cookie = Vec::new();
        loop {
            let mut controls = controls.clone();
            if let Some(size) = size {
                controls.push(ControlValue::PagedResults { size, cookie: cookie.clone() });
            }
            let base = search.base.map_or_else(|| ROOT.to_owned(), Self::unit_dn);
            // Only what this test makes: the system's own objects are no contacts.
            let contacts = Filter::Equality("objectClass".into(), b"contact".to_vec());
            let request = SearchRequest {
                base: Name::Dn(base),
                scope: search.scope,
                filter: Filter::And(vec![contacts, filter_of(&search.filter)]),
                selection: vec!["cn".into()],
                size_limit: limit,
                time_limit: 0,
                types_only: false,
            };
            let response = self.perform(Operation::Search(request), controls);
            let exceeded = limit > 0 && expected.len() > usize::try_from(limit).unwrap();
            let code = if exceeded { ResultCode::SizeLimitExceeded } else { ResultCode::Success };
            assert_eq!(response.result.code, code, "{search:?}: {:?}", response.result);
            if let Some(size) = size {
                assert!(response.entries.len() <= usize::try_from(size).unwrap(), "a page's size");
            }
            found.extend(response.entries.iter().map(|entry| entry.guid.expect("a GUID").0));
            let next = response.controls.into_iter().find_map(|control| match control.value {
                ControlValue::PagedResults { cookie, .. } => Some(cookie),
                _ => None,
            });
            cookie = next.unwrap_or_default();
            if cookie.is_empty() {
                break;
            }
        }
        let set: BTreeSet<[u8; 16]> = found.iter().copied().collect();
        assert_eq!(set.len(), found.len(), "each once: {search:?}");
        if limit > 0 {
            let most = usize::try_from(limit).unwrap().min(expected.len());
            assert!(set.is_subset(&expected) && set.len() == most, "{search:?}");
        } else {
            assert_eq!(set, expected, "{search:?}");
        }
        if let How::Sorted { attribute, reverse, .. } = search.how {
            self.check_order(&found, ATTRIBUTES[attribute].0, reverse);
        }
    }

    /// Sorted by the value where there is one; what has none comes last, or first in reverse.
    fn check_order(&self, found: &[[u8; 16]], attribute: &str, reverse: bool) {
        let of = |guid: &[u8; 16]| self.naive.iter().find(|object| object.guid.0 == *guid);
        // Which of several values counts is not said.
        let keys: Vec<Option<String>> = found
            .iter()
            .filter_map(|guid| match of(guid)?.values.get(attribute).map(Vec::as_slice) {
                None | Some([]) => Some(None),
                Some([only]) => Some(Some(fold(only))),
                Some(_) => None,
            })
            .collect();
        let mut sorted = keys.clone();
        sorted.sort_by_key(|key| (key.is_none(), key.clone()));
        if reverse {
            sorted.reverse();
        }
        let present =
            |keys: &[Option<String>]| -> Vec<bool> { keys.iter().map(Option::is_none).collect() };
        assert_eq!(present(&keys), present(&sorted), "what has no value");
        let ascii = keys.iter().flatten().all(|key| key.is_ascii());
        // Beyond ASCII the order is the collation's.
        assert!(!ascii || keys == sorted, "{keys:?}");
    }

    /// Reads what changed since the last time: exactly what was touched.
    fn read_changes(&mut self) {
        let mut found = BTreeSet::new();
        loop {
            let cookie = core::mem::take(&mut self.cookie);
            let control = ControlValue::DirSync { flags: 0, size: 0, cookie, extended: false };
            let mut request = search_for(equal("objectClass", "contact"));
            request.selection = Vec::new();
            let response = self.perform(Operation::Search(request), vec![control]);
            assert!(response.result.is_success(), "{:?}", response.result);
            found.extend(response.entries.iter().map(|entry| entry.guid.expect("a GUID").0));
            let answer = response.controls.into_iter().find_map(|control| match control.value {
                ControlValue::DirSync { flags, cookie, .. } => Some((flags, cookie)),
                _ => None,
            });
            let (more, cookie) = answer.expect("a cookie");
            self.cookie = cookie;
            if more == 0 {
                break;
            }
        }
        assert_eq!(found, core::mem::take(&mut self.touched), "what changed");
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Add { unit, name, values } => self.add(*unit, *name, values),
            Act::Modify { step, permissive } => self.modify(step, *permissive),
            Act::Rename { object, unit, name } => self.rename(*object, *unit, *name),
            Act::Delete { object } => self.delete(*object),
            Act::Search(search) => self.search(search),
            Act::Changes => self.read_changes(),
        }
    }
}

fn holds(test: &Test, object: &Object) -> bool {
    let any = |attribute: &usize, matches: &dyn Fn(&str) -> bool| {
        let values = object.values.get(ATTRIBUTES[*attribute].0);
        values.is_some_and(|values| values.iter().any(|value| matches(&fold(value))))
    };
    match test {
        Test::Equal(attribute, value) => any(attribute, &|own| own == fold(value)),
        Test::Starts(attribute, value) => any(attribute, &|own| own.starts_with(&fold(value))),
        Test::Contains(attribute, value) => any(attribute, &|own| own.contains(&fold(value))),
        Test::Ends(attribute, value) => any(attribute, &|own| own.ends_with(&fold(value))),
        Test::Present(attribute) => any(attribute, &|_| true),
        // A deleted object's name is another one.
        Test::Named(name) => !object.deleted && fold(&object.name) == fold(&name_of(*name)),
        Test::And(tests) => tests.iter().all(|test| holds(test, object)),
        Test::Or(tests) => tests.iter().any(|test| holds(test, object)),
        Test::Not(test) => !holds(test, object),
    }
}

fn filter_of(test: &Test) -> Filter {
    let bytes = |value: &String| value.as_bytes().to_vec();
    let part =
        |attribute: &usize, parts| Filter::Substrings(ATTRIBUTES[*attribute].0.into(), parts);
    match test {
        Test::Equal(attribute, value) => equal(ATTRIBUTES[*attribute].0, value),
        Test::Starts(attribute, value) => {
            part(attribute, Substrings { initial: Some(bytes(value)), ..Substrings::default() })
        }
        Test::Contains(attribute, value) => {
            part(attribute, Substrings { any: vec![bytes(value)], ..Substrings::default() })
        }
        Test::Ends(attribute, value) => {
            part(attribute, Substrings { last: Some(bytes(value)), ..Substrings::default() })
        }
        Test::Present(attribute) => Filter::Present(ATTRIBUTES[*attribute].0.into()),
        Test::Named(name) => equal("cn", &name_of(*name)),
        Test::And(tests) => Filter::And(tests.iter().map(filter_of).collect()),
        Test::Or(tests) => Filter::Or(tests.iter().map(filter_of).collect()),
        Test::Not(test) => Filter::Not(Box::new(filter_of(test))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn the_store_and_a_naive_directory_agree(acts in prop::collection::vec(act(), 1..40)) {
        let mut pair = Pair::new();
        for act in &acts {
            pair.act(act);
        }
        pair.read_changes();
    }
}

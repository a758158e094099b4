//! Classes and what an object of a class may carry ([MS-ADTS] 3.1.1.2.4).

use std::sync::Arc;

use crate::directory::entry::ClassNumber;
use crate::guid::Guid;
use crate::record::AttributeNumber;

/// What kind of class it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassKind {
    /// Objects are of it.
    Structural,
    /// Classes inherit from it.
    Abstract,
    /// It lends its attributes to classes.
    Auxiliary,
    /// A class from before X.500 of 1993 told the kinds apart: objects are of it too.
    Class88,
}

/// A class's definition, with everything it inherits.
#[derive(Clone, Debug)]
pub struct Class {
    /// Its number.
    pub number: ClassNumber,
    /// lDAPDisplayName.
    pub name: Arc<str>,
    /// cn of the definition.
    pub common_name: Box<str>,
    /// governsID.
    pub oid: Box<str>,
    /// schemaIDGUID, where it is published.
    pub guid: Option<Guid>,
    /// systemOnly: only the system makes objects of it.
    pub system_only: bool,
    /// systemFlags of the definition.
    pub system_flags: u32,
    /// isDefunct: nothing new is of it.
    pub defunct: bool,
    /// defaultSecurityDescriptor, where the definition was given another one than it came with.
    pub descriptor: Option<Arc<str>>,
    /// Structural, abstract or auxiliary.
    pub kind: ClassKind,
    /// subClassOf; `None` for top.
    pub superior: Option<ClassNumber>,
    /// rDNAttID.
    pub rdn_attribute: AttributeNumber,
    /// The class whose definition is the defaultObjectCategory.
    pub category: Box<str>,
    /// auxiliaryClass, its own.
    pub auxiliary: Vec<ClassNumber>,
    /// possSuperiors, its own.
    pub under: Vec<ClassNumber>,
    /// mustContain, its own.
    pub own_must: Vec<AttributeNumber>,
    /// mayContain, its own.
    pub own_may: Vec<AttributeNumber>,
    /// The values of objectClass: top first, this class last.
    pub chain: Vec<ClassNumber>,
    /// This class, its superiors and all their auxiliary classes.
    pub ancestry: Vec<ClassNumber>,
    /// Every attribute that an object must have.
    pub must: Vec<AttributeNumber>,
    /// Every class under which an object may stand.
    pub superiors: Vec<ClassNumber>,
    /// It is user or inherits from it: computers and service accounts do.
    pub is_user: bool,
    /// It is computer or inherits from it.
    pub is_computer: bool,
    /// It is group or inherits from it.
    pub is_group: bool,
    /// Every attribute that an object may have, one bit each.
    allowed: Box<[u64]>,
}

impl Class {
    /// A class with its own parts only; [`inherit`] adds the rest.
    pub(in crate::directory) fn new(
        number: ClassNumber,
        name: &str,
        oid: &str,
        kind: ClassKind,
    ) -> Self {
        Self {
            number,
            name: name.into(),
            common_name: "".into(),
            oid: oid.into(),
            guid: None,
            system_only: false,
            system_flags: 0,
            defunct: false,
            descriptor: None,
            kind,
            superior: None,
            rdn_attribute: 0,
            category: "".into(),
            auxiliary: Vec::new(),
            under: Vec::new(),
            own_must: Vec::new(),
            own_may: Vec::new(),
            chain: Vec::new(),
            ancestry: Vec::new(),
            must: Vec::new(),
            superiors: Vec::new(),
            is_user: false,
            is_computer: false,
            is_group: false,
            allowed: Box::default(),
        }
    }

    /// Whether an object of this class may have the attribute.
    #[must_use]
    pub fn allows(&self, attribute: AttributeNumber) -> bool {
        let word = self.allowed.get(usize::from(attribute / 64)).copied().unwrap_or_default();
        word >> (attribute % 64) & 1 == 1
    }
}

/// Works out what each class inherits. Attribute numbers are below `attributes`.
pub(super) fn inherit(classes: &mut [Class], attributes: usize) {
    for at in 0..classes.len() {
        let mut chain = vec![classes[at].number];
        while let Some(superior) = classes[usize::from(chain[chain.len() - 1])].superior
            && !chain.contains(&superior)
        {
            chain.push(superior);
        }
        let mut ancestry = chain.clone();
        let mut next = 0;
        while let Some(&number) = ancestry.get(next) {
            let class = &classes[usize::from(number)];
            for &other in class.auxiliary.iter().chain(&class.superior) {
                if !ancestry.contains(&other) {
                    ancestry.push(other);
                }
            }
            next += 1;
        }
        chain.reverse();
        let mut must = Vec::new();
        let mut superiors = Vec::new();
        let mut allowed = vec![0_u64; attributes.div_ceil(64)];
        for &number in &ancestry {
            let class = &classes[usize::from(number)];
            must.extend_from_slice(&class.own_must);
            superiors.extend_from_slice(&class.under);
            for &attribute in class.own_must.iter().chain(&class.own_may) {
                allowed[usize::from(attribute / 64)] |= 1 << (attribute % 64);
            }
        }
        must.sort_unstable();
        must.dedup();
        let is = |name| ancestry.iter().any(|at| &*classes[usize::from(*at)].name == name);
        let (is_user, is_group) = (is("user"), is("group"));
        let is_computer = is("computer");
        let class = &mut classes[at];
        class.is_computer = is_computer;
        (class.is_user, class.is_group) = (is_user, is_group);
        class.chain = chain;
        class.ancestry = ancestry;
        class.must = must;
        class.superiors = superiors;
        class.allowed = allowed.into_boxed_slice();
    }
}

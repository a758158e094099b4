//! The mapping plan: which cloud property feeds which AD attribute, laid out by index.
//!
//! It is built once for a configuration. From then on nothing is looked up by name: the properties
//! asked of Exchange Online, the attributes asked of AD and the rules all lie in fixed order.

use super::digest;
use super::scope::Filter;
use crate::attributes::{
    Attribute, CONTRACT, EMAIL_ADDRESSES, MAIL, RECIPIENT_DISPLAY_TYPE, RECIPIENT_TYPE_DETAILS,
    Shape,
};
use crate::job::{JobConfiguration, ProxyMode, RecipientTypeMode, Switches};
use crate::planted_bugs::{PlantedBugs, planted};
use crate::ports::{DirectoryObject, Name};

/// Where the values of an attribute come from. The number is an index into the selection of
/// properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// One text.
    Text(usize),
    /// A set of texts.
    Set(usize),
    /// The proxy addresses, merged with those of AD.
    Addresses(usize),
    /// The number that stands for the mailbox's type.
    TypeDetails,
    /// The number that address lists go by.
    DisplayType,
}

/// One attribute and its source.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// The attribute.
    pub attribute: &'static Attribute,
    /// Its source.
    pub source: Source,
}

/// The mapping of one configuration. Rule `i` writes attribute `i`.
#[derive(Debug, Clone)]
pub struct MappingPlan {
    properties: Vec<Name>,
    attributes: Vec<Name>,
    rules: Vec<Rule>,
    switches: Switches,
    scope: Filter,
    /// The attributes, then what the scope is told by.
    read: Vec<Name>,
    pub(super) bugs: PlantedBugs,
}

impl MappingPlan {
    /// The plan of a configuration.
    #[must_use]
    pub fn new(configuration: &JobConfiguration, bugs: PlantedBugs) -> Self {
        let mut plan = Self {
            properties: Vec::new(),
            attributes: Vec::new(),
            rules: Vec::new(),
            switches: configuration.switches.clone(),
            scope: configuration.scope.clone(),
            read: Vec::new(),
            bugs,
        };
        for attribute in &CONTRACT {
            let mapped = attribute.is_default_for(configuration.created_on)
                && (configuration.switches.mail_mapped || attribute.ldap_name != MAIL);
            if mapped {
                let source = plan.source_of(attribute);
                plan.attributes.push(Name::Borrowed(attribute.ldap_name));
                plan.rules.push(Rule { attribute, source });
            }
        }
        if planted!(bugs, SwappedAttributes) {
            let first = plan.rules[0].source;
            plan.rules[0].source = plan.rules[1].source;
            plan.rules[1].source = first;
        }
        plan.read = [plan.attributes.as_slice(), &plan.scope.attributes()].concat();
        plan
    }

    /// What to ask of Exchange Online for each mailbox, in this order.
    #[must_use]
    pub fn properties(&self) -> &[Name] {
        &self.properties
    }

    /// What is written to AD, in this order.
    #[must_use]
    pub fn attributes(&self) -> &[Name] {
        &self.attributes
    }

    /// What to ask of AD for each object: [`attributes`](Self::attributes), then what the scoping
    /// filter goes by.
    #[must_use]
    pub fn read(&self) -> &[Name] {
        &self.read
    }

    /// Whether the scoping filter covers an object that was read with [`read`](Self::read).
    #[must_use]
    pub fn covers(&self, object: &DirectoryObject) -> bool {
        self.scope.covers(object, self.attributes.len())
    }

    /// The rules, in the order of [`attributes`](Self::attributes).
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The switches that govern it.
    #[must_use]
    pub const fn switches(&self) -> &Switches {
        &self.switches
    }

    /// Tells one mapping from another: a watermark stands for the mapping it was reached with.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let switches = &self.switches;
        let flags = [
            match switches.proxy_mode {
                ProxyMode::ReplaceSmtp => 0,
                ProxyMode::ReplaceAll => 1,
                ProxyMode::Merge => 2,
            },
            u8::from(switches.write_onmicrosoft),
            u8::from(switches.null_flow),
            u8::from(switches.null_flow_multi),
            u8::from(switches.recipient_type_mode == RecipientTypeMode::Raw),
        ];
        let mapping = self.attributes.iter().fold(digest::of_value(&flags), |state, name| {
            digest::chain(state, digest::of_value(name.as_bytes()))
        });
        if self.scope.is_open() {
            return mapping;
        }
        digest::chain(mapping, digest::of_value(format!("{:?}", self.scope).as_bytes()))
    }

    fn source_of(&mut self, attribute: &'static Attribute) -> Source {
        match attribute.ldap_name {
            RECIPIENT_TYPE_DETAILS => return Source::TypeDetails,
            RECIPIENT_DISPLAY_TYPE => return Source::DisplayType,
            _ => {}
        }
        let index = self.properties.len();
        self.properties.push(Name::Borrowed(attribute.property));
        match attribute.shape {
            Shape::Single => Source::Text(index),
            Shape::Multi if attribute.property == EMAIL_ADDRESSES => Source::Addresses(index),
            Shape::Multi => Source::Set(index),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attributes::GENERAL_AVAILABILITY;
    use crate::test_world::configuration;
    use crate::time::Timestamp;

    #[test]
    fn properties_and_attributes_are_aligned_with_the_rules() {
        let plan = MappingPlan::new(&configuration(), PlantedBugs::none());
        assert_eq!((plan.properties().len(), plan.attributes().len()), (22, 24));
        for (rule, name) in plan.rules().iter().zip(plan.attributes()) {
            assert_eq!(rule.attribute.ldap_name, name);
            if let Source::Text(index) | Source::Set(index) | Source::Addresses(index) = rule.source
            {
                assert_eq!(plan.properties()[index], rule.attribute.property);
            }
        }
    }

    #[test]
    fn mail_is_left_out_of_older_configurations_and_by_switch() {
        let mut older = configuration();
        older.created_on = Timestamp::from_micros(GENERAL_AVAILABILITY.as_micros() - 1);
        let older = MappingPlan::new(&older, PlantedBugs::none());
        assert_eq!(older.attributes().len(), 23);
        assert!(!older.properties().iter().any(|name| name == "WindowsEmailAddress"));
        let mut without = configuration();
        without.switches.mail_mapped = false;
        let without = MappingPlan::new(&without, PlantedBugs::none());
        assert_eq!(without.fingerprint(), older.fingerprint());
        let full = MappingPlan::new(&configuration(), PlantedBugs::none());
        assert_ne!(full.fingerprint(), older.fingerprint());
    }
}

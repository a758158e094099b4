//! The mapping plan: which cloud property feeds which AD attribute, laid out by index.
//!
//! It is built once for a configuration. From then on nothing is looked up by name: the properties
//! asked of Exchange Online, the attributes asked of AD and the rules all lie in fixed order.

use super::digest;
use super::scope::Filter;
use crate::attributes::{
    Attribute, CONTRACT, EMAIL_ADDRESSES, MAIL, PROXY_ADDRESSES, RECIPIENT_DISPLAY_TYPE,
    RECIPIENT_TYPE_DETAILS, Shape,
};
use crate::job::{JobConfiguration, LimitAction, ProxyMode, RecipientTypeMode, Switches};
use crate::journal::rows::Versions;
use crate::planted_bugs::{PlantedBugs, planted};
use crate::ports::{DirectoryObject, Mailbox, Name};
use crate::schema::expression::Expression;
use crate::schema::{Flow, FlowSource, Mapping, canonical};

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
    /// A text that is computed; the number is an index into the plan's expressions.
    Computed(usize),
}

/// An expression with places for its references, and what flows when it is null.
#[derive(Debug, Clone)]
pub(super) struct Computation {
    pub(super) expression: Expression<usize>,
    pub(super) default: Option<String>,
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
    computations: Vec<Computation>,
    switches: Switches,
    /// As the schema chose it.
    mapping: Option<Mapping>,
    scope: Filter,
    /// The attributes, then what the scope is told by.
    read: Vec<Name>,
    /// The column of `objectClass`.
    class: usize,
    /// The column of `userAccountControl`, where it matters.
    account_control: Option<usize>,
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
            computations: Vec::new(),
            switches: configuration.switches.clone(),
            mapping: configuration.mapping.clone(),
            scope: configuration.scope.clone(),
            read: Vec::new(),
            class: 0,
            account_control: None,
            bugs,
        };
        match &configuration.mapping {
            Some(mapping) => mapping.flows().iter().for_each(|flow| plan.take(flow)),
            None => plan.take_defaults(configuration),
        }
        if planted!(bugs, SwappedAttributes) && plan.rules.len() > 1 {
            let first = plan.rules[0].source;
            plan.rules[0].source = plan.rules[1].source;
            plan.rules[1].source = first;
        }
        plan.read = [plan.attributes.as_slice(), &plan.scope.attributes()].concat();
        plan.class = plan.read.len();
        plan.read.push(Name::Borrowed("objectClass"));
        if !plan.switches.write_disabled {
            plan.account_control = Some(plan.read.len());
            plan.read.push(Name::Borrowed("userAccountControl"));
        }
        plan
    }

    fn take_defaults(&mut self, configuration: &JobConfiguration) {
        for attribute in &CONTRACT {
            let mapped = attribute.is_default_for(configuration.created_on)
                && (configuration.switches.mail_mapped || attribute.ldap_name != MAIL);
            if mapped {
                let source = self.source_of(attribute);
                self.push(attribute, source);
            }
        }
    }

    fn take(&mut self, flow: &Flow) {
        let attribute = flow.attribute;
        let source = match &flow.source {
            FlowSource::RecipientType if attribute.ldap_name == RECIPIENT_TYPE_DETAILS => {
                Source::TypeDetails
            }
            FlowSource::RecipientType => Source::DisplayType,
            FlowSource::Direct(property) => {
                let index = self.place(property);
                self.source_from(attribute, property, index)
            }
            FlowSource::Computed(expression, default) => {
                let expression = expression.bind(&mut |name| self.place(canonical(name)));
                self.computations.push(Computation { expression, default: default.clone() });
                Source::Computed(self.computations.len() - 1)
            }
        };
        self.push(attribute, source);
    }

    fn push(&mut self, attribute: &'static Attribute, source: Source) {
        self.attributes.push(Name::Borrowed(attribute.ldap_name));
        self.rules.push(Rule { attribute, source });
    }

    /// The place of a property in the selection.
    fn place(&mut self, property: &'static str) -> usize {
        let known = self.properties.iter().position(|known| known == property);
        known.unwrap_or_else(|| {
            self.properties.push(Name::Borrowed(property));
            self.properties.len() - 1
        })
    }

    /// Which version of a mailbox feeds each attribute, in the order of the rules.
    #[must_use]
    pub fn versions(&self, mailbox: &Mailbox) -> Versions {
        let column =
            |index: usize| digest::of_set(mailbox.values.column(index).iter().map(str::as_bytes));
        let of = self.rules.iter().map(|rule| match rule.source {
            Source::Text(index) | Source::Set(index) | Source::Addresses(index) => column(index),
            Source::TypeDetails | Source::DisplayType => {
                digest::of_value(mailbox.recipient_type_details.as_bytes())
            }
            Source::Computed(index) => {
                let mut state = 0;
                if let Some(computation) = self.computations.get(index) {
                    computation.expression.places(&mut |place| {
                        state = digest::chain(state, column(place));
                    });
                }
                state
            }
        });
        Versions { mapping: self.fingerprint(), of: of.collect() }
    }

    /// The computations, by [`Source::Computed`].
    pub(super) fn computations(&self) -> &[Computation] {
        &self.computations
    }

    /// Whether an object that was read with [`read`](Self::read) is a disabled account that this job
    /// leaves alone (switch `disabled_accounts`). `ACCOUNTDISABLE` is bit 2 ([MS-ADTS] 2.2.16).
    #[must_use]
    pub fn leaves_disabled(&self, object: &DirectoryObject) -> bool {
        self.account_control.is_some_and(|column| {
            let flags = object.values.column(column).first();
            let flags =
                flags.and_then(|bytes| core::str::from_utf8(bytes).ok()?.parse::<i64>().ok());
            flags.is_some_and(|flags| flags & 2 != 0)
        })
    }

    /// The class of an object that was read with [`read`](Self::read), where this job leaves it alone (switch
    /// `classes`): its most specific one; nothing of an object that shows none. An `inetOrgPerson` is a `user`
    /// too ([MS-ADSC], class inetOrgPerson: subClassOf user).
    #[must_use]
    pub fn leaves_class<'o>(&self, object: &'o DirectoryObject) -> Option<&'o [u8]> {
        let classes = object.values.column(self.class);
        let of =
            |name: &str| classes.iter().find(|class| class.eq_ignore_ascii_case(name.as_bytes()));
        let person = of("inetOrgPerson");
        match (of("user"), person) {
            (Some(_), None) => None,
            (Some(_), Some(_)) if self.switches.inet_org_person => None,
            (_, Some(person)) => Some(person),
            // In which order a server shows them is its own affair, and whatever is no user is none.
            (None, None) => {
                let general = |class: &&[u8]| {
                    let known = ["top", "person", "organizationalPerson"];
                    !known.iter().any(|name| class.eq_ignore_ascii_case(name.as_bytes()))
                };
                Some(classes.iter().find(general).unwrap_or_default())
            }
        }
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

    /// What to ask of AD for each object: [`attributes`](Self::attributes), then what it is told by whether
    /// the object is left alone.
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
        let mapping = match &self.mapping {
            Some(chosen) => {
                digest::chain(mapping, digest::of_value(format!("{chosen:?}").as_bytes()))
            }
            None => mapping,
        };
        let mapping = if switches.write_disabled { mapping } else { digest::chain(mapping, 1) };
        let as_rooms = switches.cloud_only_types_as_rooms;
        let mapping = if as_rooms { digest::chain(mapping, 2) } else { mapping };
        let persons = switches.inet_org_person;
        let mapping = if persons { digest::chain(mapping, 3) } else { mapping };
        let mapping = if switches.write_x500 { mapping } else { digest::chain(mapping, 4) };
        let mapping = if switches.write_sip { digest::chain(mapping, 5) } else { mapping };
        let refuses = switches.limit_action == LimitAction::Refuse;
        let limited = digest::chain(digest::chain(mapping, 6), switches.mailbox_limit);
        let mapping = if refuses { limited } else { mapping };
        if self.scope.is_open() {
            return mapping;
        }
        digest::chain(mapping, digest::of_value(format!("{:?}", self.scope).as_bytes()))
    }

    fn source_of(&mut self, attribute: &'static Attribute) -> Source {
        match attribute.ldap_name {
            RECIPIENT_TYPE_DETAILS => Source::TypeDetails,
            RECIPIENT_DISPLAY_TYPE => Source::DisplayType,
            _ => {
                let index = self.place(attribute.property);
                self.source_from(attribute, attribute.property, index)
            }
        }
    }

    fn source_from(&self, attribute: &Attribute, property: &str, index: usize) -> Source {
        match attribute.shape {
            Shape::Single => Source::Text(index),
            Shape::Multi
                if property == EMAIL_ADDRESSES && attribute.ldap_name == PROXY_ADDRESSES =>
            {
                Source::Addresses(index)
            }
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

    /// Every switch that decides what is written, and for whom, makes another mapping of the same
    /// attributes: what was left alone under the former one is looked at again.
    #[test]
    fn switches_that_decide_what_is_written_are_told_apart() {
        let with = |change: fn(&mut Switches)| {
            let mut job = configuration();
            change(&mut job.switches);
            MappingPlan::new(&job, PlantedBugs::none()).fingerprint()
        };
        let mut all = vec![
            with(|_| {}),
            with(|switches| switches.proxy_mode = ProxyMode::Merge),
            with(|switches| switches.proxy_mode = ProxyMode::ReplaceAll),
            with(|switches| switches.write_onmicrosoft = false),
            with(|switches| switches.write_x500 = false),
            with(|switches| switches.write_sip = true),
            with(|switches| switches.null_flow = true),
            with(|switches| switches.null_flow_multi = true),
            with(|switches| switches.recipient_type_mode = RecipientTypeMode::Raw),
            with(|switches| switches.cloud_only_types_as_rooms = true),
            with(|switches| switches.write_disabled = false),
            with(|switches| switches.inet_org_person = true),
            with(|switches| switches.limit_action = LimitAction::Refuse),
            with(|switches| {
                switches.limit_action = LimitAction::Refuse;
                switches.mailbox_limit = 7;
            }),
            with(|switches| switches.mail_mapped = false),
        ];
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}

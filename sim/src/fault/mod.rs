//! Faults: rules that decide the fate of an operation at a place.
//!
//! The first rule that does not pass wins, in the order in which they were installed. Each counts
//! its hits; a fault that was never hit proves nothing.

use core::fmt;
use core::time::Duration;

use crate::clock::VirtualTime;
use crate::throttle::{CMDLETS, OF_GRAPH_CALLS};

/// The operation that asks for a further page of a listing of mailboxes, with the token of the one before.
pub const FURTHER_PAGE: &str = "exchange.mailboxes_changed.next";

/// Where an operation is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A provisioning agent's gateway, by name.
    Agent(String),
    /// Whichever agent it is.
    AnyAgent,
    /// Whichever domain controller it is.
    AnyDomainController,
    /// Exchange Online as well as Microsoft Graph.
    Cloud,
    /// A domain controller, by name.
    DomainController(String),
    /// The Exchange Online admin API.
    ExchangeOnline,
    /// Microsoft Graph.
    Graph,
    /// The identity platform.
    Identity,
    /// A budget of a cloud service ([`crate::throttle::BUDGETS`]), wherever something costs some of it.
    Budget(&'static str),
    /// Between the tenant's directory and Exchange Online, which tell each other what changed.
    ForwardSync,
    /// The engine's own process; operations are its port calls.
    Engine,
    /// The engine's state store.
    StateStore,
}

impl Place {
    /// Whether an operation at `place` is one here.
    fn covers(&self, place: &Self) -> bool {
        match self {
            Self::AnyAgent => matches!(place, Self::Agent(_)),
            Self::AnyDomainController => matches!(place, Self::DomainController(_)),
            Self::Cloud => matches!(place, Self::ExchangeOnline | Self::Graph),
            _ => self == place,
        }
    }

    /// Whether an operation here is one of the engine's, so that what a fault does to it must come back to
    /// the engine. A process that ends notices nothing more.
    fn answers_the_engine(&self) -> bool {
        match self {
            Self::Budget(name) => *name == CMDLETS || OF_GRAPH_CALLS.contains(name),
            Self::Agent(_)
            | Self::AnyAgent
            | Self::AnyDomainController
            | Self::Cloud
            | Self::DomainController(_)
            | Self::ExchangeOnline
            | Self::Graph
            | Self::Identity
            | Self::StateStore => true,
            Self::Engine | Self::ForwardSync => false,
        }
    }
}

/// As reports name it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent(name) | Self::DomainController(name) => f.write_str(name),
            Self::AnyAgent => f.write_str("any agent"),
            Self::AnyDomainController => f.write_str("any domain controller"),
            Self::Cloud => f.write_str("the cloud"),
            Self::ExchangeOnline => f.write_str("Exchange Online"),
            Self::Graph => f.write_str("Microsoft Graph"),
            Self::Identity => f.write_str("the identity platform"),
            Self::Budget(name) => write!(f, "the budget {name}"),
            Self::ForwardSync => f.write_str("between Entra and Exchange Online"),
            Self::Engine => f.write_str("engine"),
            Self::StateStore => f.write_str("state store"),
        }
    }
}

/// Which operations at the place a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operations {
    /// All of them.
    Any,
    /// Those with this name (`modify`, `search`, `directory.modify`), or of this kind: `modify` is
    /// `modify.exchange` too.
    Named(String),
}

/// How the names of operations between domain controllers begin.
pub const REPLICATION: &str = "replication.";

/// What happens to the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nobody is there: the connection is refused.
    Refuse,
    /// The connection breaks before the operation was done.
    LoseBefore,
    /// The operation is done, and the connection breaks before the answer.
    LoseAfter,
    /// The directory answers with this LDAP result code instead of doing it.
    LdapResult(u32),
    /// The operation takes this much longer.
    Delay(Duration),
    /// The operation is delivered a second time, after its answer went out.
    Twice,
    /// An HTTP service answers with this status instead of doing it; seconds of `Retry-After`.
    Http {
        /// The status.
        status: u16,
        /// `Retry-After`, in seconds.
        retry_after: Option<u32>,
    },
    /// An HTTP service answers 429 in the words of a budget instead of doing it; seconds of `Retry-After`.
    UsedUp {
        /// The budget's name.
        budget: &'static str,
        /// `Retry-After`, in seconds.
        retry_after: Option<u32>,
    },
    /// An HTTP service does not answer in time: a gateway before it does (504), after this long.
    TimeOut {
        /// After how long.
        after: Duration,
        /// Whether the service has done what was asked, all the same.
        done: bool,
    },
    /// The identity platform gives no token: the certificate of the client has expired.
    NoToken,
    /// The operation is done, and the answer's body ends in the middle.
    Truncate,
    /// The token for the next page is not known any more.
    ExpirePage,
    /// The operation is held back this long and done then; its connection breaks at once.
    Late(Duration),
    /// The schema lacks the attributes of Exchange.
    LackSchema,
    /// The state store holds what it never wrote.
    Damage,
    /// The engine's process ends before the call.
    HaltBefore,
    /// The engine's process ends after the call, before it sees the answer.
    HaltAfter,
}

/// A rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The fault's name in scenario files.
    pub name: &'static str,
    /// Where.
    pub place: Place,
    /// What.
    pub operations: Operations,
    /// The effect.
    pub effect: Effect,
    /// Matching operations that pass first.
    pub skip: u32,
    /// Operations it may still hit; `None` for any number.
    pub left: Option<u32>,
    /// In force from here.
    pub from: VirtualTime,
    /// In force until here, exclusive; `None` for ever.
    pub until: Option<VirtualTime>,
    /// How often it did something.
    pub hits: u32,
    /// Operations that were its own too, and that another rule decided first.
    pub overtaken: u32,
    /// Who got to know what it did, and how often.
    pub felt: Felt,
}

/// Who got to know what a rule did, and how often each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Felt {
    /// The engine: an answer came back to it that the rule had a part in.
    pub by_engine: u32,
    /// Inbound synchronization: it found nobody, or reads where it should have.
    pub by_synchronization: u32,
    /// People, in what they did.
    pub by_people: u32,
}

/// Who meets a rule without a port call of the engine, and notices it at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visitor {
    /// Inbound synchronization.
    Synchronization,
    /// Somebody with a tool or a script.
    Person,
}

impl Felt {
    const fn note(&mut self, visitor: Visitor) {
        match visitor {
            Visitor::Synchronization => self.by_synchronization += 1,
            Visitor::Person => self.by_people += 1,
        }
    }
}

impl Rule {
    /// Whether it is in force at `now` and has hits left.
    #[must_use]
    pub fn is_active(&self, now: VirtualTime) -> bool {
        self.from <= now && self.until.is_none_or(|end| now < end) && self.left != Some(0)
    }

    /// Whether it did something of which no machine ever heard, and one should have: neither the engine nor
    /// inbound synchronization.
    #[must_use]
    pub fn is_unfelt(&self) -> bool {
        let felt = self.felt.by_engine + self.felt.by_synchronization;
        self.hits > 0 && felt == 0 && self.place.answers_the_engine() && !self.is_between_dcs()
    }

    /// Whether it is about what domain controllers do among themselves, of which the engine has no answer.
    #[must_use]
    pub fn is_between_dcs(&self) -> bool {
        matches!(&self.operations, Operations::Named(name) if name.starts_with(REPLICATION))
    }

    /// Whether it kept changes from travelling between domain controllers: it stopped or slowed
    /// replication, or one of them was down, which replication waits out without a hit.
    #[must_use]
    pub fn held_replication_back(&self) -> bool {
        let of_controllers =
            matches!(self.place, Place::DomainController(_) | Place::AnyDomainController);
        let down = self.effect == Effect::Refuse && self.operations == Operations::Any;
        (self.hits > 0 && self.is_between_dcs()) || (of_controllers && down)
    }

    fn is_about(&self, place: &Place, operation: &str) -> bool {
        self.place.covers(place)
            && match &self.operations {
                Operations::Any => true,
                Operations::Named(name) => operation
                    .strip_prefix(name.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.')),
            }
    }
}

/// The rules of an estate. Ended ones stay, with their hits.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    rules: Vec<Rule>,
    /// The rules that struck since the engine's last port call began.
    struck: Vec<usize>,
}

impl Faults {
    /// Installs a rule and returns its number.
    pub fn install(&mut self, rule: Rule) -> u32 {
        self.rules.push(rule);
        u32::try_from(self.rules.len() - 1).unwrap_or(u32::MAX)
    }

    /// Ends a rule now. False when there is no such rule.
    pub fn end(&mut self, number: u32, now: VirtualTime) -> bool {
        let Some(rule) = self.rules.get_mut(number as usize) else { return false };
        rule.until = Some(rule.until.map_or(now, |end| end.min(now)));
        true
    }

    /// Ends every rule now: the estate heals.
    pub fn end_all(&mut self, now: VirtualTime) {
        for number in 0..self.rules.len() {
            let _ = self.end(u32::try_from(number).unwrap_or(u32::MAX), now);
        }
    }

    /// All rules ever installed, by number.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The fate of one operation: the number and effect of the first rule that does not pass.
    /// Counts the hit.
    pub fn meet(
        &mut self,
        now: VirtualTime,
        place: &Place,
        operation: &str,
    ) -> Option<(u32, Effect)> {
        let mut met = None;
        for (number, rule) in self.rules.iter_mut().enumerate() {
            if !rule.is_active(now) || !rule.is_about(place, operation) {
                continue;
            }
            if met.is_some() {
                rule.overtaken += 1;
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            rule.hits += 1;
            self.struck.push(number);
            rule.left = rule.left.map(|left| left - 1);
            met = Some((u32::try_from(number).unwrap_or(u32::MAX), rule.effect));
        }
        met
    }

    /// Whether a rule uses a budget up.
    #[must_use]
    pub fn has_budgets(&self) -> bool {
        self.rules.iter().any(|rule| matches!(rule.place, Place::Budget(_)))
    }

    /// The first rule in force by which a budget is used up, for somebody who is not the engine and notices
    /// it at once; with its `Retry-After`. Counts the hit.
    pub fn meet_budget(&mut self, now: VirtualTime, name: &str) -> Option<(u32, Option<u32>)> {
        let is_met = |rule: &Rule| {
            matches!(rule.place, Place::Budget(own) if own == name)
                && rule.is_active(now)
                && rule.skip == 0
        };
        let number = self.rules.iter().position(is_met)?;
        let rule = self.rules.get_mut(number)?;
        rule.hits += 1;
        rule.felt.note(Visitor::Person);
        rule.left = rule.left.map(|left| left - 1);
        let Effect::UsedUp { retry_after, .. } = rule.effect else { return None };
        u32::try_from(number).ok().map(|number| (number, retry_after))
    }

    /// The first rule in force by which nobody is at a place at all, for somebody who is not the engine and
    /// notices it at once. Counts the hit.
    pub fn meet_absence(
        &mut self,
        now: VirtualTime,
        place: &Place,
        visitor: Visitor,
    ) -> Option<u32> {
        let is_met = |rule: &Rule| {
            rule.effect == Effect::Refuse
                && rule.operations == Operations::Any
                && rule.is_active(now)
                && rule.skip == 0
                && rule.place.covers(place)
        };
        let number = self.rules.iter().position(is_met)?;
        let rule = self.rules.get_mut(number)?;
        rule.hits += 1;
        rule.felt.note(visitor);
        rule.left = rule.left.map(|left| left - 1);
        u32::try_from(number).ok()
    }

    /// A port call of the engine begins: what struck before it concerned somebody else.
    pub fn call_begins(&mut self) {
        self.struck.clear();
    }

    /// The engine has the answer of its port call: it knows what struck meanwhile.
    pub fn call_answered(&mut self) {
        for number in self.struck.drain(..) {
            if let Some(rule) = self.rules.get_mut(number) {
                rule.felt.by_engine += 1;
            }
        }
    }

    /// When the rules that are in force at a place end; `None` when there is none in force.
    #[must_use]
    pub fn in_force_until(&self, now: VirtualTime, place: &Place) -> Option<VirtualTime> {
        let active = self.rules.iter().filter(|rule| rule.is_active(now) && rule.place == *place);
        active.filter_map(|rule| rule.until).max()
    }

    /// The first rule that would not let an operation pass now, without counting a hit.
    #[must_use]
    pub fn first_at(&self, now: VirtualTime, place: &Place, operation: &str) -> Option<&Rule> {
        let mut rules = self.rules.iter();
        rules.find(|rule| rule.is_active(now) && rule.skip == 0 && rule.is_about(place, operation))
    }

    /// The first rule in force by which nobody gets a token. Counts the hit.
    pub fn meet_missing_token(&mut self, now: VirtualTime) -> Option<u32> {
        let is_met = |rule: &Rule| {
            rule.effect == Effect::NoToken
                && rule.operations == Operations::Any
                && rule.is_active(now)
                && rule.skip == 0
        };
        let number = self.rules.iter().position(is_met)?;
        let rule = self.rules.get_mut(number)?;
        rule.hits += 1;
        rule.left = rule.left.map(|left| left - 1);
        u32::try_from(number).ok()
    }

    /// Whether an operation would be refused now, without counting a hit (a heartbeat is none), and
    /// since when.
    #[must_use]
    pub fn refused_since(&self, now: VirtualTime, place: &Place) -> Option<VirtualTime> {
        self.rules
            .iter()
            .filter(|r| r.is_active(now) && r.place == *place && r.effect == Effect::Refuse)
            .map(|rule| rule.from)
            .min()
    }
}

/// A window from now on, or none.
#[must_use]
pub fn until(now: VirtualTime, length: Option<Duration>) -> Option<VirtualTime> {
    length.map(|length| now + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy(skip: u32, left: Option<u32>) -> Rule {
        Rule {
            name: "dc_busy",
            place: Place::DomainController("DC1".to_owned()),
            operations: Operations::Named("modify".to_owned()),
            effect: Effect::LdapResult(51),
            skip,
            left,
            from: VirtualTime::from_micros(10),
            until: Some(VirtualTime::from_micros(20)),
            hits: 0,
            overtaken: 0,
            felt: Felt::default(),
        }
    }

    #[test]
    fn a_rule_acts_in_its_window_on_its_operation_only() {
        let mut faults = Faults::default();
        faults.install(busy(1, Some(1)));
        let dc = Place::DomainController("DC1".to_owned());
        let at = VirtualTime::from_micros;
        assert_eq!(faults.meet(at(9), &dc, "modify"), None, "not yet");
        assert_eq!(faults.meet(at(10), &dc, "search"), None, "another operation");
        assert_eq!(faults.meet(at(10), &Place::Graph, "modify"), None, "another place");
        assert_eq!(faults.meet(at(11), &dc, "modify"), None, "the first passes");
        assert_eq!(faults.meet(at(12), &dc, "modify"), Some((0, Effect::LdapResult(51))));
        assert_eq!(faults.meet(at(13), &dc, "modify"), None, "no hits left");
        assert_eq!(faults.rules()[0].hits, 1);
    }

    #[test]
    fn who_met_a_rule_is_told_apart() {
        let mut faults = Faults::default();
        let down = Rule { effect: Effect::Refuse, operations: Operations::Any, ..busy(0, None) };
        faults.install(down);
        let dc = Place::DomainController("DC1".to_owned());
        let now = VirtualTime::from_micros(12);
        faults.meet_absence(now, &dc, Visitor::Person);
        assert!(faults.rules()[0].is_unfelt(), "a person is no machine");
        assert_eq!(faults.rules()[0].felt.by_people, 1);
        faults.meet_absence(now, &dc, Visitor::Synchronization);
        assert!(!faults.rules()[0].is_unfelt());
    }

    #[test]
    fn only_what_strikes_within_a_port_call_is_felt() {
        let mut faults = Faults::default();
        faults.install(busy(0, None));
        let dc = Place::DomainController("DC1".to_owned());
        let now = VirtualTime::from_micros(12);
        assert!(!faults.rules()[0].is_unfelt(), "it was not even met");
        faults.meet(now, &dc, "modify");
        faults.call_begins();
        faults.call_answered();
        assert!(faults.rules()[0].is_unfelt(), "somebody else met it");
        faults.meet(now, &dc, "modify.exchange");
        assert!(faults.rules()[0].is_unfelt(), "no answer came back");
        faults.call_answered();
        let rule = &faults.rules()[0];
        assert_eq!((rule.hits, rule.felt), (2, Felt { by_engine: 1, ..Felt::default() }));
    }
}

//! Which domain controller somebody reaches who comes without an agent: people with their tools, scripts, and
//! inbound synchronization.
//!
//! Sources: Microsoft Learn, "Domain controller location process in Windows" (who names none gets another one
//! of the domain); the texts of the ActiveDirectory module, of `ldifde` and of the Exchange cmdlets.

use super::Estate;
use super::people::PersonError;
use crate::agents::Agent;
use crate::directory::forests::{AdObject, DcKey};
use crate::fault::{Effect, Place, Visitor};
use crate::marks::Mark;
use crate::powershell::CmdletCall;

impl Estate {
    /// Whether a person finds a domain controller that does not answer at all. Counts the hit of the fault
    /// that it is.
    pub(super) fn finds_down(&mut self, dc: DcKey) -> bool {
        self.is_found_down(dc, Visitor::Person)
    }

    /// [`Self::finds_down`] for inbound synchronization.
    pub(super) fn connector_finds_down(&mut self, dc: DcKey) -> bool {
        self.is_found_down(dc, Visitor::Synchronization)
    }

    /// Cloud Sync comes through the first agent that is there: each before it is found absent. Counts the hits of
    /// the faults that they are.
    pub(super) fn find_agents_absent(&mut self) {
        if self.faults.rules().is_empty() {
            return;
        }
        let places: Vec<Place> = self.agents.iter().map(Agent::place).collect();
        for place in places {
            if self.faults.refused_since(self.now, &place).is_none() {
                return;
            }
            let visitor = Visitor::Synchronization;
            if let Some(rule) = self.faults.meet_absence(self.now, &place, visitor) {
                Mark::of_fault(Effect::Refuse).reach();
                self.note_hit(rule, &place);
            }
        }
    }

    fn is_found_down(&mut self, dc: DcKey, visitor: Visitor) -> bool {
        if self.faults.rules().is_empty() {
            return false;
        }
        let place = Place::DomainController(self.dc_name(dc));
        let Some(rule) = self.faults.meet_absence(self.now, &place, visitor) else { return false };
        Mark::of_fault(Effect::Refuse).reach();
        self.note_hit(rule, &place);
        true
    }

    /// This domain controller, or the next one of its domain that answers and takes writes.
    pub(super) fn alive(&mut self, dc: DcKey) -> Option<DcKey> {
        if !self.finds_down(dc) {
            return Some(dc);
        }
        let forest = self.forests.get(dc.forest)?;
        let domain = forest.dc(dc.dc)?.domain;
        let others: Vec<DcKey> = forest
            .dcs()
            .iter()
            .filter(|other| other.domain == domain && other.number != dc.dc && !other.read_only)
            .map(|other| DcKey { forest: dc.forest, dc: other.number })
            .collect();
        others.into_iter().find(|other| !self.finds_down(*other))
    }

    /// The object as the domain controller holds it that a cmdlet reaches: the one that it names, or one of
    /// the object's domain.
    pub(super) fn reached(
        &mut self,
        call: &CmdletCall,
        object: Option<AdObject>,
        server: Option<DcKey>,
    ) -> Result<(Option<AdObject>, Option<DcKey>), PersonError> {
        match (server, object) {
            (Some(named), _) if self.finds_down(named) => Err(self.server_down(Some(call), named)),
            (None, Some(object)) => {
                let home = object.at();
                match self.alive(home) {
                    Some(at) if at == home => Ok((Some(object), None)),
                    Some(at) => Ok((Some(self.on_server(object, at)?), Some(at))),
                    None => Err(self.server_down(Some(call), home)),
                }
            }
            _ => Ok((object, server)),
        }
    }

    /// What a tool says when nobody answers: a cmdlet of the ActiveDirectory module, one of Exchange, or a
    /// client of LDAP.
    pub(super) fn server_down(&self, call: Option<&CmdletCall>, dc: DcKey) -> PersonError {
        let host = self.dc_name(dc);
        let noun = call.and_then(|call| call.name.split_once('-')).map(|(_, noun)| noun);
        PersonError::ServerDown(match noun {
            Some(noun) if noun.get(..2).is_some_and(|head| head.eq_ignore_ascii_case("AD")) => {
                "Unable to contact the server. This may be because this server does not exist, it is \
                 currently down, or it does not have the Active Directory Web Services running."
                    .to_owned()
            }
            Some(_) => format!(
                "An Active Directory error 0x51 occurred when trying to check the suitability of server \
                 '{host}'. Error: 'Active directory response: The LDAP server is unavailable.'"
            ),
            None => format!("{host}: Can't contact LDAP server (81)"),
        })
    }
}

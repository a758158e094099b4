//! Carries out a request: reads its controls, then hands it to its operation.

use crate::clock::VirtualTime;
use crate::directory::answer::{LdapResult, Response, ResultCode, Written};
use crate::directory::controls::Controls;
use crate::directory::derived::{Look, View};
use crate::directory::diagnostic;
use crate::directory::entry::DcNumber;
use crate::directory::filter::compile;
use crate::directory::forest::Forest;
use crate::directory::modify::Writer;
use crate::directory::principal::Principal;
use crate::directory::request::{
    CompareRequest, Control, ControlValue, Filter, Operation, Request,
};
use crate::directory::security::reading::Reading;
use crate::guid::Guid;

impl Forest {
    /// Carries out a request on a domain controller. `mint` gives the GUID of a new object. The second
    /// part tells what a successful write did: several writes for a deleted tree, none for a search.
    pub fn perform(
        &mut self,
        dc: DcNumber,
        principal: &Principal,
        now: VirtualTime,
        request: &Request,
        mint: &mut dyn FnMut() -> Guid,
    ) -> (Response, Vec<Written>) {
        let principal = &*self.admitted(principal);
        let (mut response, written) = self.carry_out(dc, principal, now, request, mint);
        self.heuristics.hide(&mut response.result);
        (response, written)
    }

    fn carry_out(
        &mut self,
        dc: DcNumber,
        principal: &Principal,
        now: VirtualTime,
        request: &Request,
        mint: &mut dyn FnMut() -> Guid,
    ) -> (Response, Vec<Written>) {
        let asked = match Controls::read(&request.controls) {
            Ok(asked) => asked,
            Err(refusal) => return (refusal.into(), Vec::new()),
        };
        let Controls { permissive, sight, force, .. } = asked;
        let writer = Writer { dc, principal, now, permissive, sight, force };
        if let Some(server) = asked.verified_by
            && !self.is_catalog(server)
        {
            let problem = diagnostic::ServiceProblem::Unavailable;
            let refusal = diagnostic::service(ResultCode::Unavailable, problem, 0x200F);
            return (refusal.into(), Vec::new());
        }
        let written = match &request.operation {
            Operation::Search(search) => {
                let response = self.search(dc, principal, now, search, &request.controls);
                return (response, Vec::new());
            }
            Operation::Compare(compare) => {
                let result = self.compare(dc, principal, compare);
                return (result.unwrap_or_else(|refusal| refusal).into(), Vec::new());
            }
            Operation::Modify(modify) if modify.object.is_root() => {
                let result = self.root_dse_operation(&writer, modify);
                return (result.unwrap_or_else(|refusal| refusal).into(), Vec::new());
            }
            Operation::Modify(modify) => self.modify_with(&writer, modify, asked.descriptor),
            Operation::Add(add) => {
                let guid = mint();
                self.add(&writer, add, guid).map(|written| vec![written])
            }
            Operation::Delete(delete) if asked.tree_delete => self.delete_tree(&writer, delete),
            Operation::Delete(delete) => self.delete(&writer, delete).map(|written| vec![written]),
            Operation::ModifyDn(rename) => {
                self.rename(&writer, rename).map(|written| vec![written])
            }
        };
        match written {
            Ok(written) => {
                let mut response = Response::from(LdapResult::success());
                if asked.update_statistics {
                    response.controls = self.statistics(dc, &written);
                }
                (response, written)
            }
            Err(refusal) => (refusal.into(), Vec::new()),
        }
    }

    /// What would refuse one of these requests, carried out in this order; `None` when nothing would. It
    /// is tried on a copy, and only several of which one writes need that: one alone is whole in itself.
    #[must_use]
    pub fn rehearse(
        &self,
        dc: DcNumber,
        principal: &Principal,
        now: VirtualTime,
        requests: &[&Request],
    ) -> Option<LdapResult> {
        let writes = |request: &&&Request| !matches!(request.operation, Operation::Search(_));
        if requests.len() < 2 || !requests.iter().any(|request| writes(&request)) {
            return None;
        }
        let mut copy = self.clone();
        let mut next = u128::MAX;
        let mut mint = || {
            next -= 1;
            Guid(next.to_be_bytes())
        };
        let mut results = requests
            .iter()
            .map(|request| copy.perform(dc, principal, now, request, &mut mint).0.result);
        results.find(|result| !result.is_success())
    }

    /// The sequence number of a write and the database that took it ([MS-ADTS] 3.1.1.3.4.1.30).
    fn statistics(&self, dc: DcNumber, written: &[Written]) -> Vec<Control> {
        let Some(controller) = self.dc(dc) else { return Vec::new() };
        let usn = written.iter().filter_map(|written| written.usn).max();
        let usn = usn.unwrap_or(controller.highest_usn);
        let values =
            [ControlValue::HighestUsn(usn), ControlValue::InvocationId(controller.invocation_id)];
        values.into_iter().map(|value| Control { critical: false, value }).collect()
    }

    /// Compares a value ([MS-ADTS] 3.1.1.3.1.4, RFC 4511 4.10). An attribute that the object or the
    /// schema lacks compares as false.
    ///
    /// # Errors
    /// The usual ones of a name.
    pub fn compare(
        &self,
        dc: DcNumber,
        principal: &Principal,
        request: &CompareRequest,
    ) -> Result<LdapResult, LdapResult> {
        if principal.is_anonymous() {
            return Err(diagnostic::not_bound());
        }
        let object = self.resolve(dc, &request.object)?;
        let controller = self.dc(dc).ok_or_else(|| diagnostic::no_such_object(""))?;
        let slot = controller.store.get(object).ok_or_else(|| diagnostic::no_such_object(""))?;
        let reading = Reading::of(principal);
        self.check_visible(controller, object, reading.as_ref())?;
        let look = Look { reading: reading.as_ref(), ..Look::default() };
        let view = View { look, ..View::new(self, controller, object, slot) };
        let filter = Filter::Equality(request.attribute.clone(), request.value.clone());
        let holds = compile(self, controller, &filter)?.holds(&view) == Some(true);
        let code = if holds { ResultCode::CompareTrue } else { ResultCode::CompareFalse };
        Ok(LdapResult::of(code, String::new()))
    }
}

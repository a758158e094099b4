//! Carries out a request: checks its controls, then hands it to its operation.

use crate::clock::VirtualTime;
use crate::directory::answer::{LdapResult, Response, ResultCode, Written};
use crate::directory::derived::View;
use crate::directory::diagnostic;
use crate::directory::entry::DcNumber;
use crate::directory::filter::compile;
use crate::directory::forest::Forest;
use crate::directory::modify::Writer;
use crate::directory::principal::Principal;
use crate::directory::request::{
    CompareRequest, Control, ControlValue, Filter, Operation, Request,
};
use crate::guid::Guid;

impl Forest {
    /// Carries out a request on a domain controller. `mint` gives the GUID of a new object. The second
    /// part tells what a successful write did.
    pub fn perform(
        &mut self,
        dc: DcNumber,
        principal: &Principal,
        now: VirtualTime,
        request: &Request,
        mint: &mut dyn FnMut() -> Guid,
    ) -> (Response, Option<Written>) {
        if let Err(refusal) = check_controls(&request.controls) {
            return (refusal.into(), None);
        }
        let permissive =
            request.controls.iter().any(|control| control.value == ControlValue::PermissiveModify);
        let writer = Writer { dc, principal, now, permissive };
        let written = match &request.operation {
            Operation::Search(search) => {
                return (self.search(dc, principal, now, search, &request.controls), None);
            }
            Operation::Compare(compare) => {
                let result = self.compare(dc, principal, compare);
                return (result.unwrap_or_else(|refusal| refusal).into(), None);
            }
            Operation::Modify(modify) => self.modify(&writer, modify),
            Operation::Add(add) => {
                let guid = mint();
                self.add(&writer, add, guid)
            }
            Operation::Delete(delete) => self.delete(&writer, delete),
            Operation::ModifyDn(rename) => self.rename(&writer, rename),
        };
        match written {
            Ok(written) => (LdapResult::success().into(), Some(written)),
            Err(refusal) => (refusal.into(), None),
        }
    }

    /// Compares a value ([MS-ADTS] 3.1.1.3.1.4, RFC 4511 4.10).
    ///
    /// # Errors
    /// 16 when the object lacks the attribute, and the usual ones.
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
        let attribute =
            self.attribute(&request.attribute).ok_or_else(diagnostic::unknown_attribute)?;
        let controller = self.dc(dc).ok_or_else(|| diagnostic::no_such_object(""))?;
        let slot = controller.store.get(object).ok_or_else(|| diagnostic::no_such_object(""))?;
        let view = View { forest: self, controller, object, slot };
        if !view.has(attribute) {
            let problem = diagnostic::AttributeProblem::NoAttributeOrValue;
            return Err(diagnostic::attribute(problem, 0x2076, attribute));
        }
        let filter = Filter::Equality(request.attribute.clone(), request.value.clone());
        let holds = compile(self, controller, &filter)?.holds(&view) == Some(true);
        let code = if holds { ResultCode::CompareTrue } else { ResultCode::CompareFalse };
        Ok(LdapResult::of(code, String::new()))
    }
}

/// A critical control that does not work here is refused; another one is ignored.
fn check_controls(controls: &[Control]) -> Result<(), LdapResult> {
    for control in controls {
        if control.critical && matches!(control.value, ControlValue::Other { .. }) {
            return Err(diagnostic::ldap(
                ResultCode::UnavailableCriticalExtension,
                0x57,
                "Error processing control",
            ));
        }
    }
    Ok(())
}

//! Names that only one account may have ([MS-ADTS] 3.1.1.5.1.3).

use crate::directory::answer::LdapResult;
use crate::directory::diagnostic::{self, AttributeProblem, UpdateProblem};
use crate::directory::entry::DcNumber;
use crate::directory::forest::Forest;
use crate::directory::request::ObjectNumber;
use crate::directory::schema::{Attribute, known};

impl Forest {
    /// Refuses a name that another account has.
    pub(super) fn check_unique(
        &self,
        dc: DcNumber,
        object: ObjectNumber,
        attribute: &Attribute,
        value: &[u8],
    ) -> Result<(), LdapResult> {
        match attribute.number {
            known::USER_PRINCIPAL_NAME | known::SERVICE_PRINCIPAL_NAME => {
                let principal_name = attribute.number == known::USER_PRINCIPAL_NAME;
                if !self.heuristics.checks_unique(principal_name) {
                    return Ok(());
                }
                // Unique in the forest: the asked domain controller, and one of each other domain.
                let own = self.dc(dc).map(|controller| controller.domain);
                let others = self.domains.iter().filter(|domain| Some(domain.number) != own);
                let others = others.filter_map(|domain| {
                    self.dcs.iter().find(|controller| controller.domain == domain.number)
                });
                let taken = self.dc(dc).into_iter().chain(others).any(|controller| {
                    let found = self.live_with_value(controller, attribute.number, value);
                    found.iter().any(|other| *other != object)
                });
                if taken {
                    let win32 = if principal_name { 0x21C8 } else { 0x21C7 };
                    let problem = AttributeProblem::Constraint;
                    return Err(diagnostic::attribute(problem, win32, attribute));
                }
            }
            known::SAM_ACCOUNT_NAME => {
                let controller = self.dc(dc);
                let found = controller.map(|dc| self.live_with_value(dc, attribute.number, value));
                if found.unwrap_or_default().iter().any(|other| *other != object) {
                    return Err(diagnostic::update(UpdateProblem::EntryExists, 0x0524));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

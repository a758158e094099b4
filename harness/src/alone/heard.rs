//! Why a call failed last: a wait that follows is told with its reason.

use std::cell::RefCell;
use std::rc::Rc;

use engine::ports::{
    Agent, AgentName, AnchorKey, CallError, Directory, DirectoryObject, Entra, ExchangeOnline,
    Mailbox, MailboxChange, MailboxId, MailboxPage, Modification, Name, ObjectGuid, Organization,
    PageToken, Row, SetOutcome, SyncConfiguration, User, WriteOutcome,
};
use engine::time::Timestamp;

/// What the ports of a call heard last.
#[derive(Clone, Default)]
pub(super) struct Hearing(Rc<RefCell<Option<String>>>);

impl Hearing {
    /// What was heard since the last call.
    pub(super) fn take(&self) -> Option<String> {
        self.0.borrow_mut().take()
    }

    fn hear(&self, of: &str, error: &CallError) {
        *self.0.borrow_mut() = Some(format!("{of}: {error}"));
    }

    fn call<T>(&self, of: &str, result: Result<T, CallError>) -> Result<T, CallError> {
        if let Err(error) = &result {
            self.hear(of, error);
        }
        result
    }

    fn rows<T>(
        &self,
        of: &str,
        result: Result<Vec<Row<T>>, CallError>,
    ) -> Result<Vec<Row<T>>, CallError> {
        let rows = self.call(of, result)?;
        if let Some(error) = rows.iter().find_map(|row| row.as_ref().err()) {
            self.hear(of, error);
        }
        Ok(rows)
    }
}

/// A port, and what it hears.
pub(super) struct Heard<P>(pub(super) P, pub(super) Hearing);

const EXCHANGE: &str = "Exchange Online";
const GRAPH: &str = "Microsoft Graph";
const DIRECTORY: &str = "Active Directory";

impl<P: ExchangeOnline> ExchangeOnline for Heard<P> {
    fn mailboxes_changed(
        &mut self,
        since: Option<Timestamp>,
        page: Option<&PageToken>,
        properties: &[Name],
    ) -> Result<MailboxPage, CallError> {
        self.1.call(EXCHANGE, self.0.mailboxes_changed(since, page, properties))
    }

    fn mailbox_rows(
        &mut self,
        ids: &[MailboxId],
        properties: &[Name],
    ) -> Result<Vec<Row<Mailbox>>, CallError> {
        self.1.rows(EXCHANGE, self.0.mailbox_rows(ids, properties))
    }

    fn set_mailboxes(&mut self, changes: &[MailboxChange]) -> Result<Vec<SetOutcome>, CallError> {
        let outcomes = self.1.call(EXCHANGE, self.0.set_mailboxes(changes))?;
        let throttled = |outcome: &SetOutcome| match outcome {
            SetOutcome::Throttled { retry_after } => Some(*retry_after),
            _ => None,
        };
        if let Some(retry_after) = outcomes.iter().filter_map(throttled).max() {
            self.1.hear(EXCHANGE, &CallError::Throttled { retry_after });
        }
        Ok(outcomes)
    }

    fn organization(&mut self) -> Result<Organization, CallError> {
        self.1.call(EXCHANGE, self.0.organization())
    }
}

impl<P: Entra> Entra for Heard<P> {
    fn user_rows(&mut self, ids: &[MailboxId]) -> Result<Vec<Row<User>>, CallError> {
        self.1.rows(GRAPH, self.0.user_rows(ids))
    }

    fn agents(&mut self) -> Result<Vec<Agent>, CallError> {
        self.1.call(GRAPH, self.0.agents())
    }

    fn sync_configuration(&mut self) -> Result<SyncConfiguration, CallError> {
        self.1.call(GRAPH, self.0.sync_configuration())
    }
}

impl<P: Directory> Directory for Heard<P> {
    fn find(
        &mut self,
        agent: &AgentName,
        keys: &[AnchorKey],
        attributes: &[Name],
    ) -> Result<Vec<DirectoryObject>, CallError> {
        self.1.call(DIRECTORY, self.0.find(agent, keys, attributes))
    }

    fn read(
        &mut self,
        agent: &AgentName,
        objects: &[ObjectGuid],
        attributes: &[Name],
    ) -> Result<Vec<DirectoryObject>, CallError> {
        self.1.call(DIRECTORY, self.0.read(agent, objects, attributes))
    }

    fn modify(
        &mut self,
        agent: &AgentName,
        batch: &[Modification],
    ) -> Result<Vec<WriteOutcome>, CallError> {
        self.1.call(DIRECTORY, self.0.modify(agent, batch))
    }
}

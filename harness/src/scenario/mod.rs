//! Scenario files: text to typed story, every place kept, diagnostics like a compiler's.
//!
//! `yaml` turns text into a tree with places, the reading modules turn the tree into the model and
//! report everything that is unknown or impossible, `diagnostic` draws what they report.

mod catalogue;
mod diagnostic;
mod expectation;
pub mod export;
mod fault;
mod model;
mod nearest;
mod quantity;
mod read;
mod schema;
mod span;
mod world;
mod yaml;

pub use catalogue::{
    AdValuesCheck, Catalogues, ExoGivenCheck, ExoValuesCheck, GraphCheck, GraphFormCheck,
    LdifProblem, LdifReader, LdifRecord, MappingCheck, Misfit, MissingCheck, NameCheck,
    StepValuesCheck, SwitchKind, SwitchSpec,
};
pub use diagnostic::{Diagnostic, Severity};
pub use expectation::{
    AGENT_PROPERTIES, AgentExpectation, AttributeExpectation, AttributePath, CONNECT_COUNTS,
    COUNTS, Comparison, Expectations, GROUP_PROPERTIES, JOB_PROPERTIES, LAGS, LogExpectation,
    MailboxExpectation, NamedExpectation, Pattern, QUARANTINE_PROPERTIES, Quantity, RUN_PROPERTIES,
    Side, run_of,
};
pub use fault::{
    CloudFault, Direction, DirectoryOperation, Extent, Fault, PortCall, Service, When,
};
pub use model::{
    About, Action, At, Authority, ConnectAction, Cycle, CyclePolicy, Edits, Evidence, GraphCall,
    GraphMethod, JobAction, Repeat, RestartScope, Scenario, Selector, Share, Stated, Step,
    Suspension, Tier, Transfer,
};
pub(crate) use nearest::{advice, choice, list, nearest};
pub use quantity::{duration, instant};
pub use read::{FAULTS, STEPS, read, read_fault, standard_world};
pub use schema::{schema, schema_text};
pub use span::{Span, Spanned};
pub use world::{
    Agent, Connect, Dc, ExportedPerson, ExportedPlaces, Forest, InAd, Inbound, MailboxKind,
    MailboxLocation, OwnRole, Population, Rights, RightsEntry, RoleEntry, SwitchValue, Tenant,
    User, World, Writeback, WritebackScope,
};

#[cfg(test)]
mod tests;

//! Configurations beside the one of the writeback job that runs: service principals that somebody
//! instantiated from a template, with jobs that wait for their start.
//!
//! Source: Microsoft Learn, "Programmatically configure cloud sync using MS Graph API"; setup guide of
//! the writeback preview (template ids).

use super::job::WritebackJob;
use crate::guid::Guid;

/// An application template for directory synchronization: id, name, and its job templates.
pub struct ApplicationTemplate {
    /// Its id.
    pub id: &'static str,
    /// `displayName`.
    pub name: &'static str,
    /// The job templates, by id.
    pub jobs: &'static [&'static str],
}

/// The application template of the writeback job.
pub const WRITEBACK: &str = "3b99513e-0cee-4291-aea8-84356239fb82";

/// The templates.
pub const TEMPLATES: [ApplicationTemplate; 3] = [
    ApplicationTemplate {
        id: "1a4721b3-e57f-4451-ae87-ef078703ec94",
        name: "Active Directory to Microsoft Entra ID Provisioning",
        jobs: &["AD2AADProvisioning", "AD2AADPasswordHash", "AAD2ADExchangeHybridWriteback"],
    },
    ApplicationTemplate {
        id: "fb81332f-3eca-4ecf-a939-4278e501d330",
        name: "Microsoft Entra ID to Active Directory Provisioning",
        jobs: &["AAD2ADGroupProvisioning"],
    },
    ApplicationTemplate {
        id: WRITEBACK,
        name: "Exchange Online attribute writeback",
        jobs: &[super::job::TEMPLATE],
    },
];

/// A template by id.
#[must_use]
pub fn template(id: &str) -> Option<&'static ApplicationTemplate> {
    TEMPLATES.iter().find(|template| template.id.eq_ignore_ascii_case(id))
}

/// A service principal out of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// The service principal's id.
    pub principal: Guid,
    /// The application's object id.
    pub application: Guid,
    /// The application's client id.
    pub app_id: Guid,
    /// `displayName`: the AD domain, by convention.
    pub name: String,
    /// Its application template.
    pub template: &'static str,
    /// Its writeback job, until it is started: then it is the estate's.
    pub job: Option<WritebackJob>,
    /// Secrets by key, as they were put.
    pub secrets: Vec<(String, String)>,
}

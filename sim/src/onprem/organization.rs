//! What the Exchange organization on the premises has beside recipients: connectors, relationships, public
//! folders, mailboxes of the system, and the server itself until it is uninstalled.
//!
//! Source: Microsoft Learn, "Decommission the last Exchange Server after transferring SOA to cloud" (what
//! goes before the server, and what the removal takes along).
//!
//! # Divergence from Exchange Server
//! The things of the organization are kept by name, without their settings, and have no objects in the
//! configuration naming context.

use super::{About, Act, Cmdlet, Directory, OnPremError, cmdlet, given, need, parameter};
use crate::powershell::{Argument, CmdletCall, ParameterKind, ParameterSpec};

/// A kind of thing that the organization has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ThingKind {
    /// A send connector.
    SendConnector,
    /// A receive connector.
    ReceiveConnector,
    /// An organization relationship.
    OrganizationRelationship,
    /// An intra-organization connector.
    IntraOrganizationConnector,
    /// The hybrid configuration object.
    HybridConfiguration,
    /// A federation trust.
    FederationTrust,
    /// An Autodiscover service connection point.
    ServiceConnectionPoint,
    /// A public folder.
    PublicFolder,
    /// An arbitration or audit log mailbox.
    SystemMailbox,
}

impl ThingKind {
    /// Every kind with the word that scenario files use for several of it.
    pub const ALL: [(&'static str, Self); 9] = [
        ("send_connectors", Self::SendConnector),
        ("receive_connectors", Self::ReceiveConnector),
        ("organization_relationships", Self::OrganizationRelationship),
        ("intra_organization_connectors", Self::IntraOrganizationConnector),
        ("hybrid_configurations", Self::HybridConfiguration),
        ("federation_trusts", Self::FederationTrust),
        ("service_connection_points", Self::ServiceConnectionPoint),
        ("public_folders", Self::PublicFolder),
        ("system_mailboxes", Self::SystemMailbox),
    ];

    /// Whether it belongs to the hybrid configuration, which only a running server removes.
    #[must_use]
    pub const fn is_hybrid(self) -> bool {
        !matches!(self, Self::PublicFolder | Self::SystemMailbox)
    }
}

/// A thing of the organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// What it is.
    pub kind: ThingKind,
    /// Its name.
    pub name: String,
    /// Whether it is in force; only an intra-organization connector can be otherwise.
    pub enabled: bool,
}

/// Where public folders are, as the organization says (`PublicFoldersEnabled`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PublicFolders {
    /// Nowhere.
    #[default]
    None,
    /// On the server.
    Local,
    /// In the other organization.
    Remote,
}

impl PublicFolders {
    /// Every value with its documented spelling.
    pub const ALL: [(&'static str, Self); 3] =
        [("None", Self::None), ("Local", Self::Local), ("Remote", Self::Remote)];
}

/// The organization.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Organization {
    /// The last Exchange server; `None` when there is none, or none any more.
    pub server: Option<String>,
    /// What it has.
    pub things: Vec<Thing>,
    /// Where public folders are.
    pub public_folders: PublicFolders,
}

/// A change of the organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrganizationChange {
    /// Something new.
    Add(Thing),
    /// Something goes.
    Remove(ThingKind, String),
    /// Everything of a kind goes.
    Clear(ThingKind),
    /// Something is put in force or out of it.
    Enable(ThingKind, String, bool),
    /// Public folders are elsewhere.
    PublicFolders(PublicFolders),
    /// The server is uninstalled.
    Uninstall,
}

impl Organization {
    /// Things of a kind.
    pub fn of(&self, kind: ThingKind) -> impl Iterator<Item = &Thing> {
        self.things.iter().filter(move |thing| thing.kind == kind)
    }

    fn find(&self, kind: ThingKind, name: &str) -> Option<&Thing> {
        self.of(kind).find(|thing| thing.name.eq_ignore_ascii_case(name))
    }

    /// Puts a change in force.
    pub fn apply(&mut self, change: OrganizationChange) {
        match change {
            OrganizationChange::Add(thing) => self.things.push(thing),
            OrganizationChange::Remove(kind, name) => self
                .things
                .retain(|thing| thing.kind != kind || !thing.name.eq_ignore_ascii_case(&name)),
            OrganizationChange::Clear(kind) => self.things.retain(|thing| thing.kind != kind),
            OrganizationChange::Enable(kind, name, enabled) => {
                let named = |thing: &&mut Thing| {
                    thing.kind == kind && thing.name.eq_ignore_ascii_case(&name)
                };
                if let Some(thing) = self.things.iter_mut().find(named) {
                    thing.enabled = enabled;
                }
            }
            OrganizationChange::PublicFolders(place) => self.public_folders = place,
            // What was left of the hybrid configuration stays behind: nothing can remove it any more.
            OrganizationChange::Uninstall => self.server = None,
        }
    }
}

/// The three cmdlets of a kind of thing.
macro_rules! things {
    ($(($noun:literal, $kind:ident)),+ $(,)?) => {
        &[
            $(
                cmdlet(concat!("New-", $noun), About::Nothing, new_parameters, |call, directory| {
                    add(call, directory, ThingKind::$kind)
                }),
                cmdlet(concat!("Get-", $noun), About::Nothing, get_parameters, |call, directory| {
                    show(call, directory, ThingKind::$kind)
                }),
                cmdlet(concat!("Remove-", $noun), About::Nothing, remove_parameters, |call, directory| {
                    remove(call, directory, ThingKind::$kind)
                }),
            )+
        ]
    };
}

/// The cmdlets of things that are made and removed.
pub(super) const THINGS: &[Cmdlet] = things![
    ("SendConnector", SendConnector),
    ("ReceiveConnector", ReceiveConnector),
    ("OrganizationRelationship", OrganizationRelationship),
    ("IntraOrganizationConnector", IntraOrganizationConnector),
    ("FederationTrust", FederationTrust),
    ("PublicFolder", PublicFolder),
];

/// The other cmdlets of the organization.
pub(super) const CMDLETS: &[Cmdlet] = &[
    cmdlet("New-HybridConfiguration", About::Nothing, Vec::new, |_, directory| {
        add_named(directory, ThingKind::HybridConfiguration, HYBRID)
    }),
    cmdlet("Get-HybridConfiguration", About::Nothing, Vec::new, |_, directory| {
        found(directory, ThingKind::HybridConfiguration, HYBRID)?;
        Ok(Act::ShowOrganization(ThingKind::HybridConfiguration))
    }),
    cmdlet("Remove-HybridConfiguration", About::Nothing, confirm, |_, directory| {
        found(directory, ThingKind::HybridConfiguration, HYBRID)?;
        Ok(change(OrganizationChange::Clear(ThingKind::HybridConfiguration)))
    }),
    cmdlet(
        "Set-IntraOrganizationConnector",
        About::Nothing,
        enable_parameters,
        |call, directory| {
            let name = need(call, "Identity")?;
            found(directory, ThingKind::IntraOrganizationConnector, &name)?;
            let enabled = call.parameter("Enabled").and_then(Argument::boolean);
            let enabled = enabled.ok_or(OnPremError::MissingParameter("Enabled"))?;
            let kind = ThingKind::IntraOrganizationConnector;
            Ok(change(OrganizationChange::Enable(kind, name, enabled)))
        },
    ),
    cmdlet("Set-ClientAccessService", About::Nothing, access_parameters, |call, directory| {
        let kind = ThingKind::ServiceConnectionPoint;
        server(call, directory)?;
        let address = call.text("AutoDiscoverServiceInternalUri").filter(|text| !text.is_empty());
        Ok(change(match address {
            None => OrganizationChange::Clear(kind),
            Some(name) => OrganizationChange::Add(Thing { kind, name, enabled: true }),
        }))
    }),
    cmdlet("Get-ClientAccessService", About::Nothing, get_parameters, |call, directory| {
        server(call, directory)?;
        Ok(Act::ShowOrganization(ThingKind::ServiceConnectionPoint))
    }),
    cmdlet("Set-OrganizationConfig", About::Nothing, config_parameters, |call, _| {
        let given = need(call, "PublicFoldersEnabled")?;
        let known =
            PublicFolders::ALL.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(&given));
        let (_, place) = known.ok_or_else(|| OnPremError::WrongValue {
            parameter: "PublicFoldersEnabled".to_owned(),
            problem: format!("`{given}` is none of None, Local, Remote"),
        })?;
        Ok(change(OrganizationChange::PublicFolders(place)))
    }),
    cmdlet("Setup", About::Nothing, setup_parameters, |call, directory| {
        need(call, "Mode")?;
        uninstall(directory)
    }),
];

/// There is one, and it has this name.
const HYBRID: &str = "Hybrid Configuration";

fn new_parameters() -> Vec<ParameterSpec> {
    vec![parameter("Name", ParameterKind::Text)]
}

fn get_parameters() -> Vec<ParameterSpec> {
    vec![parameter("Identity", ParameterKind::Text)]
}

fn confirm() -> Vec<ParameterSpec> {
    vec![parameter("Confirm", ParameterKind::Switch)]
}

fn remove_parameters() -> Vec<ParameterSpec> {
    vec![parameter("Identity", ParameterKind::Text), parameter("Confirm", ParameterKind::Switch)]
}

fn enable_parameters() -> Vec<ParameterSpec> {
    vec![parameter("Identity", ParameterKind::Text), parameter("Enabled", ParameterKind::Boolean)]
}

fn access_parameters() -> Vec<ParameterSpec> {
    vec![
        parameter("Identity", ParameterKind::Text),
        parameter("AutoDiscoverServiceInternalUri", ParameterKind::Text),
    ]
}

fn config_parameters() -> Vec<ParameterSpec> {
    vec![parameter("PublicFoldersEnabled", ParameterKind::OneOf(&["None", "Local", "Remote"]))]
}

fn setup_parameters() -> Vec<ParameterSpec> {
    vec![parameter("Mode", ParameterKind::OneOf(&["Uninstall"]))]
}

fn change(change: OrganizationChange) -> Act {
    Act::Organization(change)
}

fn found<'d>(
    directory: &Directory<'d>,
    kind: ThingKind,
    name: &str,
) -> Result<&'d Thing, OnPremError> {
    directory.organization.find(kind, name).ok_or_else(|| OnPremError::NotFound(name.to_owned()))
}

/// Goes on when the identity is the server.
fn server(call: &CmdletCall, directory: &Directory<'_>) -> Result<(), OnPremError> {
    let named = need(call, "Identity")?;
    let own = directory.organization.server.as_deref();
    let is_own = own.is_some_and(|own| own.eq_ignore_ascii_case(&named));
    if is_own { Ok(()) } else { Err(OnPremError::NotFound(named)) }
}

fn add(call: &CmdletCall, directory: &Directory<'_>, kind: ThingKind) -> Result<Act, OnPremError> {
    let name = need(call, "Name")?;
    add_named(directory, kind, &name)
}

fn add_named(directory: &Directory<'_>, kind: ThingKind, name: &str) -> Result<Act, OnPremError> {
    if directory.organization.find(kind, name).is_some() {
        return Err(OnPremError::InvalidOperation(format!("there is a '{name}' already")));
    }
    Ok(change(OrganizationChange::Add(Thing { kind, name: name.to_owned(), enabled: true })))
}

fn show(call: &CmdletCall, directory: &Directory<'_>, kind: ThingKind) -> Result<Act, OnPremError> {
    if let Some(name) = call.text("Identity") {
        found(directory, kind, &name)?;
    }
    Ok(Act::ShowOrganization(kind))
}

fn remove(
    call: &CmdletCall,
    directory: &Directory<'_>,
    kind: ThingKind,
) -> Result<Act, OnPremError> {
    let name = need(call, "Identity")?;
    let thing = found(directory, kind, &name)?;
    if kind == ThingKind::IntraOrganizationConnector && thing.enabled {
        return Err(OnPremError::InvalidOperation(format!(
            "the connector '{name}' is enabled: disable it on both sides first"
        )));
    }
    Ok(change(OrganizationChange::Remove(kind, name)))
}

/// A mailbox of the system: Setup makes them, and whoever lost one makes it anew.
pub(super) fn new_system_mailbox(
    call: &CmdletCall,
    directory: &Directory<'_>,
) -> Result<Act, OnPremError> {
    add(call, directory, ThingKind::SystemMailbox)
}

/// A mailbox of the system is disabled.
pub(super) fn disable_system_mailbox(
    call: &CmdletCall,
    directory: &Directory<'_>,
) -> Result<Act, OnPremError> {
    let name = need(call, "Identity")?;
    found(directory, ThingKind::SystemMailbox, &name)?;
    Ok(change(OrganizationChange::Remove(ThingKind::SystemMailbox, name)))
}

/// Setup removes the last server when nobody's mailbox is on it, the system's included.
fn uninstall(directory: &Directory<'_>) -> Result<Act, OnPremError> {
    let users = (directory.local_mailboxes)();
    if users > 0 {
        return Err(OnPremError::InvalidOperation(format!(
            "uninstall can't continue: {users} mailbox(es) are on servers of this organization"
        )));
    }
    let system = directory.organization.of(ThingKind::SystemMailbox).count();
    if system > 0 {
        return Err(OnPremError::InvalidOperation(format!(
            "uninstall can't continue: {system} arbitration or audit log mailbox(es) are on this server"
        )));
    }
    let folders = directory.organization.of(ThingKind::PublicFolder).count();
    if folders > 0 {
        return Err(OnPremError::InvalidOperation(format!(
            "uninstall can't continue: {folders} public folder(s) are on this server"
        )));
    }
    Ok(change(OrganizationChange::Uninstall))
}

/// Whether a call is about a mailbox of the system.
pub(super) fn is_about_the_system(call: &CmdletCall) -> bool {
    given(call, "Arbitration") || given(call, "AuditLog")
}

//! Who only looks: cmdlets and requests that change nothing; and what the organization on the premises has
//! beside recipients, which comes and goes.

use super::authority::change;
use super::cast::Actor;
use super::cloud::{literal, set_mailbox};
use super::draft::ActionDraft;
use super::story::Playwright;

/// Of Exchange Online; `{}` is somebody with a mailbox there.
const IN_THE_CLOUD: [&str; 17] = [
    "Get-Mailbox {}",
    "Get-EXOMailbox {}",
    "Get-EXORecipient {}",
    "Get-Recipient {}",
    "Get-User {}",
    "Get-MailboxAuditBypassAssociation {}",
    "Get-Mailbox -ResultSize Unlimited",
    "Get-Recipient -ResultSize 5",
    "Get-AcceptedDomain",
    "Get-OrganizationConfig",
    "Get-ManagementRole",
    "Get-ManagementRoleAssignment",
    "Get-ManagementRoleEntry 'Mail Recipients\\*'",
    "Get-RoleGroup",
    "Get-RoleGroupMember 'Recipient Management'",
    "Get-MoveRequest",
    "Get-MigrationBatch",
];

/// Requests to Microsoft Graph.
const REQUESTS: [&str; 12] = [
    "/users?$select=id,mail&$top=5",
    "/users/$count",
    "/users/delta",
    "/groups",
    "/contacts",
    "/domains",
    "/subscribedSkus",
    "/directory/onPremisesSynchronization",
    "/directory/deletedItems/microsoft.graph.user",
    "/auditLogs/provisioning?$top=3",
    "/auditLogs/directoryAudits?$top=3",
    "/beta/onPremisesPublishingProfiles/provisioning/agents",
];

/// Somebody looks.
pub(super) fn reads(playwright: &mut Playwright<'_>) {
    for _ in 0..playwright.dice.between(1, 3) {
        match playwright.dice.between(0, 4) {
            0 | 1 => in_the_cloud(playwright),
            2 => at_home(playwright),
            3 => requests(playwright),
            _ => no_mail_user(playwright),
        }
    }
}

fn in_the_cloud(playwright: &mut Playwright<'_>) {
    let line = playwright.dice.one(IN_THE_CLOUD);
    let Some(place) = playwright.one_of(|actor| actor.in_cloud) else { return };
    let name = playwright.cast[place].name.clone();
    playwright.push(ActionDraft::Cmdlet("exo", line.replace("{}", &name)));
    if playwright.dice.percent(20) {
        let line = "Search-UnifiedAuditLog -StartDate 2026-08-01 -EndDate 2028-12-31 -ResultSize 5";
        playwright.push(ActionDraft::Cmdlet("exo", line.to_owned()));
    }
}

/// Whoever has a mailbox in the cloud is no mail user.
fn no_mail_user(playwright: &mut Playwright<'_>) {
    let Some(place) = playwright.one_of(|actor| actor.in_cloud) else { return };
    let name = playwright.cast[place].name.clone();
    let cmdlet = playwright.dice.one(["Get-MailUser {}", "Set-MailUser {} -CustomAttribute1 x"]);
    playwright.push_refused(ActionDraft::Cmdlet("exo", cmdlet.replace("{}", &name)), "any");
}

fn at_home(playwright: &mut Playwright<'_>) {
    let Some(place) = playwright.one_of(|actor| actor.in_ad) else { return };
    let name = playwright.cast[place].name.clone();
    let remote = playwright.has_remote_mailbox(place) && !playwright.server_is_gone;
    if remote && playwright.dice.percent(50) {
        let line = format!("Get-RemoteMailbox {name}");
        return playwright.push(ActionDraft::Cmdlet("onprem", line));
    }
    playwright.push(ActionDraft::Cmdlet("ad", format!("Get-ADUser {name} -Properties mail")));
}

fn requests(playwright: &mut Playwright<'_>) {
    let path = playwright.dice.one(REQUESTS).to_owned();
    playwright.push(ActionDraft::Graph { method: "GET", path, body: None });
}

/// Somebody is made in the cloud alone, and deleted again.
pub(super) fn guest(playwright: &mut Playwright<'_>) {
    let name = super::lifecycle::newcomer(playwright);
    let body = format!(
        "{{accountEnabled: true, displayName: {name}, mailNickname: {name}, userPrincipalName: {name}@contoso.com, passwordProfile: {{password: \"Xx1!Xx1!\"}}}}"
    );
    playwright.push(change("POST", "/users".to_owned(), &body));
    if playwright.dice.percent(50) {
        let path = format!("/users/{name}@contoso.com");
        playwright.push(ActionDraft::Graph { method: "DELETE", path, body: None });
    }
}

/// Things of the organization, by the nouns of their cmdlets.
const THINGS: [&str; 6] = [
    "SendConnector",
    "ReceiveConnector",
    "OrganizationRelationship",
    "IntraOrganizationConnector",
    "FederationTrust",
    "PublicFolder",
];

fn onprem(playwright: &mut Playwright<'_>, line: String) {
    playwright.push(ActionDraft::Cmdlet("onprem", line));
}

/// Something of the organization comes, is looked at and goes; or people on the server do.
pub(super) fn organization(playwright: &mut Playwright<'_>) {
    if playwright.server_is_gone {
        return playwright.wait();
    }
    match playwright.dice.between(0, 5) {
        0 => {
            for line in ["New", "Get", "Remove"] {
                onprem(playwright, format!("{line}-HybridConfiguration"));
            }
        }
        1 => {
            let uri = "-AutoDiscoverServiceInternalUri";
            onprem(
                playwright,
                format!("Set-ClientAccessService EX1 {uri} https://ex1/autodiscover"),
            );
            onprem(playwright, "Get-ClientAccessService EX1".to_owned());
            onprem(playwright, format!("Set-ClientAccessService EX1 {uri} $null"));
        }
        2 => {
            onprem(playwright, "Set-OrganizationConfig -PublicFoldersEnabled Remote".to_owned());
            onprem(playwright, "Set-OrganizationConfig -PublicFoldersEnabled None".to_owned());
        }
        3 | 4 => thing(playwright),
        _ => on_the_server(playwright),
    }
}

fn thing(playwright: &mut Playwright<'_>) {
    let noun = playwright.dice.one(THINGS);
    onprem(playwright, format!("New-{noun} -Name First"));
    onprem(playwright, format!("Get-{noun} First"));
    if noun == "IntraOrganizationConnector" {
        onprem(playwright, format!("Set-{noun} First -Enabled $false"));
    }
    onprem(playwright, format!("Remove-{noun} First -Confirm:$false"));
}

/// Somebody new on the last server: a mailbox, a mail user or a remote mailbox is made, edited, taken away.
fn on_the_server(playwright: &mut Playwright<'_>) {
    let name = super::lifecycle::newcomer(playwright);
    let upn = format!("{name}@contoso.com");
    let away = format!("-ExternalEmailAddress {name}@elsewhere.example");
    let (made, noun, enable) = match playwright.dice.between(0, 2) {
        0 => (format!("-Name {name} -UserPrincipalName {upn}"), "Mailbox", String::new()),
        1 => (format!("-Name {name} -UserPrincipalName {upn} {away}"), "MailUser", away),
        _ => (format!("-Name {name} -UserPrincipalName {upn}"), "RemoteMailbox", String::new()),
    };
    onprem(playwright, format!("New-{noun} {made}"));
    if noun == "Mailbox" {
        onprem(playwright, format!("Set-Mailbox {name} -CustomAttribute1 'on the server'"));
        onprem(playwright, format!("Get-Mailbox {name}"));
    }
    if playwright.dice.percent(50) {
        playwright.connect_cycle();
    }
    onprem(playwright, format!("Disable-{noun} {name}"));
    if playwright.dice.percent(60) {
        onprem(playwright, format!("Enable-{noun} {name} {enable}").trim_end().to_owned());
        if noun != "MailUser" {
            onprem(playwright, format!("Remove-{noun} {name}"));
        }
    }
}

/// Roles of Exchange Online: made, cut, given and taken away again.
pub(super) fn delegation(playwright: &mut Playwright<'_>) {
    let exo = |playwright: &mut Playwright<'_>, line: String| {
        playwright.push(ActionDraft::Cmdlet("exo", line));
    };
    playwright.delegates += 1;
    let role = format!("Role{}", playwright.delegates);
    let group = format!("Group{}", playwright.delegates);
    let few = "-EnabledCmdlets Set-Mailbox,Get-Mailbox";
    exo(playwright, format!("New-ManagementRole -Name {role} -Parent 'Mail Recipients' {few}"));
    exo(playwright, format!("Get-ManagementRoleEntry '{role}\\*'"));
    let entry = "-Parameters CustomAttribute15 -RemoveParameter";
    exo(playwright, format!("Set-ManagementRoleEntry '{role}\\Set-Mailbox' {entry}"));
    exo(playwright, format!("Remove-ManagementRoleEntry '{role}\\Get-Mailbox'"));
    exo(playwright, format!("Add-ManagementRoleEntry '{role}\\Get-Mailbox'"));
    exo(playwright, format!("New-RoleGroup -Name {group} -Roles {role} -Members reader"));
    exo(playwright, format!("Add-RoleGroupMember {group} -Member unprivileged"));
    if let Some(place) = playwright.one_of(Actor::is_editable) {
        let value = literal(&playwright.values.plain());
        let edit = set_mailbox(&playwright.cast[place].name, &format!("-CustomAttribute9 {value}"));
        playwright.push_as("unprivileged", edit, None);
    }
    exo(playwright, format!("Remove-RoleGroupMember {group} -Member unprivileged"));
    let assigned = format!("-Name Assigned{group} -Role {role} -SecurityGroup 'Help Desk'");
    exo(playwright, format!("New-ManagementRoleAssignment {assigned}"));
    exo(playwright, format!("Remove-ManagementRoleAssignment Assigned{group}"));
    exo(playwright, format!("Remove-RoleGroup {group}"));
    exo(playwright, format!("Remove-ManagementRole {role}"));
}

//! Witnesses of the cmdlets that have no wire of their own: those of the last Exchange server and of the
//! ActiveDirectory module. Each call is typed as in a scenario, on an estate of this process; each is then
//! typed again so that it has to be refused: about nobody, or about what is there already.

use std::collections::BTreeMap;

use harness::cmdlet;
use harness::stage;
use sim::caller::{Caller, Role};
use sim::estate::Estate;
use sim::onprem;
use sim::powershell::{Argument, CmdletCall, CmdletSpec, ParameterKind};
use sim::profile::Evidence;

use super::document::Row;

/// Calls that work, one after the other. A star before a cmdlet and an identity: every parameter by itself.
const EXCHANGE: &[&str] = &[
    "* Set-RemoteMailbox u1",
    "New-RemoteMailbox -Name 'New One' -Alias new1 -SamAccountName new1 -UserPrincipalName new1@contoso.com -DisplayName 'New One' -FirstName New -LastName One -Initials N -Password secret -PrimarySmtpAddress new.one@contoso.com -OnPremisesOrganizationalUnit 'OU=People,DC=corp,DC=contoso,DC=com' -RemoteRoutingAddress new1@contoso.mail.onmicrosoft.com -Archive",
    "New-RemoteMailbox -Name Room1 -Room",
    "New-RemoteMailbox -Name Beamer1 -Equipment",
    "New-RemoteMailbox -Name Team1 -Shared",
    "Get-RemoteMailbox new1",
    "Disable-RemoteMailbox new1 -Archive -Confirm:$false",
    "Disable-RemoteMailbox new1",
    "Enable-RemoteMailbox new1 -Alias new1 -DisplayName 'New One' -PrimarySmtpAddress new1@contoso.com -RemoteRoutingAddress new1@contoso.mail.onmicrosoft.com -Archive",
    "Disable-RemoteMailbox new1",
    "Enable-RemoteMailbox new1 -Room",
    "Disable-RemoteMailbox new1",
    "Enable-RemoteMailbox new1 -Equipment",
    "Disable-RemoteMailbox new1",
    "Enable-RemoteMailbox new1 -Shared",
    "Remove-RemoteMailbox new1 -Confirm:$false",
    "New-Mailbox -Name 'On Server' -Alias local1 -SamAccountName local1 -UserPrincipalName local1@contoso.com -DisplayName 'On Server' -FirstName On -LastName Server -Initials O -Password secret -PrimarySmtpAddress local1@contoso.com -OrganizationalUnit 'OU=People,DC=corp,DC=contoso,DC=com'",
    "New-Mailbox -Name Here1 -UserPrincipalName here1@contoso.com -OnPremisesOrganizationalUnit 'OU=People,DC=corp,DC=contoso,DC=com'",
    "New-Mailbox -Name Room2 -Room",
    "New-Mailbox -Name Beamer2 -Equipment",
    "New-Mailbox -Name Team2 -Shared",
    "New-Mailbox -Name System1 -Arbitration",
    "New-Mailbox -Name System2 -AuditLog",
    "Get-Mailbox local1",
    "* Set-Mailbox local1",
    "Disable-Mailbox local1 -Confirm:$false",
    "Enable-Mailbox local1 -Alias local1 -DisplayName 'On Server' -PrimarySmtpAddress local1@contoso.com",
    "Disable-Mailbox local1",
    "Enable-Mailbox local1 -Room",
    "Disable-Mailbox local1",
    "Enable-Mailbox local1 -Equipment",
    "Disable-Mailbox local1",
    "Enable-Mailbox local1 -Shared",
    "Disable-Mailbox System1 -Arbitration",
    "Disable-Mailbox System2 -AuditLog",
    "Remove-Mailbox local1 -Confirm:$false",
    "Remove-Mailbox here1",
    "Remove-Mailbox room2",
    "Remove-Mailbox beamer2",
    "Remove-Mailbox team2",
    "New-MailUser -Name Guest1 -Alias guest1 -SamAccountName guest1 -UserPrincipalName guest1@contoso.com -DisplayName Guest -FirstName Gu -LastName Est -Initials G -Password secret -PrimarySmtpAddress guest1@contoso.com -OrganizationalUnit 'OU=People,DC=corp,DC=contoso,DC=com' -OnPremisesOrganizationalUnit 'OU=People,DC=corp,DC=contoso,DC=com' -ExternalEmailAddress guest@elsewhere.example",
    "Disable-MailUser guest1 -Confirm:$false",
    "Enable-MailUser guest1 -Alias guest1 -DisplayName Guest -PrimarySmtpAddress guest1@contoso.com -ExternalEmailAddress guest@elsewhere.example",
    "New-SendConnector -Name One",
    "Get-SendConnector One",
    "Remove-SendConnector One -Confirm:$false",
    "New-ReceiveConnector -Name One",
    "Get-ReceiveConnector One",
    "Remove-ReceiveConnector One -Confirm:$false",
    "New-OrganizationRelationship -Name One",
    "Get-OrganizationRelationship One",
    "Remove-OrganizationRelationship One -Confirm:$false",
    "New-IntraOrganizationConnector -Name One",
    "Get-IntraOrganizationConnector One",
    "Set-IntraOrganizationConnector One -Enabled $false",
    "Remove-IntraOrganizationConnector One -Confirm:$false",
    "New-FederationTrust -Name One",
    "Get-FederationTrust One",
    "Remove-FederationTrust One -Confirm:$false",
    "New-PublicFolder -Name One",
    "Get-PublicFolder One",
    "Remove-PublicFolder One -Confirm:$false",
    "New-HybridConfiguration",
    "Get-HybridConfiguration",
    "Remove-HybridConfiguration -Confirm:$false",
    "Set-ClientAccessService EX1 -AutoDiscoverServiceInternalUri https://ex1.corp.contoso.com",
    "Get-ClientAccessService EX1",
    "Set-OrganizationConfig -PublicFoldersEnabled Remote",
    "Setup -Mode Uninstall",
];

const AD: &[&str] = &[
    "* Set-ADUser u1",
    "New-ADUser -Name plain -Path 'OU=People,DC=corp,DC=contoso,DC=com' -AccountPassword secret -Enabled $true -Manager u2 -OtherAttributes @{extensionAttribute1='x'} -DisplayName Plain -GivenName P -Surname Lain -OtherName Q -Initials P -Title T -Department D -Company C -Division D -Organization O -EmployeeID 1 -EmployeeNumber 2 -Office O -OfficePhone 1 -HomePhone 2 -MobilePhone 3 -Fax 4 -StreetAddress S -POBox 5 -PostalCode 6 -City C -State S -Country DE -HomePage h -Description d -EmailAddress plain@contoso.com -HomeDirectory h -HomeDrive H: -UserPrincipalName plain@contoso.com -SamAccountName plain",
    "New-ADUser -Name other -Server DC1",
    "Remove-ADUser other -Server DC1",
    "Get-ADUser plain -Properties department -Server DC1",
    "Get-ADObject plain -Properties department -Server DC1",
    "Disable-ADAccount plain -Server DC1",
    "Enable-ADAccount plain -Server DC1",
    "New-ADGroup -Name Team -GroupScope Universal -GroupCategory Distribution -Path 'OU=People,DC=corp,DC=contoso,DC=com' -ManagedBy u2 -OtherAttributes @{mail='team@contoso.com'} -Description d -DisplayName Team -HomePage h -SamAccountName Team -Server DC1",
    "Get-ADGroup Team -Properties mail -Server DC1",
    "Set-ADGroup Team -ManagedBy u1 -Description e -DisplayName 'The Team' -HomePage i -SamAccountName Team -Replace @{info='x'} -Add @{telephoneNumber='1'} -Clear mail -Server DC1",
    "Set-ADGroup Team -Remove @{telephoneNumber='1'}",
    "Add-ADGroupMember Team -Members plain -Server DC1",
    "Remove-ADGroupMember Team -Members plain -Server DC1",
    "Remove-ADGroup Team -Confirm:$false -Server DC1",
    "Set-ADObject plain -DisplayName Plain -Description d -Server DC1 -Add @{otherTelephone='1'} -Replace @{department='x'} -Clear title",
    "Set-ADObject plain -Remove @{otherTelephone='1'}",
    "New-ADOrganizationalUnit -Name Leavers -Path 'DC=corp,DC=contoso,DC=com' -Server DC1",
    "Rename-ADObject plain -NewName 'Plain, Mrs' -Server DC1",
    "Move-ADObject plain -TargetPath 'OU=Leavers,DC=corp,DC=contoso,DC=com' -Server DC1",
    "Add-ADGroupMember 'CN=Domain Admins,CN=Users,DC=corp,DC=contoso,DC=com' -Members plain -Confirm:$false",
    "Remove-ADGroupMember 'CN=Domain Admins,CN=Users,DC=corp,DC=contoso,DC=com' -Members plain -Confirm:$false",
    "Remove-ADUser plain -Confirm:$false",
    "Remove-ADObject u3 -Recursive -Confirm:$false -Server DC1",
    "Restore-ADObject u3 -NewName u3 -TargetPath 'OU=People,DC=corp,DC=contoso,DC=com' -Server DC1",
];

/// A value that a parameter of such a cmdlet takes, for whom it is.
fn value(spec_kind: ParameterKind, name: &str, who: &str) -> Argument {
    let text = |text: &str| Argument::Text(text.to_owned());
    match (name, spec_kind) {
        ("EmailAddresses", _) => {
            let more = text(&format!("smtp:more-{who}@contoso.com"));
            Argument::Hashtable(vec![("Add".to_owned(), more)])
        }
        ("WindowsEmailAddress" | "PrimarySmtpAddress" | "EmailAddress", _) => {
            text(&format!("main-{who}@contoso.com"))
        }
        ("RemoteRoutingAddress", _) => text("u1@contoso.mail.onmicrosoft.com"),
        ("UserPrincipalName", _) => text(&format!("{who}@contoso.com")),
        ("SamAccountName", _) => text(who),
        ("Server" | "DomainController", _) => text("DC1"),
        ("Country", _) => text("DE"),
        ("MailTipTranslations", _) => text("de: Hinweis"),
        (
            "Manager"
            | "ForwardingAddress"
            | "AcceptMessagesOnlyFrom"
            | "AcceptMessagesOnlyFromDLMembers"
            | "ModeratedBy"
            | "GrantSendOnBehalfTo"
            | "RejectMessagesFrom"
            | "RejectMessagesFromDLMembers",
            _,
        ) => text("u2"),
        ("Add" | "Remove" | "Replace", _) => {
            Argument::Hashtable(vec![("otherTelephone".to_owned(), text("1"))])
        }
        ("Clear", _) => text("title"),
        (_, ParameterKind::Boolean | ParameterKind::Switch) => Argument::Boolean(true),
        (_, ParameterKind::Integer) => Argument::Integer(3),
        (_, ParameterKind::OneOf(words)) => text(words[0]),
        _ => text("x"),
    }
}

/// Every parameter of a cmdlet by itself.
fn one_by_one(spec: &CmdletSpec, who: &str) -> Vec<CmdletCall> {
    // What is added first can be removed after it.
    let mut parameters: Vec<_> =
        spec.parameters.iter().filter(|parameter| parameter.name != "Identity").collect();
    parameters.sort_by_key(|parameter| parameter.name == "Remove");
    let call = |name: &str, value: Argument| CmdletCall {
        name: spec.name.to_owned(),
        parameters: vec![
            ("Identity".to_owned(), Argument::Text(who.to_owned())),
            (name.to_owned(), value),
        ],
    };
    parameters.iter().map(|p| call(p.name, value(p.kind, p.name, who))).collect()
}

/// The same call with `-WhatIf`, where its cmdlet takes that: what comes after it finds nothing changed.
fn what_if(call: &CmdletCall, specs: &[CmdletSpec]) -> Option<CmdletCall> {
    let spec = specs.iter().find(|spec| spec.name == call.name)?;
    spec.parameter("WhatIf")?;
    let mut call = call.clone();
    call.parameters.push(("WhatIf".to_owned(), Argument::Boolean(true)));
    Some(call)
}

/// The rows of both catalogues, and what went wrong.
pub(crate) fn rows(mut estate: Estate) -> (Vec<Row>, Vec<Row>, Vec<String>) {
    let catalogues = stage::catalogues();
    let mut problems = Vec::new();
    let mut of = |specs: &[CmdletSpec], lines: &[&str]| {
        let mut calls = Vec::new();
        for line in lines {
            if let Some((name, who)) = line.strip_prefix("* ").and_then(|l| l.split_once(' ')) {
                let spec = specs.iter().find(|spec| spec.name == name).expect("a cmdlet");
                calls.extend(one_by_one(spec, who));
                continue;
            }
            let read = cmdlet::parse(line).ok().and_then(|line| cmdlet::bind(&line, specs).ok());
            match read {
                Some(call) => {
                    calls.extend(what_if(&call, specs));
                    calls.push(call);
                }
                None => problems.push(format!("cannot be read: {line}")),
            }
        }
        tried(&mut estate, specs, &calls, &mut problems)
    };
    let ad = of(&catalogues.ad, AD);
    let exchange = of(&catalogues.onprem, EXCHANGE);
    (exchange, ad, problems)
}

fn tried(
    estate: &mut Estate,
    specs: &[CmdletSpec],
    calls: &[CmdletCall],
    problems: &mut Vec<String>,
) -> Vec<Row> {
    let witness = Caller::named("witness", Role::GlobalAdministrator);
    let mut seen: BTreeMap<(String, String), (bool, Option<String>)> = BTreeMap::new();
    for call in calls {
        let works = estate.person_ad(&witness, call, true).map_err(|why| why.to_string());
        if let Err(why) = &works {
            problems.push(format!("{call}: {why}"));
        }
        let again = refusal_of(call);
        let refusal = match estate.person_ad(&witness, &again, true) {
            Err(why) => Some(why.name()),
            Ok(_) => {
                problems.push(format!("not refused: {again}"));
                None
            }
        };
        let names = call.parameters.iter().map(|(name, _)| name.as_str()).chain([""]);
        for name in names {
            let entry = seen.entry((call.name.clone(), name.to_owned())).or_default();
            entry.0 |= works.is_ok();
            entry.1 = entry.1.take().or_else(|| refusal.clone());
        }
    }
    let mut rows = Vec::new();
    for spec in specs {
        let own = if spec.parameters.is_empty() { vec![""] } else { Vec::new() };
        for name in spec.parameters.iter().map(|parameter| parameter.name).chain(own) {
            let what = format!("{} -{name}", spec.name).trim_end_matches(" -").to_owned();
            match seen.get(&(spec.name.to_owned(), name.to_owned())) {
                Some((true, Some(refusal))) => rows.push(Row {
                    what,
                    fidelity: onprem::fidelity(name),
                    evidence: Evidence::Documented,
                    success: Some("done".to_owned()),
                    refusal: format!("`{refusal}`"),
                }),
                _ => problems.push(format!("a row without a witness: {what}")),
            }
        }
    }
    rows
}

/// The same call so that it has to be refused: about nobody; made again; or where the server is gone.
fn refusal_of(call: &CmdletCall) -> CmdletCall {
    let mut refused = call.clone();
    let nobody = Argument::Text("nobody".to_owned());
    match refused.parameters.iter_mut().find(|(name, _)| name == "Identity") {
        Some((_, identity)) => *identity = nobody,
        // What was removed, made or uninstalled is so once.
        None if call.name == "Set-OrganizationConfig" => {
            refused.parameters[0].1 = Argument::Text("Nowhere".to_owned());
        }
        None if call.name == "Get-HybridConfiguration" || call.parameter("WhatIf").is_some() => {
            refused.parameters.push(("Nothing".to_owned(), nobody));
        }
        None => {}
    }
    refused
}

//! Witnesses of the cmdlets of role management, in an estate of their own: once somebody has changed a role, the
//! roles decide over every other cmdlet as well.

use serde_json::json;
use sim::parity::Fidelity;

use super::document::Row;
use super::served::Served;
use super::steps::{self, No, Step};

/// Whether a cmdlet is one of them.
pub(crate) fn is_one(cmdlet: &str) -> bool {
    cmdlet.contains("ManagementRole") || cmdlet.contains("RoleGroup")
}

/// Roles: made, looked at, changed.
fn of_roles() -> Vec<Step> {
    const RECIPIENTS: &str = "Mail Recipients";
    let flag = json!({"Identity": "P1\\Set-Mailbox", "Parameters": ["IsExchangeCloudManaged"], "RemoveParameter": true});
    let tip = |switch: &str, parameter: &str| json!({"Identity": "P1\\Set-Mailbox", "Parameters": [parameter], switch: true});
    let both = json!({"Identity": "P1\\Set-Mailbox", "Parameters": ["MailTip"], "AddParameter": true, "RemoveParameter": true});
    vec![
        ("New-ManagementRole", "Name", json!({"Name": "P1", "Parent": RECIPIENTS}), No::Again(400)),
        (
            "New-ManagementRole",
            "Parent",
            json!({"Name": "P2", "Parent": RECIPIENTS}),
            No::So(json!({"Name": "P3", "Parent": "Nobody"}), 404),
        ),
        (
            "New-ManagementRole",
            "EnabledCmdlets",
            json!({"Name": "P4", "Parent": RECIPIENTS, "EnabledCmdlets": ["Set-Mailbox"]}),
            No::So(json!({"Name": "P5", "Parent": RECIPIENTS, "EnabledCmdlets": ["Get-X"]}), 400),
        ),
        (
            "Get-ManagementRole",
            "Identity",
            json!({"Identity": "P1"}),
            No::So(json!({"Identity": "Nobody"}), 404),
        ),
        ("Get-ManagementRole", "Cmdlet", json!({"Cmdlet": "Set-Mailbox"}), No::Nobody),
        (
            "Get-ManagementRoleEntry",
            "Identity",
            json!({"Identity": "P1\\*"}),
            No::So(json!({"Identity": "P1"}), 400),
        ),
        ("Set-ManagementRoleEntry", "Identity", flag, No::Again(404)),
        (
            "Set-ManagementRoleEntry",
            "Parameters",
            tip("RemoveParameter", "MailTip"),
            No::So(tip("RemoveParameter", "Bogus"), 404),
        ),
        (
            "Set-ManagementRoleEntry",
            "AddParameter",
            tip("AddParameter", "MailTip"),
            No::So(tip("AddParameter", "Bogus"), 400),
        ),
        (
            "Set-ManagementRoleEntry",
            "RemoveParameter",
            tip("RemoveParameter", "MailTip"),
            No::So(both, 400),
        ),
        (
            "Remove-ManagementRoleEntry",
            "Identity",
            json!({"Identity": "P2\\Set-MailUser"}),
            No::Again(404),
        ),
        (
            "Add-ManagementRoleEntry",
            "Identity",
            json!({"Identity": "P2\\Set-MailUser"}),
            No::So(json!({"Identity": "Mail Recipients\\Set-Mailbox"}), 400),
        ),
        (
            "Add-ManagementRoleEntry",
            "Parameters",
            json!({"Identity": "P2\\Set-Mailbox", "Parameters": ["MailTip"]}),
            No::So(json!({"Identity": "P2\\Set-Mailbox", "Parameters": ["Bogus"]}), 400),
        ),
    ]
}

/// Role groups and assignments, and what takes all of it away again.
fn of_groups() -> Vec<Step> {
    let nobody = || No::So(json!({"Identity": "Nobody", "Member": "x"}), 404);
    let member = |who: &str| json!({"Identity": "G1", "Member": who});
    let to_group = |role: &str, group: &str| json!({"Role": role, "SecurityGroup": group});
    vec![
        ("New-RoleGroup", "Name", json!({"Name": "G1"}), No::Again(400)),
        (
            "New-RoleGroup",
            "Roles",
            json!({"Name": "G2", "Roles": ["P1"]}),
            No::So(json!({"Name": "G3", "Roles": ["Nobody"]}), 404),
        ),
        ("New-RoleGroup", "Members", json!({"Name": "G4", "Members": ["x"]}), No::Nobody),
        (
            "Get-RoleGroup",
            "Identity",
            json!({"Identity": "G1"}),
            No::So(json!({"Identity": "Nobody"}), 404),
        ),
        ("Add-RoleGroupMember", "Identity", member("x"), nobody()),
        ("Add-RoleGroupMember", "Member", member("y"), No::Again(400)),
        (
            "Get-RoleGroupMember",
            "Identity",
            json!({"Identity": "G1"}),
            No::So(json!({"Identity": "Nobody"}), 404),
        ),
        ("Remove-RoleGroupMember", "Identity", member("x"), nobody()),
        ("Remove-RoleGroupMember", "Member", member("y"), No::Again(404)),
        (
            "New-ManagementRoleAssignment",
            "Role",
            to_group("P1", "G1"),
            No::So(to_group("Nobody", "G1"), 404),
        ),
        (
            "New-ManagementRoleAssignment",
            "SecurityGroup",
            to_group("P2", "G1"),
            No::So(to_group("P2", "Nobody"), 404),
        ),
        (
            "New-ManagementRoleAssignment",
            "User",
            json!({"Role": "P2", "User": "x"}),
            No::So(json!({"Role": "P2", "User": "x", "SecurityGroup": "G1"}), 400),
        ),
        (
            "New-ManagementRoleAssignment",
            "Name",
            json!({"Name": "A1", "Role": "P4", "User": "x"}),
            No::Again(400),
        ),
        (
            "Get-ManagementRoleAssignment",
            "Identity",
            json!({"Identity": "A1"}),
            No::So(json!({"Identity": "Nobody"}), 404),
        ),
        ("Get-ManagementRoleAssignment", "Role", json!({"Role": "P4"}), No::Nobody),
        ("Get-ManagementRoleAssignment", "RoleAssignee", json!({"RoleAssignee": "x"}), No::Nobody),
        ("Remove-ManagementRoleAssignment", "Identity", json!({"Identity": "A1"}), No::Again(404)),
        (
            "Remove-ManagementRole",
            "Identity",
            json!({"Identity": "P4"}),
            No::So(json!({"Identity": "Mail Recipients"}), 400),
        ),
        (
            "Remove-RoleGroup",
            "Identity",
            json!({"Identity": "G4"}),
            No::So(json!({"Identity": "Organization Management"}), 400),
        ),
    ]
}

/// Every parameter of these cmdlets.
pub(crate) async fn rows() -> Vec<Row> {
    let mut served = Served::start(&["--mailboxes", "3", "--no-engine"]);
    let steps: Vec<Step> = of_roles().into_iter().chain(of_groups()).collect();
    steps::rows(&mut served, &steps, "helpdesk", is_one, |_| Fidelity::Modelled).await
}

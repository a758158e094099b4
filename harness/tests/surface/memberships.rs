//! Witnesses of the questions about memberships that are answered by ids alone: of users, groups, any of them, and of
//! whoever signed in.

use serde_json::{Value, json};

use super::call::{Call, Who, Witness, post, witness};
use super::graph::{NO_ID, NOBODY};

/// All groups and objects that somebody is in, and which of some.
pub(crate) fn witnesses() -> Vec<Witness> {
    let every = || json!({"securityEnabledOnly": false});
    let groups = || json!({"groupIds": ["<group>", NO_ID]});
    let objects = || json!({"ids": ["<group>", NO_ID]});
    let user = |question: &str| format!("/v1.0/users/<user>/{question}");
    let group = |question: &str| format!("/v1.0/groups/<group>/{question}");
    let any = |question: &str| format!("/v1.0/directoryObjects/<user>/{question}");
    let nobody = |question: &str| post(&format!("{NOBODY}/{question}"), every()).is(404);
    let nothing = |question: &str| {
        post(&format!("/v1.0/directoryObjects/{NO_ID}/{question}"), every()).is(404)
    };
    let none = |target: String, name: &str| post(&target, json!({ name: [] })).is(400);
    let own = |question: &str, body: Value| -> (Call, Call) {
        let target = format!("/v1.0/me/{question}");
        let by_nobody = post(&target, body.clone()).is(400).says("delegated authentication flow");
        (post(&target, body).by(Who::User).says("<group>"), by_nobody)
    };
    let says = |target: String, body: Value| post(&target, body).says("<group>");
    let (get_groups, no_groups) = own("getMemberGroups", every());
    let (get_objects, no_objects) = own("getMemberObjects", every());
    let (check_groups, unchecked_groups) = own("checkMemberGroups", groups());
    let (check_objects, unchecked_objects) = own("checkMemberObjects", objects());
    vec![
        witness(
            "POST /users/{id}/getMemberGroups",
            says(user("getMemberGroups"), every()),
            nobody("getMemberGroups"),
        ),
        witness(
            "POST /users/{id}/getMemberObjects",
            says(user("getMemberObjects"), every()),
            nobody("getMemberObjects"),
        ),
        witness(
            "POST /users/{id}/checkMemberGroups",
            says(user("checkMemberGroups"), groups()),
            none(user("checkMemberGroups"), "groupIds"),
        ),
        witness(
            "POST /users/{id}/checkMemberObjects",
            says(user("checkMemberObjects"), objects()),
            none(user("checkMemberObjects"), "ids"),
        ),
        witness(
            "POST /groups/{id}/getMemberGroups",
            post(&group("getMemberGroups"), every()),
            post(&group("getMemberGroups"), json!({})).is(400).says("securityEnabledOnly"),
        ),
        witness(
            "POST /groups/{id}/getMemberObjects",
            post(&group("getMemberObjects"), every()),
            post(&group("getMemberObjects"), json!({})).is(400).says("securityEnabledOnly"),
        ),
        witness(
            "POST /groups/{id}/checkMemberGroups",
            post(&group("checkMemberGroups"), groups()),
            post(&group("checkMemberGroups"), json!({"groupIds": ["x"]})).is(400),
        ),
        witness(
            "POST /groups/{id}/checkMemberObjects",
            post(&group("checkMemberObjects"), objects()),
            post(&group("checkMemberObjects"), json!({"ids": ["x"]})).is(400),
        ),
        witness(
            "POST /directoryObjects/{id}/getMemberGroups",
            says(any("getMemberGroups"), every()),
            nothing("getMemberGroups"),
        ),
        witness(
            "POST /directoryObjects/{id}/getMemberObjects",
            says(any("getMemberObjects"), every()),
            nothing("getMemberObjects"),
        ),
        witness(
            "POST /directoryObjects/{id}/checkMemberGroups",
            says(any("checkMemberGroups"), groups()),
            none(any("checkMemberGroups"), "groupIds"),
        ),
        witness(
            "POST /directoryObjects/{id}/checkMemberObjects",
            says(any("checkMemberObjects"), objects()),
            none(any("checkMemberObjects"), "ids"),
        ),
        witness("POST /me/getMemberGroups", get_groups, no_groups),
        witness("POST /me/getMemberObjects", get_objects, no_objects),
        witness("POST /me/checkMemberGroups", check_groups, unchecked_groups),
        witness("POST /me/checkMemberObjects", check_objects, unchecked_objects),
    ]
}

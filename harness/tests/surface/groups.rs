//! Witnesses of groups in Microsoft Graph, in an order in which each finds what it needs.

use serde_json::json;

use super::call::{Witness, delete, get, patch, post, put, witness};
use super::graph::{NO_ID, NOBODY, link, reader};

/// Groups, who is in them, and the groups of somebody.
pub(crate) fn witnesses() -> Vec<Witness> {
    let new = json!({
        "displayName": "Pilot", "mailNickname": "pilot", "mailEnabled": true,
        "securityEnabled": false, "groupTypes": ["Unified"],
    });
    let group = |rest: &str| format!("/v1.0/groups/<group>{rest}");
    let counted = |target: &str| get(target).header("ConsistencyLevel", "eventual").says("1");
    let nothing = |rest: &str| get(&format!("/v1.0/groups/{NO_ID}{rest}")).is(404);
    vec![
        witness(
            "POST /groups",
            post("/v1.0/groups", new.clone()).is(201).keep("group", "/id"),
            post("/v1.0/groups", new).is(400).says("ObjectConflict"),
        ),
        witness(
            "GET /groups",
            get("/v1.0/groups"),
            get("/v1.0/groups?$select=nothing").is(400).says("Could not find a property"),
        ),
        witness(
            "GET /groups/delta",
            get("/v1.0/groups/delta").says("@odata.deltaLink"),
            get("/v1.0/groups/delta?$deltatoken=none").is(400).says("syncStateNotFound"),
        ),
        witness(
            "GET /groups/$count",
            get("/v1.0/groups/$count").header("ConsistencyLevel", "eventual").says("1"),
            get("/v1.0/groups/$count").is(400),
        ),
        witness("GET /groups/{id}", get(&group("")).says("Pilot"), nothing("")),
        witness(
            "PATCH /groups/{id}",
            patch(&group(""), json!({"displayName": "Wave 1"})),
            patch(&group(""), json!({"mail": "x"})).is(400).says("read-only"),
        ),
        witness(
            "POST /groups/{id}/members/$ref",
            post(&group("/members/$ref"), link("<user>")).is(204),
            post(&group("/members/$ref"), link("<user>")).is(400),
        ),
        witness(
            "GET /groups/{id}/members",
            get(&group("/members")).says("<user>"),
            nothing("/members"),
        ),
        witness(
            "GET /groups/{id}/transitiveMembers",
            get(&group("/transitiveMembers")).says("<user>"),
            nothing("/transitiveMembers"),
        ),
        witness("GET /groups/{id}/owners", get(&group("/owners")), nothing("/owners")),
        witness(
            "GET /groups/{id}/members/$count",
            counted("/v1.0/groups/<group>/members/$count"),
            nothing("/members/$count").header("ConsistencyLevel", "eventual"),
        ),
        witness(
            "GET /groups/{id}/members/microsoft.graph.user",
            get(&group("/members/microsoft.graph.user")).says("<user>"),
            nothing("/members/microsoft.graph.user"),
        ),
        witness(
            "GET /groups/{id}/members/microsoft.graph.group",
            get(&group("/members/microsoft.graph.group")).says("\"value\":[]"),
            nothing("/members/microsoft.graph.group"),
        ),
        witness(
            "GET /groups/{id}/transitiveMembers/microsoft.graph.user",
            get(&group("/transitiveMembers/microsoft.graph.user")).says("<user>"),
            nothing("/transitiveMembers/microsoft.graph.user"),
        ),
        witness(
            "POST /groups/{id}/owners/$ref",
            post(&group("/owners/$ref"), link("<user>")).is(204),
            post(&group("/owners/$ref"), link("<user>")).is(400).says("already exist"),
        ),
        witness(
            "GET /groups/{id}/owners/microsoft.graph.user",
            get(&group("/owners/microsoft.graph.user")).says("<user>"),
            nothing("/owners/microsoft.graph.user"),
        ),
        witness(
            "DELETE /groups/{id}/owners/{id}/$ref",
            delete(&group("/owners/<user2>/$ref")),
            delete(&group("/owners/<user>/$ref")).is(400).says("at least one owner"),
        )
        .after(post(&group("/owners/$ref"), link("<user2>")).is(204)),
        witness("GET /groups/{id}/memberOf", get(&group("/memberOf")), nothing("/memberOf")),
        witness(
            "GET /groups/{id}/transitiveMemberOf",
            get(&group("/transitiveMemberOf")),
            nothing("/transitiveMemberOf"),
        ),
        witness(
            "GET /users/{id}/memberOf",
            get("/v1.0/users/<user>/memberOf").says("Wave 1"),
            get(&format!("{NOBODY}/memberOf")).is(404),
        ),
        witness(
            "GET /users/{id}/memberOf/$count",
            counted("/v1.0/users/<user>/memberOf/$count"),
            get("/v1.0/users/<user>/memberOf/$count").is(400),
        ),
        witness(
            "GET /users/{id}/memberOf/microsoft.graph.group",
            get("/v1.0/users/<user>/memberOf/microsoft.graph.group").says("Wave 1"),
            get(&format!("{NOBODY}/memberOf/microsoft.graph.group")).is(404),
        ),
        witness(
            "GET /users/{id}/transitiveMemberOf",
            get("/v1.0/users/<user>/transitiveMemberOf").says("Wave 1"),
            get(&format!("{NOBODY}/transitiveMemberOf")).is(404),
        ),
        witness(
            "GET /users/{id}/transitiveMemberOf/microsoft.graph.group",
            get("/v1.0/users/<user>/transitiveMemberOf/microsoft.graph.group").says("Wave 1"),
            get(&format!("{NOBODY}/transitiveMemberOf/microsoft.graph.group")).is(404),
        ),
    ]
}

/// What is left of them once every question was asked.
pub(crate) fn endings() -> Vec<Witness> {
    let group = |rest: &str| format!("/v1.0/groups/<group>{rest}");
    vec![
        witness(
            "PUT /users/{id}/manager/$ref",
            put("/v1.0/users/<made>/manager/$ref", link("<user>")),
            put("/v1.0/users/<user2>/manager/$ref", link("<user>"))
                .is(400)
                .says("on-premises mastered"),
        ),
        witness(
            "DELETE /users/{id}/manager/$ref",
            delete("/v1.0/users/<made>/manager/$ref"),
            delete("/v1.0/users/<made>/manager/$ref").is(404),
        )
        .after(get("/v1.0/users/<made>/manager").says("<user>")),
        witness(
            "DELETE /groups/{id}/members/{id}/$ref",
            delete(&group("/members/<user>/$ref")),
            delete(&group("/members/<user>/$ref")).is(404),
        ),
        witness(
            "GET /groups/{id}/onPremisesSyncBehavior",
            get(&group("/onPremisesSyncBehavior")).says("\"isCloudManaged\":false"),
            reader(get(&group("/onPremisesSyncBehavior"))),
        ),
        witness("DELETE /groups/{id}", delete(&group("")), delete(&group("")).is(404)),
    ]
}

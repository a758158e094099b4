//! Witnesses of Microsoft Graph, in an order in which each finds what it needs.

use serde_json::{Value, json};

use super::call::{Call, Who, Witness, call, delete, get, patch, post, put, witness};
use super::{groups, memberships};

pub(crate) const NOBODY: &str = "/v1.0/users/nobody@nowhere.example";
pub(crate) const NO_ID: &str = "6e7b768e-07e2-4810-8459-485f84f8f204";
/// Office 365 E3.
const SKU: &str = "6fd2c87f-b296-42f0-b197-1e91e994b900";
const WRITEBACK: &str = "3b99513e-0cee-4291-aea8-84356239fb82";

pub(crate) fn reader(call: Call) -> Call {
    call.by(Who::Client("reader")).is(403)
}

pub(crate) fn link(id: &str) -> Value {
    json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}")})
}

/// All of Graph but what needs objects that no served estate has.
pub(crate) fn witnesses() -> Vec<Witness> {
    let mut all = users();
    all.extend(groups::witnesses());
    all.extend(memberships::witnesses());
    all.extend(groups::endings());
    all.extend(roles());
    all.extend(deleted_items());
    all.extend(tenant());
    all.extend(agents());
    all.extend(principals());
    all.extend(synchronization());
    all.extend(schema());
    all.extend(actions());
    all
}

fn users() -> Vec<Witness> {
    let new = json!({
        "accountEnabled": true, "displayName": "Dora", "mailNickname": "dora",
        "userPrincipalName": "dora@<domain>", "passwordProfile": {"password": "x"},
    });
    let behavior = |user: &str| format!("/v1.0/users/{user}/onPremisesSyncBehavior");
    let licence = |add: Value, remove: Value| {
        let body = json!({"addLicenses": add, "removeLicenses": remove});
        post("/v1.0/users/<user>/assignLicense", body)
    };
    vec![
        witness(
            "GET /me",
            get("/v1.0/me").by(Who::User).says("<user>"),
            get("/v1.0/me").is(400).says("delegated authentication flow"),
        ),
        witness(
            "GET /users",
            get("/v1.0/users?$top=5&$select=id").says("@odata.nextLink"),
            get("/v1.0/users?$top=1000").is(400).says("Invalid page size"),
        ),
        witness(
            "POST /users",
            post("/v1.0/users", new.clone()).is(201).keep("made", "/id"),
            post("/v1.0/users", new).is(400).says("ObjectConflict"),
        ),
        witness(
            "GET /users/delta",
            get("/v1.0/users/delta").says("@odata.deltaLink"),
            get("/v1.0/users/delta?$deltatoken=nonsense").is(400).says("syncStateNotFound"),
        ),
        witness(
            "GET /users/$count",
            get("/v1.0/users/$count").header("ConsistencyLevel", "eventual"),
            get("/v1.0/users/$count").is(400).says("$count is not currently supported."),
        ),
        witness(
            "GET /users/{id}",
            get("/v1.0/users/<upn>").says("<user>"),
            get(NOBODY).is(404).says("Request_ResourceNotFound"),
        ),
        witness(
            "PATCH /users/{id}",
            patch("/v1.0/users/<user>", json!({"usageLocation": "DE"})),
            patch("/v1.0/users/<user>", json!({"displayName": "x"}))
                .is(400)
                .says("on-premises mastered"),
        ),
        witness(
            "GET /me/memberOf",
            get("/v1.0/me/memberOf").by(Who::User),
            get("/v1.0/me/memberOf").is(400).says("delegated authentication flow"),
        ),
        witness(
            "GET /directoryObjects/{id}",
            get("/v1.0/directoryObjects/<user>").says("#microsoft.graph.user"),
            get(&format!("/v1.0/directoryObjects/{NO_ID}")).is(404),
        ),
        witness(
            "GET /users/{id}/onPremisesSyncBehavior",
            get(&behavior("<user3>")).says("\"isCloudManaged\":false"),
            reader(get(&behavior("<user3>"))).says("Authorization_RequestDenied"),
        ),
        witness(
            "PATCH /users/{id}/onPremisesSyncBehavior",
            patch(&behavior("<user3>"), json!({"isCloudManaged": true})),
            patch(&behavior("<made>"), json!({"isCloudManaged": true})).is(400),
        ),
        witness(
            "POST /users/{id}/assignLicense",
            licence(json!([]), json!([SKU])).says("<user>"),
            licence(json!([{"skuId": NO_ID}]), json!([])).is(400),
        ),
        witness(
            "GET /users/{id}/licenseDetails",
            get("/v1.0/users/<user2>/licenseDetails").says(SKU),
            get(&format!("{NOBODY}/licenseDetails")).is(404),
        ),
        witness(
            "POST /users/{id}/revokeSignInSessions",
            post("/v1.0/users/<user2>/revokeSignInSessions", json!({})).says("true"),
            post(&format!("{NOBODY}/revokeSignInSessions"), json!({})).is(404),
        ),
        witness(
            "GET /subscribedSkus",
            get("/v1.0/subscribedSkus").says(SKU),
            get("/v1.0/subscribedSkus").unprivileged().is(403),
        ),
        witness(
            "POST /directoryObjects/getByIds",
            post("/v1.0/directoryObjects/getByIds", json!({"ids": ["<user>"]})).says("<user>"),
            post("/v1.0/directoryObjects/getByIds", json!({"ids": "x"})).is(400),
        ),
    ]
}

/// Objects that come from AD, which only an estate of its own can be given.
pub(crate) fn of_synced_objects() -> Vec<Witness> {
    let of = |kind: &str| format!("/v1.0/{kind}/<{kind}>/onPremisesSyncBehavior");
    vec![
        witness(
            "GET /users/{id}/manager",
            get("/v1.0/users/report@contoso.com/manager").says("boss@contoso.com"),
            get("/v1.0/users/boss@contoso.com/manager").is(404),
        ),
        witness(
            "GET /users/{id}/directReports",
            get("/v1.0/users/boss@contoso.com/directReports").says("report@contoso.com"),
            get(&format!("{NOBODY}/directReports")).is(404),
        ),
        witness(
            "GET /contacts/$count",
            get("/v1.0/contacts/$count").header("ConsistencyLevel", "eventual").says("1"),
            get("/v1.0/contacts/$count").is(400),
        ),
        witness(
            "PATCH /groups/{id}/onPremisesSyncBehavior",
            patch(&of("groups"), json!({"isCloudManaged": true})),
            reader(patch(&of("groups"), json!({"isCloudManaged": false}))),
        ),
        witness(
            "GET /contacts",
            get("/v1.0/contacts").says("Partner"),
            get("/v1.0/contacts?$select=nothing").is(400),
        ),
        witness(
            "GET /contacts/delta",
            get("/v1.0/contacts/delta?$select=displayName,mail").says("Partner"),
            get("/v1.0/contacts/delta?$deltatoken=none").is(400).says("syncStateNotFound"),
        ),
        witness(
            "GET /contacts/{id}",
            get("/v1.0/contacts/<contacts>").says("Partner"),
            get(&format!("/v1.0/contacts/{NO_ID}")).is(404),
        ),
        witness(
            "GET /contacts/{id}/onPremisesSyncBehavior",
            get(&of("contacts")).says("\"isCloudManaged\":false"),
            reader(get(&of("contacts"))),
        ),
        witness(
            "PATCH /contacts/{id}/onPremisesSyncBehavior",
            patch(&of("contacts"), json!({"isCloudManaged": true})),
            reader(patch(&of("contacts"), json!({"isCloudManaged": false}))),
        ),
    ]
}

fn roles() -> Vec<Witness> {
    const ROLE: &str = "fe930be7-5e62-47db-91af-98c3a49a38b1";
    let of = |rest: &str| format!("/v1.0/directoryRoles/{ROLE}{rest}");
    let nothing = format!("/v1.0/directoryRoles/{NO_ID}");
    let member = of("/members/<user>/$ref");
    vec![
        witness(
            "GET /directoryRoles",
            get("/v1.0/directoryRoles").says("User Administrator"),
            get("/v1.0/directoryRoles").unprivileged().is(403),
        ),
        witness("GET /directoryRoles/{id}", get(&of("")), get(&nothing).is(404)),
        witness(
            "POST /directoryRoles/{id}/members/$ref",
            post(&of("/members/$ref"), link("<user>")).is(204),
            post(&of("/members/$ref"), link("<user>")).is(400).says("already exist"),
        ),
        witness(
            "GET /directoryRoles/{id}/members",
            get(&of("/members")).says("<user>"),
            get(&format!("{nothing}/members")).is(404),
        ),
        witness(
            "DELETE /directoryRoles/{id}/members/{id}/$ref",
            delete(&member),
            delete(&member).is(404),
        ),
    ]
}

fn deleted_items() -> Vec<Witness> {
    const ITEM: &str = "/v1.0/directory/deletedItems/<made>";
    let listed = "/v1.0/directory/deletedItems/microsoft.graph.user";
    let groups = "/v1.0/directory/deletedItems/microsoft.graph.group";
    let again = || delete("/v1.0/users/<made>");
    vec![
        witness(
            "GET /directory/deletedItems/microsoft.graph.group",
            get(groups).says("pilot"),
            get(groups).unprivileged().is(403),
        ),
        witness(
            "DELETE /users/{id}",
            delete("/v1.0/users/<made>"),
            delete("/v1.0/users/<user>").is(400).says("on-premises mastered"),
        ),
        witness(
            "GET /directory/deletedItems/microsoft.graph.user",
            get(listed).says("<made>"),
            get(listed).unprivileged().is(403),
        ),
        witness(
            "GET /directory/deletedItems/{id}",
            get(ITEM).says("dora"),
            get("/v1.0/directory/deletedItems/<user>").is(404),
        ),
        witness(
            "POST /directory/deletedItems/{id}/restore",
            post(&format!("{ITEM}/restore"), json!({})).says("<made>"),
            post(&format!("{ITEM}/restore"), json!({})).is(404),
        ),
        witness("DELETE /directory/deletedItems/{id}", delete(ITEM), delete(ITEM).is(404))
            .after(again()),
    ]
}

fn tenant() -> Vec<Witness> {
    let switches = "/v1.0/directory/onPremisesSynchronization";
    let own = format!("{switches}/<tenant>");
    let set = |on: Value| json!({"features": {"blockSoftMatchEnabled": on}});
    let too_many: Vec<Value> = (0..21)
        .map(|id| json!({"id": id.to_string(), "method": "GET", "url": "/users/<user>"}))
        .collect();
    vec![
        witness(
            "GET /domains",
            get("/v1.0/domains").says("<domain>"),
            get("/v1.0/domains").unprivileged().is(403),
        ),
        witness(
            "GET /domains/{id}",
            get("/v1.0/domains/<domain>").says("isVerified"),
            get("/v1.0/domains/nowhere.example").is(404),
        ),
        witness(
            "GET /directory/onPremisesSynchronization",
            get(switches).says("<tenant>"),
            get(switches).unprivileged().is(403),
        ),
        witness(
            "GET /directory/onPremisesSynchronization/{id}",
            get(&own).says("blockSoftMatchEnabled"),
            get(&format!("{switches}/{NO_ID}")).is(404),
        ),
        witness(
            "PATCH /directory/onPremisesSynchronization",
            patch(switches, set(json!(true))),
            patch(switches, set(json!("perhaps"))).is(400),
        ),
        witness(
            "PATCH /directory/onPremisesSynchronization/{id}",
            patch(&own, set(json!(false))),
            patch(&own, json!({"features": {"nothing": true}})).is(400),
        ),
        witness(
            "GET /organization",
            get("/v1.0/organization").says("onPremisesSyncEnabled"),
            get("/v1.0/organization").unprivileged().is(403),
        ),
        witness(
            "GET /organization/{id}",
            get("/v1.0/organization/<tenant>").says("<tenant>"),
            get(&format!("/v1.0/organization/{NO_ID}")).is(404),
        ),
        witness(
            "PATCH /organization/{id}",
            patch("/v1.0/organization/<tenant>", json!({"onPremisesSyncEnabled": true})),
            patch(&format!("/v1.0/organization/{NO_ID}"), json!({"onPremisesSyncEnabled": true}))
                .is(404),
        ),
        witness(
            "GET /auditLogs/directoryAudits",
            get("/v1.0/auditLogs/directoryAudits?$top=2").says("activityDisplayName"),
            get("/v1.0/auditLogs/directoryAudits?$orderby=category").is(400),
        ),
        witness(
            "POST /$batch",
            post(
                "/v1.0/$batch",
                json!({"requests": [{"id": "1", "method": "GET", "url": "/users/<user>"}]}),
            )
            .says("\"status\":200"),
            post("/v1.0/$batch", json!({"requests": too_many})).is(400),
        ),
    ]
}

fn agents() -> Vec<Witness> {
    const BASE: &str = "/beta/onPremisesPublishingProfiles/provisioning";
    let of = |rest: &str| format!("{BASE}{rest}");
    let old = || get(&BASE.replace("beta", "v1.0")).is(400);
    let unprivileged = |rest: &str| get(&of(rest)).unprivileged().is(403);
    let group = |id: &str| json!({"@odata.id": format!("https://graph.microsoft.com/beta/onPremisesPublishingProfiles/provisioning/agentGroups/{id}")});
    vec![
        witness("GET /onPremisesPublishingProfiles/provisioning", get(BASE), old()),
        witness(
            "GET /onPremisesPublishingProfiles/provisioning/agents",
            get(&of("/agents")).keep("agent", "/value/0/id"),
            unprivileged("/agents"),
        ),
        witness(
            "GET /onPremisesPublishingProfiles/provisioning/agents/{id}",
            get(&of("/agents/<agent>")).keep("agents", "/agentGroups/0/id"),
            get(&of("/agents/x")).is(404),
        ),
        witness(
            "GET /onPremisesPublishingProfiles/provisioning/agentGroups",
            get(&of("/agentGroups?$expand=agents")).says("<agent>"),
            get(&of("/agentGroups?$expand=nothing")).is(400),
        ),
        witness(
            "GET /onPremisesPublishingProfiles/provisioning/agentGroups/{id}",
            get(&of("/agentGroups/<agents>")).says("<agents>"),
            get(&of("/agentGroups/x")).is(404),
        ),
        witness(
            "GET /onPremisesPublishingProfiles/provisioning/publishedResources",
            get(&of("/publishedResources")).says("resourceName"),
            unprivileged("/publishedResources"),
        ),
        witness(
            "POST /onPremisesPublishingProfiles/provisioning/agents/{id}/agentGroups/$ref",
            post(&of("/agents/<agent>/agentGroups/$ref"), group("<agents>")).is(204),
            post(&of("/agents/<agent>/agentGroups/$ref"), group("x")).is(404),
        ),
    ]
}

fn principals() -> Vec<Witness> {
    let template = format!("/v1.0/applicationTemplates/{WRITEBACK}");
    let instantiate = format!("{template}/instantiate");
    vec![
        witness(
            "GET /applicationTemplates",
            get("/v1.0/applicationTemplates").says(WRITEBACK),
            get("/v1.0/applicationTemplates?$select=nothing").is(400),
        ),
        witness(
            "GET /applicationTemplates/{id}",
            get(&template).says("writeback"),
            get(&format!("/v1.0/applicationTemplates/{NO_ID}")).is(404),
        ),
        witness(
            "POST /applicationTemplates/{id}/instantiate",
            post(&instantiate, json!({"displayName": "corp.contoso.com"}))
                .is(201)
                .keep("sp2", "/servicePrincipal/id"),
            post(&instantiate, json!({"displayName": ""})).is(400),
        ),
        witness(
            "GET /applications",
            get("/v1.0/applications").says("corp.contoso.com"),
            get("/v1.0/applications").unprivileged().is(403),
        ),
        witness(
            "GET /servicePrincipals",
            get("/v1.0/servicePrincipals").says("<sp2>"),
            get("/v1.0/servicePrincipals?$select=nothing").is(400),
        ),
        witness(
            "GET /servicePrincipals/{id}",
            get("/v1.0/servicePrincipals/<sp2>").says("<sp2>"),
            get(&format!("/v1.0/servicePrincipals/{NO_ID}")).is(404),
        ),
    ]
}

fn of_job(rest: &str) -> String {
    format!("/v1.0/servicePrincipals/<sp>/synchronization/jobs/<job>{rest}")
}

fn no_job(rest: &str) -> String {
    format!("/v1.0/servicePrincipals/<sp>/synchronization/jobs/nothing{rest}")
}

fn synchronization() -> Vec<Witness> {
    let of = |sp: &str, rest: &str| format!("/v1.0/servicePrincipals/{sp}/synchronization{rest}");
    let name = "Entra2ADExchangeOnlineAttributeWriteback";
    let job = || post(&of("<sp2>", "/jobs"), json!({"templateId": name}));
    let secret = |domain: &str| {
        let value = json!({"domain": domain}).to_string();
        json!({"value": [{"key": "Domain", "value": value}]})
    };
    let saved = || json!({"useSavedCredentials": true});
    let none = || json!({"credentials": []});
    vec![
        witness(
            "PUT /servicePrincipals/{id}/synchronization/secrets",
            put(&of("<sp>", "/secrets"), secret("corp.contoso.com")),
            put(&of("<sp>", "/secrets"), secret("elsewhere.lab"))
                .is(400)
                .says("HybridIdentityServiceInvalidResource"),
        ),
        witness(
            "GET /servicePrincipals/{id}/synchronization/templates",
            get(&of("<sp>", "/templates")).says(name),
            get(&of(NO_ID, "/templates")).is(404),
        ),
        witness(
            "GET /servicePrincipals/{id}/synchronization/templates/{id}",
            get(&of("<sp>", &format!("/templates/{name}"))).says(name),
            get(&of("<sp>", "/templates/scim")).is(404),
        ),
        witness(
            "GET /servicePrincipals/{id}/synchronization/jobs",
            get(&of("<sp>", "/jobs")).says("PT20M"),
            get(&of(NO_ID, "/jobs")).is(404),
        ),
        witness(
            "POST /servicePrincipals/{id}/synchronization/jobs",
            job().is(201).keep("job2", "/id"),
            job().is(409),
        ),
        witness(
            "POST /servicePrincipals/{id}/synchronization/jobs/validateCredentials",
            post(&of("<sp>", "/jobs/validateCredentials"), saved()).is(204),
            post(&of("<sp>", "/jobs/validateCredentials"), none()).is(400),
        ),
        witness(
            "POST /servicePrincipals/{id}/synchronization/jobs/{id}/validateCredentials",
            post(&of_job("/validateCredentials"), saved()).is(204),
            post(&of_job("/validateCredentials"), none()).is(400),
        ),
        witness(
            "GET /servicePrincipals/{id}/synchronization/jobs/{id}",
            get(&of_job("")).says("DomainFQDN"),
            get(&no_job("")).is(404),
        ),
        witness(
            "GET /servicePrincipals/{id}/synchronization/secrets",
            get(&of("<sp>", "/secrets")).says("Domain"),
            get(&of(NO_ID, "/secrets")).is(404),
        ),
        witness(
            "DELETE /servicePrincipals/{id}/synchronization/jobs/{id}",
            delete(&of("<sp2>", "/jobs/<job2>")),
            delete(&of("<sp2>", "/jobs/<job2>")).is(404),
        ),
        witness(
            "DELETE /servicePrincipals/{id}",
            delete("/v1.0/servicePrincipals/<sp2>"),
            delete("/v1.0/servicePrincipals/<sp2>").is(404),
        ),
    ]
}

fn schema() -> Vec<Witness> {
    let job = &of_job("/schema");
    let whole = |method: &'static str| call(method, job).text("<schema>");
    vec![
        witness(
            "GET /servicePrincipals/{id}/synchronization/jobs/{id}/schema",
            get(job)
                .says("attributeMappings")
                .keep("schema", "")
                .keep("directory", "/directories/1/id"),
            get(&no_job("/schema")).is(404),
        ),
        witness(
            "PUT /servicePrincipals/{id}/synchronization/jobs/{id}/schema",
            whole("PUT").is(204),
            put(job, json!({"synchronizationRules": []})).is(501),
        ),
        witness(
            "PATCH /servicePrincipals/{id}/synchronization/jobs/{id}/schema",
            whole("PATCH").is(204),
            patch(job, json!({"synchronizationRules": []})).is(501),
        ),
        witness(
            "POST /servicePrincipals/{id}/synchronization/jobs/{id}/schema/directories/{id}/discover",
            post(&format!("{job}/directories/<directory>/discover"), json!({}))
                .says("Active Directory"),
            post(&format!("{job}/directories/x/discover"), json!({})).is(404),
        ),
        witness(
            "DELETE /servicePrincipals/{id}/synchronization/jobs/{id}/schema",
            delete(job),
            delete(&no_job("/schema")).is(404),
        ),
    ]
}

fn actions() -> Vec<Witness> {
    let act = |action: &str, body: Value| {
        (
            post(&of_job(&format!("/{action}")), body.clone()).is(204),
            post(&no_job(&format!("/{action}")), body).is(404),
        )
    };
    let subject = |rule: &str| {
        json!({"parameters": [{"ruleId": rule, "subjects":
            [{"objectId": "User_<user>", "objectTypeName": "User"}]}]})
    };
    let demand = of_job("/provisionOnDemand");
    let flip =
        json!({"Identity": "<upn>", "IsExchangeCloudManaged": true, "CustomAttribute3": "demand"});
    let flip = json!({"CmdletInput": {"CmdletName": "Set-Mailbox", "Parameters": flip}});
    let restart = json!({"criteria": {"resetScope": "Watermark, Escrows"}});
    let (paused, not_paused) = act("pause", json!({}));
    let (stopped, not_stopped) = act("stop", json!({}));
    let (started, not_started) = act("start", json!({}));
    let (restarted, _) = act("restart", restart);
    let wrong = json!({"criteria": {"resetScope": "Everything"}});
    vec![
        witness(
            "POST /servicePrincipals/{id}/synchronization/jobs/{id}/provisionOnDemand",
            post(&demand, subject("<rule>")).says("Success"),
            post(&demand, subject("other")).is(400).says("no synchronization rule"),
        )
        .after(post("/adminapi/beta/<tenant>/InvokeCommand", flip)),
        witness(
            "GET /auditLogs/provisioning",
            get("/v1.0/auditLogs/provisioning?$top=1").says("EntryExportUpdate"),
            get("/v1.0/auditLogs/provisioning?$orderby=jobId").is(400),
        ),
        witness("POST /servicePrincipals/{id}/synchronization/jobs/{id}/pause", paused, not_paused),
        witness(
            "POST /servicePrincipals/{id}/synchronization/jobs/{id}/stop",
            stopped,
            not_stopped,
        ),
        witness(
            "POST /servicePrincipals/{id}/synchronization/jobs/{id}/start",
            started,
            not_started,
        ),
        witness(
            "POST /servicePrincipals/{id}/synchronization/jobs/{id}/restart",
            restarted,
            post(&of_job("/restart"), wrong).is(400),
        ),
    ]
}

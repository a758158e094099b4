//! Witnesses of the identity platform.

use super::call::{Who, Witness, call, get, witness};

const APPLICATION: &str =
    "grant_type=client_credentials&client_id=<client_id>&client_secret=<client_secret>";
const WRONG: &str = "grant_type=client_credentials&client_id=<client_id>&client_secret=wrong";
const NO_TENANT: &str = "/nowhere.example";

pub(crate) fn witnesses() -> Vec<Witness> {
    let open = |target: &str| get(target).by(Who::Nobody);
    let form = |target: &str, form: &str| call("POST", target).form(form);
    let token = "/<tenant>/oauth2/v2.0/token";
    let device = "/<tenant>/oauth2/v2.0/devicecode";
    vec![
        witness(
            "POST /{tenant}/oauth2/v2.0/token",
            form(token, &format!("{APPLICATION}&scope=https://graph.microsoft.com/.default"))
                .says("access_token"),
            form(token, &format!("{WRONG}&scope=https://graph.microsoft.com/.default"))
                .is(401)
                .says("AADSTS7000215"),
        ),
        witness(
            "POST /{tenant}/oauth2/token",
            form(
                "/<tenant>/oauth2/token",
                &format!("{APPLICATION}&resource=https://graph.microsoft.com"),
            )
            .says("expires_on"),
            form("/<tenant>/oauth2/token", APPLICATION).is(400),
        ),
        witness(
            "POST /{tenant}/oauth2/v2.0/devicecode",
            form(device, "client_id=<client_id>&scope=User.Read").keep("code", "/user_code"),
            form(device, "client_id=00000000-0000-0000-0000-000000000001&scope=User.Read")
                .is(400)
                .says("AADSTS700016"),
        ),
        witness(
            "POST /{tenant}/oauth2/devicecode",
            form(
                "/<tenant>/oauth2/devicecode",
                "client_id=<client_id>&resource=https://graph.microsoft.com",
            )
            .says("device_code"),
            form("/<tenant>/oauth2/devicecode", "resource=https://graph.microsoft.com").is(400),
        ),
        witness(
            "GET /{tenant}/oauth2/deviceauth",
            open("/<tenant>/oauth2/deviceauth").says("user_code"),
            open(&format!("{NO_TENANT}/oauth2/deviceauth")).is(400).says("AADSTS90002"),
        ),
        witness(
            "POST /{tenant}/oauth2/deviceauth",
            form(
                "/<tenant>/oauth2/deviceauth",
                "user_code=<code>&username=<upn>&password=<password>",
            )
            .says("signed in"),
            form(
                "/<tenant>/oauth2/deviceauth",
                "user_code=XXXXXXXXX&username=<upn>&password=<password>",
            )
            .is(400),
        ),
        witness(
            "GET /{tenant}/v2.0/.well-known/openid-configuration",
            open("/<tenant>/v2.0/.well-known/openid-configuration").says("<login>/<tenant>/v2.0"),
            open(&format!("{NO_TENANT}/v2.0/.well-known/openid-configuration"))
                .is(400)
                .says("AADSTS90002"),
        ),
        witness(
            "GET /{tenant}/.well-known/openid-configuration",
            open("/<tenant>/.well-known/openid-configuration").says("<login>/<tenant>/oauth2"),
            open(&format!("{NO_TENANT}/.well-known/openid-configuration"))
                .is(400)
                .says("AADSTS90002"),
        ),
        witness(
            "GET /{tenant}/discovery/v2.0/keys",
            open("/<tenant>/discovery/v2.0/keys").says("\"kty\":\"RSA\""),
            open(&format!("{NO_TENANT}/discovery/v2.0/keys")).is(400).says("AADSTS90002"),
        ),
        witness(
            "GET /{tenant}/discovery/keys",
            open("/common/discovery/keys").says("\"kty\":\"RSA\""),
            open(&format!("{NO_TENANT}/discovery/keys")).is(400).says("AADSTS90002"),
        ),
        witness(
            "GET /{tenant}/discovery/instance",
            open("/common/discovery/instance?api-version=1.1&authorization_endpoint=https://login.microsoftonline.com/common/oauth2/v2.0/authorize")
                .says("tenant_discovery_endpoint"),
            open("/common/discovery/instance?api-version=1.1&authorization_endpoint=https://elsewhere.example/common/oauth2/v2.0/authorize")
                .is(400)
                .says("AADSTS50049"),
        ),
        witness(
            "GET /{tenant}/userrealm/{user}",
            open("/common/userrealm/<upn>?api-version=1.0").says("Managed"),
            open(&format!("{NO_TENANT}/userrealm/<upn>")).is(400).says("AADSTS90002"),
        ),
        witness(
            "GET /subscriptions",
            get("/subscriptions?api-version=2022-12-01").says("\"value\":[]"),
            open("/subscriptions?api-version=2022-12-01").is(401).says("AuthenticationFailed"),
        ),
        witness(
            "GET /tenants",
            get("/tenants?api-version=2022-12-01").says("<tenant>"),
            get("/tenants").is(401).says("InvalidAuthenticationTokenAudience"),
        ),
    ]
}

//! Which endpoint of Graph is answered by whom: one table, in which paths are found and of which the parity
//! table is made.
//!
//! Documented endpoints that are not modelled stand here too. They are refused as not implemented, like
//! every other path below a segment that is known here.

use std::sync::LazyLock;

use super::error::GraphError;
use super::membership::{self, Of, Over};
use super::sync_behavior::Kind;
use super::{
    Operation, audit, contacts, delta, directory, group_delta, groups, licences, me, on_demand,
    organization, path, principals, publishing, relations, roles, secrets, sync_behavior,
    synchronization, user_changes, users,
};
use crate::parity::{Endpoint, Fidelity};
use crate::profile::Evidence;
use crate::wire::message::{Address, Answer};

type Handler = fn(&Operation<'_>, &Keys<'_>) -> Result<Answer, GraphError>;

/// The keys of a path, in order.
pub(super) struct Keys<'k>(Vec<&'k str>);

impl<'k> Keys<'k> {
    /// The key at a place; there is one for each brace of the route.
    fn at(&self, place: usize) -> &'k str {
        self.0.get(place).copied().unwrap_or_default()
    }
}

/// An endpoint and who answers it.
struct Route {
    endpoint: Endpoint,
    answer: Handler,
}

const fn get(path: &'static str, answer: Handler) -> Route {
    Route { endpoint: Endpoint::new("GET", path), answer }
}

const fn post(path: &'static str, answer: Handler) -> Route {
    Route { endpoint: Endpoint::new("POST", path), answer }
}

const fn patch(path: &'static str, answer: Handler) -> Route {
    Route { endpoint: Endpoint::new("PATCH", path), answer }
}

const fn put(path: &'static str, answer: Handler) -> Route {
    Route { endpoint: Endpoint::new("PUT", path), answer }
}

const fn delete(path: &'static str, answer: Handler) -> Route {
    Route { endpoint: Endpoint::new("DELETE", path), answer }
}

/// Documented, and not here.
const fn absent(method: &'static str, path: &'static str) -> Route {
    Route {
        endpoint: Endpoint::new(method, path).absent(),
        answer: |_, _| Err(GraphError::not_implemented()),
    }
}

impl Route {
    const fn differing(mut self, note: &'static str) -> Self {
        self.endpoint = self.endpoint.differing(note);
        self
    }

    const fn known_by(mut self, evidence: Evidence) -> Self {
        self.endpoint = self.endpoint.known_by(evidence);
        self
    }
}

const ONE_GROUP: &str = "there is one agent group, the default one";
const OF_RECIPIENTS: &str =
    "a synchronized user's is known as far as Exchange Online knows it: when both are recipients";
const NO_UNITS: &str = "there are no administrative units";
const EVERY_ROLE: &str = "every role is activated, and its id is that of its template";
const RESET_SCOPES: &str =
    "ConnectorDataStore alone is taken as Full; ForceDeletes has nothing to do";

/// All endpoints. Among those that fit a path the first answers.
const ROUTES: &[Route] = &[
    get("/me", |o, _| me(o)),
    get("/me/memberOf", |o, _| membership::own(o)),
    post("/me/getMemberGroups", |o, _| membership::own_ids(o, Over::Groups)),
    post("/me/getMemberObjects", |o, _| membership::own_ids(o, Over::Objects)).differing(NO_UNITS),
    post("/me/checkMemberGroups", |o, _| membership::own_check(o, Over::Groups)),
    post("/me/checkMemberObjects", |o, _| membership::own_check(o, Over::Objects))
        .differing(NO_UNITS),
    get("/users", |o, _| users::list(o)),
    post("/users", |o, _| user_changes::create(o)),
    get("/users/delta", |o, _| delta::users(o)),
    get("/users/$count", |o, _| users::count(o)),
    get("/users/{id}", |o, k| users::get(o, k.at(0))),
    patch("/users/{id}", |o, k| user_changes::update(o, k.at(0))),
    delete("/users/{id}", |o, k| user_changes::delete(o, k.at(0))),
    get("/users/{id}/memberOf", |o, k| membership::member_of(o, (Of::User, k.at(0)))),
    get("/users/{id}/memberOf/$count", |o, k| membership::count(o, (Of::User, k.at(0)))),
    get("/users/{id}/memberOf/microsoft.graph.group", |o, k| {
        membership::member_of(o, (Of::User, k.at(0)))
    }),
    get("/users/{id}/transitiveMemberOf", |o, k| {
        membership::transitive_member_of(o, (Of::User, k.at(0)))
    }),
    get("/users/{id}/transitiveMemberOf/microsoft.graph.group", |o, k| {
        membership::transitive_member_of(o, (Of::User, k.at(0)))
    }),
    get("/users/{id}/manager", |o, k| relations::manager(o, k.at(0))).differing(OF_RECIPIENTS),
    put("/users/{id}/manager/$ref", |o, k| relations::assign(o, k.at(0))),
    delete("/users/{id}/manager/$ref", |o, k| relations::remove(o, k.at(0))),
    get("/users/{id}/directReports", |o, k| relations::reports(o, k.at(0)))
        .differing(OF_RECIPIENTS),
    post("/users/{id}/assignLicense", |o, k| licences::assign(o, k.at(0)))
        .differing("plans of a product cannot be disabled one by one"),
    get("/users/{id}/licenseDetails", |o, k| licences::details(o, k.at(0))),
    post("/users/{id}/getMemberGroups", |o, k| {
        membership::ids_of(o, (Of::User, k.at(0)), Over::Groups)
    }),
    post("/users/{id}/getMemberObjects", |o, k| {
        membership::ids_of(o, (Of::User, k.at(0)), Over::Objects)
    })
    .differing(NO_UNITS),
    post("/users/{id}/checkMemberGroups", |o, k| {
        membership::check(o, (Of::User, k.at(0)), Over::Groups)
    }),
    post("/users/{id}/checkMemberObjects", |o, k| {
        membership::check(o, (Of::User, k.at(0)), Over::Objects)
    })
    .differing(NO_UNITS),
    post("/users/{id}/revokeSignInSessions", |o, k| user_changes::revoke_sessions(o, k.at(0))),
    absent("GET", "/users/{id}/mailboxSettings"),
    absent("GET", "/users/{id}/messages"),
    absent("GET", "/users/{id}/photo"),
    get("/users/{id}/onPremisesSyncBehavior", |o, k| sync_behavior::get(o, Kind::User, k.at(0))),
    patch("/users/{id}/onPremisesSyncBehavior", |o, k| {
        sync_behavior::update(o, Kind::User, k.at(0))
    }),
    post("/directoryObjects/getByIds", |o, _| users::get_by_ids(o)),
    get("/directoryObjects/{id}", |o, k| membership::directory_object(o, k.at(0)))
        .differing("users, groups and contacts alone"),
    post("/directoryObjects/{id}/getMemberGroups", |o, k| {
        membership::ids_of(o, (Of::Any, k.at(0)), Over::Groups)
    }),
    post("/directoryObjects/{id}/getMemberObjects", |o, k| {
        membership::ids_of(o, (Of::Any, k.at(0)), Over::Objects)
    })
    .differing(NO_UNITS),
    post("/directoryObjects/{id}/checkMemberGroups", |o, k| {
        membership::check(o, (Of::Any, k.at(0)), Over::Groups)
    }),
    post("/directoryObjects/{id}/checkMemberObjects", |o, k| {
        membership::check(o, (Of::Any, k.at(0)), Over::Objects)
    })
    .differing(NO_UNITS),
    get("/groups", |o, _| groups::list(o)),
    post("/groups", |o, _| groups::create(o)),
    get("/groups/delta", |o, _| group_delta::groups(o))
        .differing("a changed group comes with all its members"),
    get("/groups/$count", |o, _| group_delta::count(o)),
    get("/groups/{id}", |o, k| groups::get(o, k.at(0))),
    patch("/groups/{id}", |o, k| groups::update(o, k.at(0))),
    delete("/groups/{id}", |o, k| groups::delete(o, k.at(0))),
    get("/groups/{id}/members", |o, k| groups::members(o, k.at(0), "members")),
    get("/groups/{id}/transitiveMembers", |o, k| groups::members(o, k.at(0), "transitivemembers")),
    get("/groups/{id}/members/$count", |o, k| membership::count_members(o, k.at(0))),
    get("/groups/{id}/members/microsoft.graph.user", |o, k| {
        membership::of_type(o, (k.at(0), "members"), "user")
    }),
    get("/groups/{id}/members/microsoft.graph.group", |o, k| {
        membership::of_type(o, (k.at(0), "members"), "group")
    }),
    get("/groups/{id}/transitiveMembers/microsoft.graph.user", |o, k| {
        membership::of_type(o, (k.at(0), "transitivemembers"), "user")
    }),
    get("/groups/{id}/owners", |o, k| groups::members(o, k.at(0), "owners")),
    get("/groups/{id}/owners/microsoft.graph.user", |o, k| {
        membership::of_type(o, (k.at(0), "owners"), "user")
    }),
    post("/groups/{id}/members/$ref", |o, k| groups::add_member(o, k.at(0))),
    delete("/groups/{id}/members/{id}/$ref", |o, k| groups::remove_member(o, k.at(0), k.at(1))),
    post("/groups/{id}/owners/$ref", |o, k| groups::add_owner(o, k.at(0))),
    delete("/groups/{id}/owners/{id}/$ref", |o, k| groups::remove_owner(o, k.at(0), k.at(1))),
    get("/groups/{id}/memberOf", |o, k| membership::member_of(o, (Of::Group, k.at(0)))),
    get("/groups/{id}/transitiveMemberOf", |o, k| {
        membership::transitive_member_of(o, (Of::Group, k.at(0)))
    }),
    post("/groups/{id}/getMemberGroups", |o, k| {
        membership::ids_of(o, (Of::Group, k.at(0)), Over::Groups)
    }),
    post("/groups/{id}/getMemberObjects", |o, k| {
        membership::ids_of(o, (Of::Group, k.at(0)), Over::Objects)
    })
    .differing(NO_UNITS),
    post("/groups/{id}/checkMemberGroups", |o, k| {
        membership::check(o, (Of::Group, k.at(0)), Over::Groups)
    }),
    post("/groups/{id}/checkMemberObjects", |o, k| {
        membership::check(o, (Of::Group, k.at(0)), Over::Objects)
    })
    .differing(NO_UNITS),
    get("/groups/{id}/onPremisesSyncBehavior", |o, k| sync_behavior::get(o, Kind::Group, k.at(0))),
    patch("/groups/{id}/onPremisesSyncBehavior", |o, k| {
        sync_behavior::update(o, Kind::Group, k.at(0))
    }),
    get("/contacts", |o, _| contacts::list(o)),
    get("/contacts/delta", |o, _| contacts::delta(o)),
    get("/contacts/$count", |o, _| contacts::count(o)),
    get("/contacts/{id}", |o, k| contacts::get(o, k.at(0))),
    get("/contacts/{id}/onPremisesSyncBehavior", |o, k| {
        sync_behavior::get(o, Kind::Contact, k.at(0))
    }),
    patch("/contacts/{id}/onPremisesSyncBehavior", |o, k| {
        sync_behavior::update(o, Kind::Contact, k.at(0))
    }),
    get("/domains", |o, _| directory::domains(o)),
    get("/domains/{id}", |o, k| directory::one_domain(o, k.at(0))),
    get("/directory/deletedItems/microsoft.graph.user", |o, _| user_changes::deleted(o)),
    get("/directory/deletedItems/microsoft.graph.group", |o, _| groups::deleted(o)),
    get("/directory/deletedItems/{id}", |o, k| user_changes::deleted_one(o, k.at(0))),
    post("/directory/deletedItems/{id}/restore", |o, k| user_changes::restore(o, k.at(0))),
    delete("/directory/deletedItems/{id}", |o, k| user_changes::purge(o, k.at(0))),
    get("/directory/onPremisesSynchronization", |o, _| directory::synchronization(o, None)),
    get("/directory/onPremisesSynchronization/{id}", |o, k| {
        directory::synchronization(o, Some(k.at(0)))
    }),
    patch("/directory/onPremisesSynchronization", |o, _| directory::update(o, None)),
    patch("/directory/onPremisesSynchronization/{id}", |o, k| directory::update(o, Some(k.at(0)))),
    absent("GET", "/directory/administrativeUnits"),
    get("/organization", |o, _| organization::list(o)),
    get("/organization/{id}", |o, k| organization::get(o, k.at(0))),
    patch("/organization/{id}", |o, k| organization::update(o, k.at(0))),
    get("/onPremisesPublishingProfiles/provisioning", |o, _| publishing::profile(o)),
    get("/onPremisesPublishingProfiles/provisioning/agents", |o, _| publishing::agents(o))
        .differing("a member `version` is shown, which the portal alone knows"),
    get("/onPremisesPublishingProfiles/provisioning/agents/{id}", |o, k| {
        publishing::agent(o, k.at(0))
    })
    .differing("a member `version` is shown, which the portal alone knows"),
    get("/onPremisesPublishingProfiles/provisioning/agentGroups", |o, _| publishing::groups(o))
        .differing(ONE_GROUP),
    get("/onPremisesPublishingProfiles/provisioning/agentGroups/{id}", |o, k| {
        publishing::group(o, k.at(0))
    })
    .differing(ONE_GROUP),
    get("/onPremisesPublishingProfiles/provisioning/publishedResources", |o, _| {
        publishing::resources(o)
    }),
    post("/onPremisesPublishingProfiles/provisioning/agents/{id}/agentGroups/$ref", |o, k| {
        publishing::assign(o, k.at(0))
    })
    .differing(ONE_GROUP),
    get("/applicationTemplates", |o, _| principals::templates(o)),
    get("/applicationTemplates/{id}", |o, k| principals::template(o, k.at(0))),
    post("/applicationTemplates/{id}/instantiate", |o, k| principals::instantiate(o, k.at(0))),
    get("/applications", |o, _| principals::applications(o)),
    absent("POST", "/applications"),
    absent("GET", "/applications/{id}"),
    get("/servicePrincipals", |o, _| principals::principals(o)),
    absent("GET", "/servicePrincipals/delta"),
    get("/servicePrincipals/{id}", |o, k| principals::principal(o, k.at(0))),
    delete("/servicePrincipals/{id}", |o, k| principals::delete_principal(o, k.at(0))),
    absent("POST", "/servicePrincipals"),
    absent("PATCH", "/servicePrincipals/{id}"),
    absent("GET", "/servicePrincipals/{id}/appRoleAssignments"),
    get("/servicePrincipals/{id}/synchronization/templates", |o, k| {
        synchronization::templates(o, k.at(0))
    }),
    get("/servicePrincipals/{id}/synchronization/templates/{id}", |o, k| {
        synchronization::template(o, k.at(0), k.at(1))
    }),
    get("/servicePrincipals/{id}/synchronization/jobs", |o, k| synchronization::list(o, k.at(0))),
    post("/servicePrincipals/{id}/synchronization/jobs", |o, k| {
        synchronization::create(o, k.at(0))
    }),
    post("/servicePrincipals/{id}/synchronization/jobs/validateCredentials", |o, k| {
        secrets::validate(o, k.at(0), None)
    }),
    get("/servicePrincipals/{id}/synchronization/jobs/{id}", |o, k| {
        synchronization::get(o, k.at(0), k.at(1))
    }),
    delete("/servicePrincipals/{id}/synchronization/jobs/{id}", |o, k| {
        synchronization::delete(o, k.at(0), k.at(1))
    }),
    get("/servicePrincipals/{id}/synchronization/jobs/{id}/schema", |o, k| {
        synchronization::show_schema(o, k.at(0), k.at(1))
    })
    .known_by(Evidence::Inferred),
    put("/servicePrincipals/{id}/synchronization/jobs/{id}/schema", |o, k| {
        synchronization::put_schema(o, k.at(0), k.at(1))
    })
    .known_by(Evidence::Inferred),
    patch("/servicePrincipals/{id}/synchronization/jobs/{id}/schema", |o, k| {
        synchronization::put_schema(o, k.at(0), k.at(1))
    })
    .known_by(Evidence::Inferred),
    delete("/servicePrincipals/{id}/synchronization/jobs/{id}/schema", |o, k| {
        synchronization::restore_schema(o, k.at(0), k.at(1))
    }),
    post(
        "/servicePrincipals/{id}/synchronization/jobs/{id}/schema/directories/{id}/discover",
        |o, k| synchronization::discover(o, k.at(0), k.at(1), k.at(2)),
    ),
    absent("POST", "/servicePrincipals/{id}/synchronization/jobs/{id}/schema/parseExpression"),
    absent("GET", "/servicePrincipals/{id}/synchronization/jobs/{id}/schema/functions"),
    absent("GET", "/servicePrincipals/{id}/synchronization/jobs/{id}/schema/filterOperators"),
    absent("GET", "/servicePrincipals/{id}/synchronization/jobs/{id}/bulkUpload"),
    post("/servicePrincipals/{id}/synchronization/jobs/{id}/validateCredentials", |o, k| {
        secrets::validate(o, k.at(0), Some(k.at(1)))
    }),
    post("/servicePrincipals/{id}/synchronization/jobs/{id}/provisionOnDemand", |o, k| {
        on_demand::ask(o, k.at(0), k.at(1))
    }),
    post("/servicePrincipals/{id}/synchronization/jobs/{id}/start", |o, k| {
        synchronization::act(o, k.at(0), k.at(1), "start")
    }),
    post("/servicePrincipals/{id}/synchronization/jobs/{id}/pause", |o, k| {
        synchronization::act(o, k.at(0), k.at(1), "pause")
    }),
    post("/servicePrincipals/{id}/synchronization/jobs/{id}/stop", |o, k| {
        synchronization::act(o, k.at(0), k.at(1), "stop")
    })
    .known_by(Evidence::Preview),
    post("/servicePrincipals/{id}/synchronization/jobs/{id}/restart", |o, k| {
        synchronization::act(o, k.at(0), k.at(1), "restart")
    })
    .differing(RESET_SCOPES),
    get("/servicePrincipals/{id}/synchronization/secrets", |o, k| secrets::show(o, k.at(0))),
    put("/servicePrincipals/{id}/synchronization/secrets", |o, k| secrets::put(o, k.at(0))),
    absent("PATCH", "/servicePrincipals/{id}/synchronization/secrets"),
    get("/auditLogs/provisioning", |o, _| audit::provisioning(o)),
    get("/auditLogs/directoryAudits", |o, _| audit::directory(o)),
    absent("GET", "/auditLogs/signIns"),
    absent("GET", "/subscriptions"),
    absent("POST", "/subscriptions"),
    get("/subscribedSkus", |o, _| licences::subscribed(o))
        .differing("the tenant owns one product, as often as it is assigned"),
    get("/directoryRoles", |o, _| roles::list(o)).differing(EVERY_ROLE),
    get("/directoryRoles/{id}", |o, k| roles::get(o, k.at(0))).differing(EVERY_ROLE),
    get("/directoryRoles/{id}/members", |o, k| roles::members(o, k.at(0))),
    post("/directoryRoles/{id}/members/$ref", |o, k| roles::assign(o, k.at(0))),
    delete("/directoryRoles/{id}/members/{id}/$ref", |o, k| roles::remove(o, k.at(0), k.at(1))),
    absent("GET", "/roleManagement/directory/roleAssignments"),
    absent("GET", "/devices"),
    absent("GET", "/reports/getMailboxUsageDetail(period='D7')"),
];

/// `$batch` holds requests of its own, so that it is answered before the others.
const BATCH: Endpoint = Endpoint::new("POST", "/$batch");

/// Every endpoint of Graph that is known here.
pub fn endpoints() -> impl Iterator<Item = Endpoint> {
    ROUTES.iter().map(|route| route.endpoint).chain([BATCH])
}

/// Who answers a request of this method and address (path and query after the version, or with it).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Served {
    /// An endpoint that is here.
    Here,
    /// A documented one that is not modelled: the answer is 501.
    Absent,
    /// The path is here, with these methods alone.
    WithMethods(Vec<&'static str>),
    /// Nothing of the kind; the documented paths of the same length, or all that begin so.
    Nowhere(Vec<&'static str>),
}

/// Looks for who would answer, and asks nobody.
#[must_use]
pub fn served(method: &str, address: &str) -> Served {
    let address = Address::parse(address);
    let mut segments = path::normalized(&address.segments);
    if segments.first().is_some_and(|first| first.is("v1.0") || first.is("beta")) {
        segments.remove(0);
    }
    if matches!(segments.as_slice(), [only] if only.is("$batch")) {
        return if method == BATCH.method {
            Served::Here
        } else {
            Served::WithMethods(vec![BATCH.method])
        };
    }
    let found: Vec<Endpoint> = COMPILED
        .iter()
        .filter(|(parts, _)| fits(parts, &segments))
        .map(|(_, route)| route.endpoint)
        .collect();
    if let Some(endpoint) = found.iter().find(|endpoint| endpoint.method == method) {
        return if endpoint.fidelity == Fidelity::Absent { Served::Absent } else { Served::Here };
    }
    if !found.is_empty() {
        let here = found.iter().filter(|endpoint| endpoint.fidelity != Fidelity::Absent);
        let mut methods: Vec<&str> = here.map(|endpoint| endpoint.method).collect();
        methods.dedup();
        return if methods.is_empty() { Served::Absent } else { Served::WithMethods(methods) };
    }
    let near = COMPILED.iter().filter(|(parts, _)| parts.len() == segments.len());
    Served::Nowhere(near.map(|(_, route)| route.endpoint.path).collect())
}

fn fits(parts: &[Part], segments: &[path::Segment]) -> bool {
    parts.len() == segments.len()
        && parts.iter().zip(segments).all(|(part, segment)| match part {
            Part::Key => true,
            Part::Name(name) => segment.is(name),
        })
}

/// A segment of a route.
enum Part {
    Key,
    /// In lower case.
    Name(String),
}

static COMPILED: LazyLock<Vec<(Vec<Part>, &'static Route)>> = LazyLock::new(|| {
    let parts = |text: &str| -> Vec<Part> {
        let segments: Vec<String> = text.split('/').skip(1).map(str::to_owned).collect();
        let segments = path::normalized(&segments).into_iter();
        segments
            .map(|segment| match segment.text().starts_with('{') {
                true => Part::Key,
                false => Part::Name(segment.lower().to_owned()),
            })
            .collect()
    };
    ROUTES.iter().map(|route| (parts(route.endpoint.path), route)).collect()
});

/// Finds who answers.
pub(super) fn answer(operation: &Operation<'_>) -> Result<Answer, GraphError> {
    let segments = path::normalized(&operation.address.segments);
    let segments = segments.get(1..).unwrap_or_default();
    let method = operation.method.as_str();
    let found = COMPILED
        .iter()
        .find(|(parts, route)| route.endpoint.method == method && fits(parts, segments));
    if let Some((parts, route)) = found {
        let keys = parts.iter().zip(segments).filter(|(part, _)| matches!(part, Part::Key));
        let keys = Keys(keys.map(|(_, segment)| segment.text()).collect());
        return (route.answer)(operation, &keys);
    }
    let first = segments.first();
    let is_known = |parts: &[Part]| matches!((parts.first(), first), (Some(Part::Name(name)), Some(first)) if first.is(name));
    if COMPILED.iter().any(|(parts, _)| is_known(parts)) {
        Err(GraphError::not_implemented())
    } else {
        Err(GraphError::no_segment(first.map_or("", path::Segment::text)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A route that another one hides would be declared and never answer.
    #[test]
    fn no_route_is_hidden_by_an_earlier_one() {
        let mut seen = BTreeSet::new();
        for (place, (parts, route)) in COMPILED.iter().enumerate() {
            let Endpoint { method, path, .. } = route.endpoint;
            assert!(seen.insert((method, path)), "{method} {path} is there twice");
            let hides = |earlier: &[Part]| {
                earlier.len() == parts.len()
                    && earlier.iter().zip(parts).all(|pair| match pair {
                        (Part::Key, _) => true,
                        (Part::Name(earlier), Part::Name(later)) => earlier == later,
                        (Part::Name(_), Part::Key) => false,
                    })
            };
            let earlier = COMPILED.iter().take(place);
            let hidden =
                earlier.filter(|(_, r)| r.endpoint.method == method).find(|(p, _)| hides(p));
            assert!(hidden.is_none(), "{method} {path} is hidden");
        }
    }
}

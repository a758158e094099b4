//! What somebody does in a step, on the side where they sit.

use sim::caller::{Caller, Role};
use sim::entra::job::WritebackJob;
use sim::estate::Estate;
use sim::exchange::property;
use sim::powershell::{Argument, CmdletCall};
use sim::wire::graph::person;

use super::runner::Runner;
use super::story::Refused;
use crate::scenario::{Action, GraphCall, Spanned, Step};

impl Runner<'_> {
    /// Does what a cmdlet, LDIF or Graph step says; `action` is the step's own or a round of it.
    pub(super) fn person_acts(&mut self, step: &Step, action: &Action, role: Role) {
        match action {
            Action::Exo(call) => {
                let caller = match &step.role {
                    Some(named) => Caller::named(&named.value, role),
                    None => Caller::person(role),
                };
                let outcome = self.estate.with(|estate| {
                    estate
                        .person_exo(&caller, &call.value)
                        .map(|_| ())
                        .map_err(|error| (error.to_string(), Refused::Exchange(error)))
                });
                self.note_what_if(call, outcome.is_ok());
                self.settle(step, call.span, outcome);
            }
            Action::OnPrem(call) => {
                let caller = at_home(step, role, "exchange-server-admin");
                self.in_ad(step, call, &caller, true);
            }
            Action::Ad(call) => {
                self.in_ad(step, call, &at_home(step, role, "ad-admin"), false);
            }
            Action::Ldif(text, dc) => {
                let caller = at_home(step, role, "ad-admin");
                let outcome = self.estate.with(|estate| {
                    let dc = dc.as_ref().and_then(|dc| estate.dc_named(&dc.value));
                    estate
                        .person_ldif(&caller, &text.value, dc)
                        .map_err(|error| (error.to_string(), Refused::Ad(error)))
                });
                self.settle(step, text.span, outcome);
            }
            Action::Graph(call) => self.graph(step, call, role),
            _ => debug_assert!(false, "the reader lets nothing else through"),
        }
    }

    fn graph(&mut self, step: &Step, call: &GraphCall, role: Role) {
        let path = self.estate.with(|estate| with_id(&call.path.value, estate));
        let method = call.method.name();
        let answer = person::request(&self.estate, role, method, &path, call.body.as_ref());
        let outcome = if answer.is_success() {
            Ok(())
        } else {
            let code = answer.code().unwrap_or("(no code)").to_owned();
            let message = answer.message().unwrap_or_default();
            let names = vec![code.clone(), answer.status.to_string()];
            Err((format!("{} {code}: {message}", answer.status), Refused::Named(names)))
        };
        self.settle(step, call.path.span, outcome);
        let now = self.now();
        if self.estate.with(|e| e.entra.job.as_ref().is_some_and(WritebackJob::is_asked)) {
            self.engine.wake(now);
            self.play(now, |_| false);
        }
    }

    fn in_ad(
        &mut self,
        step: &Step,
        call: &Spanned<CmdletCall>,
        caller: &Caller,
        through_server: bool,
    ) {
        let outcome = self.estate.with(|estate| {
            estate
                .person_ad(caller, &call.value, through_server)
                .map(|_| ())
                .map_err(|error| (error.to_string(), Refused::Ad(error)))
        });
        self.note_what_if(call, outcome.is_ok());
        self.settle(step, call.span, outcome);
    }

    /// Says of a cmdlet with `-WhatIf` that it was taken and changed nothing.
    fn note_what_if(&mut self, call: &Spanned<CmdletCall>, taken: bool) {
        let what_if = call.value.parameter("WhatIf").and_then(Argument::boolean);
        if !taken || what_if != Some(true) {
            return;
        }
        let words = self.source.get(call.span.range()).unwrap_or_default().trim();
        let words = words.lines().next().unwrap_or_default();
        let note = format!("`{words}` changed nothing, as it has -WhatIf");
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// Who does something on the premises: somebody in the role that the step names, else an administrator.
fn at_home(step: &Step, role: Role, administrator: &str) -> Caller {
    let name = step.role.as_ref().map_or(administrator, |named| named.value.as_str());
    Caller::named(name, role)
}

/// `{principal}` and `{job}`, the ids of the writeback job and of its service principal, and `{tenant}`.
fn in_braces(segment: &str, estate: &Estate) -> Option<String> {
    if segment == "{tenant}" {
        return Some(estate.entra.tenant.to_string());
    }
    let job = estate.entra.job.as_ref()?;
    match segment {
        "{principal}" => Some(job.service_principal.to_string()),
        "{job}" => Some(job.id.clone()),
        _ => None,
    }
}

/// The id of a group or contact that is called so.
fn in_tenant(collection: &str, name: &str, estate: &Estate) -> Option<String> {
    let is = |own: &str| own.eq_ignore_ascii_case(name);
    let tenant = &estate.entra;
    let id = match collection.to_ascii_lowercase().as_str() {
        "groups" => {
            let mut groups = tenant.groups.iter();
            groups.find(|at| is(&at.display_name) || is(&at.mail_nickname)).map(|at| at.id)
        }
        "contacts" => {
            let mut contacts = tenant.contacts.iter();
            contacts.find(|at| is(&at.display_name)).map(|at| at.id)
        }
        _ => None,
    };
    id.map(|id| id.to_string())
}

/// A deleted user who was called so; its own name has its id before it now.
fn deleted_user(collection: &str, name: &str, estate: &Estate) -> Option<u32> {
    if !collection.eq_ignore_ascii_case("deletedItems") {
        return None;
    }
    let name = name.to_lowercase();
    let is_it = |number: &u32| {
        let user = estate.entra.user(*number).filter(|user| user.deletion.is_some());
        let upn = user.and_then(|user| user.record.text(property::USER_PRINCIPAL_NAME));
        let upn = upn.unwrap_or_default().to_lowercase();
        let local = upn.split('@').next().unwrap_or_default();
        !upn.is_empty() && (upn.ends_with(&name) || local.ends_with(&name))
    };
    (0..).take(estate.entra.users().len()).find(is_it)
}

/// A path with whom it names by the name that steps use, by id.
fn with_id(path: &str, estate: &Estate) -> String {
    let (place, query) = path.split_once('?').unwrap_or((path, ""));
    let mut before = "";
    let segments: Vec<String> = place
        .split('/')
        .map(|segment| {
            let collection = std::mem::replace(&mut before, segment);
            let named =
                in_braces(segment, estate).or_else(|| in_tenant(collection, segment, estate));
            if let Some(named) = named {
                return named;
            }
            let deleted = || deleted_user(collection, segment, estate);
            let user = estate.subject(segment).and_then(|subject| subject.entra).or_else(deleted);
            let user = user.and_then(|number| estate.entra.user(number));
            user.map_or_else(|| segment.to_owned(), |user| user.id.to_string())
        })
        .collect();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{}{mark}{query}", segments.join("/"))
}

//! Calls as witnesses make them: what is asked, by whom, and how it has to come out.

use serde_json::Value;

/// What a request carries. `<name>` in it stands for what the estate calls so.
#[derive(Clone)]
pub(crate) enum Body {
    None,
    Json(Value),
    Form(String),
    /// JSON as it stands.
    Text(String),
}

/// Who calls.
#[derive(Clone, Copy)]
pub(crate) enum Who {
    /// Without a token.
    Nobody,
    /// An application of the ready file; `hybridsim` is the one that may do everything.
    Client(&'static str),
    /// A user of the directory who signed in.
    User,
}

/// A call and how it has to come out.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    /// Path and query; `<name>` in it stands for what the estate calls so.
    pub(crate) target: String,
    pub(crate) body: Body,
    pub(crate) who: Who,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) status: u16,
    pub(crate) says: Option<&'static str>,
    pub(crate) keep: Vec<(&'static str, &'static str)>,
}

/// A call of the application that may do everything; it has to come out with 200.
pub(crate) fn call(method: &'static str, target: &str) -> Call {
    Call {
        method,
        target: target.to_owned(),
        body: Body::None,
        who: Who::Client("hybridsim"),
        headers: Vec::new(),
        status: 200,
        says: None,
        keep: Vec::new(),
    }
}

pub(crate) fn get(target: &str) -> Call {
    call("GET", target)
}

pub(crate) fn delete(target: &str) -> Call {
    call("DELETE", target).is(204)
}

pub(crate) fn post(target: &str, body: Value) -> Call {
    call("POST", target).with(body)
}

pub(crate) fn patch(target: &str, body: Value) -> Call {
    call("PATCH", target).with(body).is(204)
}

pub(crate) fn put(target: &str, body: Value) -> Call {
    call("PUT", target).with(body).is(204)
}

impl Call {
    pub(crate) fn with(mut self, body: Value) -> Self {
        self.body = Body::Json(body);
        self
    }

    pub(crate) fn form(mut self, form: &str) -> Self {
        self.body = Body::Form(form.to_owned());
        self.who = Who::Nobody;
        self
    }

    pub(crate) fn text(mut self, text: &str) -> Self {
        self.body = Body::Text(text.to_owned());
        self
    }

    pub(crate) fn by(mut self, who: Who) -> Self {
        self.who = who;
        self
    }

    /// Asked by an application that may do nothing.
    pub(crate) fn unprivileged(self) -> Self {
        self.by(Who::Client("unprivileged"))
    }

    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn is(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// What the answer has to hold.
    pub(crate) fn says(mut self, text: &'static str) -> Self {
        self.says = Some(text);
        self
    }

    /// What of the answer later calls mean by `<name>`.
    pub(crate) fn keep(mut self, name: &'static str, pointer: &'static str) -> Self {
        self.keep.push((name, pointer));
        self
    }
}

/// A row of the table with the two calls that show it: one that works and one that is refused.
pub(crate) struct Witness {
    pub(crate) row: &'static str,
    /// What has to be so first.
    pub(crate) before: Vec<Call>,
    pub(crate) success: Call,
    pub(crate) refusal: Call,
}

pub(crate) fn witness(row: &'static str, success: Call, refusal: Call) -> Witness {
    Witness { row, before: Vec::new(), success, refusal }
}

impl Witness {
    /// This call comes first.
    pub(crate) fn after(mut self, call: Call) -> Self {
        self.before.push(call);
        self
    }
}

//! `graph:`, a request to Microsoft Graph.

use super::super::diagnostic::Diagnostic;
use super::super::model::{GraphCall, GraphMethod};
use super::super::nearest::nearest;
use super::super::span::{Span, Spanned};
use super::super::yaml::{Node, Value};
use super::Reader;
use super::words::METHODS;

impl Reader<'_> {
    /// `GET /users/u7`, or a mapping with a body.
    pub(super) fn graph(&mut self, node: &Node, lenient: bool) -> Option<GraphCall> {
        if let Some(scalar) = node.scalar().filter(|_| !node.is_null()) {
            let (method, path) = scalar.text.split_once(' ').unwrap_or((&scalar.text, ""));
            let method = METHODS.iter().find(|(name, _)| *name == method);
            let Some((_, method)) = method.filter(|_| path.trim_start().starts_with('/')) else {
                self.wrong_type(node, "a request such as `GET /users/u7@contoso.com`");
                return None;
            };
            let path = path.trim();
            let start = scalar.text.find(path).unwrap_or_default();
            let span = scalar.locate(self.source, node.span, start, start + path.len());
            let path = Spanned::new(path.to_owned(), span);
            let call = GraphCall { method: *method, path, body: None };
            if !lenient {
                self.check_graph(&call, None);
            }
            return Some(call);
        }
        let mut fields = self.fields(node, "`graph`")?;
        let method = self.required(&mut fields, "method");
        let path = self.required(&mut fields, "path");
        let written = fields.take("body").map(|entry| &entry.value);
        let body = written.map(json);
        self.finish(&fields, "`graph`");
        let method = self.word(&method?.value, &METHODS)?;
        let path = self.text(&path?.value)?;
        if !path.value.starts_with('/') {
            let message = format!("`{}` is no path", path.value);
            self.report(
                Diagnostic::error("wrong-type", path.span, message)
                    .label("expected a path after the version, such as `/users/u7@contoso.com`"),
            );
            return None;
        }
        let call = GraphCall { method, path, body };
        if !lenient {
            self.check_graph(&call, written);
        }
        self.learn_user(&call);
        Some(call)
    }

    /// Takes in whoever and whatever a request creates.
    fn learn_user(&mut self, call: &GraphCall) {
        let path = call.path.value.to_ascii_lowercase();
        let collection = path.trim_start_matches("/v1.0").trim_start_matches("/beta");
        if call.method == GraphMethod::Post && collection == "/groups" {
            let name = call.body.as_ref().and_then(|body| body.get("displayName")?.as_str());
            name.into_iter().for_each(|name| self.cast.learn_group(name));
        }
        if call.method != GraphMethod::Post || collection != "/users" {
            return;
        }
        let upn = call.body.as_ref().and_then(|body| body.get("userPrincipalName")?.as_str());
        if let Some(upn) = upn {
            self.cast.learn_user(upn);
        }
    }

    /// Who would answer, and whom and what the request names; `written` is the body in the file.
    fn check_graph(&mut self, call: &GraphCall, written: Option<&Node>) {
        let catalogues = self.catalogues;
        let path = &call.path;
        if path.value.contains("{n}") {
            return;
        }
        if let Some(misfit) =
            catalogues.graph.and_then(|ask| ask(call.method.name(), &path.value).err())
        {
            self.report_misfit(path.span, Some(misfit));
            return;
        }
        let place = path.value.split('?').next().unwrap_or_default();
        let mut segments =
            place.split('/').skip_while(|segment| !segment.eq_ignore_ascii_case("users"));
        let (_, user, further) = (segments.next(), segments.next(), segments.next());
        if let Some(user) = user.filter(|user| is_name(user)) {
            if self.cast.resolve(user).is_none() && !self.cast.knows_identity(user) {
                let span = self.part_of(path.span, user);
                self.unknown_user(&Spanned::new(user.to_owned(), span));
            }
            if self.check_members(call, written, further.is_none()) {
                return;
            }
        }
        let changes = matches!(call.method, GraphMethod::Patch | GraphMethod::Put);
        if changes && call.body.is_none() {
            let message = format!("a `{}` says what is to change", call.method.name());
            self.report(
                Diagnostic::error("missing-key", path.span, message)
                    .label("expected `body:` beside this"),
            );
            return;
        }
        let body = call.body.as_ref();
        let form = catalogues.graph_form.map(|ask| ask(call.method.name(), &path.value, body));
        if let Some(Err(why)) = form {
            let message = format!("Graph would not take this: {why}");
            let span = written.map_or(path.span, |node| node.span);
            self.report(
                Diagnostic::error("impossible-value", span, message)
                    .help("with `expect_error` beside it the step runs"),
            );
        }
    }

    /// Where a text stands within a place of the file.
    fn part_of(&self, span: Span, text: &str) -> Span {
        let written = self.source.get(span.range()).unwrap_or_default();
        let start = written.rfind(text).map(|at| span.start + at);
        start.map_or(span, |start| Span::new(start, start + text.len()))
    }

    /// Whether the body of a change of a user names a property that no user has.
    fn check_members(
        &mut self,
        call: &GraphCall,
        written: Option<&Node>,
        of_the_user: bool,
    ) -> bool {
        let catalogues = self.catalogues;
        let members =
            call.body.as_ref().filter(|_| call.method == GraphMethod::Patch && of_the_user);
        let members = members.and_then(serde_json::Value::as_object);
        let Some((members, is_known)) = members.zip(catalogues.graph_property) else {
            return false;
        };
        let mut unknown = false;
        for name in members.keys().filter(|name| !is_known(name)) {
            unknown = true;
            let message = format!("a user in Graph has no property `{name}`");
            let span = written.and_then(|node| key_of(node, name)).unwrap_or(call.path.span);
            let problem =
                Diagnostic::error("unknown-attribute", span, message).label("unknown property");
            let names = catalogues.entra_properties.iter().map(String::as_str);
            self.report(match nearest(name, names) {
                Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                None => problem,
            });
        }
        unknown
    }
}

/// Where a key of a mapping stands.
fn key_of(node: &Node, name: &str) -> Option<Span> {
    let Value::Mapping(entries) = &node.value else { return None };
    entries.iter().find(|entry| entry.key.value == name).map(|entry| entry.key.span)
}

/// Whether a segment can be the name of a user: neither a GUID nor a part of the path.
fn is_name(segment: &str) -> bool {
    !segment.is_empty()
        && !segment.starts_with('$')
        && !segment.contains(['{', '(', ')'])
        && segment != "delta"
}

/// A whole number in JSON; text where it is larger than any that a reader of JSON takes.
fn number_of(number: i128, text: &str) -> serde_json::Value {
    let small = i64::try_from(number).ok().map(serde_json::Value::from);
    let large = || u64::try_from(number).ok().map(serde_json::Value::from);
    small.or_else(large).unwrap_or_else(|| text.to_owned().into())
}

/// The JSON that a node would be.
fn json(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Scalar(_) if node.is_null() => serde_json::Value::Null,
        Value::Scalar(scalar) => match (scalar.boolean(), scalar.integer()) {
            (Some(truth), _) => truth.into(),
            (None, Some(number)) => number_of(number, &scalar.text),
            (None, None) => scalar.text.clone().into(),
        },
        Value::Sequence(nodes) => nodes.iter().map(json).collect(),
        Value::Mapping(entries) => {
            let members = entries.iter().map(|entry| (entry.key.value.clone(), json(&entry.value)));
            serde_json::Value::Object(members.collect())
        }
    }
}

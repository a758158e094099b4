//! An HTTP request and its answer as the cloud services see them: decoded once, no socket in sight.

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, DATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use jiff::fmt::rfc2822::DateTimePrinter;

use crate::clock::VirtualTime;

/// A request.
pub(super) struct Request {
    pub(super) method: Method,
    /// Scheme, host and port that the client used: every absolute link in an answer starts with it.
    pub(super) base: String,
    pub(super) address: Address,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// `request-id`: the service's own name for the request.
    pub(super) id: String,
    /// What a fault does to the first part of the batch that this is; further parts meet their own.
    /// Status, and how many seconds to wait.
    pub(super) struck_part: Option<(u16, Option<u32>)>,
}

impl Request {
    /// A header's text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// `client-request-id`, from a header or the query.
    pub(super) fn client_id(&self) -> Option<&str> {
        self.header("client-request-id").or_else(|| self.address.query.get("client-request-id"))
    }
}

/// What a request is about: path and query.
pub(super) struct Address {
    /// The path as it came.
    pub(super) path: String,
    /// Its segments, decoded; empty ones (`//`, a slash at the end) are left out.
    pub(super) segments: Vec<String>,
    pub(super) query: Query,
}

impl Address {
    /// Reads path and query. The scheme and host of an absolute address are passed over.
    pub(super) fn parse(address: &str) -> Self {
        let absolute = address.split_once("://").filter(|_| !address.starts_with('/'));
        let local = absolute
            .map_or(address, |(_, rest)| rest.find(['/', '?']).map_or("/", |path| &rest[path..]));
        let local = local.split_once('#').map_or(local, |(local, _)| local);
        let (path, query) = local.split_once('?').unwrap_or((local, ""));
        let segments = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| decode(segment, false))
            .collect();
        Self { path: path.to_owned(), segments, query: Query::parse(query) }
    }

    /// The link to a further page: this address with another `$skiptoken`.
    pub(super) fn next_link(&self, base: &str, token: &str) -> String {
        let kept =
            self.query.raw.split('&').filter(|pair| {
                !pair.is_empty() && !is_named(&decode(key_of(pair), true), "skiptoken")
            });
        let mut link = format!("{base}{}?", self.path);
        for pair in kept {
            link.push_str(pair);
            link.push('&');
        }
        link.push_str("$skiptoken=");
        link.push_str(token);
        link
    }
}

/// A query or a form.
#[derive(Default)]
pub(super) struct Query {
    raw: String,
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads `application/x-www-form-urlencoded` text.
    pub(super) fn parse(raw: &str) -> Self {
        let pairs = raw
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(key, true), decode(value, true))
            })
            .collect();
        Self { raw: raw.to_owned(), pairs }
    }

    /// A value by its name without `$`: OData services take both spellings, in any case.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| is_named(key, name)).map(|(_, value)| value.as_str())
    }

    /// The names, as given.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().map(|(key, _)| key.as_str())
    }

    /// The names of a `$select`; `None` without one.
    pub(super) fn select(&self) -> Option<Vec<&str>> {
        let names: Vec<&str> =
            self.get("select")?.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        (!names.is_empty()).then_some(names)
    }
}

fn key_of(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(key, _)| key)
}

fn is_named(key: &str, name: &str) -> bool {
    key.strip_prefix('$').unwrap_or(key).eq_ignore_ascii_case(name)
}

/// Percent-decodes; `+` is a blank in a query (WHATWG URL, `application/x-www-form-urlencoded`).
pub(super) fn decode(text: &str, plus_is_blank: bool) -> String {
    let escaped = |byte| byte == b'%' || (plus_is_blank && byte == b'+');
    if !text.bytes().any(escaped) {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(value) => {
                decoded.push(value);
                at += 3;
            }
            None => {
                decoded.push(if plus_is_blank && byte == b'+' { b' ' } else { byte });
                at += 1;
            }
        }
    }
    String::from_utf8(decoded)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// The instant of the data, by the estate's clock.
    pub(super) at: VirtualTime,
    /// Requests on demand that the engine has to answer first. Where there are several, the body has a mark
    /// for each of them ([`waiting_mark`]).
    pub(super) waits_for: Vec<u64>,
}

/// What stands in a body for the answer to a request on demand: no JSON holds these bytes.
pub(super) fn waiting_mark(request: u64) -> Vec<u8> {
    format!("\0{request}\0").into_bytes()
}

impl Answer {
    /// Puts the answer to a request on demand in the place of its mark.
    pub(super) fn fill(&mut self, request: u64, text: &[u8]) {
        let mark = waiting_mark(request);
        let found = self.body.windows(mark.len()).position(|part| part == mark);
        if let Some(at) = found {
            self.body.splice(at..at + mark.len(), text.iter().copied());
        }
        self.waits_for.retain(|waiting| *waiting != request);
    }

    /// An answer with a body of this type.
    pub(super) fn new(status: u16, kind: &'static str, body: Vec<u8>, at: VirtualTime) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, headers, body, at, waits_for: Vec::new() }
    }

    /// 204.
    pub(super) fn no_content(at: VirtualTime) -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            headers: HeaderMap::new(),
            body: Vec::new(),
            at,
            waits_for: Vec::new(),
        }
    }

    /// With a further header; text that fits no header is left out.
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// As an HTTP response. `Date` is the estate's clock, in whole seconds (RFC 9110 6.6.1).
    pub(super) fn into_response(self) -> Response<Body> {
        let date = http_date(self.at);
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        if let Some(date) = date {
            response.headers_mut().insert(DATE, date);
        }
        response
    }
}

/// RFC 9110 5.6.7; `None` before the year 0 and after 9999.
fn http_date(at: VirtualTime) -> Option<HeaderValue> {
    let text =
        DateTimePrinter::new().timestamp_to_rfc9110_string(&at.floor_to_second().to_jiff()).ok()?;
    HeaderValue::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clients write paths and options in many ways; all must arrive as the same thing.
    #[test]
    fn addresses_are_read_leniently() {
        let address =
            Address::parse("https://host:1/v1.0//users/a%40b.c/?%24Select=id,%20mail&top=5#x");
        assert_eq!(address.segments, ["v1.0", "users", "a@b.c"]);
        assert_eq!(address.query.select().unwrap(), ["id", "mail"]);
        assert_eq!(address.query.get("top"), Some("5"));
        assert_eq!(Address::parse("https://host").segments.len(), 0);
        let address = Address::parse("/common/instance?endpoint=https://host/path");
        assert_eq!(address.segments, ["common", "instance"]);
        assert_eq!(address.query.get("endpoint"), Some("https://host/path"));
        assert_eq!(decode("%zz%+4%4", true), "%zz% 4%4");
    }

    /// A next link keeps the other options and replaces the old token.
    #[test]
    fn next_links_carry_one_token() {
        let address = Address::parse("/v1.0/users?$top=2&%24skiptoken=old&$select=id");
        assert_eq!(
            address.next_link("https://h:1", "new"),
            "https://h:1/v1.0/users?$top=2&$select=id&$skiptoken=new"
        );
    }

    /// The engine reads the date as the instant of the data.
    #[test]
    fn dates_have_whole_seconds() {
        let at = VirtualTime::from_micros(784_111_777_999_999);
        assert_eq!(http_date(at).unwrap(), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}

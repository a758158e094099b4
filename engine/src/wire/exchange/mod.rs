//! Exchange Online over its admin API: cmdlets as JSON, singly and ten at a time.
//!
//! Sources: the `Get-Mailbox`, `Set-Mailbox` and `Get-OrganizationConfig` references; Exchange
//! Online Admin API overview (paging by POST, `X-AnchorMailbox`); for `beta/InvokeCommand` and
//! `beta/$batch`, which Microsoft does not document, the traffic of public tools (CIPP, ORADAZ,
//! go-msadmin).

mod cmdlet;
mod row;

use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::{Map, Value};
use tokio::runtime::Handle;

use super::WireError;
use super::batch::{self, Part};
use super::http::{self, Failure, Service, malformed};
use super::service_error::ServiceError;
use crate::guid::Guid;
use crate::ports::{
    CMDLETS_A_REQUEST, CallError, ExchangeOnline, MAILBOX_PAGE, Mailbox, MailboxChange, MailboxId,
    MailboxPage, Name, Organization, PageToken, Row, SetOutcome, is_of_user,
};
use crate::time::Timestamp;
use row::Selection;

/// The system mailbox to which public clients anchor calls that concern no mailbox in particular.
const ANCHOR: &str = "APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@";
/// How the service says that a page token has run out.
const EXPIRED_PAGE: &str = "Expired or Invalid pagination request";
/// The exception class of a cmdlet that finds nothing; some builds answer 400 with it, not 404.
const NOT_FOUND: &str = "ManagementObjectNotFoundException";

/// Where the admin API is.
#[derive(Clone)]
pub(super) struct Places {
    invoke: Url,
    batch: Url,
    anchor: HeaderValue,
}

impl Places {
    pub(super) fn new(base: &str, tenant: &str) -> Result<Self, WireError> {
        let place =
            |last| http::place("Exchange Online", base, &["adminapi", "beta", tenant, last]);
        let anchor = HeaderValue::from_str(&format!("{ANCHOR}{tenant}")).map_err(|_| {
            WireError::Value { what: "the tenant".to_owned(), detail: "fits no HTTP header" }
        })?;
        Ok(Self { invoke: place("InvokeCommand")?, batch: place("$batch")?, anchor })
    }

    /// `InvokeCommand` that answers with these properties.
    fn invoke_selecting(&self, selection: &Selection) -> Url {
        let mut url = self.invoke.clone();
        url.set_query(Some(&format!("$select={}", selection.names())));
        url
    }
}

/// The port to Exchange Online over HTTPS.
pub struct AdminApi {
    runtime: Handle,
    service: Service,
    places: Places,
}

impl AdminApi {
    pub(super) fn new(runtime: Handle, service: Service, places: Places) -> Self {
        Self { runtime, service, places }
    }

    async fn page(
        &mut self,
        since: Option<Timestamp>,
        page: Option<&PageToken>,
        properties: &[Name],
    ) -> Result<MailboxPage, CallError> {
        let selection = Selection::new(properties);
        let url = match page {
            Some(PageToken(link)) => http::next_link(&self.places.invoke, link)?,
            None => self.places.invoke_selecting(&selection),
        };
        let mut headers = self.headers();
        let prefer = format!("odata.maxpagesize={MAILBOX_PAGE}");
        headers.insert(HeaderName::from_static("prefer"), ascii(&prefer));
        // The same body for every page: a next link is followed by POST.
        let body = cmdlet::body("Get-Mailbox", &cmdlet::changed_since(since)).to_string();
        let answer = self
            .service
            .call_any(Method::POST, &url, &headers, Some(body.as_bytes()))
            .await
            .map_err(|failure| failure.error)?;
        if !(200..300).contains(&answer.status) {
            let refused = ServiceError::from_body(&answer.body);
            return Err(if refused.message.contains(EXPIRED_PAGE) {
                CallError::PageExpired
            } else {
                Failure::from_answer(&answer).error
            });
        }
        let as_of = answer.date.ok_or_else(|| malformed(&"no usable Date header"))?;
        let (rows, next) =
            row::page(&answer.body, &selection).map_err(|error| malformed(&error))?;
        let next = next.filter(|link| !link.trim().is_empty()).map(PageToken);
        let as_of = as_of.floor_to_second();
        Ok(MailboxPage { rows: rows.read, unread: rows.unread, next, as_of })
    }

    async fn by_id(
        &mut self,
        ids: &[MailboxId],
        properties: &[Name],
    ) -> Result<Vec<Row<Mailbox>>, CallError> {
        let selection = Selection::new(properties);
        let url = self.places.invoke_selecting(&selection);
        let mut found = Vec::with_capacity(ids.len());
        for ids in ids.chunks(CMDLETS_A_REQUEST) {
            let bodies = ids.iter().map(|id| cmdlet::body("Get-Mailbox", &cmdlet::identity(*id)));
            let parts = self
                .batch("Get-Mailbox", &url, bodies.collect())
                .await
                .map_err(|failure| failure.error)?;
            for (id, part) in ids.iter().zip(parts) {
                match mailbox(*id, part, &selection) {
                    Err(error @ CallError::Throttled { .. }) => return Err(error),
                    row => found.push(row),
                }
            }
        }
        Ok(found)
    }

    /// Adds what `Get-User` shows, where any of it is asked for.
    async fn add_user_properties(
        &mut self,
        mut mailboxes: Vec<&mut Mailbox>,
        properties: &[Name],
    ) -> Result<(), CallError> {
        let wanted: Vec<(usize, &Name)> =
            properties.iter().enumerate().filter(|(_, name)| is_of_user(name)).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let mut url = self.places.invoke.clone();
        let names: Vec<&str> = wanted.iter().map(|(_, name)| name.as_ref()).collect();
        url.set_query(Some(&format!("$select={}", names.join(","))));
        for mailboxes in mailboxes.chunks_mut(CMDLETS_A_REQUEST) {
            let bodies =
                mailboxes.iter().map(|one| cmdlet::body("Get-User", &cmdlet::identity(one.id)));
            let parts = self
                .batch("Get-User", &url, bodies.collect())
                .await
                .map_err(|failure| failure.error)?;
            for (mailbox, part) in mailboxes.iter_mut().zip(parts) {
                let part = part.ok_or_else(|| malformed(&"an answer is missing in the batch"))?;
                if is_not_found(&part) {
                    continue;
                }
                if !part.is_success() {
                    return Err(part.failure());
                }
                mailbox.values = row::with_texts(&mailbox.values, &wanted, &part.body["value"][0]);
            }
        }
        Ok(())
    }

    async fn set(&mut self, changes: &[MailboxChange]) -> Result<Vec<SetOutcome>, CallError> {
        let sets_mailbox = |change: &MailboxChange| {
            change.cloud_managed.is_some()
                || change.values.iter().any(|(name, _)| !is_of_user(name))
        };
        let sets_user =
            |change: &MailboxChange| change.values.iter().any(|(name, _)| is_of_user(name));
        let of_mailbox: Vec<usize> =
            (0..changes.len()).filter(|at| sets_mailbox(&changes[*at])).collect();
        let bodies = of_mailbox
            .iter()
            .map(|at| cmdlet::body("Set-Mailbox", &cmdlet::change(&changes[*at])))
            .collect();
        let mut outcomes = vec![SetOutcome::Accepted; changes.len()];
        for (at, outcome) in of_mailbox.iter().zip(self.send("Set-Mailbox", bodies).await?) {
            outcomes[*at] = outcome;
        }
        let accepted =
            |at: &usize| outcomes[*at] == SetOutcome::Accepted && sets_user(&changes[*at]);
        let of_user: Vec<usize> = (0..changes.len()).filter(accepted).collect();
        let bodies = of_user
            .iter()
            .map(|at| cmdlet::body("Set-User", &cmdlet::user_change(&changes[*at])))
            .collect();
        let answered = match self.send("Set-User", bodies).await {
            Ok(answered) => answered,
            Err(error) if of_mailbox.is_empty() => return Err(error),
            Err(error) => vec![refused_half(error); of_user.len()],
        };
        for (at, outcome) in of_user.into_iter().zip(answered) {
            outcomes[at] = outcome;
        }
        Ok(outcomes)
    }

    /// Sends cmdlets that change something, ten a request. An error means that nothing was done.
    async fn send(
        &mut self,
        name: &'static str,
        bodies: Vec<Value>,
    ) -> Result<Vec<SetOutcome>, CallError> {
        let count = bodies.len();
        let mut outcomes = Vec::with_capacity(count);
        let mut bodies = bodies.into_iter();
        while outcomes.len() < count {
            let request: Vec<Value> = bodies.by_ref().take(CMDLETS_A_REQUEST).collect();
            let size = request.len();
            let (answered, ended) = match self.set_request(name, request).await {
                Ok(answered) => {
                    let throttled = |one: &SetOutcome| matches!(one, SetOutcome::Throttled { .. });
                    let ended = answered.iter().any(throttled);
                    (answered, ended)
                }
                Err(failure) if outcomes.is_empty() && !failure.perhaps_done => {
                    return Err(failure.error);
                }
                Err(failure) => (vec![ended_by(&failure); size], true),
            };
            outcomes.extend(answered);
            // Nothing is sent again, and after such an answer nothing more is sent: a service that throttles is
            // left alone, and of a lost answer only reading tells.
            if ended {
                break;
            }
        }
        outcomes.resize(count, SetOutcome::NotSent);
        Ok(outcomes)
    }

    async fn set_request(
        &mut self,
        name: &'static str,
        bodies: Vec<Value>,
    ) -> Result<Vec<SetOutcome>, Failure> {
        let url = self.places.invoke.clone();
        let parts = self.batch(name, &url, bodies).await?;
        if let Some(throttled) = batch::all_throttled(&parts) {
            return Err(Failure::nothing_done(throttled));
        }
        Ok(parts
            .into_iter()
            .map(|part| part.as_ref().map_or(SetOutcome::Unknown, set_outcome))
            .collect())
    }

    async fn organization_config(&mut self) -> Result<Organization, CallError> {
        let body = cmdlet::body("Get-OrganizationConfig", &Map::new()).to_string();
        let url = self.places.invoke.clone();
        let answer = self
            .service
            .call(Method::POST, &url, &self.headers(), Some(body.as_bytes()))
            .await
            .map_err(|failure| failure.error)?;
        let body: Value = answer.json()?;
        let config = &body["value"][0];
        let tenant: Guid = ["ExternalDirectoryOrganizationId", "Guid"]
            .into_iter()
            .find_map(|name| config[name].as_str())
            .ok_or_else(|| malformed(&"Get-OrganizationConfig names no tenant"))?
            .parse()
            .map_err(|error| malformed(&error))?;
        let cloud_managed_by_default = config["BlockExchangeProvisioningFromOnPremEnabled"]
            .as_bool()
            .ok_or_else(|| malformed(&"no BlockExchangeProvisioningFromOnPremEnabled"))?;
        Ok(Organization { tenant, cloud_managed_by_default })
    }

    /// Sends one `$batch` request. The parts come in the order of `bodies`; `None` where the answer
    /// holds none.
    async fn batch(
        &mut self,
        name: &'static str,
        url: &Url,
        bodies: Vec<Value>,
    ) -> Result<Vec<Option<Part>>, Failure> {
        let count = bodies.len();
        let anchor = self.places.anchor.to_str().unwrap_or_default();
        let request = cmdlet::batch(name, url, anchor, bodies).to_string();
        let place = self.places.batch.clone();
        let answer = self
            .service
            .call(Method::POST, &place, &self.headers(), Some(request.as_bytes()))
            .await?;
        answer
            .json()
            .and_then(|body| batch::parts(body, count))
            // The service has answered, so it has worked; we only cannot read what it says.
            .map_err(|error| Failure { error, perhaps_done: true })
    }

    fn headers(&self) -> HeaderMap {
        HeaderMap::from_iter([
            (ACCEPT, HeaderValue::from_static("application/json")),
            (HeaderName::from_static("x-anchormailbox"), self.places.anchor.clone()),
        ])
    }
}

impl ExchangeOnline for AdminApi {
    fn mailboxes_changed(
        &mut self,
        since: Option<Timestamp>,
        page: Option<&PageToken>,
        properties: &[Name],
    ) -> Result<MailboxPage, CallError> {
        self.runtime.clone().block_on(self.page(since, page, properties))
    }

    fn mailbox_rows(
        &mut self,
        ids: &[MailboxId],
        properties: &[Name],
    ) -> Result<Vec<Row<Mailbox>>, CallError> {
        self.runtime.clone().block_on(async {
            let mut found = self.by_id(ids, properties).await?;
            let read = found.iter_mut().flatten().flatten().collect();
            self.add_user_properties(read, properties).await?;
            Ok(found)
        })
    }

    fn set_mailboxes(&mut self, changes: &[MailboxChange]) -> Result<Vec<SetOutcome>, CallError> {
        self.runtime.clone().block_on(self.set(changes))
    }

    fn organization(&mut self) -> Result<Organization, CallError> {
        self.runtime.clone().block_on(self.organization_config())
    }
}

/// The text of a header that is made of ASCII here.
fn ascii(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("digits and letters fit a header")
}

/// One answer to `Get-Mailbox -Identity`.
fn mailbox(id: MailboxId, part: Option<Part>, selection: &Selection) -> Row<Mailbox> {
    let part = part.ok_or_else(|| malformed(&"an answer is missing in the batch"))?;
    if !part.is_success() {
        return if is_not_found(&part) { Ok(None) } else { Err(part.failure()) };
    }
    match row::single(part.body, selection)? {
        Some(mailbox) if mailbox.id != id => {
            Err(malformed(&format!("asked for mailbox {id}, got {}", mailbox.id)))
        }
        row => Ok(row),
    }
}

/// Whether a cmdlet found nothing.
fn is_not_found(part: &Part) -> bool {
    part.status == 404 || (part.status == 400 && part.error().class.ends_with(NOT_FOUND))
}

/// What the second half of a change comes to whose first was accepted, when nothing of it was done.
fn refused_half(error: CallError) -> SetOutcome {
    match error {
        CallError::Throttled { retry_after } => SetOutcome::Throttled { retry_after },
        CallError::Refused { code, detail } => SetOutcome::Refused { code, message: detail },
        other => SetOutcome::Refused { code: String::new(), message: other.to_string() },
    }
}

/// What the mailboxes of a request come to that failed as a whole.
fn ended_by(failure: &Failure) -> SetOutcome {
    match &failure.error {
        CallError::Throttled { retry_after } => SetOutcome::Throttled { retry_after: *retry_after },
        _ if failure.perhaps_done => SetOutcome::Unknown,
        _ => SetOutcome::NotSent,
    }
}

/// One answer to `Set-Mailbox`.
fn set_outcome(part: &Part) -> SetOutcome {
    if part.is_success() {
        return SetOutcome::Accepted;
    }
    if let Some(retry_after) = part.throttled() {
        return SetOutcome::Throttled { retry_after };
    }
    let error = part.error();
    SetOutcome::Refused { code: error.most_specific_code(part.status), message: error.message }
}

#[cfg(test)]
mod tests;

//! Mailboxes that move between the last Exchange server and Exchange Online, one by one or in migration batches.
//!
//! Sources: Microsoft Learn, "New-MoveRequest", "New-MigrationBatch", "Move mailboxes between on-premises and Exchange
//! Online organizations"; for off-boarding while the flag is set, the rollout guides: nothing refuses it, and
//! afterwards AD's Exchange attributes stay shut out.
//!
//! # Divergence from Exchange Online
//! A move takes half an hour whatever the mailbox holds. Endpoints are names without a connection behind them. A
//! batch has one state for all its mailboxes.

use core::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Due, Estate};
use crate::clock::VirtualTime;
use crate::directory::principal::Principal;
use crate::directory::request::{
    AttributeName, Change, ChangeOperation, ModifyRequest, Name, Operation, Request,
};
use crate::exchange::cmdlets::{CmdletError, ErrorKind, Output, Rows, SERVER, is_given};
use crate::exchange::{RecipientType, property};
use crate::ledger::{Activity, Actor, ObjectKey};
use crate::powershell::{Argument, CmdletCall};

/// How long a mailbox is copied.
const COPYING: Duration = Duration::from_secs(30 * 60);

const MOVED_WITH_FLAG: &str = "IsExchangeCloudManaged is set: Exchange attributes from the on-premises directory stay blocked after the move. Set it to $false and wait for a synchronization cycle first.";

/// A move.
#[derive(Debug, Clone)]
pub(super) struct Move {
    recipient: u32,
    outbound: bool,
    batch: Option<String>,
    status: Status,
    queued: VirtualTime,
    /// It stops when all is copied, until somebody completes it.
    waits: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    /// In a batch that nobody started.
    Created,
    InProgress,
    /// Copied, and waiting.
    Synced,
    Completed,
}

impl Status {
    const fn name(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::InProgress => "InProgress",
            Self::Synced => "AutoSuspended",
            Self::Completed => "Completed",
        }
    }

    const fn of_batch(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::InProgress => "Syncing",
            Self::Synced => "Synced",
            Self::Completed => "Completed",
        }
    }
}

/// A migration batch.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    name: String,
    outbound: bool,
}

impl Estate {
    /// Runs a cmdlet that moves mailboxes. Whether the caller may is checked already.
    pub(super) fn move_cmdlet(&mut self, call: &CmdletCall) -> Result<Output, CmdletError> {
        match call.name.to_ascii_lowercase().as_str() {
            "new-moverequest" => self.new_move(call),
            "get-moverequest" => self.shown_moves(call),
            "remove-moverequest" => self.remove_move(call),
            "new-migrationbatch" => self.new_batch(call),
            "get-migrationbatch" => self.shown_batches(call),
            "start-migrationbatch" => self.start_batch(call),
            "complete-migrationbatch" => self.complete_batch(call),
            _ => self.remove_batch(call),
        }
    }

    fn new_move(&mut self, call: &CmdletCall) -> Result<Output, CmdletError> {
        let identity = needed(call, "Identity")?;
        let outbound = direction(is_given(call, "Outbound"), is_given(call, "Remote"))?;
        if call.text("RemoteHostName").is_none() {
            return Err(missing("RemoteHostName"));
        }
        let waits = is_given(call, "SuspendWhenReadyToComplete");
        let recipient = self.movable(&identity, outbound)?;
        let mut output = output(Rows::Objects(Vec::new()));
        output.warnings.extend(self.warned(recipient, outbound));
        let number = self.queue(recipient, outbound, call.text("BatchName"), waits);
        self.begin_move(number);
        output.rows = Rows::Objects(vec![self.shown_move(number)]);
        Ok(output)
    }

    fn warned(&self, recipient: u32, outbound: bool) -> Option<String> {
        let mailbox = self.exchange.mailbox(recipient)?;
        (outbound && mailbox.cloud_managed).then(|| MOVED_WITH_FLAG.to_owned())
    }

    /// The recipient that a move is for: a mail user that stands for a mailbox on the premises, or a synchronized
    /// mailbox in the cloud.
    fn movable(&self, identity: &str, outbound: bool) -> Result<u32, CmdletError> {
        let found = self.exchange.find(identity).and_then(|n| Some((n, self.exchange.mailbox(n)?)));
        let (number, recipient) = found.ok_or_else(|| CmdletError::not_found(identity, SERVER))?;
        let user = self.entra.by_id(recipient.id);
        let is_local = user.is_some_and(|user| self.is_on_premises(user));
        if outbound && !(recipient.kind.is_mailbox() && recipient.dir_synced) {
            return Err(invalid(
                "The recipient isn't a synchronized mailbox in Exchange Online:",
                identity,
            ));
        }
        if !outbound && (recipient.kind.is_mailbox() || !is_local) {
            return Err(invalid(
                "The recipient isn't a mail user for an on-premises mailbox:",
                identity,
            ));
        }
        let moves = |other: &Move| other.recipient == number && other.status != Status::Completed;
        if self.moves.iter().flatten().any(moves) {
            return Err(invalid("The mailbox is being moved already:", identity));
        }
        Ok(number)
    }

    fn queue(&mut self, recipient: u32, outbound: bool, batch: Option<String>, waits: bool) -> u32 {
        let number = u32::try_from(self.moves.len()).unwrap_or(u32::MAX);
        let (status, queued) = (Status::Created, self.now);
        self.moves.push(Some(Move { recipient, outbound, batch, status, queued, waits }));
        number
    }

    fn begin_move(&mut self, number: u32) {
        if let Some(moving) = self.moves.get_mut(number as usize).and_then(Option::as_mut)
            && moving.status == Status::Created
        {
            moving.status = Status::InProgress;
            self.calendar.enter(self.now + COPYING, Due::Move(number));
        }
    }

    /// Whether a mailbox is being copied that nobody has to complete.
    #[must_use]
    pub fn has_moves_under_way(&self) -> bool {
        self.moves.iter().flatten().any(|moving| moving.status == Status::InProgress)
    }

    /// All of a mailbox is copied.
    pub(super) fn end_move(&mut self, number: u32) {
        let Some(moving) = self.moves.get_mut(number as usize).and_then(Option::as_mut) else {
            return;
        };
        if moving.status != Status::InProgress {
            return;
        }
        if moving.waits {
            moving.status = Status::Synced;
        } else {
            self.complete_move(number);
        }
    }

    fn complete_move(&mut self, number: u32) {
        let Some(moving) = self.moves.get_mut(number as usize).and_then(Option::as_mut) else {
            return;
        };
        moving.status = Status::Completed;
        let (recipient, outbound) = (moving.recipient, moving.outbound);
        let actor = Actor::new("Mailbox Replication Service", Activity::Service);
        let place = self.whose(ObjectKey::exchange(recipient));
        let ad = place.and_then(|place| self.subjects().get(place as usize)?.ad);
        let Some(ad) = ad else { return };
        let details = self.ad_texts(ad, "msExchRecipientTypeDetails");
        let details = details.first().map_or("", String::as_str);
        let Some(mailbox) = self.exchange.mailbox(recipient) else { return };
        let alias = mailbox.record.text(property::ALIAS).unwrap_or_default();
        let label = self.domains.initial.split('.').next().unwrap_or_default();
        let routing = format!("SMTP:{alias}@{label}.mail.onmicrosoft.com");
        let (kind, changes) = if outbound {
            (RecipientType::MailUser, leaving(mailbox.kind, self.onprem.server.as_deref()))
        } else {
            let kind = local_kind(details);
            (kind, arriving(kind, routing))
        };
        let change = self.exchange.set_kind(recipient, self.now, kind);
        self.note_exchange_write(&actor, recipient, change.into_iter().collect());
        let object = Name::Number(ad.number);
        let request = Request::from(Operation::Modify(ModifyRequest { object, changes }));
        // In AD it acts for whoever ordered the move.
        let actor = Actor::new("Mailbox Replication Service", Activity::Person);
        self.directory(ad.at(), &Principal::system(), &actor, &request);
    }

    fn shown_moves(&self, call: &CmdletCall) -> Result<Output, CmdletError> {
        let identity = call.text("Identity");
        let wanted = identity
            .as_deref()
            .map(|identity| {
                self.exchange
                    .find(identity)
                    .filter(|n| self.moves.iter().flatten().any(|known| known.recipient == *n))
                    .ok_or_else(|| CmdletError::not_found(identity, SERVER))
            })
            .transpose()?;
        let status = call.text("MoveStatus");
        let passes = |known: &Move| {
            wanted.is_none_or(|number| known.recipient == number)
                && status.as_deref().is_none_or(|s| s.eq_ignore_ascii_case(known.status.name()))
        };
        let numbers = (0..).zip(&self.moves).filter_map(|(n, known)| Some((n, known.as_ref()?)));
        let rows = numbers.filter(|(_, known)| passes(known)).map(|(n, _)| self.shown_move(n));
        Ok(output(Rows::Objects(rows.collect())))
    }

    fn shown_move(&self, number: u32) -> Value {
        let Some(known) = self.moves.get(number as usize).and_then(Option::as_ref) else {
            return json!({});
        };
        let mailbox = self.exchange.mailbox(known.recipient);
        let text = |property| mailbox.and_then(|m| m.record.text(property)).unwrap_or_default();
        json!({
            "Identity": mailbox.map(|mailbox| mailbox.id.to_string()),
            "DisplayName": text(property::DISPLAY_NAME),
            "Alias": text(property::ALIAS),
            "Status": known.status.name(),
            "Direction": if known.outbound { "Push" } else { "Pull" },
            "RequestStyle": "CrossOrg",
            "BatchName": known.batch,
            "QueuedTimestamp": known.queued.floor_to_second().to_string(),
        })
    }

    fn remove_move(&mut self, call: &CmdletCall) -> Result<Output, CmdletError> {
        let identity = needed(call, "Identity")?;
        let not_found = || CmdletError::not_found(&identity, SERVER);
        let number = self.exchange.find(&identity).ok_or_else(not_found)?;
        let is_it = |known: &Option<Move>| known.as_ref().is_some_and(|m| m.recipient == number);
        let found = self.moves.iter_mut().rfind(|known| is_it(known)).ok_or_else(not_found)?;
        *found = None;
        Ok(output(Rows::None))
    }

    fn new_batch(&mut self, call: &CmdletCall) -> Result<Output, CmdletError> {
        let name = needed(call, "Name")?;
        let outbound = direction(
            call.text("TargetEndpoint").is_some(),
            call.text("SourceEndpoint").is_some(),
        )?;
        if self.batch(&name).is_some() {
            return Err(invalid("A migration batch with this name already exists:", &name));
        }
        let mut output = output(Rows::None);
        let mut recipients = Vec::new();
        for address in listed(call)? {
            let recipient = self.movable(&address, outbound)?;
            output.warnings.extend(self.warned(recipient, outbound));
            recipients.push(recipient);
        }
        self.batches.push(Batch { name: name.clone(), outbound });
        let waits = !is_given(call, "AutoComplete");
        for recipient in recipients {
            let number = self.queue(recipient, outbound, Some(name.clone()), waits);
            if is_given(call, "AutoStart") {
                self.begin_move(number);
            }
        }
        output.rows =
            Rows::Objects(self.batch(&name).map(|b| self.shown_batch(b)).into_iter().collect());
        Ok(output)
    }

    fn batch(&self, name: &str) -> Option<&Batch> {
        self.batches.iter().find(|batch| batch.name.eq_ignore_ascii_case(name))
    }

    /// The batch of a call, and the numbers of its moves.
    fn batch_of(&self, call: &CmdletCall) -> Result<(String, Vec<u32>), CmdletError> {
        let identity = needed(call, "Identity")?;
        let batch =
            self.batch(&identity).ok_or_else(|| CmdletError::not_found(&identity, SERVER))?;
        let moves = (0..).zip(&self.moves).filter(|(_, known)| {
            known.as_ref().is_some_and(|m| m.batch.as_deref() == Some(batch.name.as_str()))
        });
        Ok((batch.name.clone(), moves.map(|(number, _)| number).collect()))
    }

    fn start_batch(&mut self, call: &CmdletCall) -> Result<Output, CmdletError> {
        let (name, moves) = self.batch_of(call)?;
        if self.status_of(&name) != Status::Created {
            return Err(invalid("The migration batch has been started already:", &name));
        }
        for number in moves {
            self.begin_move(number);
        }
        Ok(output(Rows::None))
    }

    fn complete_batch(&mut self, call: &CmdletCall) -> Result<Output, CmdletError> {
        let (name, moves) = self.batch_of(call)?;
        if !matches!(self.status_of(&name), Status::InProgress | Status::Synced) {
            return Err(invalid("The migration batch isn't running:", &name));
        }
        for number in moves {
            let moving = self.moves.get_mut(number as usize).and_then(Option::as_mut);
            match moving {
                Some(moving) if moving.status == Status::InProgress => moving.waits = false,
                Some(moving) if moving.status == Status::Synced => self.complete_move(number),
                Some(_) | None => {}
            }
        }
        Ok(output(Rows::None))
    }

    fn remove_batch(&mut self, call: &CmdletCall) -> Result<Output, CmdletError> {
        let (name, moves) = self.batch_of(call)?;
        if self.status_of(&name) == Status::InProgress {
            return Err(invalid("The migration batch is running:", &name));
        }
        self.batches.retain(|batch| batch.name != name);
        for number in moves {
            if let Some(moving) = self.moves.get_mut(number as usize) {
                *moving = None;
            }
        }
        Ok(output(Rows::None))
    }

    /// The state of a batch: that of the mailbox that is least far.
    fn status_of(&self, name: &str) -> Status {
        let moves = self.moves.iter().flatten().filter(|m| m.batch.as_deref() == Some(name));
        let order = [Status::Created, Status::InProgress, Status::Synced, Status::Completed];
        let place = |status: Status| order.iter().position(|known| *known == status).unwrap_or(0);
        moves.map(|m| m.status).min_by_key(|status| place(*status)).unwrap_or(Status::Created)
    }

    fn shown_batches(&self, call: &CmdletCall) -> Result<Output, CmdletError> {
        let batches: Vec<Value> = match call.text("Identity") {
            Some(_) => {
                let (name, _) = self.batch_of(call)?;
                self.batch(&name).map(|batch| self.shown_batch(batch)).into_iter().collect()
            }
            None => self.batches.iter().map(|batch| self.shown_batch(batch)).collect(),
        };
        Ok(output(Rows::Objects(batches)))
    }

    fn shown_batch(&self, batch: &Batch) -> Value {
        let moves = self.moves.iter().flatten();
        let total = moves.filter(|m| m.batch.as_deref() == Some(batch.name.as_str())).count();
        json!({
            "Identity": batch.name,
            "BatchDirection": if batch.outbound { "Offboarding" } else { "Onboarding" },
            "MigrationType": "ExchangeRemoteMove",
            "Status": self.status_of(&batch.name).of_batch(),
            "TotalCount": total,
        })
    }
}

/// `CSVData`: base64 or plain text, with a column `EmailAddress`.
fn listed(call: &CmdletCall) -> Result<Vec<String>, CmdletError> {
    let data = needed(call, "CSVData")?;
    let decoded = STANDARD.decode(&data).ok().and_then(|octets| String::from_utf8(octets).ok());
    let text = decoded.unwrap_or(data);
    let mut lines = text.lines().map(|line| line.trim().trim_matches('"'));
    let head = lines.next().unwrap_or_default();
    if !head.split(',').next().is_some_and(|name| name.eq_ignore_ascii_case("EmailAddress")) {
        return Err(CmdletError::of(
            ErrorKind::ParameterValue,
            "Cannot process argument transformation on parameter 'CSVData'. The first column must be EmailAddress.",
        ));
    }
    let addresses = lines.filter_map(|line| line.split(',').next()).map(str::trim);
    Ok(addresses.filter(|address| !address.is_empty()).map(str::to_owned).collect())
}

/// What AD has of a mailbox that came from the server to the cloud.
fn arriving(kind: RecipientType, routing: String) -> Vec<Change> {
    let (details, display, remote) = kind.remote_numbers();
    vec![
        replace("msExchRecipientTypeDetails", Some(details.to_owned())),
        replace("msExchRecipientDisplayType", Some(display.to_owned())),
        replace("msExchRemoteRecipientType", Some(remote.to_owned())),
        replace("targetAddress", Some(routing)),
        replace("msExchHomeServerName", None),
    ]
}

/// What AD has of a mailbox that went back to the server.
fn leaving(kind: RecipientType, server: Option<&str>) -> Vec<Change> {
    let (details, display) = match kind {
        RecipientType::Shared => ("4", "1073741824"),
        RecipientType::Room | RecipientType::Workspace | RecipientType::Desk => ("16", "7"),
        RecipientType::Equipment => ("32", "8"),
        RecipientType::User | RecipientType::MailUser => ("1", "1073741824"),
    };
    let home = server.map(|server| {
        format!("/o=First Organization/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Configuration/cn=Servers/cn={server}")
    });
    vec![
        replace("msExchRecipientTypeDetails", Some(details.to_owned())),
        replace("msExchRecipientDisplayType", Some(display.to_owned())),
        replace("msExchRemoteRecipientType", None),
        replace("targetAddress", None),
        replace("msExchHomeServerName", home),
    ]
}

/// The type of a mailbox on the server, by `msExchRecipientTypeDetails`.
fn local_kind(details: &str) -> RecipientType {
    match details {
        "4" => RecipientType::Shared,
        "16" => RecipientType::Room,
        "32" => RecipientType::Equipment,
        _ => RecipientType::User,
    }
}

fn replace(attribute: &str, value: Option<String>) -> Change {
    Change {
        operation: ChangeOperation::Replace,
        attribute: AttributeName::from(attribute),
        values: value.into_iter().map(String::into_bytes).collect(),
    }
}

/// Whether it goes out: one of two must be said.
fn direction(outbound: bool, inbound: bool) -> Result<bool, CmdletError> {
    if outbound == inbound {
        return Err(CmdletError::of(
            ErrorKind::ParameterSet,
            "Parameter set cannot be resolved using the specified named parameters.",
        ));
    }
    Ok(outbound)
}

fn needed(call: &CmdletCall, parameter: &str) -> Result<String, CmdletError> {
    let value = call.parameter(parameter).map(Argument::texts);
    let value = value.and_then(|texts| texts.into_iter().next());
    value.filter(|value| !value.is_empty()).ok_or_else(|| missing(parameter))
}

fn missing(parameter: &str) -> CmdletError {
    CmdletError::missing(parameter)
}

fn invalid(why: &str, subject: &str) -> CmdletError {
    CmdletError::of(ErrorKind::InvalidOperation, format!("{why} {subject}"))
}

fn output(rows: Rows) -> Output {
    Output::of(rows)
}

//! `Search-UnifiedAuditLog`: who ran which cmdlet, newest first.
//!
//! Source: Microsoft Learn, "Search-UnifiedAuditLog": both dates are mandatory, 100 records unless told
//! otherwise and 5,000 at most; the same session id again shows the records that follow.
//!
//! # Divergence from Exchange Online
//! Records are there at once, not after minutes to a day. Of all workloads there is Exchange's
//! (`ExchangeAdmin`).

use super::set_mailbox::wrong_value;
use super::{CmdletError, Context, ErrorKind, Output, Rows};
use crate::clock::VirtualTime;
use crate::exchange::audit::AuditRecord;
use crate::powershell::CmdletCall;

/// `RecordType` of a cmdlet.
const RECORD_TYPE: [&str; 2] = ["ExchangeAdmin", "1"];

pub(super) fn run(context: &mut Context<'_>, call: &CmdletCall) -> Result<Output, CmdletError> {
    let (start, end) = (instant(call, "StartDate")?, instant(call, "EndDate")?);
    let size = size(call)?;
    let given = |name: &str| call.parameter(name).map(|value| value.texts()).unwrap_or_default();
    let (operations, users, objects) = (given("Operations"), given("UserIds"), given("ObjectIds"));
    let text = call.text("FreeText").unwrap_or_default().to_lowercase();
    let of_type = call
        .text("RecordType")
        .is_none_or(|wanted| RECORD_TYPE.iter().any(|known| known.eq_ignore_ascii_case(&wanted)));
    let is_in = |wanted: &[String], have: &str| {
        wanted.is_empty() || wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(have))
    };
    let passes = |record: &AuditRecord| {
        of_type
            && (start..end).contains(&record.at)
            && is_in(&operations, record.operation)
            && is_in(&users, &record.user)
            && is_in(&objects, &record.object)
            && (text.is_empty() || record.parameters.to_lowercase().contains(&text))
    };
    let log = &mut context.tenant.audit;
    let found: Vec<usize> = log
        .records()
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, record)| passes(record))
        .map(|(place, _)| place)
        .collect();
    let session = call.text("SessionId");
    let before = session.as_ref().map_or(0, |session| log.shown(session)).min(found.len());
    let records: Vec<usize> = found.iter().skip(before).take(size).copied().collect();
    if let Some(session) = session {
        log.show(&session, records.len());
    }
    let all = found.len();
    let mut output = Output::rows(Rows::Audit { records, all, before });
    if !context.tenant.audit.ingestion {
        output.warnings.push(
            "The unified audit log holds no records: its ingestion is not enabled.".to_owned(),
        );
    }
    Ok(output)
}

fn instant(call: &CmdletCall, name: &'static str) -> Result<VirtualTime, CmdletError> {
    let value = call.parameter(name).ok_or_else(|| {
        CmdletError::new(
            ErrorKind::ParameterSet,
            format!(
                "Cannot process command because of one or more missing mandatory parameters: {name}."
            ),
        )
    })?;
    let text = value.texts().into_iter().next().unwrap_or_default();
    // A day alone, and an instant without a zone, are in UTC.
    [text.clone(), format!("{text}Z"), format!("{text}T00:00:00Z")]
        .iter()
        .find_map(|text| text.parse::<jiff::Timestamp>().ok())
        .map(VirtualTime::from_jiff)
        .ok_or_else(|| wrong_value(name, value, "System.DateTime"))
}

fn size(call: &CmdletCall) -> Result<usize, CmdletError> {
    let Some(value) = call.parameter("ResultSize") else { return Ok(100) };
    let text = value.texts().into_iter().next().unwrap_or_default();
    text.parse()
        .ok()
        .filter(|size| (1..=5_000).contains(size))
        .ok_or_else(|| wrong_value("ResultSize", value, "System.Int32"))
}

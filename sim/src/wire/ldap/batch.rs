//! The batch request ([MS-ADTS] 3.1.1.3.4.2.5): several messages in one extended operation, carried out
//! one after the other, all of them or none.

use super::ber::{OCTETS, Reader, SEQUENCE, Writer, message_length};
use super::decode::{Body, Message, message};
use super::encode::Encoder;
use super::session::{DirectoryDoor, DoorAnswer};
use crate::directory::answer::{LdapResult, Response, ResultCode};
use crate::directory::diagnostic;
use crate::directory::principal::Principal;
use crate::directory::request::{Operation, Request};

/// Why a batch has no value to answer with.
pub(super) enum Refused {
    /// This is the result of the extended operation.
    Result(LdapResult),
    /// The connection breaks.
    Close,
}

/// Reads the requests of a batch: the value is a sequence of octet strings, each of them a message that
/// searches, modifies, adds or deletes.
fn requests(value: Option<&[u8]>) -> Option<Vec<(i32, Request)>> {
    let mut outer = Reader::new(value?);
    let mut list = Reader::new(outer.expect(SEQUENCE).ok()?);
    let mut requests = Vec::new();
    while !list.is_empty() {
        let Message { id, body } = message(list.expect(OCTETS).ok()?).ok()?;
        let Body::Directory(request) = body else { return None };
        if matches!(request.operation, Operation::Compare(_) | Operation::ModifyDn(_)) {
            return None;
        }
        requests.push((id, request));
    }
    Some(requests)
}

/// Carries a batch out; gives the value of the answer, a sequence of octet strings with the messages that
/// the requests would have been answered with. `most` is MaxBatchReturnMessages.
pub(super) fn carried_out<D: DirectoryDoor>(
    door: &mut D,
    principal: &Principal,
    value: Option<&[u8]>,
    encoder: Encoder,
    most: usize,
) -> Result<Vec<u8>, Refused> {
    if principal.is_anonymous() {
        return Err(Refused::Result(diagnostic::not_bound()));
    }
    let Some(requests) = requests(value) else {
        let comment = "Error decoding ldap message";
        let refusal = diagnostic::ldap(ResultCode::ProtocolError, 0x57, comment);
        return Err(Refused::Result(refusal));
    };
    let too_many = || {
        let problem = diagnostic::ServiceProblem::AdminLimitExceeded;
        let code = ResultCode::AdminLimitExceeded;
        Refused::Result(diagnostic::service(code, problem, 0x2024))
    };
    if requests.len() > most {
        return Err(too_many());
    }
    // All of them or none: what one refuses, none of them does.
    let plain: Vec<&Request> = requests.iter().map(|(_, request)| request).collect();
    if let Some(refusal) = door.rehearse(principal, &plain) {
        return Err(Refused::Result(refusal));
    }
    let mut messages = Vec::new();
    for (id, request) in &requests {
        let response = answered(door, principal, request)?;
        if !response.result.is_success() {
            return Err(Refused::Result(response.result));
        }
        let mut writer = Writer::default();
        encoder.response(&mut writer, *id, &request.operation, &response);
        split(writer.bytes(), &mut messages);
        if messages.len() > most {
            return Err(too_many());
        }
    }
    let mut writer = Writer::default();
    let end = writer.open();
    for message in messages.iter().rev() {
        writer.octets(OCTETS, message);
    }
    writer.close(SEQUENCE, end);
    Ok(writer.bytes().to_vec())
}

/// The answer to one request, however long a search takes: its time limit bounds it.
fn answered<D: DirectoryDoor>(
    door: &mut D,
    principal: &Principal,
    request: &Request,
) -> Result<Response, Refused> {
    let mut answer = door.request(principal, request);
    loop {
        answer = match answer {
            DoorAnswer::Answer(response) => return Ok(response),
            DoorAnswer::Working(progress) => door.go_on(principal, request, progress),
            DoorAnswer::Close | DoorAnswer::Refused => return Err(Refused::Close),
        };
    }
}

/// Takes the messages of an answer apart.
fn split(mut bytes: &[u8], messages: &mut Vec<Vec<u8>>) {
    while let Ok(Some(length)) = message_length(bytes, usize::MAX)
        && length <= bytes.len()
        && length > 0
    {
        let (message, rest) = bytes.split_at(length);
        messages.push(message.to_vec());
        bytes = rest;
    }
}

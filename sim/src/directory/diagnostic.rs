//! The texts with which Active Directory explains a refusal.
//!
//! `HHHHHHHH: Kind: DSID-xxxxxxxx, ...`: the Win32 code first, then the kind of error. Clients rely on
//! the code alone; DSIDs differ from build to build and are fixed here. A domain controller ends the
//! text with a NUL byte *inside* the LDAP string: whoever writes the wire adds it, so that a caller in
//! process and one over LDAP see the same text.

use core::fmt::Write as _;

use crate::directory::answer::{LdapResult, ResultCode};
use crate::directory::schema::Attribute;

/// The build tag at the end of `LdapErr` texts: Windows Server 2022.
const BUILD: &str = "v4f7c";

/// What is wrong with an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the protocol")]
pub enum AttributeProblem {
    NoAttributeOrValue,
    InvalidSyntax,
    Constraint,
    ValueExists,
}

/// What is wrong with an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the protocol")]
pub enum UpdateProblem {
    NameViolation,
    ObjectClassViolation,
    CantOnNonLeaf,
    CantOnRdn,
    EntryExists,
}

/// What is wrong with the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the protocol")]
pub enum ServiceProblem {
    Busy,
    Unavailable,
    WillNotPerform,
    UnableToProceed,
    AdminLimitExceeded,
    DirError,
}

/// An error of an attribute (`AtrErr`). The result code follows from the problem.
#[must_use]
pub fn attribute(problem: AttributeProblem, win32: u32, attribute: &Attribute) -> LdapResult {
    attribute_with_length(problem, win32, attribute, None)
}

/// An `AtrErr` that also states a length in bytes, as range violations do.
#[must_use]
pub fn attribute_with_length(
    problem: AttributeProblem,
    win32: u32,
    attribute: &Attribute,
    length: Option<usize>,
) -> LdapResult {
    let (code, number, name) = match problem {
        AttributeProblem::NoAttributeOrValue => {
            (ResultCode::NoSuchAttribute, 1001, "NO_ATTRIBUTE_OR_VAL")
        }
        AttributeProblem::InvalidSyntax => {
            (ResultCode::InvalidAttributeSyntax, 1002, "INVALID_ATT_SYNTAX")
        }
        AttributeProblem::Constraint => {
            (ResultCode::ConstraintViolation, 1005, "CONSTRAINT_ATT_TYPE")
        }
        AttributeProblem::ValueExists => {
            (ResultCode::AttributeOrValueExists, 1006, "ATT_OR_VALUE_EXISTS")
        }
    };
    let mut text = format!(
        "{win32:08X}: AtrErr: DSID-03190E12, #1:\n\t0: {win32:08X}: DSID-03190E12, \
         problem {number} ({name}), data 0, Att {:x} ({})",
        attribute.att, attribute.name
    );
    if let Some(length) = length {
        // Writing to a String cannot fail.
        let _ = write!(text, ":len {length}");
    }
    text.push('\n');
    LdapResult::of(code, text)
}

/// An error of an update (`UpdErr`). The result code follows from the problem.
#[must_use]
pub fn update(problem: UpdateProblem, win32: u32) -> LdapResult {
    let (code, number, name) = match problem {
        UpdateProblem::NameViolation => (ResultCode::NamingViolation, 6001, "NAMING_VIOLATION"),
        UpdateProblem::ObjectClassViolation => {
            (ResultCode::ObjectClassViolation, 6002, "OBJ_CLASS_VIOLATION")
        }
        UpdateProblem::CantOnNonLeaf => (ResultCode::NotAllowedOnNonLeaf, 6003, "CANT_ON_NON_LEAF"),
        UpdateProblem::CantOnRdn => (ResultCode::NotAllowedOnRdn, 6004, "CANT_ON_RDN"),
        UpdateProblem::EntryExists => (ResultCode::EntryAlreadyExists, 6005, "ENTRY_EXISTS"),
    };
    LdapResult::of(
        code,
        format!("{win32:08X}: UpdErr: DSID-031A11E2, problem {number} ({name}), data 0\n"),
    )
}

/// An error of the service (`SvcErr`).
#[must_use]
pub fn service(code: ResultCode, problem: ServiceProblem, win32: u32) -> LdapResult {
    let (number, name, data) = match problem {
        ServiceProblem::Busy => (5001, "BUSY", 0),
        ServiceProblem::Unavailable => (5002, "UNAVAILABLE", 0),
        ServiceProblem::WillNotPerform => (5003, "WILL_NOT_PERFORM", 0),
        ServiceProblem::UnableToProceed => (5005, "UNABLE_TO_PROCEED", 0),
        ServiceProblem::AdminLimitExceeded => (5008, "ADMIN_LIMIT_EXCEEDED", -1026),
        ServiceProblem::DirError => (5012, "DIR_ERROR", 0),
    };
    LdapResult::of(
        code,
        format!("{win32:08X}: SvcErr: DSID-031A1262, problem {number} ({name}), data {data}\n"),
    )
}

/// The server is unwilling (53).
#[must_use]
pub fn unwilling(win32: u32) -> LdapResult {
    service(ResultCode::UnwillingToPerform, ServiceProblem::WillNotPerform, win32)
}

/// There is more than the size limit lets through (4/2023).
#[must_use]
pub fn size_limit_exceeded() -> LdapResult {
    LdapResult::of(
        ResultCode::SizeLimitExceeded,
        "00002023: SvcErr: DSID-031A1202, problem 5009 (SIZE_LIMIT_EXCEEDED), data 0\n".to_owned(),
    )
}

/// Whether a bind was refused for its password, not for the account's state.
#[must_use]
pub fn is_wrong_password(refusal: &LdapResult) -> bool {
    refusal.code == ResultCode::InvalidCredentials && refusal.diagnostic.contains("data 52e,")
}

/// The time was up before everything was looked at (3/2022).
#[must_use]
pub fn time_limit_exceeded() -> LdapResult {
    LdapResult::of(
        ResultCode::TimeLimitExceeded,
        "00002022: SvcErr: DSID-031A1202, problem 5007 (TIME_EXCEEDED), data 0\n".to_owned(),
    )
}

/// The caller lacks the right (50/2098).
#[must_use]
pub fn access_denied() -> LdapResult {
    LdapResult::of(
        ResultCode::InsufficientAccessRights,
        "00002098: SecErr: DSID-031514A0, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0\n".to_owned(),
    )
}

/// There is no such object; `matched` is the nearest ancestor that exists.
#[must_use]
pub fn no_such_object(matched: &str) -> LdapResult {
    not_found(0x208D, matched)
}

/// A group's member is nobody: ERROR_NO_SUCH_USER, as the accounts manager says it.
#[must_use]
pub fn no_such_principal(matched: &str) -> LdapResult {
    not_found(0x0525, matched)
}

fn not_found(win32: u32, matched: &str) -> LdapResult {
    let text = format!(
        "{win32:08X}: NameErr: DSID-03100241, problem 2001 (NO_OBJECT), data 0, best match of:\n\t'{matched}'\n"
    );
    LdapResult { matched_dn: matched.to_owned(), ..LdapResult::of(ResultCode::NoSuchObject, text) }
}

/// The text is no name.
#[must_use]
pub fn bad_name(text: &str) -> LdapResult {
    LdapResult::of(
        ResultCode::InvalidDnSyntax,
        format!(
            "0000208F: NameErr: DSID-03100225, problem 2006 (BAD_NAME), data 8350, best match of:\n\t'{text}'\n"
        ),
    )
}

/// Another server holds the object.
#[must_use]
pub fn referral(host: &str, dn: &str) -> LdapResult {
    let text =
        format!("0000202B: RefErr: DSID-0310082F, data 0, 1 access points\n\tref 1: '{host}'\n");
    LdapResult {
        referrals: vec![format!("ldap://{host}/{dn}")],
        ..LdapResult::of(ResultCode::Referral, text)
    }
}

/// An error of the LDAP layer (`LdapErr`).
#[must_use]
pub fn ldap(code: ResultCode, win32: u32, comment: &str) -> LdapResult {
    LdapResult::of(
        code,
        format!("{win32:08X}: LdapErr: DSID-0C090A5C, comment: {comment}, data 0, {BUILD}"),
    )
}

/// The connection is not bound (1/04DC).
#[must_use]
pub fn not_bound() -> LdapResult {
    ldap(
        ResultCode::OperationsError,
        0x04DC,
        "In order to perform this operation a successful bind must be completed on the connection.",
    )
}

/// The schema has no such attribute (16/0057).
#[must_use]
pub fn unknown_attribute() -> LdapResult {
    ldap(ResultCode::NoSuchAttribute, 0x57, "Error in attribute conversion operation")
}

/// A control's value cannot be used, its cookie for example.
#[must_use]
pub fn bad_control() -> LdapResult {
    ldap(ResultCode::UnavailableCriticalExtension, 0x57, "Error processing control")
}

/// The credentials are refused (49); `data` tells why, in hex.
#[must_use]
pub fn logon_failure(data: u32) -> LdapResult {
    LdapResult::of(
        ResultCode::InvalidCredentials,
        format!(
            "80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data {data:x}, {BUILD}"
        ),
    )
}

/// The tokens of a security package are refused (49).
#[must_use]
pub fn security_package(data: u32) -> LdapResult {
    LdapResult::of(
        ResultCode::InvalidCredentials,
        format!(
            "8009030C: LdapErr: DSID-0C0904DC, comment: AcceptSecurityContext error, data {data:x}, {BUILD}"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::schema::{Schema, known};

    #[test]
    fn texts_have_the_layout_of_active_directory() {
        let schema = Schema::base();
        let upn = schema.attribute(known::USER_PRINCIPAL_NAME).unwrap();
        let result = attribute(AttributeProblem::Constraint, 0x21C8, upn);
        assert_eq!(result.code, ResultCode::ConstraintViolation);
        assert_eq!(
            result.diagnostic,
            "000021C8: AtrErr: DSID-03190E12, #1:\n\t0: 000021C8: DSID-03190E12, problem 1005 \
             (CONSTRAINT_ATT_TYPE), data 0, Att 90290 (userPrincipalName)\n"
        );
        assert!(logon_failure(0x52e).diagnostic.contains("error, data 52e, v"));
    }
}

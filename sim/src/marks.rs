//! The branches at which the estate decides, by name: what a library of scenarios reaches of them is
//! what it tests.

use crate::directory::answer::ResultCode;
use crate::exchange::cmdlets::ErrorKind;
use crate::fault::Effect;

marks::declare! {
    CloudForbidden = "exo.forbidden", "Exchange Online refuses a cmdlet for the caller's role";
    CloudParameterSet = "exo.parameter-set", "Exchange Online does not know a parameter";
    CloudParameterValue = "exo.parameter-value", "Exchange Online does not take a value";
    CloudNotFound = "exo.not-found", "Exchange Online does not know an object";
    CloudOutOfScope = "exo.out-of-write-scope", "AD has authority over what a cmdlet would change";
    CloudAddressTaken = "exo.address-taken", "another recipient has the address";
    CloudDomain = "exo.domain-not-accepted", "an address lies in a domain that is not accepted";
    CloudTooLong = "exo.value-too-long", "a value is longer than Exchange Online takes";
    CloudNoAddress = "exo.no-smtp-address", "a text is no SMTP address";
    CloudOperation = "exo.invalid-operation", "what is asked for does not go with the state of a role";
    CloudThrottled = "exo.throttled", "a caller has used up its budget in Exchange Online";
    CloudEmpty = "exo.empty-error", "a flip works and is answered with an error without a text";
    CloudNoChange = "exo.nothing-changed", "a cmdlet is accepted and changes nothing";

    DirectoryRights = "ad.access-rights", "AD denies a write for want of rights";
    DirectoryConstraint = "ad.constraint", "a value breaks a constraint of AD's schema";
    DirectoryAttribute = "ad.no-such-attribute", "AD lacks the attribute, or the value to remove";
    DirectoryExists = "ad.exists", "AD has the value or the object already";
    DirectoryMissing = "ad.no-such-object", "AD has no such object";
    DirectorySyntax = "ad.syntax", "AD does not understand a value or a name";
    DirectoryOther = "ad.refused", "AD refuses for another reason";

    FaultRefuse = "fault.refused", "a fault refuses a connection";
    FaultLoseBefore = "fault.lost-before", "a fault breaks a connection before the operation was done";
    FaultLoseAfter = "fault.lost-after", "a fault breaks a connection after the operation was done";
    FaultLdap = "fault.ldap-result", "a fault makes a domain controller answer with a result code";
    FaultDelay = "fault.delayed", "a fault delays an operation";
    FaultTwice = "fault.delivered-twice", "a fault delivers a modify twice";
    FaultHttp = "fault.http-status", "a fault makes a cloud service answer with a status";
    FaultTimeOut = "fault.timed-out", "a fault makes a cloud service answer too late";
    FaultNoToken = "fault.no-token", "a fault keeps the identity platform from giving a token";
    FaultTruncated = "fault.truncated", "a fault cuts an answer off";
    FaultPage = "fault.page-expired", "a fault forgets the token of a page";
    FaultLate = "fault.held-back", "a fault holds a modify back until others have overtaken it";
    FaultSchema = "fault.schema-lacks", "a fault takes the attributes of Exchange out of the schema";
    FaultDamage = "fault.store-damaged", "a fault damages the engine's state store";
    FaultHalt = "fault.engine-ends", "a fault ends the engine's process";

    ConnectCutOff = "connect.cut-off", "the service accepts a build of Connect Sync no more";
    ConnectRefused = "connect.flag-refuses", "an old build exports Exchange values of a flagged mailbox, and is refused";
    ConnectIdentity = "connect.identity-alone", "a flagged mailbox takes identity values alone";
    ConnectRace = "connect.race-lands", "a change that was pending when the flag was set lands";
    ConnectCameBack = "connect.authority-came-back", "AD has authority again, and all values go up";
    ConnectFlagWasAway = "connect.flag-was-away", "a flag that was away between two imports counts, and AD's values go up once";
    ConnectConflict = "connect.address-taken", "another recipient has an address that comes up";
    ConnectBlocked = "connect.object-blocked", "an object is the cloud's as a whole, and AD's change is ignored";
    ConnectHardMatch = "connect.hard-match-blocked", "the tenant does not let AD take an object over again";
    ConnectAgain = "connect.again", "a cycle is asked for while one runs";

    AddressLeftOut = "address.left-out", "a value of AD is no address that the cloud takes over";
    AddressFromMail = "address.primary-from-mail", "the primary address comes from mail";
    AddressFromUpn = "address.primary-from-upn", "the primary address comes from the user principal name";
    AddressOwn = "address.own-stays", "an address of the service's own stays";
    AddressUpn = "address.upn-added", "the user principal name becomes an address";

    AgentTimeOut = "agent.time-out", "the service waits no longer for an agent's answer";
    AgentInactive = "agent.listed-inactive", "the service lists an agent as inactive";
    ObjectToCloud = "object.to-cloud", "authority over a whole object moves to the cloud";
    ObjectToAd = "object.to-ad", "authority over a whole object goes back to AD";
}

impl Mark {
    /// The mark of a refusal of a cmdlet by Exchange Online; `None` for what only the pages of the admin
    /// API can say.
    #[must_use]
    pub const fn of_cmdlet(kind: ErrorKind) -> Option<Self> {
        Some(match kind {
            ErrorKind::Forbidden => Self::CloudForbidden,
            ErrorKind::ParameterSet => Self::CloudParameterSet,
            ErrorKind::ParameterValue => Self::CloudParameterValue,
            ErrorKind::NotFound => Self::CloudNotFound,
            ErrorKind::Throttled { .. } => Self::CloudThrottled,
            ErrorKind::Empty => Self::CloudEmpty,
            ErrorKind::OutOfWriteScope => Self::CloudOutOfScope,
            ErrorKind::ProxyAddressExists => Self::CloudAddressTaken,
            ErrorKind::NotAcceptedDomain => Self::CloudDomain,
            ErrorKind::ValueTooLong => Self::CloudTooLong,
            ErrorKind::InvalidSmtpAddress => Self::CloudNoAddress,
            ErrorKind::InvalidOperation => Self::CloudOperation,
            ErrorKind::PageExpired => return None,
        })
    }

    /// The mark of a refusal by the directory.
    #[must_use]
    pub fn of_directory(code: ResultCode) -> Self {
        match code {
            ResultCode::InsufficientAccessRights => Self::DirectoryRights,
            ResultCode::ConstraintViolation => Self::DirectoryConstraint,
            ResultCode::NoSuchAttribute | ResultCode::UndefinedAttributeType => {
                Self::DirectoryAttribute
            }
            ResultCode::AttributeOrValueExists | ResultCode::EntryAlreadyExists => {
                Self::DirectoryExists
            }
            ResultCode::NoSuchObject => Self::DirectoryMissing,
            ResultCode::InvalidAttributeSyntax | ResultCode::InvalidDnSyntax => {
                Self::DirectorySyntax
            }
            _ => Self::DirectoryOther,
        }
    }

    /// The mark of what a fault does.
    #[must_use]
    pub const fn of_fault(effect: Effect) -> Self {
        match effect {
            Effect::Refuse => Self::FaultRefuse,
            Effect::LoseBefore => Self::FaultLoseBefore,
            Effect::LoseAfter => Self::FaultLoseAfter,
            Effect::LdapResult(_) => Self::FaultLdap,
            Effect::Delay(_) => Self::FaultDelay,
            Effect::Twice => Self::FaultTwice,
            Effect::Http { .. } | Effect::UsedUp { .. } => Self::FaultHttp,
            Effect::TimeOut { .. } => Self::FaultTimeOut,
            Effect::NoToken => Self::FaultNoToken,
            Effect::Truncate => Self::FaultTruncated,
            Effect::ExpirePage => Self::FaultPage,
            Effect::Late(_) => Self::FaultLate,
            Effect::LackSchema => Self::FaultSchema,
            Effect::Damage => Self::FaultDamage,
            Effect::HaltBefore | Effect::HaltAfter => Self::FaultHalt,
        }
    }
}

//! How the token service refuses.
//!
//! Source: Microsoft Learn, "Microsoft Entra authentication and authorization error codes".

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Identity;
use crate::wire::message::Request;

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    MissingParameter(&'static str),
    UnsupportedGrant(String),
    UnknownTenant(String),
    NoTenantName(String),
    NoTenantInformation,
    UnknownApplication {
        id: String,
        tenant: String,
    },
    NoCredential,
    WrongSecret(String),
    UnknownAssertionKey(String),
    AssertionKeyExpired(String),
    WrongScope(String),
    ScopeWithoutDefault(String),
    UnknownResource {
        resource: String,
        tenant: String,
    },
    UnknownInstance(String),
    SecretExpired(String),
    MalformedAssertion,
    AssertionOutOfTime,
    AssertionOfAnother(String),
    AssertionAudience,
    AssertionType,
    PublicClient,
    ConfidentialClient,
    NoConsent {
        id: String,
        name: String,
    },
    SeveralResources(String),
    UnknownUser {
        user: String,
        tenant: String,
    },
    WrongPassword,
    PasswordExpired,
    AccountDisabled,
    AccountLocked,
    SecondFactor,
    SecondFactorRegistration,
    SignInFrequency,
    RefreshTokenRevoked,
    ConditionalAccess,
    AuthorizationPending,
    DeviceCodeExpired,
    WrongDeviceCode,
    RefreshTokenInactive,
    RefreshTokenMalformed,
    Unavailable(String),
    /// An error of the service itself, with this status.
    Failure(u16),
}

impl Refusal {
    pub(super) fn unavailable(why: &str) -> Self {
        Self::Unavailable(why.to_owned())
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            _ if self.error() == "invalid_client" => StatusCode::UNAUTHORIZED,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failure(status) => {
                StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
            _ => StatusCode::BAD_REQUEST,
        }
    }

    fn error(&self) -> &'static str {
        match self {
            Self::MissingParameter(_)
            | Self::UnknownTenant(_)
            | Self::NoTenantName(_)
            | Self::NoTenantInformation => "invalid_request",
            Self::UnsupportedGrant(_) => "unsupported_grant_type",
            Self::UnknownApplication { .. } => "unauthorized_client",
            Self::AssertionType => "invalid_request",
            Self::NoCredential
            | Self::WrongSecret(_)
            | Self::UnknownAssertionKey(_)
            | Self::AssertionKeyExpired(_)
            | Self::SecretExpired(_)
            | Self::MalformedAssertion
            | Self::AssertionOutOfTime
            | Self::AssertionOfAnother(_)
            | Self::AssertionAudience
            | Self::PublicClient
            | Self::ConfidentialClient => "invalid_client",
            Self::NoConsent { .. }
            | Self::UnknownUser { .. }
            | Self::WrongPassword
            | Self::PasswordExpired
            | Self::AccountDisabled
            | Self::AccountLocked
            | Self::ConditionalAccess
            | Self::SignInFrequency
            | Self::RefreshTokenRevoked
            | Self::RefreshTokenInactive
            | Self::RefreshTokenMalformed => "invalid_grant",
            Self::SecondFactor | Self::SecondFactorRegistration => "interaction_required",
            Self::AuthorizationPending => "authorization_pending",
            Self::DeviceCodeExpired => "expired_token",
            Self::WrongDeviceCode => "bad_verification_code",
            Self::WrongScope(_) | Self::ScopeWithoutDefault(_) | Self::SeveralResources(_) => {
                "invalid_scope"
            }
            Self::UnknownResource { .. } => "invalid_resource",
            Self::UnknownInstance(_) => "invalid_instance",
            Self::Failure(500) => "server_error",
            Self::Unavailable(_) | Self::Failure(_) => "temporarily_unavailable",
        }
    }

    /// The number after `AADSTS`.
    pub(super) fn code(&self) -> u32 {
        match self {
            Self::MissingParameter(_) => 900_144,
            Self::UnsupportedGrant(_) => 70_003,
            Self::UnknownTenant(_) => 90_002,
            Self::NoTenantName(_) => 900_023,
            Self::NoTenantInformation => 50_059,
            Self::UnknownApplication { .. } => 700_016,
            Self::NoCredential => 7_000_216,
            Self::WrongSecret(_) => 7_000_215,
            Self::UnknownAssertionKey(_) | Self::AssertionKeyExpired(_) => 700_027,
            Self::WrongScope(_) => 70_011,
            Self::ScopeWithoutDefault(_) => 1_002_012,
            Self::UnknownResource { .. } => 500_011,
            Self::UnknownInstance(_) => 50_049,
            Self::SecretExpired(_) => 7_000_222,
            Self::MalformedAssertion => 50_027,
            Self::AssertionOutOfTime => 700_024,
            Self::AssertionOfAnother(_) => 700_021,
            Self::AssertionAudience => 700_023,
            Self::AssertionType => 700_025,
            Self::PublicClient => 700_026,
            Self::ConfidentialClient => 7_000_218,
            Self::NoConsent { .. } => 65_001,
            Self::SeveralResources(_) => 28_000,
            Self::UnknownUser { .. } => 50_034,
            Self::WrongPassword => 50_126,
            Self::PasswordExpired => 50_055,
            Self::AccountDisabled => 50_057,
            Self::AccountLocked => 50_053,
            Self::SecondFactor => 50_076,
            Self::SecondFactorRegistration => 50_079,
            Self::SignInFrequency => 70_043,
            Self::RefreshTokenRevoked => 50_173,
            Self::ConditionalAccess => 53_003,
            Self::AuthorizationPending => 70_016,
            Self::DeviceCodeExpired => 70_019,
            Self::WrongDeviceCode => 70_018,
            Self::RefreshTokenInactive => 700_082,
            Self::RefreshTokenMalformed => 9_002_313,
            Self::Failure(429) => 90_055,
            Self::Failure(500) => 50_000,
            Self::Failure(504) => 90_024,
            Self::Failure(502) => 90_006,
            Self::Unavailable(_) | Self::Failure(_) => 90_033,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::MissingParameter(name) => format!(
                "The request body must contain the following parameter: '{name}'."
            ),
            Self::UnsupportedGrant(grant) => {
                format!("The app requested an unsupported grant type '{grant}'.")
            }
            Self::UnknownTenant(name) => format!(
                "Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant."
            ),
            Self::NoTenantName(name) => format!(
                "Specified tenant identifier '{name}' is neither a valid DNS name, nor a valid external domain."
            ),
            Self::NoTenantInformation => "No tenant-identifying information found in either the request or implied by any provided credentials.".to_owned(),
            Self::UnknownApplication { id, tenant } => format!(
                "Application with identifier '{id}' was not found in the directory '{tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant."
            ),
            Self::NoCredential => "'client_assertion', 'client_secret' or 'client_request' is required for the 'client_credentials' grant type.".to_owned(),
            Self::WrongSecret(id) => format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{id}'."
            ),
            Self::UnknownAssertionKey(id) => format!(
                "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., Please visit the Azure Portal or Graph Explorer to find and update the application '{id}'.]"
            ),
            Self::WrongScope(scope) => format!(
                "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid."
            ),
            Self::ScopeWithoutDefault(scope) => format!(
                "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI)."
            ),
            Self::UnknownResource { resource, tenant } => format!(
                "The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant."
            ),
            Self::UnknownInstance(host) => {
                format!("Unknown or invalid instance: '{host}'.")
            }
            Self::AssertionKeyExpired(id) => format!(
                "The certificate with identifier used to sign the client assertion is expired on application. [Reason - The key used is expired., Please visit the Azure Portal or Graph Explorer to find and update the application '{id}'.]"
            ),
            Self::Unavailable(why) => {
                format!("A transient error has occurred. Please try again. {why}")
            }
            Self::Failure(429) => "There are too many incoming requests.".to_owned(),
            Self::Failure(500) => "There was an error issuing a token.".to_owned(),
            Self::Failure(502) => "The service is temporarily unavailable. Try again.".to_owned(),
            Self::Failure(_) => "A transient error has occurred. Please try again.".to_owned(),
            _ => self.text_about_proof_or_person(),
        }
    }

    /// The texts about assertions, public clients and people.
    fn text_about_proof_or_person(&self) -> String {
        match self {
            Self::SecretExpired(id) => format!(
                "The provided client secret keys for app '{id}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds."
            ),
            Self::MalformedAssertion => "JWT token is invalid or malformed.".to_owned(),
            Self::AssertionOutOfTime => {
                "Client assertion is not within its valid time range.".to_owned()
            }
            Self::AssertionOfAnother(id) => format!(
                "Client assertion application identifier doesn't match 'client_id' parameter '{id}'."
            ),
            Self::AssertionAudience => {
                "Client assertion audience claim does not match Realm issuer.".to_owned()
            }
            Self::AssertionType => {
                "The 'client_assertion_type' value is not supported; use 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'.".to_owned()
            }
            Self::PublicClient => "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.".to_owned(),
            Self::ConfidentialClient => "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.".to_owned(),
            Self::NoConsent { id, name } => format!(
                "The user or administrator has not consented to use the application with ID '{id}' named '{name}'. Send an interactive authorization request for this user and resource."
            ),
            Self::SeveralResources(scope) => format!(
                "Provided value for the input parameter scope is not valid because it contains more than one resource. Scope {scope} is not valid."
            ),
            Self::UnknownUser { user, tenant } => format!(
                "The user account {user} does not exist in the {tenant} directory. To sign into this application, the account must be added to the directory."
            ),
            Self::WrongPassword => {
                "Error validating credentials due to invalid username or password.".to_owned()
            }
            Self::PasswordExpired => "The password is expired.".to_owned(),
            Self::AccountDisabled => "The user account is disabled.".to_owned(),
            Self::AccountLocked => "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.".to_owned(),
            Self::SecondFactor => "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '00000003-0000-0000-c000-000000000000'.".to_owned(),
            Self::SecondFactorRegistration => "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access '00000003-0000-0000-c000-000000000000'.".to_owned(),
            Self::SignInFrequency => "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.".to_owned(),
            Self::RefreshTokenRevoked => "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.".to_owned(),
            Self::ConditionalAccess => "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.".to_owned(),
            Self::AuthorizationPending => "OAuth 2.0 device flow error. Authorization is pending. Continue polling.".to_owned(),
            Self::DeviceCodeExpired => "OAuth 2.0 device flow error. The code has expired.".to_owned(),
            Self::WrongDeviceCode => {
                "Verification code expired or is not known to the server.".to_owned()
            }
            Self::RefreshTokenInactive => "The refresh token has expired due to inactivity.".to_owned(),
            Self::RefreshTokenMalformed => {
                "Invalid request. Request is malformed or invalid: the refresh token is not one of this application.".to_owned()
            }
            _ => String::new(),
        }
    }

    /// The answer's body.
    pub(super) fn body(&self, identity: &Identity, request: &Request) -> Value {
        let timestamp = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let correlation =
            request.client_id().map_or_else(|| identity.fresh_id().to_string(), str::to_owned);
        let code = self.code();
        let mut body = json!({
            "error": self.error(),
            "error_description": format!(
                "AADSTS{code}: {} Trace ID: {} Correlation ID: {correlation} Timestamp: {timestamp}",
                self.text(),
                request.id,
            ),
            "error_codes": [code],
            "timestamp": timestamp,
            "trace_id": request.id,
            "correlation_id": correlation,
            "error_uri": format!("{}/error?code={code}", request.base),
        });
        match self {
            Self::NoConsent { .. } => body["suberror"] = "consent_required".into(),
            Self::SecondFactor | Self::SecondFactorRegistration | Self::ConditionalAccess => {
                body["suberror"] = "basic_action".into();
                // What the client sends back with an interactive request.
                body["claims"] = r#"{"access_token":{"polids":{"essential":true}}}"#.into();
            }
            _ => {}
        }
        body
    }
}

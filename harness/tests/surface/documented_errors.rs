//! The documented errors of inbound synchronization and of the writeback job, and which scenario provokes each. The
//! library is played in memory and over the wire by `harness/tests/parity.rs`, so what a scenario expects came about.
//!
//! Sources: Microsoft Learn, "Understanding errors during Microsoft Entra synchronization"; "Cloud sync
//! troubleshooting" and "Microsoft Entra Connect cloud sync error codes".

use std::fs;
use std::path::Path;

/// A code, and the scenario in which something expects it.
const PROVOKED: &[(&str, &str)] = &[
    ("ExchangeManagedAttributesUpdateNotAllowed", "connect/old-build.yaml"),
    ("AttributeValueMustBeUnique", "connect/duplicate-address-refused.yaml"),
    ("InvalidSoftMatch", "connect/soft-match-of-somebody-else.yaml"),
    ("InvalidHardMatch", "object/takeover-blocked.yaml"),
    ("AttributeUpdateNotAllowed", "connect/recreated-and-refused.yaml"),
    ("ObjectTypeMismatch", "connect/match-of-another-class.yaml"),
    ("IdentityDataValidationFailed", "connect/invalid-name.yaml"),
    ("DataValidationFailed", "connect/invalid-name.yaml"),
    ("LargeObject", "connect/large-object.yaml"),
    ("ExceededAllowedLength", "connect/invalid-name.yaml"),
    ("DeletingCloudOnlyObjectNotAllowed", "connect/deleted-while-its-authority-moves.yaml"),
    ("ExistingAdminRoleConflict", "connect/soft-match.yaml"),
    ("deletion_threshold", "connect/too-many-deletions.yaml"),
    ("onPremisesProvisioningErrors", "connect/duplicate-address.yaml"),
    ("TimeOut", "job/timeout-of-ten-minutes.yaml"),
    ("HybridIdentityServiceNoAgentsAssigned", "job/no-agent.yaml"),
    ("HybridIdentityServiceNoActiveAgents", "resilience/agent-offline.yaml"),
    ("HybridIdentityServiceAgentSignalingError", "resilience/nobody-answers-twice.yaml"),
    (
        "HybridSynchronizationActiveDirectoryUnexpectedDuplicateEntriesFound",
        "writeback/anchor-on-two-objects.yaml",
    ),
    (
        "HybridSynchronizationActiveDirectoryInsufficientAccessRights",
        "directory/read-only-account.yaml",
    ),
    ("HybridSynchronizationActiveDirectoryCannotFindAttribute", "resilience/schema-lacks.yaml"),
    ("InvalidAttributeSyntax-LdapErr", "writeback/one-invalid-among-several.yaml"),
    ("AzureDirectoryServiceServerBusy", "resilience/dc-busy.yaml"),
    ("AzureDirectoryServiceAuthorizationFailed", "tenant/synchronization-switched-off.yaml"),
    ("RedundantExport", "writeback/on-demand-redundant.yaml"),
    ("NotInScope", "job/on-demand-not-in-scope.yaml"),
    ("ImportSkipped", "writeback/not-in-scope.yaml"),
];

/// Codes whose witness is a test, as it calls them: of the engine over ports that answer as they are told, or a refusal
/// of Graph.
const BY_TEST: &[(&str, &str)] = &[
    ("code::INVALID_CREDENTIAL", CODES),
    ("code::EXPIRED_CREDENTIALS", CODES),
    ("code::AUTHENTICATION_FAILED", CODES),
    ("code::UPN_NOT_UNIQUE", CODES),
    ("code::INTERNAL", CODES),
    ("HybridIdentityServiceInvalidResource", "surface/graph.rs"),
];

const CODES: &str = "../../engine/src/writeback/tests/codes.rs";

/// Documented errors for which nothing named here exists any more.
pub(crate) fn missing() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let library = root.join("../scenarios");
    let tests = root.join("tests");
    let lacks = |folder: &Path, code: &str, file: &str| {
        let text = fs::read_to_string(folder.join(file)).unwrap_or_default();
        let said = text.lines().filter(|line| !line.trim_start().starts_with(['#', '/']));
        let mut said = said.filter(|line| !line.starts_with("scenario:"));
        (!said.any(|line| line.contains(code))).then(|| format!("{code}: {file}"))
    };
    let scenarios = PROVOKED.iter().filter_map(|(code, file)| lacks(&library, code, file));
    let by_test = BY_TEST.iter().filter_map(|(code, file)| lacks(&tests, code, file));
    scenarios.chain(by_test).collect()
}

//! What `transfer --help` and its subcommands say at length.

/// What `transfer --help` begins with.
pub(in crate::cli) const ABOUT: &str = "\
Transfers the source of authority over Exchange attributes, against the endpoints of a configuration file (`hybridsim \
writeback --help` shows one). Without --apply nothing is changed: what stands against it, and what would be lost, is printed.

A transfer has a name, under which its progress lies in a file beside `state` of the configuration (`transfer_state` names \
another): the same call goes on where an earlier one was killed, and no mailbox is flipped twice. The writeback job may run \
beside it. What is changed is appended to a log (`transfer_log`), one JSON object a line: when, which mailbox, what it was \
and became, how it ended, and which application asked for it. There and in --report the values of an attribute are a list, \
each a text or, where it is none, {\"base64\": \"...\"}.

Exit codes: 0 done, or nothing stands against it; 1 something failed, stands against it, or was ended before its time, a \
restore or a backup that lacks something and a service that does not answer among it; 2 of `decommission`: nothing known \
stands against it, and something is not determinable; 4 the state store, a file or the program failed; 5 wrong usage. Whatever ends \
it early, Ctrl-C included, what is known by then is printed and in --report.";

/// What a subcommand that stops at nothing but failures ends with.
pub(super) const ENDS: &str = "\
Exit codes: 0 done; 1 something failed, was left out, or a service did not answer, and the call ended before its time; 4 the \
state store, a file or the program failed; 5 wrong usage.";

/// What a subcommand ends with against which something may stand.
pub(super) const ENDS_WITH_FINDINGS: &str = "\
Exit codes: 0 done, or nothing stands against it; 1 a finding blocks, something failed, a service did not answer, or the call \
ended before its time; 4 the state store, a file or the program failed; 5 wrong usage.";

/// The evidence file, for those who read it.
pub(super) const EVIDENCE: &str = "\
The evidence file, in YAML, with what is known; mailboxes are named by id:
  inbound: connect-sync            # what synchronizes AD to the cloud; or cloud-sync: then the agents' versions count
  connect_build: 2.5.190.0         # of the server that exports, not of one in staging mode
  last_on_premises_change: {6e7b768e-07e2-4810-8459-485f84f8f204: 2026-10-01T08:00:00Z}
  pending_on_premises_change: []   # changes that Connect has not exported; an empty list: there is none
  ad_writers: [hr-feed.ps1]        # scripts and products that write the attributes in AD
  on_premises_recipients: 0        # mailboxes left in the whole forest, arbitration and audit ones included
  public_folders: false            # left, or remote ones are pointed to
  dns_on_premises: false           # MX or Autodiscover point on-premises
  smtp_relay: false
  groups_on_premises: false        # groups or contacts are edited with on-premises tools
  ad_readers: true                 # applications read Exchange attributes from AD
  hybrid_objects: false            # false: none of what step B removes is left
  licence: true                    # Entra ID P1
  licence_gates: false             # true: without it nobody is flipped
  path: uninstall                  # or management-tools: then the server is only shut down
  premises:                        # step B, each true while it is left:
    service_connection_points: false   # also hybrid_configuration, intra_organization_connectors,
                                       # send_receive_connectors, organization_relationship, federation_trust,
                                       # federation_certificate, oauth_credentials, hybrid_agent
    system_mailboxes: false            # step C: arbitration and audit-log mailboxes are enabled
    cloud_connectors: false            # step E: also cloud_organization_relationship,
                                       # cloud_intra_organization_connector, migration_endpoints,
                                       # cloud_oauth_credentials
    writeback_works_afterwards: true   # step F: also onboarding_works_afterwards, containers_gone
    writeback_job_runs: true           # where applications read AD, unless the state file tells
    writeback_verified: true           # a test attribute was seen to arrive in AD";

/// The file with the rings.
pub(super) const RINGS: &str = "\
The file, in YAML:
  rings:
    - {name: pilot, mailboxes: [anna@contoso.com], soak: 24h}      # wait a day from its last flip on, over restarts too, read again, then go on
    - {name: all, mailboxes: [bob@contoso.com], most_without: 2}   # two may be without the flag";

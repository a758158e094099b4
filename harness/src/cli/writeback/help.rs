//! What `writeback --help` says at length.

/// What `writeback --help` begins with.
pub(in crate::cli) const ABOUT: &str = "\
Brings the Exchange attributes of cloud-managed mailboxes to Active Directory, against the endpoints of a configuration \
file: an estate that `hybridsim serve --no-engine` keeps running, or a real tenant and forest.

Without --apply it is a dry run: one cycle is played to its end, nothing outside of this process is written, and what would \
be written is printed, attribute by attribute. With --apply cycles run by their interval until Ctrl-C or SIGTERM. The job's \
state is in the file `state` of the configuration; a job that was killed at any moment goes on where it was.";

/// What `writeback --help` ends with.
pub(in crate::cli) const AFTER: &str = "\
The configuration file, in YAML:
  tenant: contoso.com                     # a verified domain or the tenant's id
  ca_file: ca.pem                         # certificates to trust, and no others [the system's]
  timeout: 10m                            # for one answer
  cloud:
    login: https://login.microsoftonline.com      # these three are the defaults
    graph: https://graph.microsoft.com
    exchange: https://outlook.office365.com
    client_id: 00000000-0000-0000-0000-000000000000
    client_secret: {env: HYBRIDSIM_SECRET}        # or {file: PATH}, with mode 0600
  directory:
    domain: corp.contoso.com
    base_dn: DC=corp,DC=contoso,DC=com
    servers:                              # tried in this order
      - {name: DC1, url: 'ldaps://dc1.corp.contoso.com', bind: svc@corp.contoso.com, password: {file: PATH}}
  state: writeback.redb                   # created with mode 0600
  transfer_state: transfers.redb          # that of `transfer`; [beside `state`: writeback.transfers.redb]
  transfer_log: transfers.jsonl           # appended to: what transfers and reconciliations did; [beside: writeback.transfers.jsonl]
  log: provisioning.jsonl                 # appended to: provisioningObjectSummary, one a line
  writeback: {interval: 20m, created_on: 2026-08-03, proxy_mode: replace_smtp, null_flow: false,
    watermark_overlap: 5m,                # how long a copy of Exchange Online may lag without a change being skipped
    match_order: [object_identifier, immutable_id, external_id],
    classes: user}                        # or user_and_inet_org_person
  scope: {ous: ['OU=Staff,DC=corp,DC=contoso,DC=com'], groups: []}   # what is not there is refused

For an estate that `hybridsim serve --no-engine --ready-file ready.json` keeps running, `hybridsim env ready.json \
--engine-config FOLDER` writes it.

Exit codes: 0 done or interrupted, 1 a cycle or an object failed, 4 the state store or the program failed, 5 wrong usage.";

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
  sync_cycle: 30m                         # how often Connect Sync runs (Get-ADSyncScheduler), for `transfer`
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
  scope: {ous: ['OU=Staff,DC=corp,DC=contoso,DC=com'], groups: []}   # [all]; what is not there is refused
  writeback:                              # all of it may be left out; these are the defaults
    interval: 20m                         # from the beginning of one cycle to that of the next
    created_on: 2026-08-03                # of the configuration: `mail` is among the mapped since that day alone
    mail: true                            # false: not even then
    mappings: {}                          # single ones that differ: {extensionAttribute1: CustomAttribute9,
                                          # mail: 'ToLower([Mail])', extensionAttribute2: ~}; ~ maps it not at all
    schema: FILE                          # [none] the whole schema in the shape of Microsoft Graph, scope included,
                                          # in place of `mappings`, `mail` and `scope`; `--show-schema` prints one,
                                          # and without this line the default ones are back
    match_order: [object_identifier, immutable_id, external_id]   # how the AD object is found; each once
    proxy_mode: replace_smtp              # AD's SMTP addresses follow the cloud, others stay; replace_all: all follow;
                                          # merge: none goes
    write_onmicrosoft: true               # false: addresses in onmicrosoft.com stay where they are on both sides
    write_x500: true                      # false: X500 addresses stay where they are on both sides
    write_sip: false                      # true: SIP addresses of the cloud come to those of AD
    null_flow: false                      # true: an emptied single-valued property removes the attribute in AD
    null_flow_multi: false                # the same for multi-valued ones
    recipient_type: remote                # the number of a remote mailbox; raw: that of the mailbox in the cloud
    first_time_requires_initial: false    # true: who enters scope waits for an initial cycle or --provision
    export_mode: whole_diff               # a changed mailbox is compared as a whole; changed_attributes: what changed
    drift_heal: initial_cycle             # what AD alone changed is corrected then; every_cycle: in each one
    classes: user                         # or user_and_inet_org_person
    limit_action: warn                    # beyond mailbox_limit; refuse: nobody more enters
    mailbox_limit: 600000
    escrow_ladder: general                # what failed is tried after 6, 12, 24 hours, then daily; every_cycle
    modify_granularity: object            # one modify for an object; attribute: one for each attribute
    cloud_only_types: skip                # Workspace and Desk; as_room: written as rooms
    disabled_accounts: write              # users whose AD account is disabled; skip
    watermark_overlap: 5m                 # how long a copy of Exchange Online may lag without a change being skipped

For an estate that `hybridsim serve --no-engine --ready-file ready.json` keeps running, `hybridsim env ready.json \
--engine-config FOLDER` writes it.

Exit codes: 0 done or interrupted; 1 a cycle or an object failed, nobody answered, or --reconcile without --apply found a \
difference; 4 the state store, a file or the program failed; 5 wrong usage.

In documents (--report) the values of an attribute are a list, each a text or, where it is none, {\"base64\": \"...\"}. The \
provisioning log has them as Microsoft Graph has room for: one text, which for a multi-valued attribute is a JSON array.";

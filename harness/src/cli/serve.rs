//! `hybridsim serve`: the estate kept running for people and programs.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::Args;

use super::Exit;
use super::console::Console;
use crate::serve::{Clock, DomainName, Options, Started};

/// What `serve --help` begins with.
pub(super) const ABOUT: &str = "\
Builds an estate of remote mailboxes (AD, Connect Sync, an agent, Entra ID, Exchange Online; nobody is cloud-managed yet), \
starts its servers and the engine's writeback job in it, and runs until it is interrupted (Ctrl-C or SIGTERM).

Once everything answers, the ready file is written: one JSON object, readable by its owner only, with every URL, id and \
secret. It is removed at the end. What is printed holds no secret.

Virtual time begins at 2026-09-01T08:00:00Z, whatever the clock, so that equal options give an equal estate.";

/// What `serve --help` ends with.
pub(super) const AFTER: &str = "\
Try it:
  hybridsim serve --ready-file ready.json --clock manual &
  while [ ! -f ready.json ]; do sleep 0.1; done
  control=$(jq -r .control ready.json); upn=$(jq -r '.users[0].upn' ready.json)
  curl -s $control/mailboxes/$upn            one mailbox on all three sides
  curl -s -X POST $control/cycles/writeback  one writeback cycle, now
  curl -s $control/verdict                   what the oracles say
  curl -s $control/openapi.json              everything else
  ldapsearch -H $(jq -r .ldap ready.json) -D \"$(jq -r .bind_dn ready.json)\" -w \"$(jq -r .bind_password ready.json)\" \\
    -b \"$(jq -r .base_dn ready.json)\" \"(userPrincipalName=$upn)\"

Exit codes: 0 interrupted, 4 internal error, 5 wrong usage (a port that is taken, an option that is not modelled yet).";

/// The arguments of `serve`.
#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    /// How many mailboxes the estate has.
    #[arg(long, value_name = "N", default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(..=2_000_000))]
    mailboxes: u32,

    /// Determines the estate, its ids and its secrets.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,

    /// The dated behaviour profile [default: the newest].
    #[arg(long)]
    profile: Option<String>,

    /// The DNS name of the AD domain.
    #[arg(long, value_name = "DOMAIN", default_value = "corp.contoso.com")]
    ad_domain: DomainName,

    /// The default verified domain of the tenant.
    #[arg(long, value_name = "DOMAIN", default_value = "contoso.com")]
    tenant_domain: DomainName,

    /// Write every URL, id and secret to FILE once everything answers; an old FILE is removed first
    /// [default: ready.json in a new temporary folder].
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,

    /// How virtual time passes: with real time, by hand only (control API), or FACTOR times as fast
    /// (`x60`: an hour each minute). By hand, operations of the engine cost virtual time; otherwise
    /// they do not.
    #[arg(long, value_name = "real|manual|xFACTOR", default_value = "real")]
    clock: Clock,

    /// Serve the cloud over plain HTTP too (loopback only).
    #[arg(long)]
    http: bool,

    /// Start an HTTP CONNECT proxy too, for clients whose host names are fixed: it leads
    /// login.microsoftonline.com, graph.microsoft.com, outlook.office365.com and their kin to the estate,
    /// and nothing else anywhere (`hybridsim env` prints the variables that clients need).
    #[arg(long)]
    proxy: bool,

    /// A PEM certificate (RSA) that the application `hybridsim` may prove itself with instead of its
    /// secret.
    #[arg(long, value_name = "FILE")]
    client_certificate: Option<PathBuf>,

    /// The address that listeners are bound to. The control API stays on loopback.
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,

    /// The port of LDAP; 0 is any free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    ldap_port: u16,

    /// The port of LDAP over TLS; 0 is any free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    ldaps_port: u16,

    /// The port of the global catalog; 0 is any free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    gc_port: u16,

    /// The TLS port of identity platform, Graph and admin API; 0 is any free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    cloud_port: u16,

    /// Leave the engine out, for programs that bring their own.
    #[arg(long)]
    no_engine: bool,

    /// Build the forest from an LDIF export, instead of from `--mailboxes`.
    #[arg(long, value_name = "FILE")]
    ldif: Option<PathBuf>,

    /// Serve the world of a scenario file (forests, domains, domain controllers, agents, rights, people),
    /// instead of `--mailboxes`. Its story is not played. Every domain controller listens; the ready file
    /// has those beside the job's under `controllers`.
    #[arg(long, value_name = "SCENARIO", conflicts_with_all = [
        "mailboxes", "profile", "ad_domain", "tenant_domain", "ldif", "mailbox_list",
    ])]
    world: Option<PathBuf>,

    /// What `Get-Mailbox | Export-Csv` wrote about the mailboxes of that forest.
    #[arg(long, value_name = "CSV")]
    mailbox_list: Option<PathBuf>,
}

/// Serves until it is interrupted.
pub(super) fn serve(arguments: ServeArguments, console: &Console) -> Exit {
    let options = Options {
        mailboxes: arguments.mailboxes,
        seed: arguments.seed,
        profile: arguments.profile,
        ldif: arguments.ldif,
        mailbox_list: arguments.mailbox_list,
        world: arguments.world,
        ad_domain: arguments.ad_domain,
        tenant_domain: arguments.tenant_domain,
        ready_file: arguments.ready_file,
        clock: arguments.clock,
        http: arguments.http,
        proxy: arguments.proxy,
        client_certificate: arguments.client_certificate,
        bind: arguments.bind,
        ldap_port: arguments.ldap_port,
        ldaps_port: arguments.ldaps_port,
        gc_port: arguments.gc_port,
        cloud_port: arguments.cloud_port,
        no_engine: arguments.no_engine,
    };
    match crate::serve::run(&options, |started| console.out(&said(started))) {
        Ok(()) => Exit::Pass,
        Err(error) if error.is_usage() => {
            console
                .error(&error.to_string(), "change what it names; `serve --help` has the options");
            Exit::Usage
        }
        Err(error) => {
            console.error(&error.to_string(), "nothing is served any more; start it again");
            Exit::Internal
        }
    }
}

fn said(started: &Started) -> String {
    let Started { mailboxes, seed, profile, clock, .. } = started;
    let engine = if started.engine { "with its engine" } else { "without an engine" };
    let what = match (&started.export, &started.world) {
        (Some(export), _) => format!("the forest of {}", export.display()),
        (None, Some(world)) => format!("the world of {}", world.display()),
        (None, None) => format!("{mailboxes} mailboxes"),
    };
    let mut text = format!("serving {what} {engine} (seed {seed}, {profile}, clock {clock})\n");
    let mut line = |what: &str, value: &dyn std::fmt::Display| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {what:<9}{value}");
    };
    line("cloud", &started.cloud);
    if let Some(http) = &started.http {
        line("http", http);
    }
    if let Some(proxy) = &started.proxy {
        line("proxy", proxy);
    }
    line("ldap", &started.ldap);
    line("ldaps", &started.ldaps);
    line("gc", &started.gc);
    for controller in &started.controllers {
        line(&controller.name, &controller.ldap);
    }
    for agent in &started.agents {
        line(&agent.name, &agent.ldap);
    }
    line("control", &started.control);
    line("CA", &started.ca_file.display());
    line("ready", &started.ready_file.display());
    for note in &started.notes {
        line("note", note);
    }
    text
}

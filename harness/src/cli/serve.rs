//! `hybridsim serve`: the estate kept running for people and programs.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use super::Exit;
use super::console::Console;
use crate::serve::{Clock, Options};

/// The arguments of `serve`.
#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    /// How many mailboxes the estate has.
    #[arg(long, value_name = "N", default_value_t = 100)]
    mailboxes: u32,

    /// Determines the estate.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,

    /// The dated behaviour profile [default: the newest].
    #[arg(long)]
    profile: Option<String>,

    /// Build the forest from an LDIF export instead.
    #[arg(long, value_name = "FILE", conflicts_with = "mailboxes")]
    ldif: Option<PathBuf>,

    /// What `Get-Mailbox | Export-Csv` wrote about the mailboxes of that forest.
    #[arg(long, value_name = "CSV", requires = "ldif")]
    mailbox_list: Option<PathBuf>,

    /// The DNS name of the AD domain.
    #[arg(long, value_name = "DOMAIN", default_value = "corp.contoso.com")]
    ad_domain: String,

    /// The default verified domain of the tenant.
    #[arg(long, value_name = "DOMAIN", default_value = "contoso.com")]
    tenant_domain: String,

    /// Write every URL, id and secret to FILE once everything answers.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,

    /// How virtual time passes: with real time, by hand only, or FACTOR times as fast.
    #[arg(long, value_name = "real|manual|xFACTOR", default_value = "real", value_parser = Clock::from_str)]
    clock: Clock,

    /// Serve everything over plain HTTP too.
    #[arg(long)]
    http: bool,

    /// Start an HTTP CONNECT proxy too.
    #[arg(long)]
    proxy: bool,

    /// The address that listeners are bound to.
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,

    /// The port of LDAP; 0 is any free one, here and below.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    ldap_port: u16,

    /// The port of LDAP over TLS.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    ldaps_port: u16,

    /// The port of the global catalog.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    gc_port: u16,

    /// The port of the identity platform, Graph, the admin API and the control API.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    cloud_port: u16,

    /// Leave the engine out, for programs that bring their own.
    #[arg(long)]
    no_engine: bool,
}

/// Serves until it is interrupted.
pub(super) fn serve(arguments: ServeArguments, console: &Console) -> Exit {
    let options = Options {
        mailboxes: arguments.mailboxes,
        seed: arguments.seed,
        profile: arguments.profile,
        ldif: arguments.ldif,
        mailbox_list: arguments.mailbox_list,
        ad_domain: arguments.ad_domain,
        tenant_domain: arguments.tenant_domain,
        ready_file: arguments.ready_file,
        clock: arguments.clock,
        http: arguments.http,
        proxy: arguments.proxy,
        bind: arguments.bind,
        ldap_port: arguments.ldap_port,
        ldaps_port: arguments.ldaps_port,
        gc_port: arguments.gc_port,
        cloud_port: arguments.cloud_port,
        no_engine: arguments.no_engine,
    };
    match crate::serve::run(options) {
        Ok(()) => Exit::Pass,
        Err(error) => {
            console.error(
                &error.to_string(),
                "change the option that the message names, or free what it needs",
            );
            Exit::Internal
        }
    }
}

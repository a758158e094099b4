//! `Set-OrganizationConfig`: whether new mailboxes are cloud-managed from birth.
//!
//! Sources: Microsoft Learn, "Set-OrganizationConfig" (two switches, cloud only); Exchange Team Blog
//! 2025-10-15 (existing mailboxes are not converted). Read back as
//! `BlockExchangeProvisioningFromOnPremEnabled`.
//! What it does to new users is the directory's (`crate::estate`).

use super::{CmdletError, Context, ErrorKind, Output, Rows};
use crate::powershell::CmdletCall;

pub(super) fn set(context: &mut Context<'_>, call: &CmdletCall) -> Result<Output, CmdletError> {
    let given = |name: &str| call.parameter(name).is_some_and(|v| v.boolean() == Some(true));
    let cloud = given("ExchangeAttributesCloudManagedByDefault");
    let server = given("ExchangeAttributesServerManagedByDefault");
    if cloud && server {
        return Err(CmdletError::new(
            ErrorKind::ParameterSet,
            "Parameter set cannot be resolved using the specified named parameters. ExchangeAttributesCloudManagedByDefault and ExchangeAttributesServerManagedByDefault exclude each other.",
        ));
    }
    let mut output = Output::rows(Rows::None);
    let wanted = if cloud || server { cloud } else { context.tenant.cloud_managed_by_default };
    if wanted == context.tenant.cloud_managed_by_default {
        output.warnings.push(
            "The command completed successfully but no settings of the organization have been modified."
                .to_owned(),
        );
    } else if !given("WhatIf") {
        context.tenant.cloud_managed_by_default = wanted;
    }
    Ok(output)
}

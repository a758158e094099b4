//! What does not cross stays in AD: a write by the mapping takes nothing away that is AD's own.
//!
//! Part of `contract`. Why: an X500 or SIP address that disappears breaks replies and telephony, and nobody
//! has it any more. Addresses of other types stay unless all are replaced; with `merge` every address does;
//! addresses in `onmicrosoft.com` do where they are not written. And where a missing value does not flow,
//! what AD holds stays (Microsoft Learn, "Exchange hybrid writeback with cloud sync": proxyAddresses;
//! switches `proxy_mode`, `write_onmicrosoft`, `write_x500`, `null_flow`, `null_flow_multi`). At rest nobody can tell any
//! more: `convergence` sees what is left.

use sim::directory::schema::known;
use sim::estate::Estate;
use sim::ledger::{Change, Event, Side, Write, WriteKind};
use sim::record::AttributeNumber;

use super::scope::exports;
use super::{About, Charge, Kind, Oracle};

/// The rule, with the switches.
#[derive(Clone)]
pub(super) struct WhatStays {
    proxy_mode: String,
    write_onmicrosoft: bool,
    write_x500: bool,
    null_flow: bool,
    null_flow_multi: bool,
    /// Attributes that take several values from a mailbox.
    multi: Vec<AttributeNumber>,
    /// Attributes that show the type of a mailbox, which has always one.
    types: Vec<AttributeNumber>,
}

impl WhatStays {
    pub(super) fn new(estate: &Estate) -> Self {
        let profile = &estate.profile;
        let numbered = |place| known::number(&format!("msExchExtensionCustomAttribute{place}"));
        Self {
            proxy_mode: profile.text("proxy_mode").to_owned(),
            write_onmicrosoft: profile.is_on("write_onmicrosoft"),
            write_x500: profile.is_on("write_x500"),
            null_flow: profile.is_on("null_flow"),
            null_flow_multi: profile.is_on("null_flow_multi"),
            multi: (1..=5).filter_map(numbered).chain([known::PROXY_ADDRESSES]).collect(),
            types: vec![
                known::MS_EXCH_RECIPIENT_TYPE_DETAILS,
                known::MS_EXCH_RECIPIENT_DISPLAY_TYPE,
            ],
        }
    }

    /// What a change takes away that has to stay, if anything.
    fn taken(&self, change: &Change) -> Option<String> {
        if change.new.is_empty() && !change.old.is_empty() && !self.may_be_emptied(change.attribute)
        {
            return Some("emptied an attribute where a missing value does not flow".to_owned());
        }
        if change.attribute != known::PROXY_ADDRESSES {
            return None;
        }
        let lower = |values: &[Box<[u8]>]| -> Vec<String> {
            values.iter().map(|value| String::from_utf8_lossy(value).to_lowercase()).collect()
        };
        let new = lower(&change.new);
        let lost = lower(&change.old).into_iter().find(|old| !new.contains(old) && self.stays(old));
        lost.map(|address| format!("took `{address}` away, which does not cross"))
    }

    fn may_be_emptied(&self, attribute: AttributeNumber) -> bool {
        if self.types.contains(&attribute) {
            return false;
        }
        if self.multi.contains(&attribute) { self.null_flow_multi } else { self.null_flow }
    }

    /// Whether an address that AD holds stays there, whatever the cloud says.
    fn stays(&self, address: &str) -> bool {
        let by_mode = match self.proxy_mode.as_str() {
            "merge" => true,
            "replace_all" => false,
            _ => !address.starts_with("smtp:"),
        };
        by_mode
            || (!self.write_onmicrosoft && address.ends_with("onmicrosoft.com"))
            || (!self.write_x500 && address.starts_with("x500:"))
    }

    fn write(&self, write: &Write) -> Option<Charge> {
        let (change, what) =
            write.changes.iter().find_map(|change| Some((change, self.taken(change)?)))?;
        let message = format!("{} {what}", write.actor.activity.word());
        Some(Charge::of_write("contract", write, change, message))
    }
}

impl Oracle for WhatStays {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Write]
    }

    fn copy(&self) -> Box<dyn Oracle> {
        Box::new(self.clone())
    }

    fn observe(&mut self, event: &Event, _: About) -> Option<Charge> {
        match event {
            Event::Write(write)
                if write.object.side == Side::Ad
                    && write.kind != WriteKind::Deleted
                    && exports(write.actor.activity) =>
            {
                self.write(write)
            }
            _ => None,
        }
    }
}

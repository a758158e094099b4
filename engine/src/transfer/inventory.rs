//! Inventory: every mailbox of the tenant with what a transfer has to know of it.
//!
//! `Get-EXOMailbox` does not return the flag and a full listing of a large tenant takes longer than a
//! cmdlet may run, so pages of `Get-Mailbox` are read (Exchange Online PowerShell reference).

use super::flip::{Stop, Turn, again, step_of};
use crate::failure::{Failure, Side};
use crate::ports::{CallError, MailboxId, Name, PageToken, Ports, UnreadRow};
use crate::step::{Accounts, Activity, Step};
use crate::time::Timestamp;
use crate::writeback::retry::Backoff;

/// One mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryRow {
    /// `ExternalDirectoryObjectId`.
    pub id: MailboxId,
    /// `UserPrincipalName`.
    pub user_principal_name: String,
    /// `PrimarySmtpAddress`.
    pub primary_address: String,
    /// `RecipientTypeDetails`.
    pub recipient_type_details: Name,
    /// `IsDirSynced`.
    pub dir_synced: bool,
    /// `IsExchangeCloudManaged`.
    pub cloud_managed: bool,
    /// `WhenChangedUTC`.
    pub when_changed: Timestamp,
}

/// What a listing came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The mailboxes, by user principal name.
    pub rows: Vec<InventoryRow>,
    /// Rows that cannot be used: nobody knows what these mailboxes are.
    pub unread: Vec<UnreadRow>,
}

/// How often a listing may start over because its page tokens expired.
const LISTINGS: u32 = 5;

/// Reads the whole tenant.
pub struct Inventory {
    properties: Vec<Name>,
    page: Option<PageToken>,
    listing: Listing,
    listings: u32,
    backoff: Backoff,
    not_before: Option<Timestamp>,
}

impl Default for Inventory {
    fn default() -> Self {
        Self {
            properties: ["UserPrincipalName", "PrimarySmtpAddress"].map(Name::Borrowed).to_vec(),
            page: None,
            listing: Listing::default(),
            listings: 1,
            backoff: Backoff::default(),
            not_before: None,
        }
    }
}

impl Inventory {
    /// The same with waits that are longer by chance ([`Backoff::jittered`]).
    #[must_use]
    pub const fn jittered(mut self, jitter: u64) -> Self {
        self.backoff = Backoff::jittered(jitter);
        self
    }

    fn turn(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Result<Turn<()>, Stop> {
        let page = ports.exchange.mailboxes_changed(None, self.page.as_ref(), &self.properties);
        let page = match page {
            Ok(page) => page,
            Err(CallError::PageExpired) if self.listings < LISTINGS => {
                self.listings += 1;
                self.page = None;
                self.listing = Listing::default();
                return Ok(Turn::Busy);
            }
            Err(error) => {
                return again(&error, Side::Cloud, &mut self.backoff, now).map(Turn::Wait);
            }
        };
        self.backoff.reset();
        self.listing.unread.extend(page.unread);
        self.listing.rows.extend(page.rows.into_iter().map(|mailbox| {
            let text =
                |column| mailbox.values.column(column).first().unwrap_or_default().to_owned();
            InventoryRow {
                user_principal_name: text(0),
                primary_address: text(1),
                id: mailbox.id,
                dir_synced: mailbox.dir_synced,
                cloud_managed: mailbox.cloud_managed,
                when_changed: mailbox.when_changed,
                recipient_type_details: mailbox.recipient_type_details,
            }
        }));
        self.page = page.next;
        if self.page.is_some() {
            return Ok(Turn::Busy);
        }
        // One that changed while it was listed came twice; its last row is the newest.
        let rows = &mut self.listing.rows;
        rows.reverse();
        let by_name = |row: &InventoryRow| (row.user_principal_name.to_lowercase(), row.id);
        rows.sort_by_key(by_name);
        rows.dedup_by_key(|row| row.id);
        Ok(Turn::Done(()))
    }
}

impl Activity for Inventory {
    type Outcome = Result<Listing, Failure>;

    fn step(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Step<Self::Outcome> {
        if let Some(at) = self.not_before.filter(|at| now < *at) {
            return Step::WaitUntil(at);
        }
        let turned = self.turn(now, ports);
        step_of(self, turned, |inventory| &mut inventory.not_before)
    }

    fn progress(&self) -> Option<String> {
        let listed = self.listing.rows.len();
        (listed > 0).then(|| format!("{listed} mailboxes listed"))
    }
}

impl Accounts for Inventory {
    /// Half a listing is none.
    fn account(&mut self, stopped: Option<Failure>) -> Self::Outcome {
        stopped.map_or_else(|| Ok(core::mem::take(&mut self.listing)), Err)
    }
}

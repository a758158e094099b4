//! Commands: what each does to the run state, and provision on demand.

use super::{ROWS, Stage, WritebackJob};
use crate::job::{JobCommand, JobReport, RestartScopes};
use crate::journal::rows::{JobRow, Link};
use crate::marks::Mark;
use crate::ports::{Ports, StoreWrite, Table};
use crate::time::Timestamp;
use crate::writeback::batch::Owners;
use crate::writeback::desk::{Interrupt, Stepped, Turn};
use crate::writeback::on_demand::OnDemand;
use crate::writeback::plan::MappingPlan;

impl WritebackJob {
    pub(super) fn start_on_demand(&mut self) -> bool {
        let position =
            self.desk.inbox.iter().position(|numbered| {
                matches!(numbered.command, JobCommand::ProvisionOnDemand { .. })
            });
        let Some(numbered) = position.and_then(|at| self.desk.inbox.remove(at)) else {
            return false;
        };
        if let JobCommand::ProvisionOnDemand { request, rule, mailbox } = numbered.command {
            self.in_hand = Some(numbered.number);
            self.on_demand = Some(OnDemand::new(request, &rule, mailbox, &self.desk));
        }
        true
    }

    pub(super) fn step_on_demand(&mut self, now: Timestamp, ports: &mut Ports<'_>) -> Stepped<()> {
        let Some(on_demand) = &mut self.on_demand else { return Ok(Turn::Busy) };
        let request = on_demand.request;
        match on_demand.step(now, ports, &mut self.desk)? {
            Turn::Busy => Ok(Turn::Busy),
            Turn::Wait(at) => Ok(Turn::Wait(at)),
            Turn::Done(entry) => {
                self.on_demand = None;
                let report = self.report_with(None);
                self.report = Some(JobReport { on_demand: Some((request, entry)), ..report });
                Ok(Turn::Busy)
            }
        }
    }

    pub(super) fn obey(&mut self, command: JobCommand, now: Timestamp) {
        let row = &mut self.desk.row;
        let mut clear = Vec::new();
        match command {
            JobCommand::Start => {
                Mark::JobStarted.reach();
                row.paused = false;
                row.disabled = false;
                row.next_due = Some(now.as_micros());
            }
            JobCommand::Pause => {
                Mark::JobPaused.reach();
                row.paused = true;
            }
            JobCommand::Restart(scopes) => {
                Mark::JobRestarted.reach();
                clear = restart(row, scopes);
                row.next_due = Some(now.as_micros());
                if clear.contains(&Table::Escrow) {
                    self.desk.escrow.clear();
                }
                if row.watermark.is_none() {
                    self.desk.seen.clear();
                    self.desk.told_before = None;
                }
            }
            JobCommand::Configure(configuration) => {
                let plan = MappingPlan::new(&configuration, self.desk.bugs);
                if plan.fingerprint() != row.mapping {
                    Mark::JobReconfigured.reach();
                    row.mapping = plan.fingerprint();
                    row.watermark = None;
                    row.next_due = Some(now.as_micros());
                }
                self.desk.plan = plan;
                self.desk.configuration = configuration;
            }
            // Taken out of the inbox before.
            JobCommand::ProvisionOnDemand { .. } => return,
        }
        self.stage = Stage::Clear(clear);
    }

    /// Reads rows of the tables that are to be emptied.
    pub(super) fn clear(
        &mut self,
        mut tables: Vec<Table>,
        ports: &mut Ports<'_>,
    ) -> Result<(), Interrupt> {
        let Some(table) = tables.last().copied() else {
            self.desk.row.obeyed = self.in_hand.unwrap_or(self.desk.row.obeyed);
            self.stage = Stage::Commit;
            return Ok(());
        };
        let rows = ports.store.scan(table, None, ROWS)?;
        if rows.is_empty() {
            tables.pop();
            self.stage = Stage::Clear(tables);
            return Ok(());
        }
        if table == Table::Links {
            self.desk.owners = Owners::default();
            let links = rows.iter().map(|(_, row)| Link::decode(row));
            let links: Vec<Link> = links.collect::<Result<_, _>>()?;
            let counted = links.iter().filter(|link| !link.rests).count() as u64;
            self.desk.row.linked = self.desk.row.linked.saturating_sub(counted);
        }
        let mut writes: Vec<StoreWrite> =
            rows.into_iter().map(|(key, _)| StoreWrite { table, key, value: None }).collect();
        writes.push(self.desk.row.write()?);
        self.stage = Stage::ClearRows(tables, writes);
        Ok(())
    }

    pub(super) fn clear_rows(
        &mut self,
        tables: Vec<Table>,
        writes: Vec<StoreWrite>,
        ports: &mut Ports<'_>,
    ) -> Result<(), Interrupt> {
        ports.store.commit(writes)?;
        self.stage = Stage::Clear(tables);
        Ok(())
    }
}

/// What a restart does to the run state, and which tables it empties. Without a scope it does what
/// the portal's "Restart provisioning" does: all but forgetting the links.
fn restart(row: &mut JobRow, scopes: RestartScopes) -> Vec<Table> {
    let nothing_named = !(scopes.watermark || scopes.escrows || scopes.quarantine || scopes.full);
    let every = scopes.full || nothing_named;
    let mut tables = Vec::new();
    row.paused = false;
    row.disabled = false;
    if scopes.quarantine || every {
        row.quarantine = None;
    }
    if scopes.watermark || every {
        row.watermark = None;
        // All are read again, those that were given up too.
        row.escrows_pruned = false;
    }
    if scopes.escrows || every {
        tables.push(Table::Escrow);
    }
    if scopes.full {
        tables.push(Table::Links);
    }
    tables
}

//! The state of a job whose cycles have all been run before: for an estate that starts settled.

use super::job::WritebackConfig;
use super::plan::MappingPlan;
use crate::journal::rows::{JobRow, Link, mailbox_write, version_write};
use crate::ports::{Mailbox, ObjectGuid, StoreError, StoreWrite, Table};
use crate::time::Timestamp;

/// The rows of a job whose initial cycle is over and has exported these mailboxes to these objects.
///
/// The mailboxes carry the properties of the configuration's [`MappingPlan`], in its order. The next
/// cycle is due at `next_due` and looks at what changed at or after `watermark`.
///
/// # Errors
/// [`StoreError::Io`] when a row cannot be encoded.
pub fn rows<'a>(
    config: &WritebackConfig,
    watermark: Timestamp,
    next_due: Timestamp,
    exported: impl IntoIterator<Item = (&'a Mailbox, ObjectGuid)>,
) -> Result<Vec<StoreWrite>, StoreError> {
    let plan = MappingPlan::new(&config.job, config.bugs);
    let mut row = JobRow::new(plan.fingerprint(), !config.started);
    row.cycle = 1;
    row.watermark = Some(watermark.floor_to_second().as_micros());
    row.next_due = Some(next_due.as_micros());
    let mut writes = vec![version_write()];
    for (mailbox, object) in exported {
        let changed = mailbox.when_changed.as_micros();
        let link = Link { object, exported: plan.digest(mailbox), changed, rests: false };
        writes.push(mailbox_write(Table::Links, mailbox.id, Some(link.encode())));
        row.linked += 1;
    }
    writes.push(row.write()?);
    Ok(writes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::StateStore;
    use crate::test_world::{START, World, config, object_guid};
    use std::time::Duration;

    /// The same values at a later time are not the version that was exported: AD may have had the
    /// authority in between.
    #[test]
    fn a_later_version_with_the_same_values_is_compared_with_ad() {
        let world = World::with(1);
        let mut job = world.job();
        world.run_for(&mut job, Duration::from_mins(1));
        world.0.borrow_mut().edit(0, "A");
        world.run_for(&mut job, Duration::from_mins(21));
        {
            let mut world = world.0.borrow_mut();
            let object = world.objects.get_mut(&object_guid(0)).unwrap();
            object.values.insert("extensionAttribute1".into(), vec![b"B".to_vec()]);
            world.edit(0, "A");
        }
        world.run_for(&mut job, Duration::from_mins(21));
        assert_eq!(world.0.borrow().written(0), "A");
    }

    #[test]
    fn a_settled_job_goes_on_with_a_delta_cycle() {
        let world = World::with(3);
        let due = START + Duration::from_mins(20);
        let mailboxes: Vec<Mailbox> = world.0.borrow().mailboxes.values().cloned().collect();
        let exported = mailboxes.iter().zip((0..).map(object_guid));
        let rows = rows(&config(), START, due, exported).unwrap();
        world.0.borrow_mut().store.commit(rows).unwrap();
        world.0.borrow_mut().edit(1, "x");
        let mut job = world.job();
        world.run_for(&mut job, Duration::from_mins(21));
        assert_eq!(job.cycles(), 2);
        assert!(!job.last_cycle().unwrap().initial);
        assert_eq!(world.0.borrow().modifies, 1);
        assert_eq!(world.0.borrow().reports.last().unwrap().linked, 3);
    }
}

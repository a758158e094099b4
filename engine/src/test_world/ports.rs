//! The world behind the ports of the engine.

use std::cmp::Ordering;

use super::{Entry, MINUTE, Shared};
use crate::guid::Guid;
use crate::job::{JobReport, LogEntry};
use crate::ports::*;
use crate::time::Timestamp;
use crate::transfer::TransferRecord;

impl ExchangeOnline for Shared {
    fn mailboxes_changed(
        &mut self,
        since: Option<Timestamp>,
        page: Option<&PageToken>,
        properties: &[Name],
    ) -> Result<MailboxPage, CallError> {
        let mut world = self.0.borrow_mut();
        world.enter_exchange()?;
        let (listing, offset) = match page {
            Some(token) => {
                if core::mem::take(&mut world.expire_pages) {
                    return Err(CallError::PageExpired);
                }
                let (listing, offset) = token.0.split_once('/').unwrap();
                (listing.to_owned(), offset.parse::<usize>().unwrap())
            }
            None => {
                let mut ids: Vec<(Timestamp, MailboxId)> = world
                    .mailboxes
                    .keys()
                    .filter_map(|id| world.shown(*id))
                    .filter(|mailbox| since.is_none_or(|since| mailbox.when_changed >= since))
                    .map(|mailbox| (mailbox.when_changed, mailbox.id))
                    .collect();
                ids.sort_unstable();
                let listing = world.calls.to_string();
                let ids = ids.into_iter().map(|(_, id)| id).collect();
                world.listings.insert(listing.clone(), ids);
                (listing, 0)
            }
        };
        let ids = world.listings[&listing].clone();
        let end = ids.len().min(offset + world.page_size);
        let rows = ids[offset..end]
            .iter()
            .filter(|id| !world.unread.contains_key(*id))
            .filter_map(|id| world.shown(*id))
            .map(|mailbox| world.select(mailbox, properties))
            .collect();
        let unread = ids[offset..end].iter().filter_map(|id| {
            Some(UnreadRow { id: Some(*id), error: world.unread.get(id)?.clone() })
        });
        let unread = unread.collect();
        let next = (end < ids.len()).then(|| PageToken(format!("{listing}/{end}")));
        Ok(MailboxPage { rows, unread, next, as_of: world.now.floor_to_second() })
    }

    fn mailbox_rows(
        &mut self,
        ids: &[MailboxId],
        properties: &[Name],
    ) -> Result<Vec<Row<Mailbox>>, CallError> {
        assert!(ids.len() <= MAILBOX_BATCH);
        let mut world = self.0.borrow_mut();
        world.enter_exchange()?;
        if world.spend(ids.len()) < ids.len() {
            return Err(CallError::Throttled { retry_after: Some(MINUTE) });
        }
        let row = |id| match world.unread.get(id) {
            Some(error) => Err(error.clone()),
            None => Ok(world.shown(*id).map(|mailbox| world.select(mailbox, properties))),
        };
        Ok(ids.iter().map(row).collect())
    }

    fn set_mailboxes(&mut self, changes: &[MailboxChange]) -> Result<Vec<SetOutcome>, CallError> {
        assert!(changes.len() <= SET_BATCH);
        let mut world = self.0.borrow_mut();
        world.enter_exchange()?;
        let passed = world.spend(changes.len());
        if passed == 0 {
            return Err(CallError::Throttled { retry_after: Some(MINUTE) });
        }
        let mut outcomes = Vec::new();
        for (place, change) in changes.iter().enumerate() {
            let answer = match place.cmp(&passed) {
                Ordering::Less => world.set_answers.pop_front().unwrap_or(SetOutcome::Accepted),
                Ordering::Equal => SetOutcome::Throttled { retry_after: Some(MINUTE) },
                Ordering::Greater => SetOutcome::NotSent,
            };
            if matches!(answer, SetOutcome::Throttled { .. } | SetOutcome::NotSent) {
                outcomes.push(answer);
                continue;
            }
            *world.set_calls.entry(change.id).or_default() += 1;
            world.set_values(change);
            outcomes.push(answer);
            let Some(flag) = change.cloud_managed else { continue };
            if !world.flips_ignored.contains(&change.id) {
                let at = world.now + world.flip_delay;
                world.pending_flips.push((at, change.id, flag));
            }
        }
        if world.halts_after() { Err(CallError::Halted) } else { Ok(outcomes) }
    }

    fn organization(&mut self) -> Result<Organization, CallError> {
        self.0.borrow_mut().enter_exchange()?;
        Ok(Organization { tenant: Guid([3; 16]), cloud_managed_by_default: false })
    }
}

impl Entra for Shared {
    fn user_rows(&mut self, ids: &[MailboxId]) -> Result<Vec<Row<User>>, CallError> {
        let mut world = self.0.borrow_mut();
        world.enter()?;
        let row = |id| match world.unread_users.get(id) {
            Some(error) => Err(error.clone()),
            None => Ok(world.users.get(id).cloned()),
        };
        Ok(ids.iter().map(row).collect())
    }

    fn agents(&mut self) -> Result<Vec<Agent>, CallError> {
        let mut world = self.0.borrow_mut();
        world.enter()?;
        Ok(world.agents.clone())
    }

    fn sync_configuration(&mut self) -> Result<SyncConfiguration, CallError> {
        let mut world = self.0.borrow_mut();
        world.enter()?;
        Ok(SyncConfiguration { enabled: true, last_sync: Some(world.now) })
    }
}

impl Directory for Shared {
    fn find(
        &mut self,
        agent: &AgentName,
        keys: &[AnchorKey],
        attributes: &[Name],
    ) -> Result<Vec<DirectoryObject>, CallError> {
        let mut world = self.0.borrow_mut();
        world.enter_agent(agent)?;
        let hits = |guid: &ObjectGuid, entry: &Entry| {
            keys.iter().any(|key| match key {
                AnchorKey::ObjectGuid(wanted) => guid.0 == *wanted,
                AnchorKey::ConsistencyGuid(wanted) => {
                    entry.consistency_guid.as_ref() == Some(wanted)
                }
                AnchorKey::ExternalDirectoryObjectId(wanted) => {
                    entry.external_id.as_ref() == Some(wanted)
                }
            })
        };
        let guids: Vec<ObjectGuid> = world
            .objects
            .iter()
            .filter(|(guid, entry)| hits(guid, entry))
            .map(|(guid, _)| *guid)
            .collect();
        Ok(guids.into_iter().filter_map(|guid| world.show(agent, guid, attributes)).collect())
    }

    fn read(
        &mut self,
        agent: &AgentName,
        objects: &[ObjectGuid],
        attributes: &[Name],
    ) -> Result<Vec<DirectoryObject>, CallError> {
        let mut world = self.0.borrow_mut();
        world.enter_agent(agent)?;
        Ok(objects.iter().filter_map(|guid| world.show(agent, *guid, attributes)).collect())
    }

    fn modify(
        &mut self,
        agent: &AgentName,
        batch: &[Modification],
    ) -> Result<Vec<WriteOutcome>, CallError> {
        assert!(batch.len() <= MODIFY_BATCH && !batch.is_empty());
        let mut world = self.0.borrow_mut();
        world.enter_agent(agent)?;
        let lose = if world.lose_each { world.lose } else { world.lose.take() };
        let under_way = world.under_way;
        let mut outcomes = Vec::new();
        for (index, modification) in batch.iter().enumerate() {
            if let Some((at, applied)) = lose
                && index >= at
            {
                if index == at && applied {
                    world.modify_one(modification);
                }
                if world.lose_agent {
                    world.offline.insert(agent.clone());
                }
                outcomes.push(match index < at + under_way {
                    true => WriteOutcome::Unknown,
                    false => WriteOutcome::NotSent,
                });
                continue;
            }
            let code = world.modify_one(modification);
            let forced = world.results.contains_key(&modification.object);
            let diagnostic = if forced { world.diagnostic.clone() } else { String::new() };
            outcomes.push(WriteOutcome::Result { code, diagnostic });
        }
        if world.halts_after() { Err(CallError::Halted) } else { Ok(outcomes) }
    }
}

impl StateStore for Shared {
    fn get(&mut self, table: Table, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let mut world = self.0.borrow_mut();
        world.enter_store()?;
        world.store.get(table, keys)
    }

    fn scan(
        &mut self,
        table: Table,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
        let mut world = self.0.borrow_mut();
        world.enter_store()?;
        world.store.scan(table, after, limit)
    }

    fn commit(&mut self, writes: Vec<StoreWrite>) -> Result<(), StoreError> {
        let mut world = self.0.borrow_mut();
        world.enter_store()?;
        world.store.commit(writes)?;
        if world.halts_after() { Err(StoreError::Halted) } else { Ok(()) }
    }
}

impl JobPort for Shared {
    fn commands(&mut self, done: u64) -> Result<Vec<Numbered>, CallError> {
        let mut world = self.0.borrow_mut();
        world.enter()?;
        while world.forgotten < done {
            world.commands.pop_front().expect("only what was handed out is done");
            world.forgotten += 1;
        }
        let numbers = world.forgotten + 1..;
        let commands = numbers
            .zip(&world.commands)
            .map(|(number, command)| Numbered { number, command: command.clone() })
            .collect();
        if world.halts_after() { Err(CallError::Halted) } else { Ok(commands) }
    }

    fn report(&mut self, report: JobReport) -> Result<(), CallError> {
        let mut world = self.0.borrow_mut();
        world.enter()?;
        world.reports.push(report);
        if world.halts_after() { Err(CallError::Halted) } else { Ok(()) }
    }

    fn log(&mut self, entries: Vec<LogEntry>) -> Result<(), CallError> {
        let mut world = self.0.borrow_mut();
        world.enter()?;
        world.log.extend(entries);
        if world.halts_after() { Err(CallError::Halted) } else { Ok(()) }
    }

    fn record(&mut self, records: Vec<TransferRecord>) -> Result<(), CallError> {
        let mut world = self.0.borrow_mut();
        world.enter()?;
        if world.refused_records > 0 {
            world.refused_records -= 1;
            return Err(CallError::Unreachable { detail: "the disk is full".into() });
        }
        world.records.extend(records);
        if world.halts_after() { Err(CallError::Halted) } else { Ok(()) }
    }
}

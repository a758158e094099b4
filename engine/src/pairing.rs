//! Mailboxes and their AD objects, side by side: what a rollback, a restore, a readiness check and a
//! reconciliation all look at first.
//!
//! The objects are matched by their anchors alone: these activities are rare and must not trust what
//! a job remembers.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::anchor::{self, Found, Match};
use crate::failure::{Class, Failure, Side, code};
use crate::job::Anchor;
use crate::ports::{
    AgentName, AnchorKey, CallError, DirectoryObject, Mailbox, MailboxId, Name, ObjectGuid, Ports,
    User,
};
use crate::time::Timestamp;
use crate::transfer::flip::{Stop, Turn, again};
use crate::writeback::retry::Backoff;

/// A mailbox and what AD has of it.
pub(crate) struct Pair {
    pub(crate) mailbox: Mailbox,
    pub(crate) user: Option<User>,
    pub(crate) object: Option<DirectoryObject>,
    /// Several objects carry its anchor, or another mailbox matches the same object: none may be touched.
    pub(crate) ambiguous: bool,
    /// The other mailbox that matches the object.
    pub(crate) rival: Option<MailboxId>,
    /// Why its user or its object cannot be read: nothing may be decided by what is missing here.
    pub(crate) unread: Option<String>,
}

impl Pair {
    /// Whether its object is still to be looked for.
    const fn is_open(&self) -> bool {
        self.object.is_none() && !self.ambiguous && self.unread.is_none()
    }

    /// Takes what was found for it: cloned, as two mailboxes may match the same object.
    fn take(&mut self, object: &DirectoryObject) {
        match &object.broken {
            Some(why) => self.unread = Some(format!("its AD object cannot be read: {why}")),
            None => self.object = Some(object.clone()),
        }
    }

    /// Its object, when it is one that may be touched; otherwise why there is none.
    pub(crate) fn sole(self) -> Result<(Mailbox, DirectoryObject), (Mailbox, String)> {
        let why = match (self.unread, self.object) {
            (Some(why), _) => why,
            (None, Some(object)) if !self.ambiguous => return Ok((self.mailbox, object)),
            (None, _) if self.ambiguous => code::DUPLICATE_ENTRIES.to_owned(),
            (None, _) => "no object in Active Directory matches".to_owned(),
        };
        Err((self.mailbox, why))
    }
}

/// Finds the objects of mailboxes, a batch at a time.
pub(crate) struct Pairing {
    attributes: Vec<Name>,
    order: [Anchor; 3],
    /// Agents that may answer, the next one last; `None` until they were listed.
    agents: Option<Vec<AgentName>>,
    /// What the agent said that was given up last, and whether they were listed anew since one answered.
    given_up: Option<String>,
    listed_anew: bool,
    batch: Vec<Pair>,
    /// Which mailbox each object was found for; looked up and never iterated.
    owners: HashMap<ObjectGuid, MailboxId, FxBuildHasher>,
    stage: Stage,
}

#[derive(Clone, Copy)]
enum Stage {
    Users,
    Find(u8),
}

impl Pairing {
    /// Reads these attributes of the objects, which it looks for by the keys in this order.
    pub(crate) fn new(attributes: Vec<Name>, order: [Anchor; 3]) -> Self {
        let owners = HashMap::default();
        Self {
            attributes,
            order,
            agents: None,
            given_up: None,
            listed_anew: false,
            batch: Vec::new(),
            owners,
            stage: Stage::Users,
        }
    }

    /// The agent that answered last.
    pub(crate) fn agent(&self) -> Option<&AgentName> {
        self.agents.as_ref()?.last()
    }

    /// Gives the agent up: it does not answer. Behind the last one they are listed anew, once.
    fn next_agent(&mut self, error: &CallError) {
        self.given_up = Some(error.to_string());
        let Some(agents) = &mut self.agents else { return };
        agents.pop();
        if agents.is_empty() && !self.listed_anew {
            self.listed_anew = true;
            self.agents = None;
        }
    }

    /// How many mailboxes are under way.
    pub(crate) const fn under_way(&self) -> usize {
        self.batch.len()
    }

    /// Whether a batch is under way.
    pub(crate) const fn is_busy(&self) -> bool {
        !self.batch.is_empty()
    }

    /// Begins with a batch; the one before must have ended.
    pub(crate) fn start(&mut self, mailboxes: impl IntoIterator<Item = Mailbox>) {
        self.batch = mailboxes
            .into_iter()
            .map(|mailbox| Pair {
                mailbox,
                user: None,
                object: None,
                ambiguous: false,
                rival: None,
                unread: None,
            })
            .collect();
        self.stage = Stage::Users;
    }

    /// Goes on by one call. Ends with the batch, in its order.
    pub(crate) fn step(
        &mut self,
        now: Timestamp,
        ports: &mut Ports<'_>,
        backoff: &mut Backoff,
    ) -> Result<Turn<Vec<Pair>>, Stop> {
        if self.agents.is_none() {
            let listed = match ports.entra.agents() {
                Ok(listed) => listed,
                Err(error) => return again(&error, Side::Cloud, backoff, now).map(Turn::Wait),
            };
            backoff.reset();
            let active = listed.into_iter().filter(|agent| agent.active);
            self.agents = Some(active.map(|agent| agent.name).rev().collect());
            return Ok(Turn::Busy);
        }
        match self.stage {
            Stage::Users => self.users(now, ports, backoff),
            Stage::Find(rank) if rank >= anchor::RANKS => {
                self.part_rivals();
                Ok(Turn::Done(core::mem::take(&mut self.batch)))
            }
            Stage::Find(rank) => self.find(rank, now, ports, backoff),
        }
    }

    /// Two mailboxes on one object would both write to it, for ever: neither of this batch may, and of
    /// earlier batches the later one.
    fn part_rivals(&mut self) {
        let mut rivals: Vec<(MailboxId, MailboxId)> = Vec::new();
        for pair in &self.batch {
            let (Some(object), id) = (&pair.object, pair.mailbox.id) else { continue };
            let owner = *self.owners.entry(object.guid).or_insert(id);
            if owner != id {
                rivals.extend([(id, owner), (owner, id)]);
            }
        }
        for (mailbox, rival) in rivals {
            let found = self.batch.iter_mut().find(|pair| pair.mailbox.id == mailbox);
            if let Some(pair) = found {
                (pair.ambiguous, pair.rival) = (true, Some(rival));
            }
        }
    }

    fn users(
        &mut self,
        now: Timestamp,
        ports: &mut Ports<'_>,
        backoff: &mut Backoff,
    ) -> Result<Turn<Vec<Pair>>, Stop> {
        let ids: Vec<MailboxId> = self.batch.iter().map(|pair| pair.mailbox.id).collect();
        let users = match ports.entra.user_rows(&ids) {
            Ok(users) => users,
            Err(error) => return again(&error, Side::Cloud, backoff, now).map(Turn::Wait),
        };
        backoff.reset();
        for (pair, user) in self.batch.iter_mut().zip(users) {
            match user {
                Ok(user) => pair.user = user,
                Err(error) => pair.unread = Some(format!("its Entra user cannot be read: {error}")),
            }
        }
        self.stage = Stage::Find(0);
        Ok(Turn::Busy)
    }

    fn find(
        &mut self,
        rank: u8,
        now: Timestamp,
        ports: &mut Ports<'_>,
        backoff: &mut Backoff,
    ) -> Result<Turn<Vec<Pair>>, Stop> {
        let kind = self.order.get(usize::from(rank)).map_or(rank, |anchor| anchor.rank());
        let mut wanted: Vec<(usize, Vec<AnchorKey>)> = Vec::new();
        for (index, pair) in self.batch.iter().enumerate() {
            let keys = pair.user.as_ref().map(|user| anchor::keys(user, kind));
            match keys {
                Some(keys) if !keys.is_empty() && pair.is_open() => wanted.push((index, keys)),
                _ => {}
            }
        }
        if wanted.is_empty() {
            self.stage = Stage::Find(rank + 1);
            return Ok(Turn::Busy);
        }
        let Some(agent) = self.agent() else {
            let why = self.given_up.as_ref().map(|why| format!("; the last one: {why}"));
            let detail = format!(
                "no agent answers, so nobody can say what Active Directory holds{}",
                why.unwrap_or_default()
            );
            return Err(Stop::Failed(Failure::new(
                Class::Transient,
                code::NO_ACTIVE_AGENTS,
                detail,
            )));
        };
        let keys: Vec<AnchorKey> =
            wanted.iter().flat_map(|(_, keys)| keys.iter().cloned()).collect();
        let found = ports.directory.find(agent, &keys, &self.attributes);
        let found = match found {
            Ok(found) => found,
            // A connection that was lost is made anew; an agent that stays silent is not asked for ever.
            Err(
                error @ (CallError::Unreachable { .. }
                | CallError::Unusable { .. }
                | CallError::TimedOut { .. }),
            ) => {
                if let Some(at) = backoff.next(Class::Transient, now) {
                    return Ok(Turn::Wait(at));
                }
                backoff.reset();
                self.next_agent(&error);
                return Ok(Turn::Busy);
            }
            Err(error) => return again(&error, Side::Agent, backoff, now).map(Turn::Wait),
        };
        backoff.reset();
        self.listed_anew = false;
        let index = Found::new(&found, kind);
        for (at, keys) in wanted {
            match index.pick(&keys) {
                Match::None => {}
                Match::One(object) => self.batch[at].take(&found[object]),
                Match::Duplicate => self.batch[at].ambiguous = true,
            }
        }
        self.stage = Stage::Find(rank + 1);
        Ok(Turn::Busy)
    }
}

//! Who can act in a drawn story, and what is known of each after the steps so far: enough to know
//! which edits are taken and which refused.

use super::draft::WorldDraft;

/// Somebody with a mailbox, or without.
#[derive(Debug, Clone)]
pub(super) struct Actor {
    pub(super) name: String,
    pub(super) cloud_managed: bool,
    /// Whether the object is synchronized.
    pub(super) dir_synced: bool,
    /// Whether there is an object in AD.
    pub(super) in_ad: bool,
    /// Whether the mailbox is on the last Exchange server.
    pub(super) on_premises: bool,
    /// Whether that object is a remote mailbox, for the cmdlets of the last Exchange server.
    pub(super) is_remote_mailbox: bool,
    /// Whether the authority over the whole object moved to the cloud; the flag that it had before.
    pub(super) moved: Option<bool>,
    /// Whether there is a licence with a mailbox, where that is known.
    pub(super) licensed: Option<bool>,
    /// Whether the object is in the first domain.
    pub(super) in_first_domain: bool,
    /// Whether the mailbox is in Exchange Online.
    pub(super) in_cloud: bool,
    /// Further addresses that steps may take away, with their prefix.
    pub(super) aliases: Vec<String>,
    /// Whether the address of the own name is surely still there.
    pub(super) keeps_own_address: bool,
    /// AD has values that Connect has not brought up yet: a flip now would race them.
    pub(super) pending: bool,
    /// Flipped where a mailbox that enters scope waits for the job's next initial cycle.
    pub(super) waits: bool,
    /// The cloud managed it at some time, so that writeback may have written it.
    pub(super) was_managed: bool,
    /// Whether LDIF can name the object: users of their own entries alone.
    pub(super) has_entry: bool,
    /// Whether the job is for the object: by its domain and its organizational unit.
    pub(super) in_job: bool,
    /// Whether the agents may write the object.
    pub(super) writable: bool,
    /// Something must hold of this one all the time.
    pub(super) watched: bool,
}

impl Actor {
    /// Whether Exchange Online takes Exchange attributes of this one.
    pub(super) const fn is_editable(&self) -> bool {
        self.in_cloud && (self.cloud_managed || !self.dir_synced)
    }

    /// Whether writeback writes what is edited in the cloud.
    pub(super) const fn is_written_back(&self) -> bool {
        self.in_cloud && self.dir_synced && self.cloud_managed && self.in_job
    }

    /// Whether the next cycle of the job writes what is edited in the cloud.
    pub(super) const fn is_written_at_once(&self) -> bool {
        self.is_written_back() && self.writable && !self.waits
    }

    /// Whether a transfer can flip this one.
    pub(super) const fn is_transferable(&self) -> bool {
        self.in_cloud && self.dir_synced && !self.cloud_managed && !self.pending
    }

    /// Whether there is a remote mailbox in AD.
    pub(super) const fn is_remote(&self) -> bool {
        self.in_cloud && self.dir_synced
    }
}

/// How many of a shape act at most.
const MOST_OF_A_SHAPE: u64 = 30;

/// Everybody of a world who acts.
pub(super) fn of(world: &WorldDraft) -> Vec<Actor> {
    let own = world.people.iter().map(|person| Actor {
        name: person.name.clone(),
        cloud_managed: person.cloud_managed,
        dir_synced: person.dir_synced,
        in_ad: person.dir_synced,
        on_premises: person.mailbox == Some("on-premises"),
        is_remote_mailbox: person.dir_synced && person.mailbox.is_none(),
        moved: None,
        licensed: person.mailbox.is_none().then_some(person.licensed || person.kind.is_none()),
        in_first_domain: person.domain.is_none() && person.dir_synced,
        in_cloud: person.mailbox.is_none(),
        aliases: person.addresses.iter().filter(|a| a.starts_with("smtp:")).cloned().collect(),
        keeps_own_address: !person.addresses.iter().any(|a| a.starts_with("SMTP:")),
        pending: false,
        waits: false,
        was_managed: person.cloud_managed,
        has_entry: person.domain.is_none() && person.ou.is_none(),
        in_job: world.is_for(person),
        writable: world.is_writable(person),
        watched: false,
    });
    let members = world.shapes.iter().flat_map(|shape| {
        (1..=shape.mailboxes.min(MOST_OF_A_SHAPE)).map(|number| Actor {
            name: format!("{}-{number}", shape.name),
            cloud_managed: shape.cloud_managed,
            dir_synced: true,
            in_ad: true,
            on_premises: false,
            is_remote_mailbox: true,
            moved: None,
            licensed: None,
            in_first_domain: shape.domain.is_none(),
            in_cloud: true,
            aliases: Vec::new(),
            keeps_own_address: true,
            pending: false,
            waits: false,
            was_managed: shape.cloud_managed,
            has_entry: false,
            in_job: world.scope.is_none()
                && world.pilots.is_empty()
                && shape.domain == world.job_domain(),
            writable: !world.skips_disabled(),
            watched: false,
        })
    });
    own.chain(members).collect()
}

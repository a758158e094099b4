//! What may happen, drawn: how the sides differ and how the job is configured at the start, and the acts.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::job::{
    Anchor, EscrowLadder, ExportMode, LimitAction, ModifyGranularity, ProxyMode, RecipientTypeMode,
    RestartScopes, Switches,
};

/// The most mailboxes that a case has.
pub(super) const MOST: u16 = 8;

/// What an edit in the cloud does.
#[derive(Debug, Clone)]
pub(super) enum Edit {
    /// `CustomAttribute1` gets a value that no version before had.
    Stamp,
    Text(usize, Option<u8>),
    Set(usize, Vec<&'static str>),
    Addresses(Vec<&'static str>),
    Kind(&'static str),
    /// Everything is again what it was some versions ago.
    Back(usize),
}

/// What somebody does in AD.
#[derive(Debug, Clone)]
pub(super) enum Local {
    Text(usize, Option<u8>),
    Set(usize, Vec<&'static str>),
    /// Another address beside those that are there.
    Address(&'static str),
}

#[derive(Debug, Clone)]
pub(super) enum Act {
    Edit(u16, Edit),
    /// An edit of one mailbox while the engine makes the call so many calls ahead.
    EditAtCall(u64, u16, Edit),
    Local(u16, Local),
    /// An edit of one object in AD while the engine makes the call so many calls ahead: between a read and its
    /// modify, too.
    LocalAtCall(u64, u16, Local),
    Flag(u16, bool),
    /// The flag is false for a moment, in which AD is edited.
    Away(u16, Local),
    /// The account in AD is disabled, or enabled again.
    Disable(u16, bool),
    Configure(Changeable),
    Result(u16, u32),
    Recover,
    /// The connection is lost at this modify, after it was applied or before, with the agent or without, and
    /// with so many under way.
    Lose(usize, bool, bool, usize),
    Offline(bool),
    Online,
    Throttle(Option<u64>),
    ServiceDown,
    ExpirePage,
    /// The process ends at the call so many calls ahead; `true`: the call did its work.
    Crash(u64, bool),
    Restart(RestartScopes),
    OnDemand(u16),
    Pause,
    Start,
    Wait(u64),
}

/// The switches that somebody may set anew while the job runs.
#[derive(Debug, Clone)]
pub(super) struct Changeable {
    null_flow: bool,
    null_flow_multi: bool,
    proxy_mode: ProxyMode,
    write_onmicrosoft: bool,
    write_x500: bool,
    write_sip: bool,
    raw_types: bool,
    by_attribute: bool,
    drift_heal: bool,
    every_cycle: bool,
    mail_mapped: bool,
    only_changed: bool,
}

impl Changeable {
    pub(super) fn apply(&self, switches: &mut Switches) {
        switches.null_flow = self.null_flow;
        switches.null_flow_multi = self.null_flow_multi;
        switches.proxy_mode = self.proxy_mode;
        switches.write_onmicrosoft = self.write_onmicrosoft;
        switches.write_x500 = self.write_x500;
        switches.write_sip = self.write_sip;
        switches.recipient_type_mode =
            if self.raw_types { RecipientTypeMode::Raw } else { RecipientTypeMode::Remote };
        switches.modify_granularity = if self.by_attribute {
            ModifyGranularity::Attribute
        } else {
            ModifyGranularity::Object
        };
        switches.drift_heal = self.drift_heal;
        switches.escrow_ladder =
            if self.every_cycle { EscrowLadder::EveryCycle } else { EscrowLadder::General };
        switches.mail_mapped = self.mail_mapped;
        switches.export_mode =
            if self.only_changed { ExportMode::ChangedAttributes } else { ExportMode::WholeDiff };
    }
}

/// How the sides differ before the job ever ran, and how it is configured.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) count: u16,
    pub(super) emptied: Vec<(u16, usize)>,
    pub(super) addresses: Vec<(u16, Vec<&'static str>)>,
    pub(super) switches: Switches,
    pub(super) page_size: usize,
    /// The first mailbox is not cloud-managed before everything heals.
    pub(super) outside: bool,
}

pub(super) fn edit() -> impl Strategy<Value = Edit> {
    const ADDRESSES: [&str; 6] = [
        "smtp:x@contoso.com",
        "smtp:Y@contoso.com",
        "smtp:z@contoso.onmicrosoft.com",
        "X500:/o=Cloud",
        "SIP:x@contoso.com",
        "smtp:w@contoso.com",
    ];
    // Exactly one primary, or no SMTP address at all.
    let addresses = |chosen: Vec<&'static str>, primary: usize| {
        const PRIMARIES: [&str; 2] = ["SMTP:p@contoso.com", "SMTP:Q@contoso.com"];
        let mut addresses = chosen;
        addresses.extend(PRIMARIES.get(primary));
        if primary == PRIMARIES.len() {
            addresses.retain(|text| !text.starts_with("smtp:"));
        }
        Edit::Addresses(addresses)
    };
    let kinds = ["UserMailbox", "SharedMailbox", "RoomMailbox", "WorkspaceMailbox"];
    prop_oneof![
        3 => Just(Edit::Stamp),
        2 => (1..15_usize, text()).prop_map(|(at, text)| Edit::Text(at, text)),
        2 => set().prop_map(|(at, values)| Edit::Set(at, values)),
        2 => (subsequence(ADDRESSES.to_vec(), 0..5), 0..3_usize)
            .prop_map(move |(chosen, primary)| addresses(chosen, primary)),
        1 => select(kinds.to_vec()).prop_map(Edit::Kind),
        2 => (1..4_usize).prop_map(Edit::Back),
    ]
}

fn text() -> impl Strategy<Value = Option<u8>> {
    prop::option::of(0..3_u8)
}

fn set() -> impl Strategy<Value = (usize, Vec<&'static str>)> {
    const VALUES: [&str; 4] = ["a", "B", "ä", "long value"];
    (15..20_usize, subsequence(VALUES.to_vec(), 0..4))
}

fn local() -> impl Strategy<Value = Local> {
    const ADDRESSES: [&str; 3] =
        ["smtp:local@contoso.com", "X500:/o=Local", "smtp:l@contoso.onmicrosoft.com"];
    prop_oneof![
        3 => (0..15_usize, text()).prop_map(|(at, text)| Local::Text(at, text)),
        1 => set().prop_map(|(at, values)| Local::Set(at, values)),
        1 => select(ADDRESSES.to_vec()).prop_map(Local::Address),
    ]
}

fn scopes() -> impl Strategy<Value = RestartScopes> {
    // Not `Escrows` alone: who asks for that gives recorded failures up.
    let of = |watermark, quarantine, full| RestartScopes {
        watermark,
        quarantine,
        full,
        ..RestartScopes::default()
    };
    prop_oneof![
        Just(RestartScopes::default()),
        Just(of(true, false, false)),
        Just(of(false, true, false)),
        Just(of(false, false, true)),
    ]
}

fn changeable() -> impl Strategy<Value = Changeable> {
    let mode = prop_oneof![
        Just(ProxyMode::ReplaceSmtp),
        Just(ProxyMode::ReplaceAll),
        Just(ProxyMode::Merge)
    ];
    let heals = prop::bool::weighted(0.2);
    (any::<[bool; 10]>(), mode, heals).prop_map(|(flags, proxy_mode, drift_heal)| Changeable {
        null_flow: flags[0],
        null_flow_multi: flags[1],
        proxy_mode,
        write_onmicrosoft: flags[2],
        write_x500: flags[8],
        write_sip: flags[9],
        raw_types: flags[3],
        by_attribute: flags[4],
        drift_heal,
        every_cycle: flags[5],
        mail_mapped: flags[6],
        only_changed: flags[7],
    })
}

pub(super) fn act() -> impl Strategy<Value = Act> {
    let lose = (0..6_usize, any::<bool>(), any::<bool>(), 1..9_usize);
    let result = prop_oneof![Just(50_u32), Just(51), Just(19), Just(16), Just(32)];
    let whom = || 0..MOST;
    prop_oneof![
        4 => (whom(), edit()).prop_map(|(number, edit)| Act::Edit(number, edit)),
        3 => (1..40_u64, whom(), edit())
            .prop_map(|(after, number, edit)| Act::EditAtCall(after, number, edit)),
        1 => (whom(), local()).prop_map(|(number, local)| Act::Local(number, local)),
        1 => (1..40_u64, whom(), local())
            .prop_map(|(after, number, local)| Act::LocalAtCall(after, number, local)),
        1 => (whom(), any::<bool>()).prop_map(|(number, flag)| Act::Flag(number, flag)),
        1 => (whom(), local()).prop_map(|(number, local)| Act::Away(number, local)),
        1 => (whom(), any::<bool>()).prop_map(|(number, off)| Act::Disable(number, off)),
        1 => changeable().prop_map(Act::Configure),
        1 => (whom(), result).prop_map(|(number, result)| Act::Result(number, result)),
        1 => Just(Act::Recover),
        2 => lose.prop_map(|(at, applied, agent, under_way)| {
            Act::Lose(at, applied, agent, under_way)
        }),
        1 => any::<bool>().prop_map(Act::Offline),
        1 => Just(Act::Online),
        1 => prop::option::of(0..300_u64).prop_map(Act::Throttle),
        1 => Just(Act::ServiceDown),
        1 => Just(Act::ExpirePage),
        3 => (1..60_u64, any::<bool>()).prop_map(|(after, worked)| Act::Crash(after, worked)),
        1 => scopes().prop_map(Act::Restart),
        1 => whom().prop_map(Act::OnDemand),
        1 => Just(Act::Pause),
        1 => Just(Act::Start),
        6 => (1..50_u64).prop_map(Act::Wait),
    ]
}

fn switches() -> impl Strategy<Value = Switches> {
    let order = select(vec![
        [Anchor::ObjectIdentifier, Anchor::ImmutableId, Anchor::ExternalId],
        [Anchor::ExternalId, Anchor::ObjectIdentifier, Anchor::ImmutableId],
        [Anchor::ImmutableId, Anchor::ExternalId, Anchor::ObjectIdentifier],
    ]);
    let overlap = prop_oneof![Just(0_u64), 1..400_u64];
    let limit = prop_oneof![6 => Just((LimitAction::Warn, 1)), 1 => Just((LimitAction::Refuse, 3))];
    let rare = || prop::bool::weighted(0.15);
    (changeable(), order, overlap, limit, any::<bool>(), rare(), rare()).prop_map(
        |(changeable, match_order, overlap, limit, rooms, waits, spares)| {
            let mut switches = Switches {
                match_order,
                watermark_overlap: Duration::from_secs(overlap),
                limit_action: limit.0,
                mailbox_limit: limit.1,
                cloud_only_types_as_rooms: rooms,
                first_time_requires_initial: waits,
                write_disabled: !spares,
                ..Switches::default()
            };
            changeable.apply(&mut switches);
            switches
        },
    )
}

pub(super) fn setting() -> impl Strategy<Value = Setting> {
    const HELD: [&str; 5] =
        ["SMTP:old@contoso.com", "smtp:older@contoso.com", "X500:/o=AD", "sip:ad@c.com", "odd"];
    let count = prop_oneof![1 => Just(1_u16), 5 => 2..5_u16, 1 => Just(MOST)];
    let emptied = prop::collection::vec((0..MOST, 0..24_usize), 0..5);
    let addresses = prop::collection::vec((0..MOST, subsequence(HELD.to_vec(), 0..5)), 0..4);
    (count, emptied, addresses, switches(), 1..6_usize, any::<bool>()).prop_map(
        |(count, emptied, addresses, switches, page_size, outside)| Setting {
            count,
            emptied: emptied.into_iter().filter(|(number, _)| *number < count).collect(),
            addresses: addresses.into_iter().filter(|(number, _)| *number < count).collect(),
            switches,
            page_size,
            outside,
        },
    )
}

//! The open questions that concern the job, row by row: each alternative of each switch does what it says,
//! and the alternatives of one differ in what people see.

use std::collections::BTreeSet;

use super::*;
use crate::job::{
    Anchor, EscrowLadder, ExportMode, ModifyGranularity, ProxyMode, RecipientTypeMode, Switches,
};

/// What is seen in the end, in words.
type Seen = String;

/// One row: the open question and its switch, one alternative, how it is chosen, what is played, and what is
/// seen.
struct Row {
    question: &'static str,
    alternative: &'static str,
    choose: fn(&mut Switches),
    play: fn(&mut Stage) -> Seen,
    seen: &'static str,
}

/// A world and a job with the switches of a row.
struct Stage {
    world: Shared,
    job: WritebackJob,
}

impl Stage {
    fn new(choose: fn(&mut Switches)) -> Self {
        let mut config = config();
        config.job.switches.watermark_overlap = Duration::ZERO;
        choose(&mut config.job.switches);
        Self { world: World::with(3), job: WritebackJob::new(config) }
    }

    /// The initial cycle.
    fn settle(&mut self) {
        self.world.run_for(&mut self.job, MINUTE);
        assert_eq!(self.job.cycles(), 1);
        self.world.0.borrow_mut().log.clear();
        self.world.0.borrow_mut().sent.clear();
    }

    fn cycle(&mut self) {
        next_cycle(&self.world, &mut self.job);
    }

    fn edit(&self, act: impl FnOnce(&mut World)) {
        act(&mut self.world.0.borrow_mut());
    }

    fn ad(&self, attribute: &str) -> String {
        let mut values = self.world.0.borrow().value(0, attribute);
        values.sort();
        values.join(" ")
    }

    fn codes(&self) -> String {
        let world = self.world.0.borrow();
        let own = world.log.iter().filter(|entry| entry.mailbox == Some(id(0)));
        own.map(|entry| entry.code).collect::<Vec<_>>().join(" ")
    }
}

fn set_cloud(world: &mut World, at: usize, values: &[&str]) {
    let values = values.iter().map(|text| (*text).to_owned()).collect();
    world.change(0, |mailbox| mailbox.values.edit(|columns| columns[at] = values));
}

/// Addresses of every kind in the cloud, and others in AD.
fn addresses(stage: &mut Stage) -> Seen {
    stage.settle();
    stage.edit(|world| {
        set_cloud(
            world,
            20,
            &["SMTP:new@c.com", "smtp:m@c.onmicrosoft.com", "X500:/o=cloud", "sip:n@c.com"],
        );
        let held: [&[u8]; 4] =
            [b"SMTP:old@c.com", b"X500:/o=ad", b"sip:old@c.com", b"smtp:o@c.onmicrosoft.com"];
        world.set_in_ad(0, "proxyAddresses", &held);
    });
    stage.cycle();
    stage.ad("proxyAddresses")
}

fn emptied(stage: &mut Stage) -> Seen {
    stage.settle();
    stage.edit(|world| {
        set_cloud(world, 1, &[]);
        set_cloud(world, 15, &[]);
        world.edit(0, "x");
    });
    stage.cycle();
    let lists = [stage.ad("extensionAttribute2"), stage.ad("msExchExtensionCustomAttribute1")];
    lists.map(|list| if list.is_empty() { "removed" } else { "stays" }.to_owned()).join(", ")
}

fn shared_mailbox(stage: &mut Stage) -> Seen {
    stage.settle();
    stage.edit(|world| {
        world.change(0, |mailbox| mailbox.recipient_type_details = "SharedMailbox".into());
    });
    stage.cycle();
    stage.ad("msExchRecipientTypeDetails")
}

fn newcomer(stage: &mut Stage) -> Seen {
    stage.edit(|world| world.mailboxes.get_mut(&id(0)).unwrap().cloud_managed = false);
    stage.settle();
    stage.edit(|world| {
        world.change(0, |mailbox| mailbox.cloud_managed = true);
        world.edit(0, "x");
    });
    stage.cycle();
    format!("{}, {}", stage.ad("extensionAttribute1"), stage.codes())
}

/// An edit of AD, and later one of something else in the cloud.
fn drift(stage: &mut Stage) -> Seen {
    stage.settle();
    stage.edit(|world| world.edit(0, "first"));
    stage.cycle();
    stage.edit(|world| world.set_in_ad(0, "extensionAttribute2", &[b"local"]));
    stage.cycle();
    let at_once = stage.ad("extensionAttribute2");
    stage.edit(|world| world.edit(0, "second"));
    stage.cycle();
    format!("{at_once}, then {}", stage.ad("extensionAttribute2"))
}

fn beyond(stage: &mut Stage) -> Seen {
    stage.edit(|world| {
        for number in 1..3 {
            world.edit(number, "x");
        }
        // The last one in the order of the listing.
        world.now = world.now + Duration::from_secs(1);
        world.edit(0, "x");
    });
    stage.world.run_for(&mut stage.job, MINUTE);
    format!("{}, {}", stage.ad("extensionAttribute1"), stage.codes())
}

fn refused(stage: &mut Stage) -> Seen {
    stage.settle();
    stage.edit(|world| {
        world.edit(0, "x");
        world.results.insert(object_guid(0), 50);
    });
    stage.cycle();
    stage.edit(|world| world.results.clear());
    stage.cycle();
    stage.ad("extensionAttribute1")
}

fn two_attributes(stage: &mut Stage) -> Seen {
    stage.settle();
    stage.edit(|world| {
        set_cloud(world, 1, &["y"]);
        world.edit(0, "x");
    });
    stage.cycle();
    let sent = stage.world.0.borrow().sent.len();
    format!("{sent} modifies")
}

fn desk_mailbox(stage: &mut Stage) -> Seen {
    stage.edit(|world| {
        world.change(0, |mailbox| mailbox.recipient_type_details = "DeskMailbox".into());
    });
    stage.world.run_for(&mut stage.job, MINUTE);
    format!("{}, {}", stage.ad("msExchRecipientTypeDetails"), stage.codes())
}

fn disabled(stage: &mut Stage) -> Seen {
    stage.settle();
    stage.edit(|world| {
        world.set_in_ad(0, "userAccountControl", &[b"514"]);
        world.edit(0, "x");
    });
    stage.cycle();
    format!("{}, {}", stage.ad("extensionAttribute1"), stage.codes())
}

/// The objects are of other classes, the second of one that is no user at all.
fn classes(stage: &mut Stage) -> Seen {
    let all: [&[u8]; 5] = [b"top", b"person", b"organizationalPerson", b"user", b"inetOrgPerson"];
    stage.edit(|world| {
        world.set_in_ad(0, "objectClass", &all);
        world.set_in_ad(
            1,
            "objectClass",
            &[b"top", b"person", b"organizationalPerson", b"contact"],
        );
        (0..2).for_each(|number| world.edit(number, "x"));
    });
    stage.world.run_for(&mut stage.job, MINUTE);
    assert_eq!(stage.world.0.borrow().written(1), "HR-1", "a contact is nobody's mailbox");
    format!("{}, {}", stage.ad("extensionAttribute1"), stage.codes())
}

fn mail(stage: &mut Stage) -> Seen {
    stage.settle();
    stage.edit(|world| set_cloud(world, 21, &["new@c.com"]));
    stage.cycle();
    stage.ad("mail")
}

/// The object is found by its GUID, and another one carries the id of the mailbox.
fn two_anchors(stage: &mut Stage) -> Seen {
    stage.edit(|world| {
        let mut other = world.objects[&object_guid(0)].clone();
        other.external_id = Some(crate::anchor::external_id(id(0)));
        other.consistency_guid = None;
        world.objects.insert(object_guid(50), other.clone());
        other.external_id = None;
        other.consistency_guid = Some(vec![9; 16]);
        world.objects.insert(object_guid(51), other);
        world.users.get_mut(&id(0)).unwrap().immutable_id =
            Some(base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [9; 16]));
        world.edit(0, "x");
    });
    stage.world.run_for(&mut stage.job, MINUTE);
    let world = stage.world.0.borrow();
    let written = [0, 50, 51].into_iter().find(|number| world.written(*number) == "x");
    match written {
        Some(0) => "by object identifier",
        Some(50) => "by external id",
        Some(51) => "by immutable id",
        _ => "nobody",
    }
    .to_owned()
}

/// A copy of Exchange Online that lags by a minute shows an edit after the watermark has passed it.
fn late(stage: &mut Stage) -> Seen {
    stage.settle();
    stage.edit(|world| world.lag = MINUTE);
    stage.world.run_for(&mut stage.job, Duration::from_secs(18 * 60 + 30));
    stage.edit(|world| world.edit(0, "late"));
    stage.cycle();
    stage.cycle();
    stage.ad("extensionAttribute1")
}

#[rustfmt::skip]
fn rows() -> Vec<Row> {
    use Anchor::{ExternalId, ImmutableId, ObjectIdentifier};
    let row = |question, alternative, choose, play, seen| Row { question, alternative, choose, play, seen };
    vec![
        row("U1 match_order", "object identifier first", |s| s.match_order = [ObjectIdentifier, ImmutableId, ExternalId],
            two_anchors, "by object identifier"),
        row("U1 match_order", "immutable id first", |s| s.match_order = [ImmutableId, ExternalId, ObjectIdentifier],
            two_anchors, "by immutable id"),
        row("U1 match_order", "external id first", |s| s.match_order = [ExternalId, ObjectIdentifier, ImmutableId],
            two_anchors, "by external id"),
        row("U2 proxy_mode", "replace_smtp", |s| s.proxy_mode = ProxyMode::ReplaceSmtp, addresses,
            "SMTP:new@c.com X500:/o=ad X500:/o=cloud sip:old@c.com smtp:m@c.onmicrosoft.com"),
        row("U2 proxy_mode", "replace_all", |s| s.proxy_mode = ProxyMode::ReplaceAll, addresses,
            "SMTP:new@c.com X500:/o=cloud sip:n@c.com smtp:m@c.onmicrosoft.com"),
        row("U2 proxy_mode", "merge", |s| s.proxy_mode = ProxyMode::Merge, addresses,
            "SMTP:new@c.com X500:/o=ad X500:/o=cloud sip:old@c.com smtp:m@c.onmicrosoft.com smtp:o@c.onmicrosoft.com smtp:old@c.com"),
        row("U3 proxy_types", "onmicrosoft written", |s| s.write_onmicrosoft = true, addresses,
            "SMTP:new@c.com X500:/o=ad X500:/o=cloud sip:old@c.com smtp:m@c.onmicrosoft.com"),
        row("U3 proxy_types", "onmicrosoft left alone", |s| s.write_onmicrosoft = false, addresses,
            "SMTP:new@c.com X500:/o=ad X500:/o=cloud sip:old@c.com smtp:o@c.onmicrosoft.com"),
        row("U3 proxy_types", "X500 left alone", |s| s.write_x500 = false, addresses,
            "SMTP:new@c.com X500:/o=ad sip:old@c.com smtp:m@c.onmicrosoft.com"),
        row("U3 proxy_types", "X500 left alone where all are replaced",
            |s| { s.write_x500 = false; s.proxy_mode = ProxyMode::ReplaceAll; }, addresses,
            "SMTP:new@c.com X500:/o=ad sip:n@c.com smtp:m@c.onmicrosoft.com"),
        row("U3 proxy_types", "SIP written", |s| s.write_sip = true, addresses,
            "SMTP:new@c.com X500:/o=ad X500:/o=cloud sip:n@c.com sip:old@c.com smtp:m@c.onmicrosoft.com"),
        row("U4/U5 null_flow", "off", |_| {}, emptied, "stays, stays"),
        row("U4/U5 null_flow", "on", |s| s.null_flow = true, emptied, "removed, stays"),
        row("U4/U5 null_flow", "multi on", |s| s.null_flow_multi = true, emptied, "stays, removed"),
        row("U6 rtd_mode", "remote", |s| s.recipient_type_mode = RecipientTypeMode::Remote, shared_mailbox, "34359738368"),
        row("U6 rtd_mode", "raw", |s| s.recipient_type_mode = RecipientTypeMode::Raw, shared_mailbox, "4"),
        row("U7 first_time_requires_initial", "no", |s| s.first_time_requires_initial = false, newcomer, "x, "),
        row("U7 first_time_requires_initial", "yes", |s| s.first_time_requires_initial = true, newcomer, "HR-1, NotInScope"),
        row("U8 export_mode", "whole_diff", |s| s.export_mode = ExportMode::WholeDiff, drift, "local, then HR-2"),
        row("U8 export_mode", "changed_attributes", |s| s.export_mode = ExportMode::ChangedAttributes, drift, "local, then local"),
        row("U9 drift_heal", "initial_cycle", |s| s.drift_heal = false, drift, "local, then HR-2"),
        row("U9 drift_heal", "every_cycle", |s| s.drift_heal = true, drift, "HR-2, then HR-2"),
        row("U10 classes", "user", |s| s.inet_org_person = false, classes, "HR-1, NotInScope"),
        row("U10 classes", "user_and_inet_org_person", |s| s.inet_org_person = true, classes, "x, "),
        row("U11 limit_action", "warn", |s| { s.limit_action = LimitAction::Warn; s.mailbox_limit = 2; }, beyond, "x, MailboxLimitExceeded"),
        row("U11 limit_action", "refuse", |s| { s.limit_action = LimitAction::Refuse; s.mailbox_limit = 2; }, beyond, "HR-1, NotInScope"),
        row("U19 escrow_ladder", "general", |s| s.escrow_ladder = EscrowLadder::General, refused, "HR-1"),
        row("U19 escrow_ladder", "every_cycle", |s| s.escrow_ladder = EscrowLadder::EveryCycle, refused, "x"),
        row("U22 modify_granularity", "object", |s| s.modify_granularity = ModifyGranularity::Object, two_attributes, "1 modifies"),
        row("U22 modify_granularity", "attribute", |s| s.modify_granularity = ModifyGranularity::Attribute, two_attributes, "2 modifies"),
        row("U25 cloud_only_types", "skip", |s| s.cloud_only_types_as_rooms = false, desk_mailbox, "2147483648, NotInScope"),
        row("U25 cloud_only_types", "as_room", |s| s.cloud_only_types_as_rooms = true, desk_mailbox, "8589934592, "),
        row("U26 disabled_accounts", "write", |s| s.write_disabled = true, disabled, "x, "),
        row("U26 disabled_accounts", "skip", |s| s.write_disabled = false, disabled, "HR-1, NotInScope"),
        row("mail among the mapped", "24", |s| s.mail_mapped = true, mail, "new@c.com"),
        row("mail among the mapped", "23", |s| s.mail_mapped = false, mail, "u0@contoso.com"),
        row("watermark_overlap", "none", |_| {}, late, "HR-1"),
        row("watermark_overlap", "five minutes", |s| s.watermark_overlap = 5 * MINUTE, late, "late"),
    ]
}

#[test]
fn each_alternative_of_each_switch_does_what_it_says() {
    let mut wrong = Vec::new();
    for row in rows() {
        let seen = (row.play)(&mut Stage::new(row.choose));
        if seen != row.seen {
            wrong.push(format!(
                "{}: {}: `{seen}`, not `{}`",
                row.question, row.alternative, row.seen
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // No two alternatives of one question look the same.
    let rows = rows();
    let told: BTreeSet<(&str, &str)> = rows.iter().map(|row| (row.question, row.seen)).collect();
    assert_eq!(told.len(), rows.len());
}

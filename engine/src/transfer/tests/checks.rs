//! The readiness check.

use super::*;

#[test]
fn a_check_names_what_the_first_export_would_do_and_writes_nothing() {
    let world = world(5);
    {
        let mut world = world.0.borrow_mut();
        let mut set = |number: u16, name: &str, values: Vec<Vec<u8>>| {
            let entry = world.objects.get_mut(&object_guid(number)).unwrap();
            entry.values.insert(name.into(), values);
        };
        set(0, "extensionAttribute11", vec![b"HR-11 and more".to_vec()]);
        set(1, "extensionAttribute1", vec![b"other".to_vec()]);
        world.objects.remove(&object_guid(2));
        world.mailboxes.get_mut(&id(3)).unwrap().values.edit(|values| {
            values[0] = vec!["x".repeat(1_025)];
            values[15].clear();
        });
    }
    let job = crate::test_world::configuration();
    let config = CheckConfig {
        mailboxes: all(5),
        job,
        evidence: Evidence { ad_writers: Some(vec!["hr-feed.ps1".into()]), ..Evidence::default() },
        sync_cycle: Duration::from_mins(30),
        caller_roles: Some(vec!["someone".into()]),
        domain: None,
    };
    let report = play(&world, &mut Check::new(config));
    let of = |number: u16| -> Vec<&str> {
        let found = report.findings.iter().filter(|finding| finding.object == Some(id(number)));
        found.map(|finding| finding.id).collect()
    };
    assert_eq!(of(0), [check::id::WOULD_SHORTEN]);
    assert_eq!(of(1), [check::id::WOULD_CHANGE]);
    assert_eq!(of(2), [check::id::NO_OBJECT]);
    assert_eq!(of(3), [check::id::TOO_LONG, check::id::ONLY_IN_AD, check::id::WOULD_CHANGE]);
    assert!(of(4).is_empty());
    let tenant: Vec<&str> =
        report.findings.iter().filter(|f| f.object.is_none()).map(|f| f.id).collect();
    assert!(tenant.contains(&check::id::ROLE) && tenant.contains(&check::id::AD_WRITERS));
    assert!(tenant.contains(&check::id::DEFAULT_OFF));
    assert_eq!((world.0.borrow().modifies, world.0.borrow().set_calls.len()), (0, 0));
}

/// What the first export would take away is named address by address, with what it is needed for: the list of the
/// cloud takes the place of AD's (switch U2), and nothing brings them back.
#[test]
fn a_check_names_each_address_that_the_first_export_takes_away() {
    let world = world(2);
    let held: [&[u8]; 4] = [
        b"SMTP:u0@contoso.com",
        b"smtp:u0@contoso.mail.onmicrosoft.com",
        b"smtp:old@contoso.com",
        b"X500:/o=old",
    ];
    world.0.borrow_mut().set_in_ad(0, "proxyAddresses", &held);
    let config = CheckConfig {
        mailboxes: all(2),
        job: crate::test_world::configuration(),
        evidence: Evidence::default(),
        sync_cycle: Duration::from_mins(30),
        caller_roles: None,
        domain: None,
    };
    let report = play(&world, &mut Check::new(config));
    let taken = report.findings.iter().filter(|one| one.id == check::id::WOULD_TAKE_ADDRESS);
    let taken: Vec<&Finding> = taken.collect();
    assert!(taken.iter().all(|one| one.object == Some(id(0)) && one.severity == Severity::Warn));
    let reasons: Vec<&str> = taken.iter().map(|one| one.reason.as_str()).collect();
    assert_eq!(reasons.len(), 2, "X500 stays: {reasons:?}");
    assert!(reasons[0].contains("`smtp:u0@contoso.mail.onmicrosoft.com`"), "{reasons:?}");
    assert!(reasons[0].contains("routed to Exchange Online"), "{reasons:?}");
    assert!(reasons[1].contains("`smtp:old@contoso.com`"), "{reasons:?}");
}

/// What would fail for the schema or for rights is known before anything is flipped; a server that tells neither says
/// nothing.
#[test]
fn a_check_names_what_cannot_be_written() {
    let world = world(3);
    let job = crate::test_world::configuration();
    let plan = crate::writeback::MappingPlan::new(&job, crate::planted_bugs::PlantedBugs::none());
    let names: Vec<&[u8]> = plan.attributes().iter().map(|name| name.as_bytes()).collect();
    let without = |gone: &[&str]| -> Vec<&[u8]> {
        let kept = |name: &&&[u8]| !gone.iter().any(|gone| gone.as_bytes() == **name);
        names.iter().filter(kept).copied().collect()
    };
    {
        let mut world = world.0.borrow_mut();
        world.set_in_ad(0, "allowedAttributes", &without(&["extensionAttribute7"]));
        world.set_in_ad(
            0,
            "allowedAttributesEffective",
            &without(&["extensionAttribute7", "mail"]),
        );
        world.set_in_ad(1, "allowedAttributes", &names);
    }
    let config = CheckConfig {
        mailboxes: all(3),
        job: crate::test_world::configuration(),
        evidence: Evidence::default(),
        sync_cycle: Duration::from_mins(30),
        caller_roles: None,
        domain: None,
    };
    let report = play(&world, &mut Check::new(config));
    let of = |wanted: &str| -> Vec<(Option<MailboxId>, &str)> {
        let found = report.findings.iter().filter(|one| one.id == wanted);
        found.map(|one| (one.object, one.reason.as_str())).collect()
    };
    let schema = of(check::id::SCHEMA);
    assert!(schema.len() == 1 && schema[0].0.is_none(), "{schema:?}");
    assert!(schema[0].1.contains("of 1 object(s): extensionAttribute7;"), "{schema:?}");
    let rights = of(check::id::NOT_WRITABLE);
    assert_eq!(rights.iter().map(|one| one.0).collect::<Vec<_>>(), [Some(id(0)), Some(id(1))]);
    assert!(rights[0].1.contains("may not write mail of"), "{rights:?}");
    assert!(rights[1].1.contains("may not write any of the mapped attributes"), "{rights:?}");
}

/// What nobody states, the estate as far as it is told, and one mailbox of each kind: each finding has its
/// row.
#[test]
fn a_check_says_of_each_thing_what_it_is_or_that_nobody_knows() {
    let base = || CheckConfig {
        mailboxes: all(2),
        job: crate::test_world::configuration(),
        evidence: Evidence {
            connect_build: Some("2.5.190.0".into()),
            ad_writers: Some(Vec::new()),
            pending_inbound: Some(std::collections::BTreeSet::new()),
            last_on_premises_change: all(2)
                .into_iter()
                .map(|id| (id, START - Duration::from_hours(48)))
                .collect(),
            on_premises_recipients: Some(0),
            public_folders: Some(false),
            dns_on_premises: Some(false),
            smtp_relay: Some(false),
            licence: Some(true),
            ..Evidence::default()
        },
        sync_cycle: Duration::from_mins(30),
        caller_roles: Some(vec!["29232cdf-9323-42fd-ade2-1d097af3e4de".into()]),
        domain: Some("contoso.com".into()),
    };
    let found = |config: CheckConfig| -> Vec<(&'static str, Severity)> {
        let world = world(2);
        let report = play(&world, &mut Check::new(config));
        let other = |finding: &&Finding| finding.id != check::id::DEFAULT_OFF;
        report.findings.iter().filter(other).map(|one| (one.id, one.severity)).collect()
    };
    assert_eq!(found(base()), []);
    use Severity::{Block, Info, Warn};
    type Spoil = fn(&mut CheckConfig);
    let rows: [(Spoil, &str, Severity, usize); 17] = [
        (|c| c.evidence.connect_build = None, finding::CONNECT_UNKNOWN, Info, 1),
        (|c| c.evidence.connect_build = Some("2.5.79.0".into()), finding::CONNECT_OLD, Block, 1),
        (|c| c.evidence.ad_writers = None, check::id::AD_WRITERS_UNKNOWN, Info, 1),
        (|c| c.evidence.ad_writers = Some(vec!["x".into()]), check::id::AD_WRITERS, Warn, 1),
        (|c| c.evidence.pending_inbound = None, finding::PENDING_UNKNOWN, Info, 1),
        (|c| c.evidence.pending_inbound = Some([id(1)].into()), finding::PENDING, Warn, 1),
        (
            |c| c.evidence.last_on_premises_change.retain(|mailbox, _| *mailbox != id(1)),
            finding::CHANGES_UNKNOWN,
            Info,
            1,
        ),
        (
            |c| c.evidence.last_on_premises_change.extend([(id(0), START)]),
            finding::RECENT_CHANGE,
            Warn,
            1,
        ),
        (|c| c.evidence.on_premises_recipients = None, check::id::RECIPIENTS_UNKNOWN, Info, 1),
        (|c| c.evidence.on_premises_recipients = Some(50), check::id::RECIPIENTS, Warn, 1),
        (|c| c.evidence.public_folders = None, "decommission.public-folders", Info, 1),
        (|c| c.evidence.dns_on_premises = Some(true), "decommission.dns", Warn, 1),
        (|c| c.evidence.smtp_relay = Some(true), "decommission.smtp-relay", Warn, 1),
        (|c| c.evidence.licence = None, finding::LICENCE, Info, 1),
        (|c| c.caller_roles = None, check::id::ROLE_UNKNOWN, Info, 1),
        (|c| c.caller_roles = Some(Vec::new()), check::id::ROLE, Block, 1),
        (|c| c.domain = Some("fabrikam.com".into()), check::id::OTHER_DOMAIN, Warn, 2),
    ];
    for (spoil, expected, severity, count) in rows {
        let mut config = base();
        spoil(&mut config);
        assert_eq!(found(config), vec![(expected, severity); count], "{expected}");
    }
}

/// What the estate itself tells: agents, two mailboxes on one object, and when AD last changed it.
#[test]
fn a_check_sees_agents_shared_objects_and_the_last_change_in_ad() {
    let world = world(3);
    {
        let mut world = world.0.borrow_mut();
        world.agents[0].version = Some("1.1.900.0".into());
        world.agents[1].active = false;
        let shared = world.users[&id(0)].object_identifier;
        world.users.get_mut(&id(1)).unwrap().object_identifier = shared;
        // 2026-11-18T12:26:40Z is the world's beginning.
        world.set_in_ad(2, "whenChanged", &[b"20261118100000.0Z"]);
    }
    let config = CheckConfig {
        mailboxes: all(3),
        job: crate::test_world::configuration(),
        evidence: Evidence::default(),
        sync_cycle: Duration::from_mins(30),
        caller_roles: None,
        domain: None,
    };
    let report = play(&world, &mut Check::new(config.clone()));
    let of = |number: u16| -> Vec<(&str, Severity)> {
        let found = report.findings.iter().filter(|finding| finding.object == Some(id(number)));
        found.map(|finding| (finding.id, finding.severity)).collect()
    };
    assert_eq!(of(0), [(check::id::SHARED, Severity::Block)]);
    assert_eq!(of(1), [(check::id::SHARED, Severity::Block)]);
    assert_eq!(of(2), [(finding::RECENT_CHANGE, Severity::Warn)]);
    let ids: Vec<&str> = report.findings.iter().map(|one| one.id).collect();
    assert!(ids.contains(&agent_version::id::NONE) && ids.contains(&agent_version::id::UNUSABLE));
    world.0.borrow_mut().set_in_ad(2, "whenChanged", &[b"20261101100000.0Z"]);
    let report = play(&world, &mut Check::new(config));
    assert!(!report.findings.iter().any(|one| one.object == Some(id(2))), "long ago");
}

/// A caller without a role that may set the flag, or agents that cannot write back, end a transfer before
/// its first wave, unless that is accepted.
#[test]
fn a_transfer_asks_for_the_role_and_for_an_agent_first() {
    let world = world(1);
    let mut config = TransferConfig::new("t", all(1));
    config.caller_roles = Some(vec!["someone".into()]);
    let report = play(&world, &mut Transfer::new(config.clone()));
    assert!(report.stopped.unwrap().code == check::id::ROLE);
    config.accepted.insert(check::id::ROLE.to_owned());
    for agent in &mut world.0.borrow_mut().agents {
        agent.version = Some("1.1.1106.9".into());
    }
    let report = play(&world, &mut Transfer::new(config.clone()));
    assert!(report.stopped.unwrap().code == agent_version::id::NONE);
    assert!(world.0.borrow().set_calls.is_empty());
    config.accepted.insert(agent_version::id::NONE.to_owned());
    assert_eq!(play(&world, &mut Transfer::new(config)).flipped, 1);
}

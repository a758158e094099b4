//! Every parameter of the table beside this file, played: its value is taken and shown, authority refuses it
//! where it must, and a rollback takes what it has to take.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot read its table has failed"
)]

use std::fmt::Write as _;
use std::path::Path;

use harness::judge::verdict::Verdict;
use harness::run::{RunOptions, Silent, run};
use harness::scenario;
use harness::stage::catalogues;

const TABLE: &str = include_str!("parameters.csv");

/// One row of the table.
struct Row<'t> {
    cmdlet: &'t str,
    parameter: &'t str,
    /// As it is typed; `%who%` stands for the mailbox's name.
    value: &'t str,
    /// As it is shown, with blanks between several; `?`: some value.
    shown: &'t str,
    /// The attribute of AD.
    ad: &'t str,
    whose: &'t str,
    /// The property of Exchange Online, for rows of the premises.
    property: Option<&'t str>,
}

fn rows() -> Vec<Row<'static>> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let mut cells = line.split(';');
            let mut cell = || cells.next().unwrap_or_else(|| panic!("too few cells: {line}"));
            Row {
                cmdlet: cell(),
                parameter: cell(),
                value: cell(),
                shown: cell(),
                ad: cell(),
                whose: cell(),
                property: cells.next(),
            }
        })
        .collect()
}

impl Row<'_> {
    fn shown(&self, who: &str) -> String {
        if self.shown == "?" {
            return "{absent: false}".to_owned();
        }
        let values = self.shown.replace("%who%", who);
        let quoted: Vec<String> = values.split(' ').map(|value| format!("\"{value}\"")).collect();
        let list = format!("[{}]", quoted.join(", "));
        // The service keeps an address of its own beside those that are set.
        if self.ad == "proxyAddresses" { format!("{{contains: {list}}}") } else { list }
    }

    /// What there was before.
    fn before(&self) -> &'static str {
        match (self.ad, self.shown.to_lowercase().as_str()) {
            (_, "true") => "false",
            ("mailNickname", _) => "u7",
            ("mail", _) => "u7@contoso.com",
            ("proxyAddresses", _) => "{lacks: \"smtp:u7.new@contoso.com\"}",
            _ => "{absent: true}",
        }
    }

    fn step(&self, door: &str, who: &str) -> String {
        let value = self.value.replace("%who%", who);
        format!("  - {door}: \"{} {who} -{} {value}\"\n", self.cmdlet, self.parameter)
    }

    /// The story of a row: `u7` is cloud-managed, `u8` is not.
    fn story(&self) -> String {
        let refused = |who| self.step("exo", who) + "    expect_error: OutOfWriteScope\n";
        let exo = |who: &str, value: &str| {
            let property = self.property.unwrap_or(self.parameter);
            format!("  - expect: {{{who}: {{exo.{property}: {value}}}}}\n")
        };
        let ad = |who: &str, value: &str| {
            format!("  - expect: {{{who}: {{ad.{}: {value}}}}}\n", self.ad)
        };
        let (shown, before) = (self.shown("u7"), self.before());
        let back = "  - transfer: {mailboxes: u7, to: on-premises}\n  - cycle: connect\n";
        match self.whose {
            "identity" => refused("u8") + &refused("u7"),
            "written-back" => [
                refused("u8"),
                self.step("exo", "u7"),
                exo("u7", &shown),
                "  - cycle: writeback\n".to_owned(),
                ad("u7", &shown),
                back.to_owned(),
                exo("u7", &shown),
            ]
            .concat(),
            "kept" => [
                refused("u8"),
                self.step("exo", "u7"),
                "  - cycle: writeback\n".to_owned(),
                exo("u7", &shown),
                "  - expect: {counts: {ad_writes: 0}}\n".to_owned(),
                back.to_owned(),
                exo("u7", before),
            ]
            .concat(),
            home => {
                let door = if self.cmdlet == "Set-ADUser" { "ad" } else { "onprem" };
                let mut story = String::new();
                for who in ["u8", "u7"] {
                    let shown = self.shown(who);
                    let comes_up = who == "u8" || home == "home-identity";
                    story += &self.step(door, who);
                    story += "  - cycle: connect\n";
                    story += &ad(who, &shown);
                    story += &exo(who, if comes_up { &shown } else { before });
                }
                story
            }
        }
    }
}

#[test]
fn every_parameter_is_taken_refused_and_taken_back_as_its_row_says() {
    let catalogues = catalogues();
    let mut wrong = String::new();
    for row in rows() {
        let (cmdlet, parameter) = (row.cmdlet, row.parameter);
        let text = format!(
            "scenario: {cmdlet} -{parameter}\nworld:\n  population:\n    - user: {{name: u7, \
             cloud_managed: true}}\n    - user: u8\n    - user: boss\nstory:\n{}",
            row.story()
        );
        let scenario = scenario::read(Path::new("row.yaml"), &text, &catalogues)
            .unwrap_or_else(|problems| panic!("{text}\n{problems:#?}"));
        let result = run(&scenario, &RunOptions::default(), &Silent).unwrap();
        if result.verdict != Verdict::Pass {
            let _ = writeln!(wrong, "{text}\n{:#?}", result.findings);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_table_has_all_twenty_four_that_are_written_back() {
    let written = rows().iter().filter(|row| row.whose == "written-back").count();
    assert_eq!(written, 22, "and the two numbers of the type, which follow `-Type`");
}

//! Lines as people type them, and what they mean.

use proptest::prelude::*;
use sim::powershell::{Argument, CmdletCall, CmdletSpec, ParameterKind, ParameterSpec};

use super::*;

fn catalogue() -> Vec<CmdletSpec> {
    use ParameterKind::{Boolean, Integer, MultiValue, OneOf, Switch, Text};
    let parameter = |(name, kind)| ParameterSpec { name, kind };
    vec![
        CmdletSpec {
            name: "Set-Mailbox",
            parameters: [
                ("Identity", Text),
                ("EmailAddresses", MultiValue),
                ("CustomAttribute1", Text),
                ("CustomAttribute10", Text),
                ("DisplayName", Text),
                ("IsExchangeCloudManaged", Boolean),
                ("Force", Switch),
                ("ResourceCapacity", Integer),
                ("Type", OneOf(&["Regular", "Shared"])),
            ]
            .map(parameter)
            .to_vec(),
        },
        CmdletSpec { name: "New-RemoteMailbox", parameters: vec![parameter(("Name", Text))] },
    ]
}

#[track_caller]
fn bound(line: &str) -> String {
    bind(&parse(line).unwrap(), &catalogue()).unwrap().to_string()
}

#[track_caller]
fn refused(line: &str) -> (&'static str, String) {
    let problem = match parse(line) {
        Err(problem) => problem,
        Ok(parsed) => bind(&parsed, &catalogue()).unwrap_err().remove(0),
    };
    (problem.code, line[problem.range].to_owned())
}

#[test]
fn quotes_follow_powershell() {
    assert_eq!(
        bound(r#"set-mailbox u7 -DisplayName 'O''Brien "x" $y `n'"#),
        r#"Set-Mailbox -Identity 'u7' -DisplayName 'O''Brien "x" $y `n'"#
    );
    assert_eq!(
        bound(r#"Set-Mailbox u7 -DisplayName "a ""b"" `"c`" `$d it's 5$""#),
        r#"Set-Mailbox -Identity 'u7' -DisplayName 'a "b" "c" $d it''s 5$'"#
    );
    assert_eq!(
        bound("Set-Mailbox u7 -DisplayName a' b 'c` d"),
        "Set-Mailbox -Identity 'u7' -DisplayName 'a b c d'"
    );
    assert_eq!(
        bound(r#"Set-Mailbox u7 -DisplayName """#),
        "Set-Mailbox -Identity 'u7' -DisplayName ''"
    );
}

/// The language specification, 2.3.5.2 and 2.3.2: what a word processor makes of quotes and dashes means the same.
#[test]
fn quotes_and_dashes_of_word_processors_are_quotes_and_dashes() {
    assert_eq!(
        bound("Set–Mailbox u7 —DisplayName ‘O’’Brien \"x\"’ –Force:$false"),
        "Set-Mailbox -Identity 'u7' -DisplayName 'O’’Brien \"x\"' -Force $false"
    );
    assert_eq!(
        bound("Set-Mailbox ‚u7‛ -DisplayName “a ‘b’ „„c`” d”"),
        "Set-Mailbox -Identity 'u7' -DisplayName 'a ‘‘b’’ „c” d'"
    );
    assert_eq!(
        bound("Set-Mailbox u7 -EmailAddresses @{‘Add’=“x”; Remove=@(‘y’,'z’)}"),
        "Set-Mailbox -Identity 'u7' -EmailAddresses @{Add='x'; Remove=@('y','z')}"
    );
    assert_eq!(
        bound("Set-Mailbox u7 -DisplayName @’\nit's\n‘@ -Force"),
        "Set-Mailbox -Identity 'u7' -DisplayName 'it''s' -Force $true"
    );
    assert_eq!(refused("Set-Mailbox ‘u7\""), ("cmdlet-quote", "‘u7\"".to_owned()));
}

/// about_Quoting_Rules, "Here-strings": quotes mean nothing inside, the line before the end mark has no end.
#[test]
fn here_strings_are_read_line_by_line() {
    assert_eq!(
        bound("Set-Mailbox u7 -DisplayName @'\nit's \"all\" `n $text\n  and '@ too\n'@ -Force"),
        "Set-Mailbox -Identity 'u7' -DisplayName 'it''s \"all\" `n $text\n  and ''@ too' -Force $true"
    );
    assert_eq!(
        bound("Set-Mailbox u7 -DisplayName @\"  \r\nsay \"\"so\"\"`tnow `$x 5$\r\n\r\n\"@"),
        "Set-Mailbox -Identity 'u7' -DisplayName 'say \"\"so\"\"\tnow $x 5$\r\n'"
    );
    assert_eq!(
        bound("Set-Mailbox u7 -EmailAddresses @{Add=@'\nx\n'@}"),
        "Set-Mailbox -Identity 'u7' -EmailAddresses @{Add='x'}"
    );
    assert_eq!(
        bound("Set-Mailbox u7 -DisplayName @'\n'@"),
        "Set-Mailbox -Identity 'u7' -DisplayName ''"
    );
    let word = |text: &str| text.to_owned();
    assert_eq!(refused("Set-Mailbox u7 -DisplayName @'x'@"), ("cmdlet-quote", word("x")));
    assert_eq!(refused("Set-Mailbox u7 -DisplayName @'\nx '@"), ("cmdlet-quote", word("@'")));
    assert_eq!(
        refused("Set-Mailbox u7 -DisplayName @\"\n$x\n\"@"),
        ("cmdlet-variable", word("$x"))
    );
    assert_eq!(refused("Set-Mailbox u7 -DisplayName @'\nx\n'@y"), ("cmdlet-syntax", word("y")));
}

#[test]
fn arrays_and_hashtables_are_read_in_every_notation() {
    for line in [
        "Set-Mailbox u7 -EmailAddresses a,b",
        "Set-Mailbox u7 -EmailAddresses a, b",
        "Set-Mailbox u7 -EmailAddresses 'a' ,\"b\"",
        "Set-Mailbox u7 -EmailAddresses @(a,b)",
        "Set-Mailbox u7 -EmailAddresses @( 'a' , 'b' )",
        "Set-Mailbox u7 -EmailAddresses ('a','b')",
        "Set-Mailbox -EmailAddresses:a,b u7 # the identity comes last",
    ] {
        let call = bind(&parse(line).unwrap(), &catalogue()).unwrap();
        let addresses = call.parameter("EmailAddresses").unwrap();
        assert_eq!(addresses.texts(), ["a", "b"], "{line}");
        assert_eq!(call.text("identity").unwrap(), "u7", "{line}");
    }
    assert_eq!(
        bound("Set-Mailbox u7 -EmailAddresses (8..11)"),
        "Set-Mailbox -Identity 'u7' -EmailAddresses @(8,9,10,11)"
    );
    assert_eq!(
        bound("Set-Mailbox u7 -EmailAddresses ( 1..-1 )"),
        "Set-Mailbox -Identity 'u7' -EmailAddresses @(1,0,-1)"
    );
    assert_eq!(refused("Set-Mailbox u7 -EmailAddresses (1..999999)").0, "cmdlet-syntax");
    assert_eq!(
        bound("Set-Mailbox u7 -EmailAddresses @{Add='x'; remove=y,'z';}"),
        "Set-Mailbox -Identity 'u7' -EmailAddresses @{Add='x'; remove=@('y','z')}"
    );
    assert_eq!(
        bound("Set-Mailbox u7 -EmailAddresses @{ 'Add' = @('x')\n Remove=\"y\" }"),
        "Set-Mailbox -Identity 'u7' -EmailAddresses @{Add=@('x'); Remove='y'}"
    );
}

#[test]
fn parameters_bind_as_in_powershell() {
    assert_eq!(
        bound("Set-Mailbox u7 -force -iSex $TRUE"),
        "Set-Mailbox -Identity 'u7' -Force $true -IsExchangeCloudManaged $true"
    );
    assert_eq!(bound("Set-Mailbox -Force:$false u7"), "Set-Mailbox -Force $false -Identity 'u7'");
    assert_eq!(bound("Set-Mailbox -Force u7"), "Set-Mailbox -Force $true -Identity 'u7'");
    assert_eq!(
        bound("Set-Mailbox u7 -CustomAttribute1 007 -Confirm:$false -ErrorAction Stop -Verbose"),
        "Set-Mailbox -Identity 'u7' -CustomAttribute1 '007'",
        "an exact name wins over a longer one, and common parameters do not reach the call"
    );
    assert_eq!(
        bound("Set-Mailbox 42 -ResourceCapacity -5 -CustomAttribute10 12"),
        "Set-Mailbox -Identity '42' -ResourceCapacity -5 -CustomAttribute10 '12'"
    );
    assert_eq!(bound("Set-Mailbox u7 –Type shared"), "Set-Mailbox -Identity 'u7' -Type 'Shared'");
    assert_eq!(bound("New-RemoteMailbox new1"), "New-RemoteMailbox -Name 'new1'");
    assert_eq!(
        bound("Set-Mailbox u7 -DisplayName $null"),
        "Set-Mailbox -Identity 'u7' -DisplayName $null"
    );
}

#[test]
fn comments_and_line_ends_mean_nothing_where_powershell_says_so() {
    assert_eq!(bound("  Set-Mailbox u7 # why -Force"), "Set-Mailbox -Identity 'u7'");
    assert_eq!(
        bound("Set-Mailbox <# who #> u7 `\n  -Force\n\n"),
        "Set-Mailbox -Identity 'u7' -Force $true"
    );
    assert_eq!(
        bound("Set-Mailbox u7 -DisplayName a#b"),
        "Set-Mailbox -Identity 'u7' -DisplayName 'a#b'"
    );
}

#[test]
fn problems_name_their_word() {
    let word = |text: &str| text.to_owned();
    assert_eq!(refused("Set-Mailbx u7"), ("unknown-cmdlet", word("Set-Mailbx")));
    assert_eq!(refused("Set-Mailbox u7 -Aliass x"), ("unknown-parameter", word("-Aliass")));
    assert_eq!(refused("Set-Mailbox u7 -Custom x"), ("ambiguous-parameter", word("-Custom")));
    assert_eq!(refused("Set-Mailbox u7 -Force $true"), ("extra-value", word("$true")));
    assert_eq!(refused("Set-Mailbox u7 -DisplayName"), ("missing-value", word("-DisplayName")));
    assert_eq!(refused("Set-Mailbox u7 -Force -Force"), ("duplicate-parameter", word("-Force")));
    assert_eq!(refused("Set-Mailbox u7 -Is true"), ("wrong-value", word("true")));
    assert_eq!(refused("Set-Mailbox u7 -WhatIf"), ("unknown-parameter", word("-WhatIf")));
    assert_eq!(refused("Set-Mailbox $u"), ("cmdlet-variable", word("$u")));
    assert_eq!(refused("Set-Mailbox \"a $u b\""), ("cmdlet-variable", word("$u")));
    assert_eq!(refused("Set-Mailbox u7 | Out-Null"), ("cmdlet-syntax", word("|")));
    assert_eq!(refused("Set-Mailbox 'u7"), ("cmdlet-quote", word("'u7")));
    assert_eq!(refused("Set-Mailbox 'it's'"), ("cmdlet-syntax", word("s")));
    assert_eq!(refused("Set-Mailbox u7 -EmailAddresses @{Add='x'"), ("cmdlet-syntax", word("@")));
    assert_eq!(refused("Set-Mailbox u7 -EmailAddresses @{Add 'x'}"), ("cmdlet-syntax", word("'")));
    assert_eq!(refused("Set-Mailbox u7 -EmailAddresses a,"), ("cmdlet-syntax", word("")));
    assert_eq!(refused(""), ("cmdlet-syntax", word("")));
}

#[test]
fn without_a_catalogue_a_value_belongs_to_the_name_before_it() {
    let call = bind_freely(&parse("Do-Something u7 -Loud -Times 3 -Quiet:$false").unwrap(), &[]);
    assert_eq!(call.to_string(), "Do-Something -Identity 'u7' -Loud $true -Times 3 -Quiet $false");
}

fn arguments() -> impl Strategy<Value = Argument> {
    let leaf = prop_oneof![
        Just(Argument::Null),
        any::<bool>().prop_map(Argument::Boolean),
        any::<i64>().prop_map(Argument::Integer),
        any::<String>().prop_map(Argument::Text),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let members = prop::collection::btree_map("[a-zA-Z][a-zA-Z0-9-]{0,8}", inner.clone(), 0..4)
            .prop_map(|members| {
                // Two names that differ in case are one.
                let mut seen: Vec<(String, Argument)> = Vec::new();
                for (name, value) in members {
                    if !seen.iter().any(|(n, _)| n.eq_ignore_ascii_case(&name)) {
                        seen.push((name, value));
                    }
                }
                seen
            });
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Argument::Array),
            members.prop_map(Argument::Hashtable),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_shown_is_read_again(
        name in "[A-Z][a-z]{1,8}-[A-Z][A-Za-z]{1,12}",
        parameters in prop::collection::vec(("[A-Za-z][A-Za-z0-9]{0,12}", arguments()), 0..5),
    ) {
        let call = CmdletCall { name, parameters };
        let shown = call.to_string();
        let read = parse(&shown).map(|line| bind_freely(&line, &[]));
        prop_assert_eq!(read, Ok(call), "{}", shown);
    }

    #[test]
    fn no_line_makes_the_parser_panic(line in any::<String>(), tail in "[-@{}()$'\"`,;=# a-z\r\n]{0,40}") {
        for line in [line.clone(), format!("Set-Mailbox {tail}"), format!("Set-Mailbox {line}")] {
            match parse(&line) {
                Ok(parsed) => { bind(&parsed, &catalogue()).ok(); }
                Err(problem) => prop_assert!(line.get(problem.range).is_some()),
            }
        }
    }
}

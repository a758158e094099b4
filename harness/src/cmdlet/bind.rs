//! Gives the words of a cmdlet line to the parameters of a catalogue, as PowerShell's binder does
//! (Microsoft Learn, about_Parameters): names without case, unambiguous prefixes, one positional
//! value for `Identity`.

use std::ops::Range;

use sim::powershell::{Argument, CmdletCall, CmdletSpec, ParameterKind, ParameterSpec};

use super::convert::convert;
use super::parse::{CmdletLine, Item};
use super::problem::CmdletProblem;
use crate::scenario::{advice, list, nearest};

/// Parameters that every cmdlet takes and that change nothing here (about_CommonParameters); with
/// `Confirm`, since nobody is there to ask. They do not reach the call.
const COMMON: [&str; 12] = [
    "Confirm",
    "Debug",
    "ErrorAction",
    "ErrorVariable",
    "InformationAction",
    "InformationVariable",
    "OutBuffer",
    "OutVariable",
    "ProgressAction",
    "Verbose",
    "WarningAction",
    "WarningVariable",
];

/// Those of [`COMMON`] that are switches, and [`SHOW`].
const COMMON_SWITCHES: [&str; 4] = ["Confirm", "Debug", "Verbose", SHOW];

/// A switch of the ActiveDirectory module's cmdlets that shows what was changed, to nobody here.
const SHOW: &str = "PassThru";

/// What a value without a name is for, whichever of these a cmdlet has first.
const POSITIONAL: [&str; 3] = ["Identity", "SoftDeletedObject", "Name"];

/// Cmdlets that take a second value without a name, and for which parameter (Microsoft Learn,
/// "Add-ADGroupMember", "Move-ADObject", "Rename-ADObject": position 1).
const SECOND: [(&str, &str); 4] = [
    ("Add-ADGroupMember", "Members"),
    ("Remove-ADGroupMember", "Members"),
    ("Move-ADObject", "TargetPath"),
    ("Rename-ADObject", "NewName"),
];

/// The call that a line makes, with the catalogue's spelling of every name.
///
/// # Errors
/// Everything that the catalogue does not know: the cmdlet, or each parameter and value.
pub fn bind(line: &CmdletLine, catalogue: &[CmdletSpec]) -> Result<CmdletCall, Vec<CmdletProblem>> {
    let Some(spec) = catalogue.iter().find(|spec| spec.name.eq_ignore_ascii_case(&line.name))
    else {
        return Err(vec![unknown_cmdlet(line, catalogue)]);
    };
    let mut binder = Binder { spec, parameters: Vec::new(), problems: Vec::new() };
    let mut items = line.items.iter().peekable();
    while let Some(item) = items.next() {
        match item {
            Item::Value { argument, range } => binder.positional(argument, range),
            Item::Parameter { name, range, attached } => {
                let Some(target) = binder.resolve(name, range) else {
                    items.next_if(|next| matches!(next, Item::Value { .. }));
                    continue;
                };
                let value = match attached {
                    Some((argument, place)) => Some((argument, place)),
                    None if target.is_switch() => None,
                    None => items.next_if(|next| matches!(next, Item::Value { .. })).map(|next| {
                        match next {
                            Item::Value { argument, range } => (argument, range),
                            Item::Parameter { .. } => (&Argument::Null, range),
                        }
                    }),
                };
                binder.named(&target, range, value);
            }
        }
    }
    binder.problems.extend(binder.missing(line));
    if binder.problems.is_empty() {
        Ok(CmdletCall { name: spec.name.to_owned(), parameters: binder.parameters })
    } else {
        Err(binder.problems)
    }
}

/// The call that a line makes when it is to fail, whatever is wrong with it: a value after a name belongs
/// to it, and the first without a name is what the cmdlet is about. A value that no parameter takes is
/// called by its own text, as PowerShell names it: nothing has a parameter of that name.
#[must_use]
pub fn bind_freely(line: &CmdletLine, catalogue: &[CmdletSpec]) -> CmdletCall {
    let spec = catalogue.iter().find(|spec| spec.name.eq_ignore_ascii_case(&line.name));
    let mut positional = match spec {
        Some(spec) => POSITIONAL.into_iter().find(|name| spec.parameter(name).is_some()),
        None => Some("Identity"),
    };
    let is_switch = |name: &str| {
        let own = spec.and_then(|spec| spec.parameter(name));
        own.is_some_and(|parameter| parameter.kind == ParameterKind::Switch)
            || COMMON_SWITCHES.iter().any(|known| known.eq_ignore_ascii_case(name))
    };
    let mut parameters: Vec<(String, Argument)> = Vec::new();
    let mut waiting: Option<String> = None;
    for item in &line.items {
        match item {
            Item::Value { argument, .. } => {
                let name = waiting.take().unwrap_or_else(|| match positional.take() {
                    Some(name) => name.to_owned(),
                    None => argument.texts().join(","),
                });
                parameters.push((name, argument.clone()));
            }
            Item::Parameter { name, attached, .. } => {
                parameters.extend(waiting.take().map(|name| (name, Argument::Boolean(true))));
                match attached {
                    Some((argument, _)) => parameters.push((name.clone(), argument.clone())),
                    None if is_switch(name) => {
                        parameters.push((name.clone(), Argument::Boolean(true)));
                    }
                    None => waiting = Some(name.clone()),
                }
            }
        }
    }
    parameters.extend(waiting.map(|name| (name, Argument::Boolean(true))));
    CmdletCall { name: line.name.clone(), parameters }
}

struct Binder<'s> {
    spec: &'s CmdletSpec,
    parameters: Vec<(String, Argument)>,
    problems: Vec<CmdletProblem>,
}

/// What a typed parameter name turned out to be.
enum Target<'s> {
    Own(&'s ParameterSpec),
    Common(&'static str),
}

impl Target<'_> {
    fn name(&self) -> &'static str {
        match self {
            Self::Own(parameter) => parameter.name,
            Self::Common(name) => name,
        }
    }

    fn is_switch(&self) -> bool {
        match self {
            Self::Own(parameter) => parameter.kind == ParameterKind::Switch,
            Self::Common(name) => COMMON_SWITCHES.contains(name),
        }
    }
}

impl<'s> Binder<'s> {
    /// The parameter that a typed name means; none, and a problem, when that is not clear.
    fn resolve(&mut self, typed: &str, range: &Range<usize>) -> Option<Target<'s>> {
        if let Some(parameter) = self.spec.parameter(typed) {
            return Some(Target::Own(parameter));
        }
        if let Some(name) = COMMON.iter().find(|name| name.eq_ignore_ascii_case(typed)) {
            return Some(Target::Common(name));
        }
        if self.is_of_ad() && typed.eq_ignore_ascii_case(SHOW) {
            return Some(Target::Common(SHOW));
        }
        let begins = |name: &str| {
            name.get(..typed.len()).is_some_and(|head| head.eq_ignore_ascii_case(typed))
        };
        let own: Vec<&ParameterSpec> =
            self.spec.parameters.iter().filter(|parameter| begins(parameter.name)).collect();
        match own.as_slice() {
            [only] => Some(Target::Own(only)),
            [] => {
                let problem = self.unknown_parameter(typed, range.clone());
                self.problems.push(problem);
                None
            }
            several => {
                let names: Vec<String> = several.iter().map(|p| format!("-{}", p.name)).collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let message =
                    format!("`-{typed}` can mean several parameters of {}", self.spec.name);
                self.problems.push(
                    CmdletProblem::new("ambiguous-parameter", range.clone(), message)
                        .label("ambiguous")
                        .help(format!("it begins {}", list(&names))),
                );
                None
            }
        }
    }

    fn named(
        &mut self,
        target: &Target<'s>,
        range: &Range<usize>,
        value: Option<(&Argument, &Range<usize>)>,
    ) {
        let name = target.name();
        if self.parameters.iter().any(|(given, _)| given == name) {
            let message = format!("`-{name}` is given twice");
            let problem = CmdletProblem::new("duplicate-parameter", range.clone(), message);
            self.problems.push(problem.label("the second time"));
            return;
        }
        let Target::Own(parameter) = target else { return };
        match value {
            Some((argument, place)) => self.convert(parameter, argument, place),
            None if target.is_switch() => {
                self.parameters.push((name.to_owned(), Argument::Boolean(true)));
            }
            None => {
                let message = format!("`-{name}` has no value");
                self.problems.push(
                    CmdletProblem::new("missing-value", range.clone(), message)
                        .label(format!("expected {}", super::convert::wanted(parameter.kind))),
                );
            }
        }
    }

    /// Whether it is a cmdlet of the ActiveDirectory module.
    fn is_of_ad(&self) -> bool {
        self.spec.name.split_once('-').is_some_and(|(_, noun)| noun.starts_with("AD"))
    }

    fn second(&self) -> Option<&'s ParameterSpec> {
        let (_, name) = SECOND.iter().find(|(cmdlet, _)| *cmdlet == self.spec.name)?;
        self.spec.parameters.iter().find(|known| known.name == *name)
    }

    fn positional(&mut self, argument: &Argument, range: &Range<usize>) {
        let target = POSITIONAL.iter().find_map(|name| self.spec.parameter(name));
        let taken = |name: &str| self.parameters.iter().any(|(given, _)| given == name);
        match target {
            Some(parameter) if !taken(parameter.name) => self.convert(parameter, argument, range),
            _ if let Some(second) = self.second().filter(|second| !taken(second.name)) => {
                self.convert(second, argument, range);
            }
            _ => {
                let problem = CmdletProblem::new(
                    "extra-value",
                    range.clone(),
                    format!("{} has no parameter for this value", self.spec.name),
                );
                self.problems.push(problem.help(match argument {
                    Argument::Boolean(_) => {
                        "a switch takes its value after a colon: `-Force:$false`"
                    }
                    _ => "name its parameter, and put a text with blanks into quotes",
                }));
            }
        }
    }

    fn convert(&mut self, parameter: &ParameterSpec, argument: &Argument, range: &Range<usize>) {
        match convert(parameter, argument, range) {
            Ok(argument) => self.parameters.push((parameter.name.to_owned(), argument)),
            Err(problem) => {
                self.problems.push(*problem);
            }
        }
    }

    /// What makes something needs a name, and what does something to something that is there its identity.
    fn missing(&self, line: &CmdletLine) -> Option<CmdletProblem> {
        let (verb, _) = self.spec.name.split_once('-')?;
        let reads = ["Get", "Search", "Start", "Test"].contains(&verb);
        let mandatory = match verb {
            // An assignment is called after its role and its assignee.
            "New" if self.spec.name == "New-ManagementRoleAssignment" => return None,
            "New" => "Name",
            _ if reads => return None,
            _ => "Identity",
        };
        let is_given = self.parameters.iter().any(|(name, _)| name == mandatory);
        if is_given || !self.problems.is_empty() || self.spec.parameter(mandatory).is_none() {
            return None;
        }
        let what = if mandatory == "Name" { "the new one is called" } else { "it is about" };
        let message = format!("{} does not say what {what}", self.spec.name);
        Some(
            CmdletProblem::new("missing-parameter", line.range.clone(), message)
                .label(format!("expected `-{mandatory}`, or its value alone")),
        )
    }

    fn unknown_parameter(&self, typed: &str, range: Range<usize>) -> CmdletProblem {
        let names = || self.spec.parameters.iter().map(|parameter| parameter.name);
        let message = format!("{} has no parameter `-{typed}`", self.spec.name);
        let problem =
            CmdletProblem::new("unknown-parameter", range, message).label("unknown parameter");
        if typed.eq_ignore_ascii_case("WhatIf") {
            return problem.help("a step that does nothing is no step; leave it out");
        }
        match nearest(typed, names()) {
            Some(meant) => problem.help(format!("did you mean `-{meant}`?")),
            None => match advice(typed, names()) {
                Some(all) => problem.help(all),
                None => problem,
            },
        }
    }
}

fn unknown_cmdlet(line: &CmdletLine, catalogue: &[CmdletSpec]) -> CmdletProblem {
    let message = format!("there is no cmdlet `{}` here", line.name);
    let problem =
        CmdletProblem::new("unknown-cmdlet", line.range.clone(), message).label("unknown cmdlet");
    match advice(&line.name, catalogue.iter().map(|spec| spec.name)) {
        Some(help) => problem.help(help),
        None => problem,
    }
}

//! Cmdlet lines of a step: parsed, bound to their catalogue, their words found in the file.

use sim::powershell::{Argument, CmdletCall, CmdletSpec};

use super::super::catalogue::Misfit;
use super::super::diagnostic::Diagnostic;
use super::super::nearest::advice;
use super::super::span::{Span, Spanned};
use super::super::yaml::Node;
use super::Reader;
use crate::cmdlet::{self, CmdletLine, CmdletProblem, Item};

/// Nouns of cmdlets whose `-Identity` is a recipient.
const RECIPIENTS: [&str; 17] = [
    "ADObject",
    "ADUser",
    "CASMailbox",
    "EXOMailbox",
    "EXORecipient",
    "Mailbox",
    "MailboxAuditBypassAssociation",
    "MailboxFolderStatistics",
    "MailboxPermission",
    "MailboxPlan",
    "MailboxStatistics",
    "MailUser",
    "MoveRequest",
    "Recipient",
    "RecipientPermission",
    "RemoteMailbox",
    "User",
];

/// By what a cmdlet names somebody: the first, or, of the PowerShell module's own reads, any of them.
const NAMING: [&str; 4] =
    ["Identity", "ExternalDirectoryObjectId", "PrimarySmtpAddress", "UserPrincipalName"];

/// Parameters that say where something is to be.
const CONTAINERS: [&str; 4] =
    ["Path", "TargetPath", "OnPremisesOrganizationalUnit", "OrganizationalUnit"];

/// Parameters of `Set-ADUser` whose hashtables and lists name attributes.
const ATTRIBUTE_PARAMETERS: [&str; 4] = ["Add", "Clear", "Remove", "Replace"];

/// A cmdlet line in the file.
struct Written<'n> {
    node: &'n Node,
    text: &'n str,
}

impl Reader<'_> {
    /// The call that a step makes. With `lenient` (the step must fail) whatever can be read at all
    /// is taken.
    pub(super) fn command(
        &mut self,
        node: &Node,
        catalogue: &[CmdletSpec],
        lenient: bool,
    ) -> Option<Spanned<CmdletCall>> {
        let Some(scalar) = node.scalar().filter(|_| !node.is_null()) else {
            self.wrong_type(node, "a cmdlet such as `Set-Mailbox u7 -CustomAttribute1 'x'`");
            return None;
        };
        let written = Written { node, text: &scalar.text };
        let line = match cmdlet::parse(&scalar.text) {
            Ok(line) => line,
            Err(problem) => {
                self.report_cmdlet(&written, problem);
                return None;
            }
        };
        let call = match cmdlet::bind(&line, catalogue) {
            Ok(call) => call,
            Err(_) if lenient => cmdlet::bind_freely(&line, catalogue),
            Err(problems) => {
                for problem in problems {
                    let problem = self.with_right_door(problem, &line);
                    self.report_cmdlet(&written, problem);
                }
                return None;
            }
        };
        if !lenient {
            self.check_identity(&written, &line, &call);
            self.check_named(&written, &line, &call);
            self.check_attributes(&written, &line, &call);
            self.check_given_values(&written, &line, &call);
        }
        self.cast.learn(&call);
        Some(Spanned::new(call, node.span))
    }

    /// The call of a step on the server or in AD, with everything that its cmdlet cannot do without.
    pub(super) fn local_command(
        &mut self,
        node: &Node,
        catalogue: &[CmdletSpec],
        lenient: bool,
    ) -> Option<Spanned<CmdletCall>> {
        let call = self.command(node, catalogue, lenient)?;
        let missing = self.catalogues.missing.filter(|_| !lenient);
        if let Some(name) = missing.and_then(|ask| ask(&call.value)) {
            let message = format!("{} cannot do without `-{name}`", call.value.name);
            self.report(
                Diagnostic::error("missing-parameter", call.span, message)
                    .label(format!("expected `-{name}` in here")),
            );
        }
        Some(call)
    }

    /// For a cmdlet that another side has, says so.
    fn with_right_door(&self, mut problem: CmdletProblem, line: &CmdletLine) -> CmdletProblem {
        if problem.code == "unknown-cmdlet" {
            let catalogues = self.catalogues;
            let doors =
                [("exo", &catalogues.exo), ("onprem", &catalogues.onprem), ("ad", &catalogues.ad)];
            let has = |specs: &[CmdletSpec]| {
                specs.iter().any(|spec| spec.name.eq_ignore_ascii_case(&line.name))
            };
            if let Some((door, _)) = doors.iter().find(|(_, specs)| has(specs)) {
                problem.help = Some(format!("it belongs to `{door}:`"));
            }
        }
        problem
    }

    /// Whoever `-Identity` names must exist.
    fn check_identity(&mut self, written: &Written<'_>, line: &CmdletLine, call: &CmdletCall) {
        let (verb, noun) = call.name.split_once('-').unwrap_or((call.name.as_str(), ""));
        let is_recipient = RECIPIENTS.iter().any(|known| known.eq_ignore_ascii_case(noun));
        if !is_recipient || verb.eq_ignore_ascii_case("New") {
            return;
        }
        let names: &[&str] = if noun.starts_with("EXO") { &NAMING } else { &NAMING[..1] };
        let named = names.iter().find_map(|name| call.parameter(name));
        let Some(Argument::Text(identity)) = named else { return };
        // Of what comes again and again the first round has to mean somebody.
        let first = self.is_repeated.then(|| identity.replace(cmdlet::ROUND, "1"));
        if self.cast.knows_identity(first.as_deref().unwrap_or(identity)) {
            return;
        }
        let range = line.items.iter().find_map(|item| match item {
            Item::Value { argument, range }
            | Item::Parameter { attached: Some((argument, range)), .. } => {
                argument.texts().iter().any(|text| text == identity).then(|| range.clone())
            }
            Item::Parameter { .. } => None,
        });
        let range = range.unwrap_or_else(|| line.range.clone());
        let span = self.locate(written, range.start, range.end);
        self.unknown_user(&Spanned::new(identity.clone(), span));
    }

    /// The domain controller and the people that parameters name must exist.
    fn check_named(&mut self, written: &Written<'_>, line: &CmdletLine, call: &CmdletCall) {
        let is = |known: &[&str], name: &str| known.iter().any(|k| k.eq_ignore_ascii_case(name));
        for (parameter, value) in &call.parameters {
            let [text] = value.texts().try_into().unwrap_or([String::new()]);
            if text.is_empty() || rounds(value) {
                continue;
            }
            let at = written.text[line.range.end..].find(&text).map(|at| at + line.range.end);
            let start = at.unwrap_or(line.range.start);
            let span = self.locate(written, start, at.map_or(line.range.end, |at| at + text.len()));
            if is(&["Server", "DomainController"], parameter) {
                let dcs = self.dcs.clone();
                let host = text.split('.').next().unwrap_or(&text).to_owned();
                let name = Spanned::new(host, span);
                self.known(
                    &name,
                    dcs.iter().map(String::as_str),
                    "unknown-dc",
                    "domain controller",
                );
            } else if is(&CONTAINERS, parameter) {
                self.check_parent(&text, span);
            } else if is(&["Manager", "ManagedBy"], parameter) && !self.cast.knows_identity(&text) {
                self.unknown_user(&Spanned::new(text, span));
            }
        }
    }

    /// Attributes that `Set-ADUser -Replace` and its like name must exist.
    fn check_attributes(&mut self, written: &Written<'_>, line: &CmdletLine, call: &CmdletCall) {
        let (_, noun) = call.name.split_once('-').unwrap_or(("", ""));
        if !["ADUser", "ADObject"].iter().any(|known| known.eq_ignore_ascii_case(noun)) {
            return;
        }
        let known: Vec<&str> = self.catalogues.ad_attributes.iter().map(String::as_str).collect();
        for (parameter, value) in &call.parameters {
            if !ATTRIBUTE_PARAMETERS.iter().any(|name| name.eq_ignore_ascii_case(parameter)) {
                continue;
            }
            let names = match value {
                Argument::Hashtable(members) => members.iter().map(|(n, _)| n.clone()).collect(),
                other => other.texts(),
            };
            for name in names {
                if known.iter().any(|attribute| attribute.eq_ignore_ascii_case(&name)) {
                    continue;
                }
                let at = written.text[line.range.end..].find(&name).map(|at| at + line.range.end);
                let start = at.unwrap_or(line.range.start);
                let end = at.map_or(line.range.end, |at| at + name.len());
                let span = self.locate(written, start, end);
                let message = format!("there is no AD attribute `{name}`");
                let problem = Diagnostic::error("unknown-attribute", span, message)
                    .label("unknown attribute");
                self.report(match advice(&name, known.iter().copied()) {
                    Some(help) => problem.help(help),
                    None => problem,
                });
            }
        }
    }

    /// Values that no attribute of AD, and no property of Exchange Online, can have.
    fn check_given_values(&mut self, written: &Written<'_>, line: &CmdletLine, call: &CmdletCall) {
        let catalogues = self.catalogues;
        let (verb, noun) = call.name.split_once('-').unwrap_or(("", ""));
        let is = |known: &[&str]| known.iter().any(|known| known.eq_ignore_ascii_case(noun));
        if !["Set", "New"].iter().any(|known| known.eq_ignore_ascii_case(verb)) {
            return;
        }
        let mut misfits: Vec<(String, Misfit)> = Vec::new();
        for (parameter, value) in &call.parameters {
            match value {
                Argument::Hashtable(members) if is(&["ADUser", "ADObject"]) => {
                    let gives =
                        ["Add", "Replace"].iter().any(|p| p.eq_ignore_ascii_case(parameter));
                    let Some(check) = catalogues.step_values.filter(|_| gives) else { continue };
                    for (name, value) in members {
                        let misfit = check(name, &in_ad(value)).err().filter(|_| !rounds(value));
                        misfits.extend(misfit.map(|misfit| (last_text(value), misfit)));
                    }
                }
                value
                    if is(&["Mailbox", "User", "MailUser"]) && verb.eq_ignore_ascii_case("Set") =>
                {
                    let Some(check) = catalogues.exo_given else { continue };
                    let misfit = check(parameter, value).err().filter(|_| !rounds(value));
                    misfits.extend(misfit.map(|misfit| (last_text(value), misfit)));
                }
                _ => {}
            }
        }
        for (text, misfit) in misfits {
            let at = written.text[line.range.end..].find(&text).filter(|_| !text.is_empty());
            let start = at.map_or(line.range.start, |at| at + line.range.end);
            let end = at.map_or(line.range.end, |_| start + text.len());
            let span = self.locate(written, start, end);
            self.report_misfit(span, Some(misfit));
        }
    }

    fn report_cmdlet(&mut self, written: &Written<'_>, mut problem: CmdletProblem) {
        let rest = self.source.get(written.node.span.end..).unwrap_or_default();
        if problem.code == "cmdlet-quote" && rest.trim_start_matches(' ').starts_with('#') {
            let help = "YAML takes ` #` for a comment, and the line ends there: put it into quotes, or into a `|` block";
            problem.help = Some(help.to_owned());
        }
        let span = self.locate(written, problem.range.start, problem.range.end);
        let diagnostic =
            Diagnostic::error(problem.code, span, problem.message).label(problem.label);
        self.report(match problem.help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        });
    }

    fn locate(&self, written: &Written<'_>, start: usize, end: usize) -> Span {
        match written.node.scalar() {
            Some(scalar) => scalar.locate(self.source, written.node.span, start, end),
            None => written.node.span,
        }
    }
}

/// The values as the ActiveDirectory module sends them: truth in capitals.
fn in_ad(value: &Argument) -> Vec<String> {
    match value {
        Argument::Boolean(truth) => vec![if *truth { "TRUE" } else { "FALSE" }.to_owned()],
        Argument::Array(values) => values.iter().flat_map(in_ad).collect(),
        other => other.texts(),
    }
}

/// The last text of a value, by which it is found in the line.
fn last_text(value: &Argument) -> String {
    value.texts().pop().unwrap_or_default()
}

/// Whether a value has the number of a round in it.
fn rounds(value: &Argument) -> bool {
    value.texts().iter().any(|text| text.contains(cmdlet::ROUND))
}

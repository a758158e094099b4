//! The tree of a file to its typed story. Everything wrong is reported, not the first only: a part
//! that cannot be read is left out, and reading goes on after it.

mod cast;
mod command;
mod comparison;
mod demand;
mod expectation;
mod exported;
mod fault;
mod fields;
mod forest;
mod graph;
mod include;
mod job;
mod ldif;
mod meets;
mod names;
mod person;
mod places;
mod population;
mod rights;
mod roles;
mod selector;
mod step;
mod story;
pub(super) mod words;
mod world;

use std::path::{Path, PathBuf};

use super::catalogue::Catalogues;
use super::diagnostic::{Diagnostic, Severity};
use super::expectation::Expectations;
use super::fault::Fault;
use super::model::{Scenario, Step, Suspension};
use super::span::{Span, Spanned};
use super::world::World;
use super::yaml::{self, Node, Value};
use cast::Cast;
use words::{ABOUT, EVIDENCE, TIERS};

/// Everything that a step can begin with.
pub use story::STEPS;

/// Everything that can break.
pub use fault::FAULTS;

/// Reads and checks one scenario file.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file.
pub fn read(
    path: &Path,
    source: &str,
    catalogues: &Catalogues,
) -> Result<Scenario, Vec<Diagnostic>> {
    let document = yaml::read(source).map_err(|diagnostic| vec![diagnostic])?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let mut reader = Reader { folder, ..Reader::new(source, catalogues) };
    let scenario = reader.scenario(&document, path);
    let mut problems = reader.problems;
    problems.sort_by_key(|problem| problem.span.start);
    // What several aliases repeat is wrong once.
    problems.dedup();
    match scenario {
        Some(scenario) if problems.iter().all(|p| p.severity != Severity::Error) => Ok(scenario),
        _ => Err(problems),
    }
}

/// The world of a scenario that says nothing about it: every default, and nobody there.
#[must_use]
pub fn standard_world(catalogues: &Catalogues) -> World {
    Reader::new("", catalogues).world(None)
}

/// Reads what stands after `fault:` in a story, for the agents and domain controllers of a world.
///
/// # Errors
/// Everything that is wrong with it, in the order of the text.
pub fn read_fault(
    source: &str,
    world: &World,
    catalogues: &Catalogues,
) -> Result<Fault, Vec<Diagnostic>> {
    let document = yaml::read(source).map_err(|diagnostic| vec![diagnostic])?;
    let mut reader = Reader::new(source, catalogues);
    match reader.fault(&document, world) {
        Some(fault) if reader.problems.is_empty() => Ok(fault.value),
        _ => Err(reader.problems),
    }
}

/// What reading needs and collects.
struct Reader<'a> {
    source: &'a str,
    catalogues: &'a Catalogues,
    problems: Vec<Diagnostic>,
    /// Who can be named from here on.
    cast: Cast,
    /// Where the file is: what it names stands beside it.
    folder: PathBuf,
    /// Roles of the world that `as:` can name beside the built-in ones.
    own_roles: Vec<String>,
    /// Domain controllers of the world.
    dcs: Vec<String>,
    /// Whether what is read comes again and again, so that `{n}` in it is a number.
    is_repeated: bool,
}

impl<'a> Reader<'a> {
    fn new(source: &'a str, catalogues: &'a Catalogues) -> Self {
        let (cast, folder) = (Cast::default(), PathBuf::new());
        let own_roles = Vec::new();
        Self {
            source,
            catalogues,
            problems: Vec::new(),
            cast,
            folder,
            own_roles,
            dcs: Vec::new(),
            is_repeated: false,
        }
    }

    fn scenario(&mut self, document: &Node, path: &Path) -> Option<Scenario> {
        let mut fields = self.fields(document, "a scenario")?;
        let title = match fields.take("scenario") {
            Some(entry) => self.sentence(&entry.value),
            None => {
                let start = Span::new(document.span.start, document.span.start);
                self.report(
                    Diagnostic::error("missing-key", start, "a scenario says what it is about")
                        .label("expected `scenario:` and a sentence"),
                );
                None
            }
        };
        let id = fields.take("id").and_then(|entry| self.sentence(&entry.value));
        let about = fields.take("about").and_then(|entry| self.word(&entry.value, &ABOUT));
        let evidence = fields.take("evidence").and_then(|entry| self.word(&entry.value, &EVIDENCE));
        let tier = fields.take("tier").and_then(|entry| self.word(&entry.value, &TIERS));
        let world = fields.take("world").map(|entry| &entry.value);
        let whole = world.and_then(|world| self.with_include(world));
        let world: World = self.world(whole.as_ref().or(world));
        self.cast = Cast::of(&world);
        self.own_roles = world.roles.iter().map(|role| role.name.value.clone()).collect();
        self.dcs = world.dc_names().map(str::to_owned).collect();
        let told = fields.take("story");
        let story = match told {
            Some(entry) => self.story(&entry.value, &world),
            None => {
                let at = title.as_ref().map_or(document.span, |title| title.span);
                self.report(
                    Diagnostic::error("missing-key", at, "nothing happens in this scenario")
                        .label("expected `story:` and its steps somewhere after this"),
                );
                Vec::new()
            }
        };
        self.check_places(&world);
        self.check_synchronized(&world);
        self.check_story(&world, &story);
        let expect: Option<Expectations> =
            fields.take("expect").map(|entry| self.expectations(&entry.value, &world));
        if let Some(entry) = told {
            self.check_says_something(&entry.value, &story, expect.as_ref());
        }
        let suspend = fields.take("suspend").map(|entry| self.suspensions(&entry.value));
        self.finish(&fields, "a scenario");
        Some(Scenario {
            title: title?,
            id,
            about,
            evidence,
            tier: tier.unwrap_or_default(),
            world,
            story,
            expect,
            suspend: suspend.unwrap_or_default(),
            path: path.to_owned(),
            source: self.source.to_owned(),
        })
    }

    /// A story without a step has nothing that could go wrong, unless something is expected of its world.
    fn check_says_something(&mut self, node: &Node, story: &[Step], expect: Option<&Expectations>) {
        let is_empty = matches!(&node.value, Value::Sequence(steps) if steps.is_empty());
        if is_empty && story.is_empty() && expect.is_none() {
            let message = "nothing happens in this scenario, and nothing is expected";
            self.report(
                Diagnostic::error("empty-story", node.span, message)
                    .label("expected a step such as `- wait: 1h`, or `expect:` after it"),
            );
        }
    }

    fn suspensions(&mut self, node: &Node) -> Vec<Suspension> {
        let nodes = self.items(node, "`suspend`");
        let suspended: Vec<Suspension> =
            nodes.iter().filter_map(|node| self.suspension(node)).collect();
        for (place, one) in suspended.iter().enumerate() {
            let oracle = &one.oracle;
            if suspended[..place].iter().any(|other| other.oracle.value == oracle.value) {
                let message = format!("`{}` is suspended twice", oracle.value);
                self.report(
                    Diagnostic::error("duplicate-name", oracle.span, message)
                        .label("the second time")
                        .help("give one suspension both reasons"),
                );
            }
        }
        suspended
    }

    fn suspension(&mut self, node: &Node) -> Option<Suspension> {
        let mut fields = self.fields(node, "a suspension")?;
        let oracle = self.required(&mut fields, "oracle");
        let because = self.required(&mut fields, "because");
        self.finish(&fields, "a suspension");
        let oracle = self.text(&oracle?.value)?;
        let names = self.catalogues.oracles.iter().map(String::as_str);
        let oracle = self.known(&oracle, names, "unknown-oracle", "oracle")?;
        let because = self.sentence(&because?.value)?;
        Some(Suspension { oracle, because })
    }

    fn report(&mut self, problem: Diagnostic) {
        self.problems.push(problem);
    }

    /// The canonical spelling of a name out of a catalogue.
    fn known<'c>(
        &mut self,
        name: &Spanned<String>,
        names: impl Iterator<Item = &'c str> + Clone,
        code: &'static str,
        what: &str,
    ) -> Option<Spanned<String>> {
        if let Some(found) = names.clone().find(|known| known.eq_ignore_ascii_case(&name.value)) {
            return Some(Spanned::new(found.to_owned(), name.span));
        }
        let message = format!("there is no {what} `{}`", name.value);
        let problem = Diagnostic::error(code, name.span, message).label(format!("unknown {what}"));
        self.report(match super::nearest::advice(&name.value, names) {
            Some(help) => problem.help(help),
            None => problem,
        });
        None
    }
}

/// Whether nothing but a scalar stands there.
fn is_scalar(node: &Node) -> bool {
    matches!(node.value, Value::Scalar(_))
}

//! How a value came about: the scenario is played again under its seed, and all that happened to one
//! person is kept.

use sim::directory::schema::known;
use sim::entra;
use sim::estate::{Estate, Subject};
use sim::exchange::property;
use sim::ledger::{ObjectKey, Side};

use super::{Progress, RunError, RunOptions, open, play, verdict};
use crate::judge::expectation::{last_writer, values};
use crate::judge::verdict::ScenarioResult;
use crate::observe::{Place, Recorder, attribute_name};
use crate::scenario::{self, AttributePath, Scenario};

/// What somebody wants to know.
#[derive(Debug, Clone)]
pub struct Question {
    /// A person, as steps call it.
    pub object: String,
    /// An attribute by its name on any side, or with its side (`ad.mail`); none for all that were
    /// written.
    pub attribute: Option<String>,
}

/// What is there in the end, and how it came about.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The verdict and everything else about the run.
    pub result: ScenarioResult,
    /// The attributes that were asked about, at the end; empty when none was named.
    pub now: Vec<Value>,
    /// What happened, oldest first.
    pub chain: Vec<String>,
}

/// An attribute at the end.
#[derive(Debug, Clone)]
pub struct Value {
    /// Side and attribute.
    pub path: String,
    /// The values.
    pub values: Vec<String>,
    /// Who wrote it last, when and with whose authority; `None` when nobody has since the start.
    pub last_writer: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// There is nobody of that name; perhaps another name was meant.
    #[error("there is nobody called `{name}` in this scenario")]
    UnknownObject {
        /// The name.
        name: String,
        /// The nearest name that there is.
        nearest: Option<String>,
    },
    /// No side has an attribute of that name.
    #[error("no side has an attribute `{name}`")]
    UnknownAttribute {
        /// The name.
        name: String,
        /// The nearest name that there is.
        nearest: Option<String>,
    },
    /// The run.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Plays a scenario and tells how what is asked about came to be what it is.
///
/// # Errors
/// [`ExplainError`].
pub fn explain(
    scenario: &Scenario,
    options: &RunOptions,
    question: &Question,
    progress: &dyn Progress,
) -> Result<Explanation, ExplainError> {
    let (mut runner, frame) = open(scenario, options, progress)?;
    let (person, paths) = runner.estate.with(|estate| understood(estate, question))?;
    let places = paths.iter().map(|(_, place)| *place).collect();
    runner.court().recorder = Some(Recorder::new(person, places));
    play(&mut runner, scenario)?;
    let chain = runner.court().recorder.take().map(|recorder| recorder.chain()).unwrap_or_default();
    let (now, chain) = runner.estate.with(|estate| {
        let subject = estate.subjects().get(person as usize);
        let now = subject.map(|subject| values_of(estate, subject, &paths)).unwrap_or_default();
        (now, chain.lines(estate))
    });
    Ok(Explanation { result: verdict::of(runner, scenario, &frame), now, chain })
}

type Asked = Vec<(AttributePath, Place)>;

fn understood(estate: &Estate, question: &Question) -> Result<(u32, Asked), ExplainError> {
    let name = &question.object;
    let person = estate.subject(name).and_then(|subject| estate.number_of(subject));
    let person = person.ok_or_else(|| {
        let names = estate.subjects().iter().map(|subject| &*subject.name);
        ExplainError::UnknownObject { name: name.clone(), nearest: nearest(name, names) }
    })?;
    let Some(attribute) = &question.attribute else { return Ok((person, Vec::new())) };
    let paths = paths_of(estate, person, attribute);
    if paths.is_empty() {
        let names = property::PROPERTIES
            .iter()
            .flat_map(|property| [Some(property.name), property.ad])
            .flatten()
            .chain(STATES.map(|(name, _)| name));
        let nearest = nearest(attribute, names);
        return Err(ExplainError::UnknownAttribute { name: attribute.clone(), nearest });
    }
    Ok((person, paths))
}

/// What of a mailbox is state and no property that a parameter sets.
const STATES: [(&str, u16); 3] = [
    ("IsExchangeCloudManaged", property::FLAG),
    ("RecipientTypeDetails", property::RECIPIENT_TYPE_DETAILS),
    ("IsDirSynced", property::IS_DIR_SYNCED),
];

/// The attribute of that name, and what it is called on the other sides.
fn paths_of(estate: &Estate, person: u32, attribute: &str) -> Asked {
    let (side, name) = match attribute.split_once('.') {
        Some((side, name)) => (Some(side), name),
        None => (None, attribute),
    };
    let is = |known: &str| known.eq_ignore_ascii_case(name);
    let mut paths = Vec::new();
    let mut add = |at: scenario::Side, name: &str, place: Place| {
        if side.is_none_or(|side| side.eq_ignore_ascii_case(place.0.short())) {
            paths.push((AttributePath { side: at, attribute: name.to_owned(), dc: None }, place));
        }
    };
    let pairs = (0..).zip(property::PROPERTIES);
    let pair = pairs.into_iter().find(|(_, p)| is(p.name) || p.ad.is_some_and(is));
    let in_ad = pair.map_or(Some(name), |(_, property)| property.ad);
    if let Some(number) = in_ad.and_then(|name| number_in_ad(estate, person, name)) {
        let key = estate.subjects().get(person as usize).and_then(|subject| subject.ad);
        let spelt =
            key.map(|ad| attribute_name(estate, ObjectKey::ad(ad.forest, ad.number), number));
        add(scenario::Side::Ad, &spelt.unwrap_or_default(), (Side::Ad, number));
    }
    if let Some((number, property)) = pair {
        add(scenario::Side::Exo, property.name, (Side::Exchange, number));
        if let Some(member) = entra::property::name(number) {
            add(scenario::Side::Entra, member, (Side::Entra, number));
        }
    }
    if let Some((state, number)) = STATES.into_iter().find(|(state, _)| is(state)) {
        add(scenario::Side::Exo, state, (Side::Exchange, number));
    }
    paths
}

fn number_in_ad(estate: &Estate, person: u32, name: &str) -> Option<u16> {
    let ad = estate.subjects().get(person as usize)?.ad?;
    let schema = estate.forests.get(ad.forest)?.schema();
    schema.attribute_named(name).map(|found| found.number).or_else(|| known::number(name))
}

fn values_of(estate: &Estate, subject: &Subject, paths: &Asked) -> Vec<Value> {
    let key = |side: Side| match side {
        Side::Ad => subject.ad.map(|ad| ObjectKey::ad(ad.forest, ad.number)),
        Side::Entra => subject.entra.map(ObjectKey::entra),
        Side::Exchange => subject.exchange.map(ObjectKey::exchange),
    };
    paths
        .iter()
        .filter_map(|(path, (side, number))| {
            let key = key(*side)?;
            Some(Value {
                path: path.to_string(),
                values: values(estate, subject, path),
                last_writer: last_writer(estate, key, *number),
            })
        })
        .collect()
}

fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<String> {
    let distance =
        |known: &str| strsim::damerau_levenshtein(&known.to_lowercase(), &name.to_lowercase());
    let best = names.map(|known| (distance(known), known)).min_by_key(|(distance, _)| *distance)?;
    (best.0 <= name.chars().count().div_ceil(3)).then(|| best.1.to_owned())
}

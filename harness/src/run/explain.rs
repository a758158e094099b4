//! How a value came about: the scenario is played again under its seed, and all that happened to one
//! person is kept.

use sim::directory::schema::known;
use sim::entra;
use sim::estate::{Estate, Subject};
use sim::exchange::property;
use sim::ledger::{ObjectKey, Side};

use super::{Progress, RunError, RunOptions, open, play, verdict};
use crate::judge::expectation::last_writer;
use crate::judge::values::values;
use crate::judge::verdict::ScenarioResult;
use crate::observe::{Place, Recorder, attribute_name};
use crate::scenario::{self, AttributePath, Scenario};
use crate::stage::{ENTRA_STATE_PROPERTIES, STATE_PROPERTIES};

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
    /// No side, or not the one that is named, has an attribute of that name.
    #[error("there is no attribute `{name}`")]
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
    let (mut runner, mut frame) = open(scenario, options, progress)?;
    if runner.estate.with(|estate| person_of(estate, &question.object)).is_none() {
        // The story may bring whoever is meant: then it is played to its end first.
        play(&mut runner, scenario)?;
    }
    let (person, asked) = runner.estate.with(|estate| understood(estate, question))?;
    if runner.now() > frame.start {
        (runner, frame) = open(scenario, options, progress)?;
    }
    runner.court().recorder = Some(Recorder::new(person, places_of(&asked)));
    play(&mut runner, scenario)?;
    let chain = runner.court().recorder.take().map(|recorder| recorder.chain()).unwrap_or_default();
    let (now, chain) = runner.estate.with(|estate| {
        let subject = estate.subjects().get(person as usize);
        let now = subject.map(|subject| values_of(estate, subject, &asked)).unwrap_or_default();
        (now, chain.lines(estate))
    });
    Ok(Explanation { result: verdict::of(runner, scenario, &frame), now, chain })
}

/// What is asked about, and where the ledger keeps it; it keeps no writer of what a service makes up when
/// it is asked, such as a time.
type Asked = Vec<(AttributePath, Option<Place>)>;

/// The places of what is asked about; none, for all that happened, when one of them has no place.
fn places_of(asked: &Asked) -> Vec<Place> {
    let places: Option<Vec<Place>> = asked.iter().map(|(_, place)| *place).collect();
    places.unwrap_or_default()
}

/// Somebody by name, user principal name or address, as steps may call them.
fn person_of(estate: &Estate, name: &str) -> Option<u32> {
    let named = || estate.subject(name).and_then(|subject| estate.number_of(subject));
    let mailbox = || estate.whose(ObjectKey::exchange(estate.exchange.find(name)?));
    let user = || estate.whose(ObjectKey::entra(estate.user_named(name)?));
    named().or_else(mailbox).or_else(user)
}

fn understood(estate: &Estate, question: &Question) -> Result<(u32, Asked), ExplainError> {
    let name = &question.object;
    let person = person_of(estate, name).ok_or_else(|| {
        let names = estate.subjects().iter().map(|subject| &*subject.name);
        ExplainError::UnknownObject { name: name.clone(), nearest: nearest(name, names) }
    })?;
    let Some(attribute) = &question.attribute else { return Ok((person, Vec::new())) };
    let asked = paths_of(estate, person, attribute);
    if asked.is_empty() {
        let names = property::PROPERTIES
            .iter()
            .flat_map(|property| [Some(property.name), property.ad])
            .flatten()
            .chain(entra::property::all().map(|(_, name)| name))
            .chain(STATE_PROPERTIES)
            .chain(ENTRA_STATE_PROPERTIES);
        let nearest = nearest(attribute, names);
        return Err(ExplainError::UnknownAttribute { name: attribute.clone(), nearest });
    }
    Ok((person, asked))
}

/// Where the ledger keeps what of a mailbox is state and no property that a parameter sets.
fn place_of_state(name: &str) -> Option<Place> {
    let number = match name {
        "IsExchangeCloudManaged" => property::FLAG,
        "RecipientTypeDetails" => property::RECIPIENT_TYPE_DETAILS,
        "IsDirSynced" => property::IS_DIR_SYNCED,
        "PrimarySmtpAddress" => property::EMAIL_ADDRESSES,
        _ => return None,
    };
    Some((Side::Exchange, number))
}

/// What is asked about: a name, on one side or on all, and on which domain controller.
struct Named<'n> {
    side: Option<Side>,
    dc: Option<&'n str>,
    name: &'n str,
}

/// Of `ad.mail`, `ad@DC2.mail`, or a name alone; nothing for a side or a domain controller that there is not.
fn split<'n>(estate: &Estate, attribute: &'n str) -> Option<Named<'n>> {
    let Some((before, name)) = attribute.split_once('.') else {
        return Some(Named { side: None, dc: None, name: attribute });
    };
    if before.eq_ignore_ascii_case(OF_EXTENSIONS) {
        return Some(Named { side: Some(Side::Entra), dc: None, name });
    }
    let (side, dc) = before.split_once('@').map_or((before, None), |(side, dc)| (side, Some(dc)));
    let sides = [Side::Ad, Side::Entra, Side::Exchange];
    let side = sides.into_iter().find(|known| known.short().eq_ignore_ascii_case(side))?;
    let is_there = dc.is_none_or(|dc| side == Side::Ad && estate.dc_named(dc).is_some());
    let name = name.strip_prefix(OF_EXTENSIONS).map_or(name, |rest| rest.trim_start_matches('.'));
    is_there.then_some(Named { side: Some(side), dc, name })
}

/// The property of a user in Entra of which the extension attributes are members.
const OF_EXTENSIONS: &str = "onPremisesExtensionAttributes";

/// The attribute of that name, and what it is called on the other sides.
fn paths_of(estate: &Estate, person: u32, attribute: &str) -> Asked {
    let Some(Named { side, dc, name: member }) = split(estate, attribute) else {
        return Asked::new();
    };
    let is = |known: &str| known.eq_ignore_ascii_case(member);
    let mut asked = Asked::new();
    let mut add = |at: Side, name: &str, place: Option<Place>| {
        if side.is_none_or(|side| side == at) {
            let path_side = match at {
                Side::Ad => scenario::Side::Ad,
                Side::Entra => scenario::Side::Entra,
                Side::Exchange => scenario::Side::Exo,
            };
            let dc = dc.map(str::to_owned);
            let path = AttributePath { side: path_side, attribute: name.to_owned(), dc };
            asked.push((path, place));
        }
    };
    let in_entra = entra::property::all().find(|(_, known)| is(known)).map(|(number, _)| number);
    let pairs = (0..).zip(property::PROPERTIES);
    let pair = pairs
        .into_iter()
        .find(|(number, p)| is(p.name) || p.ad.is_some_and(is) || in_entra == Some(*number));
    let in_ad = pair.map_or(Some(member), |(_, property)| property.ad);
    if let Some(number) = in_ad.and_then(|name| number_in_ad(estate, person, name)) {
        let key = estate.subjects().get(person as usize).and_then(|subject| subject.ad);
        let spelt =
            key.map(|ad| attribute_name(estate, ObjectKey::ad(ad.forest, ad.number), number));
        add(Side::Ad, &spelt.unwrap_or_default(), Some((Side::Ad, number)));
    }
    if let Some((number, property)) = pair {
        add(Side::Exchange, property.name, Some((Side::Exchange, number)));
        if let Some(member) = entra::property::name(number) {
            add(Side::Entra, member, Some((Side::Entra, number)));
        }
    }
    if let (None, Some(number)) = (pair, in_entra)
        && let Some(own) = entra::property::name(number)
    {
        add(Side::Entra, own, Some((Side::Entra, number)));
    }
    if let Some(state) = STATE_PROPERTIES.into_iter().find(|state| is(state)) {
        add(Side::Exchange, state, place_of_state(state));
    } else if is("Type") {
        let state = "RecipientTypeDetails";
        add(Side::Exchange, state, place_of_state(state));
    }
    if let Some(state) = ENTRA_STATE_PROPERTIES.into_iter().find(|state| is(state)) {
        add(Side::Entra, state, None);
    }
    asked
}

fn number_in_ad(estate: &Estate, person: u32, name: &str) -> Option<u16> {
    let ad = estate.subjects().get(person as usize)?.ad?;
    let schema = estate.forests.get(ad.forest)?.schema();
    schema.attribute_named(name).map(|found| found.number).or_else(|| known::number(name))
}

fn values_of(estate: &Estate, subject: &Subject, asked: &Asked) -> Vec<Value> {
    let key = |side: Side| match side {
        Side::Ad => subject.ad.map(|ad| ObjectKey::ad(ad.forest, ad.number)),
        Side::Entra => subject.entra.map(ObjectKey::entra),
        Side::Exchange => subject.exchange.map(ObjectKey::exchange),
    };
    asked
        .iter()
        .map(|(path, place)| Value {
            path: path.to_string(),
            values: values(estate, subject, path),
            last_writer: match place {
                Some((Side::Ad, number)) if is_made_by_ad(estate, subject, *number) => {
                    Some("Active Directory itself, out of other writes".to_owned())
                }
                Some((side, number)) => {
                    let written = key(*side).and_then(|key| last_writer(estate, key, *number));
                    match &path.dc {
                        Some(_) => written.map(|by| format!("{by}, on some domain controller")),
                        None => written,
                    }
                }
                None => Some("the service, which keeps no record of who changed it".to_owned()),
            },
        })
        .collect()
}

/// Whether AD makes the values of an attribute: when something is written, or for who refers to the object.
fn is_made_by_ad(estate: &Estate, subject: &Subject, number: u16) -> bool {
    const KEPT: [&str; 4] = ["uSNChanged", "uSNCreated", "whenChanged", "whenCreated"];
    let forest = subject.ad.and_then(|ad| estate.forests.get(ad.forest));
    forest.and_then(|forest| forest.schema().attribute(number)).is_some_and(|attribute| {
        let is = |name: &&str| name.eq_ignore_ascii_case(&attribute.name);
        attribute.constructed || attribute.is_back_link() || KEPT.iter().any(is)
    })
}

fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<String> {
    let distance =
        |known: &str| strsim::damerau_levenshtein(&known.to_lowercase(), &name.to_lowercase());
    let best = names.map(|known| (distance(known), known)).min_by_key(|(distance, _)| *distance)?;
    (best.0 <= name.chars().count().div_ceil(3)).then(|| best.1.to_owned())
}

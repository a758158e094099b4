//! The JSON Schema of a scenario file, for editors: made of the same tables that the reader checks
//! against. What a schema cannot say (who exists, what excludes what, cmdlet lines) `check` says.

mod expectation;
mod fault;
mod form;
mod step;
mod world;

use serde_json::{Value, json};

use self::expectation::{comparison, expectations};
use self::fault::fault;
use self::form::{duration, many, mapping, names, one_of, reference, selector, text, value};
use self::step::step;
use self::world::{population, world};
use super::catalogue::Catalogues;
use super::read::words;

/// The schema, draft 2020-12.
#[must_use]
pub fn schema(catalogues: &Catalogues) -> Value {
    let scenario = mapping(
        &[
            ("scenario", text("A sentence that says what it is about.")),
            ("id", text("Its id in the library of facts.")),
            ("about", one_of(&words::ABOUT)),
            ("evidence", one_of(&words::EVIDENCE)),
            ("tier", one_of(&words::TIERS)),
            ("world", reference("world")),
            ("story", json!({"type": "array", "items": reference("step")})),
            ("expect", reference("expectations")),
            ("suspend", many(&suspension(catalogues))),
        ],
        &["scenario", "story"],
    );
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A hybridsim scenario",
        "$defs": {
            "world": world(catalogues),
            "population": population(catalogues),
            "step": step(catalogues),
            "fault": fault(),
            "expectations": expectations(),
            "comparison": comparison(),
            "value": value(),
            "duration": duration(),
            "selector": selector(),
        },
    });
    if let (Some(schema), Value::Object(scenario)) = (schema.as_object_mut(), scenario) {
        schema.extend(scenario);
        schema.insert("type".to_owned(), json!("object"));
    }
    schema
}
fn suspension(catalogues: &Catalogues) -> Value {
    mapping(
        &[
            ("oracle", names(&catalogues.oracles)),
            ("because", text("The reason that every report shows.")),
        ],
        &["oracle", "because"],
    )
}

/// The schema as text, as it is committed.
#[must_use]
pub fn schema_text(catalogues: &Catalogues) -> String {
    format!("{:#}\n", schema(catalogues))
}

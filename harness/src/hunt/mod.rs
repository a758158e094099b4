//! The swarm: worlds, stories and fault mixes drawn from seeds.
//!
//! A seed draws its subset of [`Feature`]s, then a small world (1 to 30 mailboxes) and a story with
//! them, as a typed draft. The draft becomes the text of a scenario file, and that text is read like
//! any other: what a hunt runs is what [`Draw::text`] says, to the letter. The same seed draws the
//! same text on every machine and with any number of workers.

mod authority;
mod boarding;
mod cast;
mod cloud;
mod dice;
mod draft;
mod faults;
mod features;
mod home;
mod lifecycle;
mod looks;
mod objects;
mod people;
mod settings;
mod story;
mod switches;
mod text;
mod values;
mod world;

use std::path::Path;

pub use features::{Feature, Features};

use crate::scenario::{self, Catalogues, Diagnostic, Scenario};
use dice::Dice;
use draft::Draft;
use values::Values;

/// What a seed drew.
#[derive(Debug, Clone)]
pub struct Draw {
    /// The seed; of the draw and of the world.
    pub seed: u64,
    /// What it drew from.
    pub features: Features,
    /// The scenario file.
    pub text: String,
}

impl Draw {
    /// Draws a scenario.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let features = Features::draw(&mut Dice::of(seed, "hunt features"));
        let mut values = Values::default();
        let world = world::draw(seed, features, &mut values);
        let story = story::draw(seed, features, &world, &mut values);
        let title = format!("Seed {seed} of the swarm");
        Self { seed, features, text: text::of(&Draft { title, world, story }) }
    }

    /// The scenario, read as if it were in the file `path`.
    ///
    /// # Errors
    /// Everything that is wrong with the text: then the draw itself is wrong.
    pub fn scenario(
        &self,
        path: &Path,
        catalogues: &Catalogues,
    ) -> Result<Scenario, Vec<Diagnostic>> {
        scenario::read(path, &self.text, catalogues)
    }
}

#[cfg(test)]
mod tests;

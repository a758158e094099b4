//! Something small to remember of each person: a list by number, as long as it has to be.

/// A value for each person; the default for everybody of whom nothing was noted.
#[derive(Debug, Clone, Default)]
pub struct ByPerson<T>(Vec<T>);

impl<T: Copy + Default> ByPerson<T> {
    /// What was noted of a person.
    #[must_use]
    pub fn get(&self, person: u32) -> T {
        self.0.get(person as usize).copied().unwrap_or_default()
    }

    /// Notes something of a person; answers what was noted before.
    pub fn set(&mut self, person: u32, value: T) -> T {
        core::mem::replace(self.at(person), value)
    }

    /// Everybody up to the last of whom something was noted, with what was noted, to be changed.
    pub fn all(&mut self) -> impl Iterator<Item = (u32, &mut T)> {
        (0..).zip(&mut self.0)
    }

    /// Everybody up to the last of whom something was noted, with what was noted.
    pub fn noted(&self) -> impl Iterator<Item = (u32, T)> {
        (0..).zip(self.0.iter().copied())
    }

    /// What is noted of a person, to be changed.
    pub fn at(&mut self, person: u32) -> &mut T {
        let place = person as usize;
        if self.0.len() <= place {
            self.0.resize(place + 1, T::default());
        }
        &mut self.0[place]
    }
}

//! What of a service's surface is here, as the code that answers declares it. The parity table is made of
//! these declarations, so that nothing can answer and stand in no row.

use crate::profile::Evidence;

/// How much of what a service documents is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fidelity {
    /// It behaves as documented.
    Modelled,
    /// It works, and differs in what is said here.
    Approximated(&'static str),
    /// It is refused with the service's own words for what is not there or not supported.
    Absent,
}

impl Fidelity {
    /// The word of the parity table.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Modelled => "modelled",
            Self::Approximated(_) => "approximated",
            Self::Absent => "absent",
        }
    }

    /// What is different, where something is.
    #[must_use]
    pub const fn note(self) -> &'static str {
        match self {
            Self::Approximated(note) => note,
            Self::Modelled | Self::Absent => "",
        }
    }
}

/// An endpoint, as the router that answers it declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// The HTTP method.
    pub method: &'static str,
    /// The documented path, keys in braces.
    pub path: &'static str,
    /// How much of it is here.
    pub fidelity: Fidelity,
    /// How well it is founded that it is like this.
    pub evidence: Evidence,
}

impl Endpoint {
    /// A documented endpoint that behaves as documented.
    #[must_use]
    pub const fn new(method: &'static str, path: &'static str) -> Self {
        Self { method, path, fidelity: Fidelity::Modelled, evidence: Evidence::Documented }
    }

    /// It differs from the service's in this.
    #[must_use]
    pub const fn differing(mut self, note: &'static str) -> Self {
        self.fidelity = Fidelity::Approximated(note);
        self
    }

    /// It is refused.
    #[must_use]
    pub const fn absent(mut self) -> Self {
        self.fidelity = Fidelity::Absent;
        self
    }

    /// Less than documented is known about it.
    #[must_use]
    pub const fn known_by(mut self, evidence: Evidence) -> Self {
        self.evidence = evidence;
        self
    }
}

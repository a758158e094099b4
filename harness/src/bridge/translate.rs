//! Values of the engine in terms of the estate and back. The two share no types on purpose.

use engine::guid::Guid;
use engine::time::Timestamp;
use sim::clock::VirtualTime;

/// An instant for the engine.
#[must_use]
pub const fn to_engine(at: VirtualTime) -> Timestamp {
    Timestamp::from_micros(at.as_micros())
}

/// An instant for the estate.
#[must_use]
pub const fn to_sim(at: Timestamp) -> VirtualTime {
    VirtualTime::from_micros(at.as_micros())
}

/// A GUID for the engine.
#[must_use]
pub const fn guid_to_engine(guid: sim::guid::Guid) -> Guid {
    Guid(guid.0)
}

/// A GUID for the estate.
#[must_use]
pub const fn guid_to_sim(guid: Guid) -> sim::guid::Guid {
    sim::guid::Guid(guid.0)
}

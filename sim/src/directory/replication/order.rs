//! Which of two writes counts.
//!
//! Attributes: the higher version, then the later time, then the greater GUID of the originating
//! database, then the higher originating USN ([MS-DRSR], AttributeStamp). Values of links: the value
//! that was created later, then as attributes ([MS-DRSR], LinkValueStamp). The order is total and the
//! same everywhere, so it does not matter in which order writes arrive.

use core::cmp::Ordering;

use crate::directory::entry::{AttributeStamp, DcNumber, LinkStamp};
use crate::directory::forest::Forest;
use crate::guid::Guid;

impl Forest {
    fn database(&self, dc: DcNumber) -> Guid {
        self.dc(dc).map_or(Guid([0; 16]), |dc| dc.invocation_id)
    }

    /// The order of two stamps of an attribute: the greater one counts.
    #[must_use]
    pub fn order(&self, one: &AttributeStamp, other: &AttributeStamp) -> Ordering {
        one.version
            .cmp(&other.version)
            .then_with(|| one.seconds.cmp(&other.seconds))
            .then_with(|| self.database(one.dc).cmp(&self.database(other.dc)))
            .then_with(|| one.usn().cmp(&other.usn()))
    }

    /// The order of two stamps of a link value: the greater one counts.
    #[must_use]
    pub fn order_of_links(&self, one: &LinkStamp, other: &LinkStamp) -> Ordering {
        one.created
            .cmp(&other.created)
            .then_with(|| one.version.cmp(&other.version))
            .then_with(|| one.seconds.cmp(&other.seconds))
            .then_with(|| self.database(one.dc).cmp(&self.database(other.dc)))
            .then_with(|| one.usn().cmp(&other.usn()))
    }
}

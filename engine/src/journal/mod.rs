//! What must survive a crash: the rows of the state store and their encodings.
//!
//! Every encoding begins with a version. A row that cannot be read, or a version that is not known,
//! is reported as [`StoreError::Damaged`](crate::ports::StoreError::Damaged) and never reset.

pub(crate) mod bytes;
pub mod memory;
pub mod rows;

pub use memory::MemoryStore;

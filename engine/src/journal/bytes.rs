//! Compact, explicit encoding: little-endian numbers, texts with their length in front.

use crate::ports::StoreError;

/// Appends values to a row.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn with_version(version: u8, capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(capacity + 1);
        bytes.push(version);
        Self(bytes)
    }

    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn number(self, number: u64) -> Self {
        self.raw(&number.to_le_bytes())
    }

    pub(crate) fn text(self, text: &str) -> Self {
        self.number(text.len() as u64).raw(text.as_bytes())
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Takes values off a row, in the order in which they were written.
pub(crate) struct Reader<'a> {
    what: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Checks the version in front.
    pub(crate) fn open(
        what: &'static str,
        version: u8,
        bytes: &'a [u8],
    ) -> Result<Self, StoreError> {
        match bytes.split_first() {
            Some((found, rest)) if *found == version => Ok(Self { what, rest }),
            Some((found, _)) => Err(StoreError::Damaged(format!(
                "{what}: version {found}, and only version {version} is known"
            ))),
            None => Err(StoreError::Damaged(format!("{what}: empty row"))),
        }
    }

    pub(crate) fn raw<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        match self.rest.split_first_chunk::<N>() {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(*bytes)
            }
            None => Err(self.damaged("cut short")),
        }
    }

    pub(crate) fn number(&mut self) -> Result<u64, StoreError> {
        self.raw().map(u64::from_le_bytes)
    }

    pub(crate) fn text(&mut self) -> Result<String, StoreError> {
        let length = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        let Some((bytes, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.damaged("cut short"));
        };
        self.rest = rest;
        String::from_utf8(bytes.to_vec()).map_err(|_| self.damaged("text that is not UTF-8"))
    }

    /// Checks that nothing is left.
    pub(crate) fn finish(self) -> Result<(), StoreError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.damaged("bytes after the end")) }
    }

    pub(crate) fn damaged(&self, why: &str) -> StoreError {
        StoreError::Damaged(format!("{}: {why}", self.what))
    }
}

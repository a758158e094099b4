//! The values of one object, flat: all columns of an answer in two allocations.
//!
//! A listing has a thousand rows with some twenty properties each, most of them with one short value
//! or none. As lists of lists they would cost an allocation for each column and each value; here a
//! row is its content in one piece, and the places at which values and columns end.
//!
//! Column `i` holds the values of the `i`-th property or attribute that was asked for. Absent, null
//! and empty are the same: a column without values.

use core::fmt;
use core::ops::{Index, Range};
use std::borrow::Cow;

/// The columns of an object whose values are text: Exchange Online.
pub type Texts = Columns<str>;

/// The columns of an object whose values are bytes: Active Directory.
pub type Values = Columns<[u8]>;

/// The values of several columns. Immutable: a [`Builder`] makes it.
#[derive(PartialEq, Eq)]
pub struct Columns<T: ?Sized> {
    /// First for each column the number of values up to its end, then for each value the end of its
    /// content.
    index: Box<[usize]>,
    width: usize,
    content: Box<T>,
}

/// The values of one column.
pub struct Column<'a, T: ?Sized> {
    content: &'a T,
    /// Where the first value starts.
    start: usize,
    /// Where each value ends.
    ends: &'a [usize],
}

/// What values are made of: text or bytes.
pub trait Content: Index<Range<usize>, Output = Self> + 'static {
    /// Content that grows.
    type Buffer: Default;

    /// No content.
    const EMPTY: &'static Self;

    /// Appends a value and says where it ends.
    fn append(&self, buffer: &mut Self::Buffer) -> usize;

    /// An exact copy of what a buffer holds; the buffer is empty then and keeps its room.
    fn take(buffer: &mut Self::Buffer) -> Box<Self>;

    /// As text for people.
    fn shown(&self) -> Cow<'_, str>;
}

impl Content for str {
    type Buffer = String;

    const EMPTY: &'static Self = "";

    fn append(&self, buffer: &mut String) -> usize {
        buffer.push_str(self);
        buffer.len()
    }

    fn take(buffer: &mut String) -> Box<Self> {
        let taken = buffer.as_str().into();
        buffer.clear();
        taken
    }

    fn shown(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
}

impl Content for [u8] {
    type Buffer = Vec<u8>;

    const EMPTY: &'static Self = &[];

    fn append(&self, buffer: &mut Vec<u8>) -> usize {
        buffer.extend_from_slice(self);
        buffer.len()
    }

    fn take(buffer: &mut Vec<u8>) -> Box<Self> {
        let taken = buffer.as_slice().into();
        buffer.clear();
        taken
    }

    fn shown(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self)
    }
}

/// Builds [`Columns`], one object after the other with the same room.
pub struct Builder<T: Content + ?Sized> {
    columns: Vec<usize>,
    ends: Vec<usize>,
    buffer: T::Buffer,
}

impl<T: Content + ?Sized> Default for Builder<T> {
    fn default() -> Self {
        Self { columns: Vec::new(), ends: Vec::new(), buffer: T::Buffer::default() }
    }
}

impl<T: Content + ?Sized> Builder<T> {
    /// Adds a value to the column under way.
    pub fn push(&mut self, value: &T) {
        self.ends.push(value.append(&mut self.buffer));
    }

    /// Ends the column under way, which may have no values; the next value starts another one.
    pub fn end_column(&mut self) {
        self.columns.push(self.ends.len());
    }

    /// Adds a whole column.
    pub fn column<V: AsRef<T>>(&mut self, values: impl IntoIterator<Item = V>) {
        for value in values {
            self.push(value.as_ref());
        }
        self.end_column();
    }

    /// The object, and the builder is empty again. Values after the last
    /// [`end_column`](Self::end_column) are a column of their own.
    pub fn finish(&mut self) -> Columns<T> {
        if self.columns.last().copied().unwrap_or(0) < self.ends.len() {
            self.end_column();
        }
        let finished = Columns {
            index: [self.columns.as_slice(), &self.ends].concat().into_boxed_slice(),
            width: self.columns.len(),
            content: T::take(&mut self.buffer),
        };
        self.columns.clear();
        self.ends.clear();
        finished
    }
}

impl<T: Content + ?Sized> Columns<T> {
    /// Something to build with.
    #[must_use]
    pub fn builder() -> Builder<T> {
        Builder::default()
    }

    /// How many columns there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.width
    }

    /// Whether there are no columns.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.width == 0
    }

    /// The values of a column; none for a column that was not asked for.
    #[must_use]
    pub fn column(&self, column: usize) -> Column<'_, T> {
        if column >= self.width {
            return Column::default();
        }
        let (columns, ends) = self.index.split_at(self.width);
        let first = if column == 0 { 0 } else { columns[column - 1] };
        Column {
            content: &self.content,
            start: if first == 0 { 0 } else { ends[first - 1] },
            ends: &ends[first..columns[column]],
        }
    }

    /// All columns in order.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = Column<'_, T>> {
        (0..self.width).map(|column| self.column(column))
    }
}

impl<'a, T: Content + ?Sized> Column<'a, T> {
    /// How many values there are.
    #[must_use]
    pub const fn len(self) -> usize {
        self.ends.len()
    }

    /// Whether there are no values.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.ends.is_empty()
    }

    /// A value by its place.
    #[must_use]
    pub fn get(self, place: usize) -> Option<&'a T> {
        let end = *self.ends.get(place)?;
        let start = if place == 0 { self.start } else { self.ends[place - 1] };
        Some(&self.content[start..end])
    }

    /// The first value: the only one of a single-valued column.
    #[must_use]
    pub fn first(self) -> Option<&'a T> {
        self.get(0)
    }

    /// The values in order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = &'a T> + Clone {
        let mut start = self.start;
        self.ends.iter().map(move |end| &self.content[core::mem::replace(&mut start, *end)..*end])
    }
}

impl<T: ?Sized> Clone for Columns<T>
where
    Box<T>: Clone,
{
    fn clone(&self) -> Self {
        Self { index: self.index.clone(), width: self.width, content: self.content.clone() }
    }
}

impl<T: Content + ?Sized> Default for Columns<T> {
    fn default() -> Self {
        Builder::default().finish()
    }
}

/// Shows the values as text, whatever they are.
impl<T: Content + ?Sized> fmt::Debug for Columns<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.columns()).finish()
    }
}

/// Bytes as text, checked in one go; gives the bytes back when any value is not UTF-8.
impl TryFrom<Values> for Texts {
    type Error = Values;

    fn try_from(values: Values) -> Result<Self, Values> {
        let Values { index, width, content } = values;
        match String::from_utf8(content.into_vec()) {
            // Together they might be UTF-8 where one of them ends within a character.
            Ok(text) if index[width..].iter().all(|end| text.is_char_boundary(*end)) => {
                Ok(Self { index, width, content: text.into_boxed_str() })
            }
            Ok(text) => Err(Values { index, width, content: text.into_bytes().into() }),
            Err(error) => Err(Values { index, width, content: error.into_bytes().into() }),
        }
    }
}

/// From columns of values.
impl<T, C, V> FromIterator<C> for Columns<T>
where
    T: Content + ?Sized,
    C: IntoIterator<Item = V>,
    V: AsRef<T>,
{
    fn from_iter<I: IntoIterator<Item = C>>(columns: I) -> Self {
        let mut builder = Builder::default();
        for column in columns {
            builder.column(column);
        }
        builder.finish()
    }
}

impl<T: ?Sized> Copy for Column<'_, T> {}

impl<T: ?Sized> Clone for Column<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Content + ?Sized> Default for Column<'_, T> {
    fn default() -> Self {
        Self { content: T::EMPTY, start: 0, ends: &[] }
    }
}

impl<T: Content + PartialEq + ?Sized> PartialEq for Column<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<T: Content + ?Sized> fmt::Debug for Column<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(Content::shown)).finish()
    }
}

#[cfg(test)]
impl<T: Content + ToOwned + ?Sized> Columns<T>
where
    T::Owned: AsRef<T>,
{
    /// As lists.
    pub(crate) fn lists(&self) -> Vec<Vec<T::Owned>> {
        self.columns().map(|column| column.iter().map(ToOwned::to_owned).collect()).collect()
    }

    /// Changes the values as lists.
    pub(crate) fn edit<R>(&mut self, edit: impl FnOnce(&mut Vec<Vec<T::Owned>>) -> R) -> R {
        let mut lists = self.lists();
        let result = edit(&mut lists);
        *self = lists.iter().collect();
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn columns_keep_their_values_apart() {
        let lists = [vec![], vec!["a", "", "bc"], vec![], vec!["ä"]];
        let texts: Texts = lists.iter().collect();
        assert_eq!(texts.len(), 4);
        assert!(texts.column(0).is_empty() && texts.column(4).is_empty());
        assert_eq!(texts.column(1).iter().collect::<Vec<_>>(), ["a", "", "bc"]);
        assert_eq!((texts.column(3).first(), texts.column(1).get(2)), (Some("ä"), Some("bc")));
        assert_eq!((texts.column(0).first(), texts.column(1).get(3)), (None, None));
        assert_eq!(format!("{texts:?}"), r#"[[], ["a", "", "bc"], [], ["ä"]]"#);
        let values: Values = [[b"\xff".as_slice()]].into_iter().collect();
        assert_eq!(format!("{values:?}"), "[[\"\u{fffd}\"]]");
        assert!(Texts::default().is_empty() && !texts.is_empty());
    }

    /// The same values in other columns are another object.
    #[test]
    fn where_a_value_lies_counts() {
        let of = |lists: &[&[&str]]| -> Texts { lists.iter().map(|list| list.iter()).collect() };
        let texts = of(&[&["ab"], &[]]);
        for other in [of(&[&[], &["ab"]]), of(&[&["a", "b"], &[]]), of(&[&["ab"]])] {
            assert_ne!(texts, other);
        }
        assert_ne!(of(&[&["ab"]]).column(0), of(&[&["a", "b"]]).column(0));
        assert_eq!(of(&[&[], &["ab"]]).column(1), texts.column(0));
    }

    #[test]
    fn a_builder_starts_anew_after_each_object() {
        let mut builder = Values::builder();
        builder.column([b"left"]);
        builder.push(b"over");
        assert_eq!(builder.finish(), [[b"left"], [b"over"]].into_iter().collect());
        assert_eq!(builder.finish(), Values::default());
        builder.end_column();
        assert_eq!(builder.finish().len(), 1);
    }

    #[test]
    fn bytes_become_text_only_when_each_value_is_text() {
        let of = |lists: &[&[&[u8]]]| -> Values { lists.iter().map(|list| list.iter()).collect() };
        let texts = Texts::try_from(of(&[&["ä".as_bytes(), b""], &[], &[b"b"]]));
        assert_eq!(texts, Ok([vec!["ä", ""], vec![], vec!["b"]].iter().collect()));
        for bad in [of(&[&[b"a", b"\xff"]]), of(&[&[b"\xc3"], &[b"\xa4"]])] {
            assert_eq!(Texts::try_from(bad.clone()), Err(bad));
        }
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(
            lists in prop::collection::vec(prop::collection::vec(".{0,6}", 0..5), 0..8),
        ) {
            let texts: Texts = lists.iter().collect();
            prop_assert_eq!(&texts.lists(), &lists);
            prop_assert_eq!(&texts.clone(), &texts);
            for (column, list) in texts.columns().zip(&lists) {
                prop_assert_eq!(column.len(), list.len());
                prop_assert_eq!(column.iter().len(), list.len());
                for (place, value) in list.iter().enumerate() {
                    prop_assert_eq!(column.get(place), Some(value.as_str()));
                }
            }
        }
    }
}

//! An object's values in one allocation: immutable, compact, cheap to compare and to share.
//!
//! All three sides of the estate keep their objects as records: 600,000 mailboxes on three sides are
//! 1.8 million of them. A change makes a new record; whoever holds the old one (another domain
//! controller, a snapshot) keeps it.
//!
//! Layout: for each attribute, in ascending number, the number and the count of its values, then for
//! each value its length and its bytes. The three are variable-length integers (LEB128): one byte
//! below 128. The numbers mean what the owner's table says.

/// The number of an attribute in its owner's table.
pub type AttributeNumber = u16;

/// The values of an object by attribute number. An attribute without values is absent: there is no
/// such thing as an empty attribute. An empty *value* is possible where the owner allows it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Record(Box<[u8]>);

/// The values of one attribute, in stored order.
#[derive(Clone, Debug, Default)]
pub struct Values<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Iterator for Values<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.left == 0 {
            return None;
        }
        let (length, rest) = take_number(self.rest)?;
        let (value, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        self.left -= 1;
        Some(value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Values<'_> {}

/// Whether the values of an attribute are these: a set, whose order means nothing ([MS-ADTS] 3.1.1.1.3). Case
/// counts.
#[must_use]
pub fn is_same_set<V: AsRef<[u8]>>(values: Values<'_>, others: &[V]) -> bool {
    if values.len() != others.len() {
        return false;
    }
    if values.clone().zip(others).all(|(one, other)| one == other.as_ref()) {
        return true;
    }
    let mut one: Vec<&[u8]> = values.collect();
    let mut other: Vec<&[u8]> = others.iter().map(AsRef::as_ref).collect();
    one.sort_unstable();
    other.sort_unstable();
    one == other
}

impl Record {
    /// A record of these attributes. They must come in ascending number, each once; those without
    /// values are left out.
    #[must_use]
    pub fn from_sorted<'v, V, I>(attributes: I) -> Self
    where
        I: IntoIterator<Item = (AttributeNumber, V)>,
        V: IntoIterator<Item = &'v [u8]>,
    {
        let mut bytes = Vec::with_capacity(512);
        for (number, values) in attributes {
            push_attribute(&mut bytes, number, values);
        }
        // An exact copy instead of giving spare room back: millions of records share the heap.
        Self(bytes.as_slice().into())
    }

    /// The values of an attribute; none when it is absent.
    #[must_use]
    pub fn values(&self, number: AttributeNumber) -> Values<'_> {
        let mut rest: &[u8] = &self.0;
        while let Some((at, values, tail)) = split_attribute(rest) {
            if at >= number {
                return if at == number { values } else { Values { rest: &[], left: 0 } };
            }
            rest = tail;
        }
        Values { rest: &[], left: 0 }
    }

    /// The first value of an attribute: the value of a single-valued one.
    #[must_use]
    pub fn first(&self, number: AttributeNumber) -> Option<&[u8]> {
        self.values(number).next()
    }

    /// The first value of an attribute as text, when it is UTF-8.
    #[must_use]
    pub fn text(&self, number: AttributeNumber) -> Option<&str> {
        self.first(number).and_then(|value| core::str::from_utf8(value).ok())
    }

    /// Whether the attribute has a value.
    #[must_use]
    pub fn has(&self, number: AttributeNumber) -> bool {
        self.values(number).left > 0
    }

    /// All attributes in ascending number.
    #[must_use]
    pub fn attributes(&self) -> Attributes<'_> {
        Attributes { rest: &self.0 }
    }

    /// This record with the values of some attributes replaced. `changes` come in ascending number,
    /// each once; no values removes the attribute.
    #[must_use]
    pub fn with<V: AsRef<[u8]>>(&self, changes: &[(AttributeNumber, &[V])]) -> Self {
        let added: usize = changes
            .iter()
            .flat_map(|(_, values)| values.iter().map(|value| value.as_ref().len() + 8))
            .sum();
        let mut bytes = Vec::with_capacity(self.0.len() + added + 8 * changes.len());
        let mut changes = changes.iter().peekable();
        let mut rest: &[u8] = &self.0;
        while let Some((number, values, tail)) = split_attribute(rest) {
            while let Some((earlier, new)) = changes.next_if(|(at, _)| *at < number) {
                push_attribute(&mut bytes, *earlier, new.iter().map(AsRef::as_ref));
            }
            if let Some((_, new)) = changes.next_if(|(at, _)| *at == number) {
                push_attribute(&mut bytes, number, new.iter().map(AsRef::as_ref));
            } else {
                bytes.extend_from_slice(&rest[..rest.len() - tail.len()]);
            }
            let _ = values;
            rest = tail;
        }
        for (number, new) in changes {
            push_attribute(&mut bytes, *number, new.iter().map(AsRef::as_ref));
        }
        Self(bytes.as_slice().into())
    }

    /// Bytes that this record holds.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.len()
    }
}

/// Which attribute goes to which column of a projection: reading many attributes of a record costs one
/// pass instead of one each.
#[derive(Clone, Debug, Default)]
pub struct Projection {
    /// By attribute number: the column, and one more; 0 for attributes that are not wanted.
    columns: Vec<u16>,
    width: usize,
}

impl Projection {
    /// Column `i` is the `i`-th of `numbers`; `None` makes a column that is always empty. An attribute
    /// that is named twice goes to the later column.
    #[must_use]
    pub fn new(numbers: impl IntoIterator<Item = Option<AttributeNumber>>) -> Self {
        let mut projection = Self::default();
        for number in numbers {
            projection.width += 1;
            let Some(number) = number.map(usize::from) else { continue };
            if projection.columns.len() <= number {
                projection.columns.resize(number + 1, 0);
            }
            projection.columns[number] = u16::try_from(projection.width).unwrap_or(0);
        }
        projection
    }

    /// The values of a record by column.
    #[must_use]
    pub fn of<'a>(&self, record: &'a Record) -> Vec<Values<'a>> {
        let mut columns = vec![Values { rest: &[], left: 0 }; self.width];
        self.each(record, |column, values| columns[column] = values);
        columns
    }

    /// Shows each column that has values, in the order of the record.
    pub fn each<'a>(&self, record: &'a Record, mut show: impl FnMut(usize, Values<'a>)) {
        for (number, values) in record.attributes() {
            match self.columns.get(usize::from(number)) {
                Some(0) => {}
                Some(column) => show(usize::from(*column) - 1, values),
                None => break,
            }
        }
    }
}

/// The attributes of a record, in ascending number.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (AttributeNumber, Values<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (number, values, rest) = split_attribute(self.rest)?;
        self.rest = rest;
        Some((number, values))
    }
}

fn push_attribute<'v>(
    bytes: &mut Vec<u8>,
    number: AttributeNumber,
    values: impl IntoIterator<Item = &'v [u8]>,
) {
    let start = bytes.len();
    push_number(bytes, usize::from(number));
    let count_at = bytes.len();
    bytes.push(0);
    let mut count: usize = 0;
    for value in values {
        push_number(bytes, value.len());
        bytes.extend_from_slice(value);
        count += 1;
    }
    if count == 0 {
        bytes.truncate(start);
    } else if let Ok(short @ 1..0x80) = u8::try_from(count) {
        bytes[count_at] = short;
    } else {
        let mut long = Vec::new();
        push_number(&mut long, count);
        bytes.splice(count_at..=count_at, long);
    }
}

#[inline]
fn split_attribute(bytes: &[u8]) -> Option<(AttributeNumber, Values<'_>, &[u8])> {
    let (number, rest) = take_number(bytes)?;
    if let [1, values @ ..] = rest
        && let [length @ 0..0x80, after @ ..] = values
    {
        // One short value, as most attributes have.
        let tail = after.get(usize::from(*length)..)?;
        let number = AttributeNumber::try_from(number).ok()?;
        return Some((number, Values { rest: values, left: 1 }, tail));
    }
    let (count, rest) = take_number(rest)?;
    let mut tail = rest;
    for _ in 0..count {
        let (length, after) = take_number(tail)?;
        tail = after.get(length..)?;
    }
    Some((AttributeNumber::try_from(number).ok()?, Values { rest, left: count }, tail))
}

fn push_number(bytes: &mut Vec<u8>, mut number: usize) {
    loop {
        let low = u8::try_from(number & 0x7f).expect("seven bits fit a byte");
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

#[inline]
fn take_number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, mut rest) = bytes.split_first()?;
    if first < 0x80 {
        return Some((usize::from(first), rest));
    }
    let mut number = usize::from(first & 0x7f);
    let mut shift = 7;
    loop {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        number |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte < 0x80 {
            return Some((number, rest));
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(record: &Record, number: u16) -> Vec<String> {
        record.values(number).map(|v| String::from_utf8(v.to_vec()).unwrap()).collect()
    }

    #[test]
    fn the_order_of_values_means_nothing_and_their_number_and_case_do() {
        let record = Record::from_sorted([(1, vec![b"a".as_slice(), b"b".as_slice()])]);
        for (others, same) in [
            (vec!["a", "b"], true),
            (vec!["b", "a"], true),
            (vec!["A", "b"], false),
            (vec!["a", "a"], false),
            (vec!["a"], false),
            (vec![], false),
        ] {
            assert_eq!(is_same_set(record.values(1), &others), same, "{others:?}");
        }
    }

    #[test]
    fn a_change_replaces_adds_and_removes_without_touching_the_rest() {
        let old = Record::from_sorted([
            (1, vec![b"a".as_slice()]),
            (3, vec![b"x".as_slice(), b"y".as_slice()]),
            (7, vec![b"z".as_slice()]),
        ]);
        let none: &[&[u8]] = &[];
        let new = old.with(&[(2, &[b"b".as_slice()]), (3, none), (9, &[b"n".as_slice(), b"m"])]);
        assert_eq!(texts(&new, 1), ["a"]);
        assert_eq!(texts(&new, 2), ["b"]);
        assert!(!new.has(3));
        assert_eq!(texts(&new, 7), ["z"]);
        assert_eq!(texts(&new, 9), ["n", "m"]);
        assert_eq!(texts(&old, 3), ["x", "y"], "the old record is still there");
        assert_eq!(new.attributes().map(|(n, _)| n).collect::<Vec<_>>(), [1, 2, 7, 9]);
    }

    #[test]
    fn many_and_long_values_keep_their_place() {
        let long = vec![b'x'; 70_000];
        let many: Vec<Vec<u8>> = (0..300).map(|n: u32| n.to_string().into_bytes()).collect();
        let many: Vec<&[u8]> = many.iter().map(Vec::as_slice).collect();
        let record = Record::from_sorted([
            (5, vec![long.as_slice()]),
            (300, many),
            (301, vec![b"end".as_slice()]),
        ]);
        assert_eq!(record.first(5).unwrap().len(), 70_000);
        assert_eq!(record.values(300).len(), 300);
        assert_eq!(record.values(300).last().unwrap(), b"299");
        assert_eq!(record.first(301).unwrap(), b"end");
    }

    #[test]
    fn a_projection_reads_many_attributes_in_one_pass() {
        let record = Record::from_sorted([
            (1, vec![b"a".as_slice()]),
            (3, vec![b"x".as_slice(), b"y".as_slice()]),
            (7, vec![b"z".as_slice()]),
        ]);
        let projection = Projection::new([Some(7), None, Some(3), Some(2)]);
        let columns: Vec<usize> = projection.of(&record).iter().map(Values::len).collect();
        assert_eq!(columns, [1, 0, 2, 0]);
    }

    #[test]
    fn an_attribute_without_values_is_absent() {
        let empty: [&[u8]; 0] = [];
        let record = Record::from_sorted([(1, empty)]);
        assert_eq!(record, Record::default());
        assert_eq!(record.values(1).len(), 0);
    }
}

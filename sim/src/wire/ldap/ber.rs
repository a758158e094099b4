//! BER as LDAP uses it (RFC 4511 5.1): a reader that copies nothing and a writer that fills one
//! buffer from its end.
//!
//! Read are one-byte tags and definite lengths in short and long form; Windows clients send four-byte
//! lengths even for short elements. The writer goes backwards, so that every length is known when its
//! header is written.

/// BOOLEAN.
pub const BOOLEAN: u8 = 0x01;
/// INTEGER.
pub const INTEGER: u8 = 0x02;
/// OCTET STRING.
pub const OCTETS: u8 = 0x04;
/// ENUMERATED.
pub const ENUMERATED: u8 = 0x0a;
/// SEQUENCE.
pub const SEQUENCE: u8 = 0x30;
/// SET.
pub const SET: u8 = 0x31;

/// The bytes are not the BER that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BerError {
    /// An element ends before its length.
    #[error("an element ends early")]
    Truncated,
    /// A length that is indefinite, or longer than a machine word.
    #[error("a length cannot be used")]
    Length,
    /// A tag of several bytes, or another one than expected.
    #[error("an unexpected tag")]
    Tag,
    /// A value that its type cannot hold.
    #[error("an invalid value")]
    Value,
    /// Nested deeper than allowed.
    #[error("nested too deep")]
    Depth,
    /// Longer than allowed.
    #[error("too long")]
    TooLong,
}

/// An element: its tag and its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// The tag byte.
    pub tag: u8,
    /// What is in it.
    pub content: &'a [u8],
}

/// Reads elements one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

/// How long the first message in `bytes` is, header included; `None` when its header is not complete.
///
/// # Errors
/// When it is no SEQUENCE, or longer than `most`.
pub fn message_length(bytes: &[u8], most: usize) -> Result<Option<usize>, BerError> {
    match bytes.first() {
        None => return Ok(None),
        Some(&SEQUENCE) => {}
        Some(_) => return Err(BerError::Tag),
    }
    match read_length(&bytes[1..]) {
        Ok((length, header)) => {
            let total = length.checked_add(1 + header).ok_or(BerError::TooLong)?;
            if total > most { Err(BerError::TooLong) } else { Ok(Some(total)) }
        }
        Err(BerError::Truncated) => Ok(None),
        Err(error) => Err(error),
    }
}

impl<'a> Reader<'a> {
    /// A reader over these bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Whether everything has been read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The tag of the next element.
    #[must_use]
    pub fn peek(&self) -> Option<u8> {
        self.bytes.first().copied()
    }

    /// The next element.
    ///
    /// # Errors
    /// When there is none, or its header is unusable.
    pub fn element(&mut self) -> Result<Element<'a>, BerError> {
        let (&tag, rest) = self.bytes.split_first().ok_or(BerError::Truncated)?;
        if tag & 0x1f == 0x1f {
            return Err(BerError::Tag);
        }
        let (length, header) = read_length(rest)?;
        let (content, rest) = rest[header..].split_at_checked(length).ok_or(BerError::Truncated)?;
        self.bytes = rest;
        Ok(Element { tag, content })
    }

    /// The content of the next element, which must have this tag.
    ///
    /// # Errors
    /// As [`Self::element`], and for another tag.
    pub fn expect(&mut self, tag: u8) -> Result<&'a [u8], BerError> {
        let element = self.element()?;
        if element.tag == tag { Ok(element.content) } else { Err(BerError::Tag) }
    }

    /// The content of the next element if it has this tag.
    ///
    /// # Errors
    /// As [`Self::element`].
    pub fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, BerError> {
        if self.peek() == Some(tag) { self.expect(tag).map(Some) } else { Ok(None) }
    }

    /// A number under this tag.
    ///
    /// # Errors
    /// As [`Self::expect`], and for a number over 64 bits.
    pub fn number(&mut self, tag: u8) -> Result<i64, BerError> {
        read_number(self.expect(tag)?)
    }

    /// A truth value under this tag.
    ///
    /// # Errors
    /// As [`Self::expect`], and for a content that is not one byte.
    pub fn boolean(&mut self, tag: u8) -> Result<bool, BerError> {
        read_boolean(self.expect(tag)?)
    }

    /// Text under this tag.
    ///
    /// # Errors
    /// As [`Self::expect`], and for bytes that are not UTF-8.
    pub fn text(&mut self, tag: u8) -> Result<&'a str, BerError> {
        core::str::from_utf8(self.expect(tag)?).map_err(|_| BerError::Value)
    }
}

/// The number in an element.
///
/// # Errors
/// When it is empty or over 64 bits.
pub fn read_number(content: &[u8]) -> Result<i64, BerError> {
    let (&first, _) = content.split_first().ok_or(BerError::Value)?;
    if content.len() > 8 {
        return Err(BerError::Value);
    }
    let sign = if first & 0x80 == 0 { 0 } else { -1 };
    Ok(content.iter().fold(sign, |number, byte| number << 8 | i64::from(*byte)))
}

/// The truth value in an element.
///
/// # Errors
/// When it is not one byte.
pub fn read_boolean(content: &[u8]) -> Result<bool, BerError> {
    if let [byte] = content { Ok(*byte != 0) } else { Err(BerError::Value) }
}

/// A length and how many bytes it took.
fn read_length(bytes: &[u8]) -> Result<(usize, usize), BerError> {
    let (&first, rest) = bytes.split_first().ok_or(BerError::Truncated)?;
    if first < 0x80 {
        return Ok((usize::from(first), 1));
    }
    let count = usize::from(first & 0x7f);
    if count == 0 || count > size_of::<usize>() {
        return Err(BerError::Length);
    }
    let digits = rest.get(..count).ok_or(BerError::Truncated)?;
    let length = digits.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
    Ok((length, 1 + count))
}

/// Writes elements from the last to the first into one buffer.
#[derive(Debug, Default)]
pub struct Writer {
    buffer: Vec<u8>,
    /// Where the written bytes begin.
    start: usize,
}

/// Where an element ends that is yet to be closed.
#[derive(Clone, Copy, Debug)]
pub struct End(usize);

impl Writer {
    /// What has been written.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Forgets what has been written; the buffer stays for the next time.
    pub fn clear(&mut self) {
        self.start = self.buffer.len();
    }

    /// The end of an element whose content is written next, before [`Self::close`].
    #[must_use]
    pub fn open(&self) -> End {
        End(self.buffer.len() - self.start)
    }

    /// Puts the header before everything written since `end`.
    pub fn close(&mut self, tag: u8, end: End) {
        let length = self.buffer.len() - self.start - end.0;
        self.header(tag, length);
    }

    /// Writes an element with this content.
    pub fn octets(&mut self, tag: u8, content: &[u8]) {
        self.raw(content);
        self.header(tag, content.len());
    }

    /// Writes a number in as few bytes as it needs.
    pub fn number(&mut self, tag: u8, number: i64) {
        let bytes = number.to_be_bytes();
        let sign = if number < 0 { 0xff } else { 0 };
        let spare = bytes
            .windows(2)
            .take_while(|pair| pair[0] == sign && (pair[1] & 0x80 != 0) == (number < 0))
            .count();
        self.octets(tag, &bytes[spare..]);
    }

    /// Writes a truth value.
    pub fn boolean(&mut self, tag: u8, value: bool) {
        self.octets(tag, &[if value { 0xff } else { 0 }]);
    }

    /// Writes bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        if self.start < bytes.len() {
            self.grow(bytes.len());
        }
        self.start -= bytes.len();
        self.buffer[self.start..self.start + bytes.len()].copy_from_slice(bytes);
    }

    fn header(&mut self, tag: u8, length: usize) {
        if length < 0x80 {
            let short = u8::try_from(length).expect("the length is below 128");
            self.raw(&[tag, short]);
            return;
        }
        let bytes = length.to_be_bytes();
        let digits = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
        self.raw(digits);
        let count = u8::try_from(digits.len()).expect("a length has at most eight digits");
        self.raw(&[tag, 0x80 | count]);
    }

    /// Makes room at the front for at least this many bytes.
    fn grow(&mut self, needed: usize) {
        let written = self.buffer.len() - self.start;
        let size = (self.buffer.len() * 2).max(written + needed).max(512);
        let mut buffer = vec![0; size];
        buffer[size - written..].copy_from_slice(self.bytes());
        self.start = size - written;
        self.buffer = buffer;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn long_lengths_are_read_even_where_short_ones_would_do() {
        let bytes = [OCTETS, 0x84, 0, 0, 0, 2, b'h', b'i'];
        assert_eq!(Reader::new(&bytes).expect(OCTETS), Ok(b"hi".as_slice()));
    }

    #[test]
    fn unusable_headers_are_refused() {
        let element = |bytes: &'static [u8]| Reader::new(bytes).element();
        assert_eq!(element(&[]), Err(BerError::Truncated));
        assert_eq!(element(&[OCTETS]), Err(BerError::Truncated));
        assert_eq!(element(&[OCTETS, 5, b'x']), Err(BerError::Truncated));
        assert_eq!(element(&[OCTETS, 0x80]), Err(BerError::Length));
        assert_eq!(element(&[OCTETS, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1]), Err(BerError::Length));
        assert_eq!(element(&[OCTETS, 0x88, 255, 255, 255, 255, 255, 255, 255, 255]), {
            Err(BerError::Truncated)
        });
        assert_eq!(element(&[0x1f, 0x81, 0]), Err(BerError::Tag));
    }

    #[test]
    fn a_message_is_measured_before_it_is_there() {
        assert_eq!(message_length(&[], 100), Ok(None));
        assert_eq!(message_length(&[SEQUENCE], 100), Ok(None));
        assert_eq!(message_length(&[SEQUENCE, 0x82, 1], 1000), Ok(None));
        assert_eq!(message_length(&[SEQUENCE, 0x82, 1, 0], 1000), Ok(Some(260)));
        assert_eq!(message_length(&[SEQUENCE, 0x82, 1, 0], 100), Err(BerError::TooLong));
        let huge = [SEQUENCE, 0x88, 255, 255, 255, 255, 255, 255, 255, 255];
        assert_eq!(message_length(&huge, 100), Err(BerError::TooLong));
        assert_eq!(message_length(b"GET / HTTP/1.1", 100), Err(BerError::Tag));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(number: i64, flag: bool, content: Vec<u8>, tail in 0_usize..400) {
            let mut writer = Writer::default();
            writer.octets(OCTETS, &vec![7; tail]);
            let end = writer.open();
            writer.octets(OCTETS, &content);
            writer.boolean(BOOLEAN, flag);
            writer.number(INTEGER, number);
            writer.close(SEQUENCE, end);
            let mut outer = Reader::new(writer.bytes());
            let mut reader = Reader::new(outer.expect(SEQUENCE).unwrap());
            prop_assert_eq!(reader.number(INTEGER), Ok(number));
            prop_assert_eq!(reader.boolean(BOOLEAN), Ok(flag));
            prop_assert_eq!(reader.expect(OCTETS), Ok(content.as_slice()));
            prop_assert!(reader.is_empty());
            prop_assert_eq!(outer.expect(OCTETS).map(<[u8]>::len), Ok(tail));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            while let Ok(element) = reader.element() {
                let _ = read_number(element.content);
            }
            let _ = message_length(&bytes, 1000);
        }
    }
}

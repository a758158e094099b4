//! A directory's export as LDIF ([RFC 2849]), record by record: nothing but the record that is read is
//! in memory.

use std::io::BufRead;

use super::ldif::{LdifError, parse_line};

/// An object as an export lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedObject {
    /// The line of its `dn:`, from 1.
    pub line: usize,
    /// Its distinguished name.
    pub dn: String,
    /// Its values, in the order of the file.
    pub values: Vec<ExportedValue>,
}

/// One value of an exported object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedValue {
    /// Its line, from 1.
    pub line: usize,
    /// The attribute, without options.
    pub attribute: String,
    /// The value.
    pub value: Vec<u8>,
}

impl ExportedObject {
    /// The values of an attribute, by name without case.
    pub fn values_of<'e, 'n>(
        &'e self,
        name: &'n str,
    ) -> impl Iterator<Item = &'e ExportedValue> + use<'e, 'n> {
        self.values.iter().filter(move |value| value.attribute.eq_ignore_ascii_case(name))
    }

    /// The first value of an attribute as text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values_of(name).next().and_then(|value| core::str::from_utf8(&value.value).ok())
    }

    /// Whether it is an account of a person: a user, and no computer.
    #[must_use]
    pub fn is_person(&self) -> bool {
        let is = |class: &str| {
            self.values_of("objectClass").any(|v| v.value.eq_ignore_ascii_case(class.as_bytes()))
        };
        (is("user") || is("inetOrgPerson")) && !is("computer")
    }

    /// What people call it: `sAMAccountName`, else the value of its first name component.
    #[must_use]
    pub fn name(&self) -> String {
        self.text("sAMAccountName").map_or_else(
            || {
                let dn = super::name::Dn::parse(&self.dn).ok();
                dn.and_then(|dn| dn.rdn().map(|rdn| rdn.value.clone())).unwrap_or_default()
            },
            str::to_owned,
        )
    }
}

/// The objects of an export.
#[derive(Debug)]
pub struct ExportedObjects<R> {
    input: R,
    /// How many lines were read.
    line: usize,
    /// The first line of the next record, when it was read already.
    done: bool,
}

impl<R: BufRead> ExportedObjects<R> {
    /// The objects that `input` lists.
    pub const fn new(input: R) -> Self {
        Self { input, line: 0, done: false }
    }

    /// The logical lines of the next record that has any; none at the end.
    fn record(&mut self) -> Result<Vec<(usize, String)>, LdifError> {
        let mut lines: Vec<(usize, String)> = Vec::new();
        let mut bytes = Vec::new();
        while !self.done {
            bytes.clear();
            self.line += 1;
            let wrong = |problem: String| LdifError { line: self.line, problem };
            let read = self.input.read_until(b'\n', &mut bytes);
            self.done = read.map_err(|error| wrong(error.to_string()))? == 0;
            let text = core::str::from_utf8(&bytes)
                .map_err(|_| wrong("not UTF-8 text; `ldifde -u` writes UTF-16".to_owned()))?;
            let text = text.trim_end_matches(['\n', '\r']).trim_start_matches('\u{feff}');
            if let (Some(rest), Some((_, last))) = (text.strip_prefix(' '), lines.last_mut()) {
                last.push_str(rest);
            } else if text.trim().is_empty() {
                lines.retain(|(_, line)| !line.starts_with('#') && !is_version(line));
                if !lines.is_empty() {
                    break;
                }
            } else {
                lines.push((self.line, text.to_owned()));
            }
        }
        lines.retain(|(_, line)| !line.starts_with('#') && !is_version(line));
        Ok(lines)
    }
}

fn is_version(line: &str) -> bool {
    line.get(..8).is_some_and(|head| head.eq_ignore_ascii_case("version:"))
}

impl<R: BufRead> Iterator for ExportedObjects<R> {
    type Item = Result<ExportedObject, LdifError>;

    fn next(&mut self) -> Option<Self::Item> {
        let lines = match self.record() {
            Ok(lines) if lines.is_empty() => return None,
            Ok(lines) => lines,
            Err(error) => {
                self.done = true;
                return Some(Err(error));
            }
        };
        let object = object(&lines);
        if object.is_err() {
            self.done = true;
        }
        Some(object)
    }
}

fn object(lines: &[(usize, String)]) -> Result<ExportedObject, LdifError> {
    let mut object: Option<ExportedObject> = None;
    for (number, line) in lines {
        let wrong = |problem: &str| LdifError { line: *number, problem: problem.to_owned() };
        let (name, value) = parse_line(*number, line)?
            .pair
            .ok_or_else(|| wrong("`-` belongs to a change, and an export lists objects"))?;
        let Some(object) = &mut object else {
            if !name.eq_ignore_ascii_case("dn") {
                return Err(wrong("a record starts with `dn:`"));
            }
            let dn = String::from_utf8(value).map_err(|_| wrong("the name is not UTF-8 text"))?;
            object = Some(ExportedObject { line: *number, dn, values: Vec::new() });
            continue;
        };
        if name.eq_ignore_ascii_case("changetype") {
            if !value.eq_ignore_ascii_case(b"add") {
                return Err(wrong("an export lists objects; changes belong into an `ldif:` step"));
            }
            continue;
        }
        let attribute = name.split(';').next().unwrap_or_default().to_owned();
        object.values.push(ExportedValue { line: *number, attribute, value });
    }
    object.ok_or_else(|| LdifError { line: 0, problem: "an empty record".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Result<ExportedObject, LdifError>> {
        ExportedObjects::new(text.as_bytes()).collect()
    }

    /// What the usual tools write: byte order mark, version, comments, folded and encoded values.
    #[test]
    fn objects_keep_their_lines() {
        let all = read(
            "\u{feff}version: 1\r\n# made by ldifde\r\n\r\ndn: OU=A,DC=x\r\nchangetype: add\r\nobjectClass: organizationalUnit\r\n\r\n\r\n\
             dn: CN=u,OU=A,\r\n DC=x\r\nobjectClass: top\r\nobjectClass: user\r\nsAMAccountName: u1\r\n\
             sn:: w6Q=\r\nmember;range=0-1499: CN=v,DC=x\r\n",
        );
        let [Ok(unit), Ok(user)] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((unit.line, unit.dn.as_str(), unit.is_person()), (4, "OU=A,DC=x", false));
        assert_eq!((user.line, user.dn.as_str(), user.is_person()), (9, "CN=u,OU=A,DC=x", true));
        assert_eq!((user.name().as_str(), user.text("SN")), ("u1", Some("ä")));
        assert_eq!(user.values_of("member").next().map(|value| value.line), Some(15));
    }

    #[test]
    fn mistakes_end_the_reading_and_are_placed() {
        for (text, line) in [
            ("dn: DC=x\nsn\n", 2),
            ("sn: a\n", 1),
            ("dn: DC=x\n\ndn: CN=a,DC=x\nchangetype: modify\n", 4),
            ("dn: DC=x\nsn:: ***\n", 2),
        ] {
            let last = read(text).pop().unwrap();
            assert_eq!(last.unwrap_err().line, line, "{text}");
        }
    }
}

//! Drawn values: custom attributes, addresses, long ones. Every one is new, so that no two steps of a
//! story collide unless they are meant to.

use super::dice::Dice;

/// The domain of all drawn people: the language's default tenant.
pub(super) const DOMAIN: &str = "contoso.com";

/// Makes values that were not there before.
#[derive(Default)]
pub(super) struct Values {
    made: u64,
}

impl Values {
    fn next(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// A short word.
    pub(super) fn word(&mut self, dice: &mut Dice) -> String {
        let number = self.next();
        match dice.between(0, 5) {
            0 => format!("HR-{number}"),
            1 => format!("Straße {number}"),
            2 => format!("it's {number}"),
            3 => format!("{number}"),
            4 => format!("A, B; C = {number}"),
            _ => format!("value {number}"),
        }
    }

    /// A short word in ASCII.
    pub(super) fn plain(&mut self) -> String {
        format!("value {}", self.next())
    }

    /// A text of exactly `length` characters.
    pub(super) fn long(&mut self, length: usize) -> String {
        let mut text = format!("{}-", self.next());
        while text.len() < length {
            text.push('x');
        }
        text
    }

    /// An SMTP address without its prefix, in the tenant's domain.
    pub(super) fn address(&mut self, dice: &mut Dice) -> String {
        let number = self.next();
        match dice.between(0, 2) {
            0 => format!("Alias.{number}@{DOMAIN}"),
            1 => format!("a{number}@{DOMAIN}"),
            _ => format!("first.last+{number}@{DOMAIN}"),
        }
    }

    /// An X500 address with its prefix.
    pub(super) fn x500(&mut self) -> String {
        let number = self.next();
        format!("X500:/o=Contoso/ou=Exchange Administrative Group/cn=Recipients/cn=r{number}")
    }

    /// A SIP address with its prefix.
    pub(super) fn sip(&mut self) -> String {
        format!("SIP:sip{}@{DOMAIN}", self.next())
    }

    /// One to four short values for a multi-valued attribute.
    pub(super) fn several(&mut self, dice: &mut Dice) -> Vec<String> {
        (0..dice.between(1, 4)).map(|_| format!("m-{}", self.next())).collect()
    }
}

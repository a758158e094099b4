//! What an account may write of an object, as AD itself tells it: of which attributes the object's class has any at
//! all, and which of these the caller may write ([MS-ADTS] 3.1.1.4.5, `allowedAttributes` and
//! `allowedAttributesEffective`). So what would fail for the schema or for rights is known before anything is sent.

use crate::ports::Name;
use crate::values::Column;

/// The attributes that tell, to be read in this order.
pub const ALLOWED: [Name; 2] =
    [Name::Borrowed("allowedAttributes"), Name::Borrowed("allowedAttributesEffective")];

/// The attributes of an object that cannot be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unwritable {
    /// The schema gives the object's class none of these.
    pub absent: Vec<Name>,
    /// The caller's account lacks the right to these.
    pub denied: Vec<Name>,
}

impl Unwritable {
    /// Which of `attributes` an object cannot be written, by the two columns of [`ALLOWED`]; `None` where the
    /// server shows neither, so that nobody can say.
    #[must_use]
    pub fn of<'a>(
        class: Column<'_, [u8]>,
        effective: Column<'_, [u8]>,
        attributes: impl IntoIterator<Item = &'a Name>,
    ) -> Option<Self> {
        if class.is_empty() {
            return None;
        }
        let mut unwritable = Self::default();
        for name in attributes {
            let has = |column: Column<'_, [u8]>| {
                column.iter().any(|known| known.eq_ignore_ascii_case(name.as_bytes()))
            };
            if !has(class) {
                unwritable.absent.push(name.clone());
            } else if !has(effective) {
                unwritable.denied.push(name.clone());
            }
        }
        Some(unwritable)
    }
}

/// Names side by side, for people.
#[must_use]
pub fn listed(names: &[Name]) -> String {
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::Values;

    #[test]
    fn the_schema_and_the_account_are_told_apart_and_silence_from_both() {
        let wanted = ["mail", "proxyAddresses", "extensionAttribute1"].map(Name::Borrowed);
        let of = |class: &[&str], effective: &[&str]| {
            let values: Values = [class, effective].iter().map(|one| one.iter()).collect();
            Unwritable::of(values.column(0), values.column(1), &wanted)
        };
        let names = |names: &[&'static str]| names.iter().copied().map(Name::Borrowed).collect();
        assert_eq!(of(&[], &[]), None, "nobody says");
        let both = ["MAIL", "proxyAddresses", "cn"];
        assert_eq!(
            of(&both, &["Mail"]),
            Some(Unwritable {
                absent: names(&["extensionAttribute1"]),
                denied: names(&["proxyAddresses"])
            })
        );
        let none = of(&["mail", "proxyAddresses", "extensionAttribute1"], &[]).unwrap();
        assert_eq!((none.absent.len(), none.denied.len()), (0, 3), "a read-only account");
    }
}

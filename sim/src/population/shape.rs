//! Shapes: named, deterministic populations of any size.
//!
//! A shape says which kinds of mailboxes there are, how many aliases they have and how their custom
//! attributes are used. All figures are invented (synthetic); they only have to be plausible.

use super::{Person, Place};
use crate::chance::Chance;
use crate::exchange::RecipientType;

/// A shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Its name in scenario files.
    pub name: &'static str,
    departments: &'static [&'static str],
    titles: &'static [&'static str],
    /// Out of a thousand mailboxes: shared, rooms, equipment.
    shared: u64,
    rooms: u64,
    equipment: u64,
    /// Out of a thousand: mailboxes with a further alias.
    aliases: u64,
    /// Which custom attributes are in use, and the prefix of their values.
    custom: &'static [(&'static str, &'static str)],
}

/// All shapes.
pub const SHAPES: [Shape; 3] = [
    Shape {
        name: "university",
        departments: &["Physics", "History", "Medicine", "Law", "Library", "Registrar"],
        titles: &["Professor", "Lecturer", "Student", "Librarian", "Clerk"],
        shared: 40,
        rooms: 30,
        equipment: 5,
        aliases: 250,
        custom: &[("extensionAttribute1", "HR-"), ("extensionAttribute5", "FAC-")],
    },
    Shape {
        name: "company",
        departments: &["Sales", "Engineering", "Finance", "Legal", "Support"],
        titles: &["Manager", "Engineer", "Accountant", "Assistant"],
        shared: 80,
        rooms: 40,
        equipment: 10,
        aliases: 400,
        custom: &[
            ("extensionAttribute1", "EMP-"),
            ("extensionAttribute2", "CC-"),
            ("extensionAttribute14", "SITE-"),
        ],
    },
    Shape {
        name: "plain",
        departments: &["Office"],
        titles: &["Clerk"],
        shared: 0,
        rooms: 0,
        equipment: 0,
        aliases: 0,
        custom: &[],
    },
];

const GIVEN_NAMES: [&str; 24] = [
    "Anna", "Ben", "Clara", "David", "Emma", "Felix", "Greta", "Hugo", "Ines", "Jan", "Katja",
    "Leo", "Mara", "Nils", "Olga", "Paul", "Rosa", "Samir", "Tilda", "Umar", "Vera", "Wanda",
    "Yusuf", "Zoe",
];
const SURNAMES: [&str; 24] = [
    "Adler", "Berg", "Conrad", "Dietz", "Ebert", "Fuchs", "Graf", "Haas", "Iversen", "Jung",
    "Keller", "Lang", "Meyer", "Novak", "Otto", "Peters", "Quast", "Roth", "Sommer", "Thiel",
    "Ulrich", "Vogel", "Weiss", "Ziegler",
];

impl Shape {
    /// A shape by name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        SHAPES.into_iter().find(|shape| shape.name == name)
    }

    /// Member `number` (from 1) of a population of this shape. Cloud-managed as `cloud_managed` says.
    #[must_use]
    pub fn member(
        &self,
        number: u32,
        domain: &str,
        chance: &mut Chance,
        cloud_managed: bool,
    ) -> Person {
        let name = format!("{}-{number}", self.name);
        let kind = self.kind(chance.below(1_000));
        let mut person = Person::named(&name, &format!("{name}@{domain}"));
        person.kind = kind;
        person.mailbox = Place::Cloud;
        person.cloud_managed = cloud_managed;
        if kind == RecipientType::User {
            GIVEN_NAMES[chance.place(GIVEN_NAMES.len())].clone_into(&mut person.given_name);
            SURNAMES[chance.place(SURNAMES.len())].clone_into(&mut person.surname);
            person.display_name = format!("{} {}", person.given_name, person.surname);
            self.titles[chance.place(self.titles.len())].clone_into(&mut person.title);
        } else {
            person.display_name = format!("{} {number}", kind.details().replace("Mailbox", ""));
        }
        self.departments[chance.place(self.departments.len())].clone_into(&mut person.department);
        if chance.below(1_000) < self.aliases {
            person
                .addresses
                .push(format!("smtp:{}.{number}@{domain}", person.department.to_lowercase()));
        }
        for (attribute, prefix) in self.custom {
            let value = format!("{prefix}{}", chance.below(100_000));
            person.attributes.push(((*attribute).to_owned(), vec![value]));
        }
        person
    }

    fn kind(&self, draw: u64) -> RecipientType {
        if draw < self.shared {
            RecipientType::Shared
        } else if draw < self.shared + self.rooms {
            RecipientType::Room
        } else if draw < self.shared + self.rooms + self.equipment {
            RecipientType::Equipment
        } else {
            RecipientType::User
        }
    }
}

//! The device authorization grant: a code that one device shows and a person enters on another.
//!
//! Sources: RFC 8628; Microsoft identity platform, "OAuth 2.0 device authorization grant".
//!
//! # Divergence from Microsoft Entra ID
//! The page where the code is entered is this server's own and asks for code, user name and password at
//! once, so that a program can fill it in as well as a person.

use std::collections::BTreeMap;

use super::accounts::Person;
use super::error::Refusal;
use crate::chance::Chance;
use crate::guid::Guid;

/// How long a code is good for, in seconds.
pub(super) const LIFE: u64 = 900;

/// How long to wait between two questions, in seconds.
pub(super) const INTERVAL: u64 = 5;

/// Codes that wait at once; the oldest goes when another comes.
const MOST: usize = 1_000;

/// Letters and digits that are not taken for one another.
const ALPHABET: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ23456789";

/// A code that waits for a person.
struct Waiting {
    user_code: String,
    client: Guid,
    scope: String,
    until: u64,
    answer: Option<Person>,
}

/// The codes that wait, by device code.
#[derive(Default)]
pub(super) struct Devices {
    waiting: BTreeMap<String, Waiting>,
}

/// A new code.
pub(super) struct Code {
    pub(super) device_code: String,
    pub(super) user_code: String,
}

impl Devices {
    /// Gives out a code to a client.
    pub(super) fn start(
        &mut self,
        chance: &mut Chance,
        client: Guid,
        scope: &str,
        now: u64,
    ) -> Code {
        self.waiting.retain(|_, waiting| now < waiting.until + LIFE);
        while self.waiting.len() >= MOST {
            let oldest = self.waiting.iter().min_by_key(|(_, waiting)| waiting.until);
            let Some(code) = oldest.map(|(code, _)| code.clone()) else { break };
            self.waiting.remove(&code);
        }
        let user_code: String =
            (0..9).map(|_| char::from(ALPHABET[chance.place(ALPHABET.len())])).collect();
        let device_code = format!("{}{}", chance.guid(), chance.guid()).replace('-', "");
        let waiting = Waiting {
            user_code: user_code.clone(),
            client,
            scope: scope.to_owned(),
            until: now + LIFE,
            answer: None,
        };
        self.waiting.insert(device_code.clone(), waiting);
        Code { device_code, user_code }
    }

    /// Whether somebody may still enter this code.
    pub(super) fn is_waiting(&self, user_code: &str, now: u64) -> bool {
        self.find(user_code).is_some_and(|waiting| now < waiting.until && waiting.answer.is_none())
    }

    /// Somebody has entered a code and signed in.
    pub(super) fn approve(&mut self, user_code: &str, person: Person) {
        let found = self.waiting.values_mut().find(|w| is_same(&w.user_code, user_code));
        if let Some(waiting) = found {
            waiting.answer = Some(person);
        }
    }

    /// The client asks whether somebody has: who, and for which scopes.
    pub(super) fn poll(
        &mut self,
        device_code: &str,
        client: Guid,
        now: u64,
    ) -> Result<(Person, String), Refusal> {
        let waiting = self
            .waiting
            .get(device_code)
            .filter(|waiting| waiting.client == client)
            .ok_or(Refusal::WrongDeviceCode)?;
        if now >= waiting.until {
            return Err(Refusal::DeviceCodeExpired);
        }
        if waiting.answer.is_none() {
            return Err(Refusal::AuthorizationPending);
        }
        let waiting = self.waiting.remove(device_code).ok_or(Refusal::WrongDeviceCode)?;
        let person = waiting.answer.ok_or(Refusal::AuthorizationPending)?;
        Ok((person, waiting.scope))
    }

    fn find(&self, user_code: &str) -> Option<&Waiting> {
        self.waiting.values().find(|waiting| is_same(&waiting.user_code, user_code))
    }
}

fn is_same(code: &str, entered: &str) -> bool {
    code.eq_ignore_ascii_case(entered.trim())
}

/// The page, with what is wrong with the last try.
pub(super) fn page(problem: Option<&str>) -> String {
    let problem = problem.map(|text| format!("<p><b>{text}</b></p>")).unwrap_or_default();
    format!(
        "<!doctype html><title>Sign in to your account</title><h1>Enter code</h1>{problem}\
         <form method=\"post\"><p>Code <input name=\"user_code\"></p>\
         <p>User name <input name=\"username\"></p>\
         <p>Password <input name=\"password\" type=\"password\"></p>\
         <button>Sign in</button></form>"
    )
}

/// What the page says at the end.
pub(super) const DONE: &str = "<!doctype html><title>Sign in to your account</title><h1>You have signed in</h1><p>You may now close this window.</p>";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Role;

    /// A code is good once, for its client, for a quarter of an hour.
    #[test]
    fn a_code_is_good_once_and_for_a_while() {
        let mut devices = Devices::default();
        let mut chance = Chance::stream(1, "devices");
        let client = Guid([1; 16]);
        let person = Person {
            id: Guid([2; 16]),
            upn: "a@b.c".to_owned(),
            name: String::new(),
            role: Role::Reader,
            obstacle: None,
        };
        let code = devices.start(&mut chance, client, "User.Read", 100);
        let poll = |devices: &mut Devices, client, now| {
            devices.poll(&code.device_code, client, now).map(|(person, _)| person.upn)
        };
        assert_eq!(poll(&mut devices, client, 101), Err(Refusal::AuthorizationPending));
        assert_eq!(poll(&mut devices, Guid([3; 16]), 101), Err(Refusal::WrongDeviceCode));
        assert_eq!(poll(&mut devices, client, 100 + LIFE), Err(Refusal::DeviceCodeExpired));
        assert!(devices.is_waiting(&code.user_code.to_lowercase(), 101));
        devices.approve(&code.user_code, person);
        assert_eq!(poll(&mut devices, client, 102).as_deref(), Ok("a@b.c"));
        assert_eq!(poll(&mut devices, client, 103), Err(Refusal::WrongDeviceCode));
        for at in 0..2_000 {
            devices.start(&mut chance, client, "x", at / 100);
        }
        assert_eq!(devices.waiting.len(), MOST, "what clients leave behind has a bound");
    }
}

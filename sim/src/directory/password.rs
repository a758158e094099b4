//! Passwords: who may write them, what the domain's policy takes ([MS-ADTS] 3.1.1.3.1.5, [MS-SAMR] 3.1.1.7).

use crate::clock::VirtualTime;
use crate::directory::account::file_time;
use crate::directory::answer::LdapResult;
use crate::directory::bind::Account;
use crate::directory::diagnostic::{self, AttributeProblem};
use crate::directory::entry::DcNumber;
use crate::directory::forest::{DomainController, Forest};
use crate::directory::modify::{Working, Writer};
use crate::directory::request::{AddRequest, AttributeName, Change, ChangeOperation, ObjectNumber};
use crate::directory::schema::syntax::integer;
use crate::directory::schema::{Attribute, Schema, known};
use crate::directory::security::descriptor::CONTROL_ACCESS;

/// pwdProperties: passwords have to be complex (DOMAIN_PASSWORD_COMPLEX).
const COMPLEX: i64 = 1;

/// The longest history of passwords that a policy can ask for.
const LONGEST_HISTORY: usize = 1024;

/// User-Change-Password and User-Force-Change-Password ([MS-ADTS] 5.1.3.2.1).
const CHANGE_PASSWORD: &str = "ab721a53-1e2f-11d0-9819-00aa0040529b";
const FORCE_CHANGE_PASSWORD: &str = "00299570-246d-11d0-a768-00aa006e0529";

/// In which way a request writes a password.
#[derive(Clone, Copy)]
pub(super) enum PasswordForm {
    /// The old one is taken away, the new one added.
    Change,
    /// The new one is put in the place of whatever there is.
    Set,
}

impl PasswordForm {
    /// # Errors
    /// 53/001F when the old one is taken away and none is added.
    pub(super) fn of(
        changes: &[Change],
        attributes: &[&Attribute],
    ) -> Result<Option<Self>, LdapResult> {
        // Taking away whatever there is and adding a new one sets it.
        let sets = |change: &Change| {
            change.operation == ChangeOperation::Delete && change.values.is_empty()
        };
        let own = |attribute: &Attribute| attribute.number == known::UNICODE_PWD;
        let mut all = changes.iter().zip(attributes).filter(|(_, at)| own(at)).map(|(at, _)| at);
        let without = all.clone().any(sets) && all.any(|at| at.operation == ChangeOperation::Add);
        let mut elements = changes
            .iter()
            .zip(attributes)
            .filter(|(change, attribute)| own(attribute) && !(without && sets(change)))
            .map(|(change, _)| change.operation);
        Ok(match (elements.next(), elements.next()) {
            (None, _) => None,
            (Some(ChangeOperation::Delete), Some(ChangeOperation::Add)) => Some(Self::Change),
            (Some(ChangeOperation::Delete), _) => return Err(diagnostic::unwilling(0x001F)),
            (Some(_), _) => Some(Self::Set),
        })
    }
}

impl Forest {
    /// Changing a password takes one right, setting it another one ([MS-ADTS] 3.1.1.3.1.5.1,
    /// 5.1.3.2.1).
    pub(super) fn check_may_set_password(
        &self,
        writer: &Writer<'_>,
        controller: &DomainController,
        object: ObjectNumber,
        form: PasswordForm,
    ) -> Result<(), LdapResult> {
        let right = match form {
            PasswordForm::Change => CHANGE_PASSWORD,
            PasswordForm::Set => FORCE_CHANGE_PASSWORD,
        };
        let objects = [right.parse().ok()];
        if self.may(controller, writer.principal, object, CONTROL_ACCESS, &objects) {
            Ok(())
        } else {
            Err(diagnostic::access_denied())
        }
    }

    /// The elements of a modification with `unicodePwd` in the place of `userPassword`; `None` where there is
    /// none, or it is an attribute like others: so it is unless dSHeuristics say otherwise
    /// ([MS-ADTS] 3.1.1.3.1.5.2, fUserPwdSupport).
    pub(super) fn with_unicode_passwords(&self, changes: &[Change]) -> Option<Vec<Change>> {
        let is_one = |change: &Change| self.is_user_password(&change.attribute);
        if !changes.iter().any(is_one) {
            return None;
        }
        let replaced = changes.iter().map(|change| {
            if !is_one(change) {
                return change.clone();
            }
            let attribute = AttributeName::Number(known::UNICODE_PWD);
            let values = change.values.iter().map(|value| quoted(value)).collect();
            Change { operation: change.operation, attribute, values }
        });
        Some(replaced.collect())
    }

    /// As [`Self::with_unicode_passwords`], of a new object.
    pub(super) fn with_unicode_password(&self, request: &AddRequest) -> Option<AddRequest> {
        let is_one = |name: &AttributeName| self.is_user_password(name);
        if !request.attributes.iter().any(|(name, _)| is_one(name)) {
            return None;
        }
        let attributes = request.attributes.iter().map(|(name, values)| {
            if is_one(name) {
                let values = values.iter().map(|value| quoted(value)).collect();
                (AttributeName::Number(known::UNICODE_PWD), values)
            } else {
                (name.clone(), values.clone())
            }
        });
        Some(AddRequest { dn: request.dn.clone(), attributes: attributes.collect() })
    }

    fn is_user_password(&self, name: &AttributeName) -> bool {
        self.heuristics.has_user_password()
            && self.attribute(name).is_some_and(|at| at.number == known::USER_PASSWORD)
    }

    /// A new password: what it changes beside the password itself. Setting one takes a right that
    /// administrators have; changing one's own takes the old one ([MS-ADTS] 3.1.1.3.1.5): `owner` tells
    /// that it has been given.
    pub(super) fn password_changes(
        &self,
        writer: &Writer<'_>,
        controller: &DomainController,
        (object, owner): (ObjectNumber, bool),
        change: &Change,
        working: &mut Vec<Working>,
    ) -> Result<Vec<u8>, LdapResult> {
        let (ChangeOperation::Replace | ChangeOperation::Add, [value]) =
            (change.operation, change.values.as_slice())
        else {
            // Taking the old one away comes with the new one in the same request.
            let old = change.values.first().ok_or_else(|| diagnostic::unwilling(0x001F))?;
            let old = self.password_of(writer.principal.secure, old)?;
            let known = self.accounts.get(&object).is_some_and(|account| account.password == old);
            return if known { Ok(old) } else { Err(wrong_password(&self.schema)) };
        };
        let password = self.password_of(writer.principal.secure, value)?;
        let record = controller.store.get(object).map(|slot| &slot.entry.record);
        let text = |attribute| record.and_then(|record| record.text(attribute));
        let names = names_of(text(known::SAM_ACCOUNT_NAME), text(known::DISPLAY_NAME));
        let changed = owner.then_some((object, writer.now));
        self.check_password(writer.dc, &password, &names, changed)?;
        let old = |attribute| -> Vec<Vec<u8>> {
            let values =
                record.map(|record| record.values(attribute).map(<[u8]>::to_vec).collect());
            values.unwrap_or_default()
        };
        let now = file_time(writer.now).to_string().into_bytes();
        let attribute = known::PWD_LAST_SET;
        working.push(Working { attribute, old: old(attribute), new: vec![now.clone()] });
        // That there is a password, and since when: its value is kept elsewhere.
        let attribute = known::UNICODE_PWD;
        working.push(Working { attribute, old: old(attribute), new: vec![now] });
        Ok(password)
    }

    /// The new password behind a value of `unicodePwd`: UTF-16 in quotation marks.
    pub(super) fn password_of(&self, secure: bool, value: &[u8]) -> Result<Vec<u8>, LdapResult> {
        if !secure {
            // Over an encrypted connection only ([MS-ADTS] 3.1.1.3.1.5.1).
            return Err(diagnostic::unwilling(0x001F));
        }
        let units: Vec<u16> =
            value.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        let text = String::from_utf16(&units).ok().filter(|_| value.len().is_multiple_of(2));
        let inner = text
            .as_deref()
            .and_then(|text| text.strip_prefix('"')?.strip_suffix('"'))
            .ok_or_else(|| diagnostic::unwilling(0x001F))?;
        Ok(inner.as_bytes().to_vec())
    }

    /// Refuses a new password that the domain's policy does not take: too short, not complex, and, where
    /// its owner changes it, too early or one of those before ([MS-SAMR] 3.1.1.7.1, 3.1.1.7.2; Microsoft
    /// Learn, "Password must meet complexity requirements"). `names` are the account's name and the parts
    /// of its display name.
    pub(super) fn check_password(
        &self,
        dc: DcNumber,
        password: &[u8],
        names: &[&str],
        changed: Option<(ObjectNumber, VirtualTime)>,
    ) -> Result<(), LdapResult> {
        let policy = |attribute| self.domain_policy(dc, attribute);
        let count = |attribute| usize::try_from(policy(attribute)).unwrap_or_default();
        let text = core::str::from_utf8(password).unwrap_or_default();
        let short = text.encode_utf16().count() < count(known::MIN_PWD_LENGTH);
        let simple = policy(known::PWD_PROPERTIES) & COMPLEX != 0 && !is_complex(text, names);
        let again = changed.is_some_and(|(object, now)| {
            let set = self
                .object(dc, object)
                .and_then(|slot| slot.entry.record.first(known::PWD_LAST_SET).and_then(integer));
            let youngest = policy(known::MIN_PWD_AGE).saturating_abs();
            let early =
                set.is_some_and(|set| set > 0 && set.saturating_add(youngest) > file_time(now));
            let history = count(known::PWD_HISTORY_LENGTH);
            let account = self.accounts.get(&object);
            early
                || account.is_some_and(|account| {
                    let known = core::iter::once(&account.password).chain(&account.earlier);
                    known.take(history).any(|known| known == password)
                })
        });
        if !short && !simple && !again {
            return Ok(());
        }
        let attribute = self.schema.attribute(known::UNICODE_PWD);
        Err(attribute.map_or_else(
            || diagnostic::unwilling(0x052D),
            |attribute| diagnostic::attribute(AttributeProblem::Constraint, 0x052D, attribute),
        ))
    }

    /// Puts a password that nobody knows in the place of an account's own: no password is empty.
    pub(super) fn forget_password(&mut self, object: ObjectNumber) {
        if let Some(account) = self.accounts.get_mut(&object) {
            account.password.clear();
            account.earlier.clear();
        }
    }

    /// Gives an account a password; the account can bind from now on.
    pub(super) fn set_password(&mut self, object: ObjectNumber, password: Vec<u8>) {
        match self.accounts.get_mut(&object) {
            Some(account) => {
                let old = core::mem::replace(&mut account.password, password);
                account.earlier.insert(0, old);
                account.earlier.truncate(LONGEST_HISTORY);
            }
            None => {
                let account = Account { password, earlier: Vec::new(), rights: None };
                self.accounts.insert(object, account);
            }
        }
    }
}

/// A password as `unicodePwd` takes it: UTF-16 in quotation marks.
fn quoted(value: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(value);
    format!("\"{text}\"").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Whether a password has characters of three kinds out of five, and none of the names.
fn is_complex(password: &str, names: &[&str]) -> bool {
    const KINDS: usize = 3;
    const SHORTEST_NAME: usize = 3;
    let folded = password.to_lowercase();
    let named = names
        .iter()
        .any(|name| name.chars().count() >= SHORTEST_NAME && folded.contains(&name.to_lowercase()));
    let has = |test: fn(char) -> bool| usize::from(password.chars().any(test));
    let kinds = has(char::is_uppercase)
        + has(char::is_lowercase)
        + has(|c| c.is_ascii_digit())
        + has(|c| !c.is_alphanumeric())
        + has(|c| c.is_alphabetic() && !c.is_uppercase() && !c.is_lowercase());
    !named && kinds >= KINDS
}

/// The names that a password must not have in it: the account's, and the parts of its display name.
pub(super) fn names_of<'a>(account: Option<&'a str>, display: Option<&'a str>) -> Vec<&'a str> {
    let parts = display.unwrap_or_default().split([',', '.', '-', '_', ' ', '#', '\t']);
    account.into_iter().chain(parts).filter(|name| !name.is_empty()).collect()
}

/// The old password is not the account's.
fn wrong_password(schema: &Schema) -> LdapResult {
    match schema.attribute(known::UNICODE_PWD) {
        Some(attribute) => diagnostic::attribute(AttributeProblem::Constraint, 0x56, attribute),
        None => diagnostic::unwilling(0x56),
    }
}

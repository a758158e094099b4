//! The tree that an export lists: every object stands below another one of the export, or below what every
//! domain has. A parent may come after its children: who was moved may be older than where it is now.

use std::collections::BTreeMap;
use std::hash::Hasher;
use std::iter::FusedIterator;

use rustc_hash::{FxHashSet, FxHasher};
use sim::directory::is_default_container;
use sim::directory::ldif::LdifError;
use sim::directory::ldif_export::ExportedObject;
use sim::directory::name::{Dn, Rdn};

/// Objects as they come, and at their end the first that hangs in the air.
pub(super) struct Rooted<I> {
    objects: I,
    tree: Tree,
    ended: bool,
}

impl<I> Rooted<I> {
    pub(super) fn new(objects: I) -> Self {
        Self { objects, tree: Tree::default(), ended: false }
    }
}

impl<I: Iterator<Item = Result<ExportedObject, LdifError>>> Iterator for Rooted<I> {
    type Item = Result<ExportedObject, LdifError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.objects.next();
        match &next {
            Some(Ok(object)) => self.tree.note(object),
            Some(Err(_)) => self.ended = true,
            None => {
                self.ended = true;
                return self.tree.check().err().map(Err);
            }
        }
        next
    }
}

impl<I: Iterator<Item = Result<ExportedObject, LdifError>>> FusedIterator for Rooted<I> {}

/// Which objects there are, and which have to be there.
#[derive(Default)]
struct Tree {
    /// Hashes of the names of all objects.
    listed: FxHashSet<u64>,
    /// Each parent by the hash of its name, with its name and the line of the first object below it.
    parents: BTreeMap<u64, (String, usize)>,
}

impl Tree {
    fn note(&mut self, object: &ExportedObject) {
        let is_deleted = object.text("isDeleted").is_some_and(|v| v.eq_ignore_ascii_case("true"));
        // A text that is no name is refused where it is loaded, as are names outside the domain.
        let Some(dn) = Dn::parse(&object.dn).ok().filter(|_| !is_deleted) else { return };
        self.listed.insert(hash(&dn));
        let parent = dn.parent().filter(|parent| !is_of_every_domain(parent));
        if let Some(parent) = parent {
            let line = object.line;
            self.parents.entry(hash(&parent)).or_insert_with(|| (parent.to_string(), line));
        }
    }

    fn check(&self) -> Result<(), LdifError> {
        let missing = self.parents.iter().filter(|(hash, _)| !self.listed.contains(hash));
        match missing.map(|(_, missing)| missing).min_by_key(|(_, line)| *line) {
            None => Ok(()),
            Some((name, line)) => Err(LdifError {
                line: *line,
                problem: format!("the export does not list what this is in: `{name}`"),
            }),
        }
    }
}

/// Whether it is the head of a domain, or one of the containers that each has directly below it.
fn is_of_every_domain(dn: &Dn) -> bool {
    let is_label = |rdn: &Rdn| rdn.attribute.eq_ignore_ascii_case("dc");
    match dn.rdns.split_first() {
        None => true,
        Some((first, above)) => {
            let is_known = is_label(first) || is_default_container(&first.value);
            is_known && above.iter().all(is_label)
        }
    }
}

/// Names are compared without case.
fn hash(dn: &Dn) -> u64 {
    let mut hasher = FxHasher::default();
    for rdn in &dn.rdns {
        for text in [&rdn.attribute, &rdn.value] {
            for character in text.chars().flat_map(char::to_lowercase) {
                hasher.write_u32(u32::from(character));
            }
            hasher.write_u8(0);
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use sim::directory::ldif_export::ExportedObjects;

    use super::*;

    /// The line and the problem of the object that hangs in the air.
    fn refused(names: &[&str]) -> Option<(usize, String)> {
        let records: Vec<String> =
            names.iter().map(|dn| format!("dn: {dn}\nobjectClass: top\n\n")).collect();
        let text = records.concat();
        let mut objects = Rooted::new(ExportedObjects::new(text.as_bytes()));
        let found = objects.find_map(Result::err);
        assert!(objects.next().is_none(), "nothing comes after a mistake");
        found.map(|error| (error.line, error.problem))
    }

    #[test]
    fn every_object_stands_below_another_or_below_what_every_domain_has() {
        assert_eq!(
            refused(&["CN=a,CN=Users,DC=x,DC=y", "OU=b,DC=x,DC=y", "CN=c,ou=B,dc=X,DC=y"]),
            None
        );
        assert_eq!(refused(&["CN=c,OU=b,DC=x", "OU=b,DC=x"]), None, "a parent may come later");
        let (line, problem) = refused(&["DC=x", "CN=a,OU=b,DC=x", "CN=c,OU=b,DC=x"]).unwrap();
        assert_eq!((line, problem.contains("`OU=b,DC=x`")), (4, true), "{problem}");
        assert!(refused(&["CN=a,CN=Users,OU=b,DC=x"]).is_some(), "Users of a unit is nobody's");
    }
}

//! Scoping filters: which AD objects the job is responsible for, by container and by group.
//!
//! The schema of a job names containers (`containerFilter.includedContainers`) and groups
//! (`groupFilter.includedGroups`); an object is in scope when it is below one of the containers or a
//! direct member of one of the groups. Members of nested groups are not followed, and a container that
//! was renamed matches nothing any more (Microsoft Learn, "Cloud sync FAQ" and "Scoping filters").
//! Without a filter every object of the domain is in scope.

use crate::dn::{Dn, DnError};
use crate::ports::{DirectoryObject, Name};

/// Which objects are in scope, as the job's schema says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeFilter {
    /// Distinguished names of containers.
    pub containers: Vec<String>,
    /// Distinguished names of groups.
    pub groups: Vec<String>,
}

/// A filter that was understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    containers: Vec<Dn>,
    groups: Vec<Dn>,
}

const DISTINGUISHED_NAME: &str = "distinguishedName";
const MEMBER_OF: &str = "memberOf";

impl ScopeFilter {
    /// Reads the names.
    ///
    /// # Errors
    /// [`DnError`] with the first text that is no distinguished name.
    pub fn parse(&self) -> Result<Filter, DnError> {
        let all = |names: &[String]| -> Result<Vec<Dn>, DnError> {
            names.iter().map(|name| Dn::parse(name)).collect()
        };
        Ok(Filter { containers: all(&self.containers)?, groups: all(&self.groups)? })
    }
}

impl Filter {
    /// Whether everything is in scope.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.containers.is_empty() && self.groups.is_empty()
    }

    /// Every container and group that it names, with what it should be.
    #[must_use]
    pub fn names(&self) -> Vec<(&'static str, String)> {
        let containers = self.containers.iter().map(|name| ("container", name.to_string()));
        containers.chain(self.groups.iter().map(|name| ("group", name.to_string()))).collect()
    }

    /// What to read of an object to tell.
    #[must_use]
    pub fn attributes(&self) -> Vec<Name> {
        if self.is_open() {
            return Vec::new();
        }
        vec![Name::Borrowed(DISTINGUISHED_NAME), Name::Borrowed(MEMBER_OF)]
    }

    /// Whether an object is in scope; its columns from `first` on are those of
    /// [`attributes`](Self::attributes).
    #[must_use]
    pub fn covers(&self, object: &DirectoryObject, first: usize) -> bool {
        if self.is_open() {
            return true;
        }
        let names = |column: usize| {
            let values = object.values.column(column).iter();
            values.filter_map(|value| Dn::parse(core::str::from_utf8(value).ok()?).ok())
        };
        let placed = |name: &Dn| self.containers.iter().any(|container| name.is_below(container));
        names(first).any(|name| placed(&name))
            || names(first + 1).any(|of| self.groups.contains(&of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guid::Guid;
    use crate::ports::ObjectGuid;

    fn object(name: &str, groups: &[&str]) -> DirectoryObject {
        let columns = [vec!["mail"], vec![name], groups.to_vec()];
        DirectoryObject {
            guid: ObjectGuid(Guid([1; 16])),
            consistency_guid: None,
            external_id: None,
            values: columns.iter().collect(),
            broken: None,
        }
    }

    #[test]
    fn containers_and_groups_bring_objects_into_scope() {
        let filter = ScopeFilter {
            containers: vec!["OU=Staff,DC=c".into()],
            groups: vec!["CN=Pilot,OU=Groups,DC=c".into()],
        };
        let filter = filter.parse().unwrap();
        assert_eq!(filter.attributes().len(), 2);
        let names = [("container", "ou=staff,dc=c"), ("group", "cn=pilot,ou=groups,dc=c")];
        assert_eq!(filter.names(), names.map(|(what, name)| (what, name.to_owned())));
        assert!(filter.covers(&object("CN=A,ou=deep,ou=staff,dc=c", &[]), 1));
        assert!(filter.covers(&object("CN=A,OU=Other,DC=c", &["cn=pilot,OU=Groups,DC=c"]), 1));
        assert!(!filter.covers(&object("CN=A,OU=Other,DC=c", &["CN=Nested,OU=Groups,DC=c"]), 1));
        assert!(!filter.covers(&object("", &[]), 1), "what has no name is not in scope");
        assert!(Filter::default().covers(&object("CN=A,DC=c", &[]), 1));
        assert!(
            ScopeFilter { groups: vec!["Pilot".into()], ..ScopeFilter::default() }.parse().is_err()
        );
    }
}

//! `ldif:` in `population:`: the exports are read for the names that steps may use, and for mistakes.

use std::path::{Path, PathBuf};

use sim::directory::ldif_export::ExportedObject;
use sim::directory::name::Dn;

use super::super::diagnostic::Diagnostic;
use super::super::export::{self, ExportError};
use super::super::span::Spanned;
use super::super::world::{ExportedPerson, ExportedPlaces, Population};
use super::super::yaml::Node;
use super::Reader;
use super::places::names_of;

impl Reader<'_> {
    pub(super) fn ldif(&mut self, node: &Node) -> Option<Population> {
        let mut fields = self.fields(node, "an LDIF population")?;
        let ldif = fields.take("ldif").and_then(|entry| self.sentence(&entry.value));
        let mailboxes = fields.take("mailboxes").and_then(|entry| self.sentence(&entry.value));
        self.finish(&fields, "an LDIF population");
        let ldif = self.beside(ldif?);
        let mailboxes = mailboxes.map(|path| self.beside(path));
        let Listed { mut people, places, domain } = match listed(&ldif.value) {
            Ok(found) => found,
            Err(error) => {
                self.bad_export(&ldif, &error);
                return None;
            }
        };
        if let Some(path) = &mailboxes {
            match export::mailboxes(&path.value) {
                Ok(table) => {
                    let rows = table.rows.iter().filter(|row| !row.dir_synced);
                    people.extend(rows.map(|row| {
                        let addresses = vec![row.user_principal_name.clone()];
                        ExportedPerson { name: row.name(), addresses }
                    }));
                }
                Err(error) => {
                    self.bad_export(path, &error);
                    return None;
                }
            }
        }
        Some(Population::Ldif { ldif, mailboxes, people, places, domain })
    }

    /// Whether an export or an included world could not be read: then nobody knows who is in it.
    pub(super) fn lacks_people(&self) -> bool {
        let lacking = ["bad-export", "bad-include", "unreadable"];
        self.problems.iter().any(|problem| lacking.contains(&problem.code))
    }

    /// A path as the scenario means it: from its own folder.
    fn beside(&self, path: Spanned<String>) -> Spanned<PathBuf> {
        path.map(|path| self.folder.join(path))
    }

    fn bad_export(&mut self, path: &Spanned<PathBuf>, error: &ExportError) {
        let problem = match error {
            ExportError::Unreadable { problem, .. } => {
                Diagnostic::error("unreadable", path.span, format!("cannot read it: {problem}"))
                    .label("expected a file beside this one")
            }
            ExportError::Line { line, problem, .. } => {
                Diagnostic::error("bad-export", path.span, format!("line {line}: {problem}"))
                    .label("in this file")
            }
        };
        self.report(problem);
    }
}

/// What of an export can be named.
#[derive(Default)]
struct Listed {
    people: Vec<ExportedPerson>,
    places: ExportedPlaces,
    /// The DNS name of the first object's domain.
    domain: Option<String>,
}

fn listed(path: &Path) -> Result<Listed, ExportError> {
    const CONTAINERS: [&str; 2] = ["organizationalUnit", "container"];
    let mut found = Listed::default();
    for object in export::objects(path)? {
        let object = object?;
        if found.domain.is_none() {
            found.domain = domain_of(&object.dn);
        }
        let is = |class: &str| {
            object.values_of("objectClass").any(|v| v.value.eq_ignore_ascii_case(class.as_bytes()))
        };
        if object.is_person() {
            found
                .people
                .push(ExportedPerson { addresses: addresses(&object), name: object.name() });
        } else if CONTAINERS.into_iter().any(is) {
            found.places.units.extend(names_of(&object.dn));
        } else if is("group") {
            found.places.groups.extend(names_of(&object.dn));
        }
    }
    Ok(found)
}

fn addresses(object: &ExportedObject) -> Vec<String> {
    let mut addresses: Vec<String> =
        object.text("userPrincipalName").map(str::to_owned).into_iter().collect();
    for value in object.values_of("proxyAddresses") {
        let text = String::from_utf8_lossy(&value.value);
        if let Some((kind, address)) = text.split_once(':')
            && kind.eq_ignore_ascii_case("smtp")
        {
            addresses.push(address.to_owned());
        }
    }
    addresses
}

/// `corp.contoso.com` of `CN=u7,OU=People,DC=corp,DC=contoso,DC=com`.
fn domain_of(dn: &str) -> Option<String> {
    let dn = Dn::parse(dn).ok()?;
    let labels: Vec<&str> = dn
        .rdns
        .iter()
        .filter(|rdn| rdn.attribute.eq_ignore_ascii_case("dc"))
        .map(|rdn| rdn.value.as_str())
        .collect();
    (!labels.is_empty()).then(|| labels.join("."))
}

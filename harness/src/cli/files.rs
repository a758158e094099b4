//! Which files a call means: files as they are named, folders with everything in them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A file that a call means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// The path, as it was named or found.
    pub(super) path: PathBuf,
    /// Whether it was named itself, and not only a folder that it is in.
    pub(super) itself: bool,
}

/// A path that cannot be what was meant.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoSuchPath {
    /// It does not exist.
    #[error("there is no file or folder `{}`", .0.display())]
    Missing(PathBuf),
    /// It exists and cannot be looked at.
    #[error("cannot look into `{}`: {source}", .path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The scenario files that `paths` mean, in the order of `paths`, sorted within a folder, each once.
///
/// # Errors
/// The first path that does not exist or cannot be looked at.
pub(super) fn find(paths: &[PathBuf]) -> Result<Vec<Named>, NoSuchPath> {
    let mut found = Vec::new();
    for path in paths {
        let kind = fs::metadata(path).map_err(|source| refuse(path, source))?;
        if kind.is_dir() {
            collect(path, &mut found)?;
        } else {
            found.push(Named { path: path.clone(), itself: true });
        }
    }
    Ok(each_once(found))
}

fn refuse(path: &Path, source: io::Error) -> NoSuchPath {
    match source.kind() {
        io::ErrorKind::NotFound => NoSuchPath::Missing(path.to_owned()),
        _ => NoSuchPath::Unreadable { path: path.to_owned(), source },
    }
}

/// Adds the scenario files in `folder` and below. Hidden entries and links to folders are left out.
fn collect(folder: &Path, found: &mut Vec<Named>) -> Result<(), NoSuchPath> {
    let refuse = |source| refuse(folder, source);
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(refuse)? {
        let entry = entry.map_err(refuse)?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !hidden {
            entries.push((entry.path(), entry.file_type().map_err(refuse)?));
        }
    }
    entries.sort_by(|(left, _), (right, _)| left.cmp(right));
    for (path, kind) in entries {
        if kind.is_dir() {
            collect(&path, found)?;
        } else if is_yaml(&path) && path.is_file() {
            found.push(Named { path, itself: false });
        }
    }
    Ok(())
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// Without repetitions; a file that was named itself counts as such wherever it was found first.
fn each_once(found: Vec<Named>) -> Vec<Named> {
    let same = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let itself: BTreeSet<PathBuf> =
        found.iter().filter(|named| named.itself).map(|named| same(&named.path)).collect();
    let mut seen = BTreeSet::new();
    let mut once = Vec::new();
    for named in found {
        let path = same(&named.path);
        if seen.insert(path.clone()) {
            once.push(Named { itself: itself.contains(&path), ..named });
        }
    }
    once
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    fn names(folder: &Path, found: &[Named]) -> Vec<(String, bool)> {
        let name = |named: &Named| {
            let path = named.path.strip_prefix(folder).unwrap();
            (path.to_string_lossy().into_owned(), named.itself)
        };
        found.iter().map(name).collect()
    }

    #[test]
    fn a_folder_gives_its_yaml_files_sorted_and_nothing_hidden() {
        let folder =
            tree(&["b/z.yaml", "b/a.yml", "a.yaml", "forest.ldif", ".git/x.yaml", "README.md"]);
        let found = find(&[folder.path().to_owned()]).unwrap();
        assert_eq!(
            names(folder.path(), &found),
            [("a.yaml".into(), false), ("b/a.yml".into(), false), ("b/z.yaml".into(), false)]
        );
    }

    #[test]
    fn a_file_named_and_found_counts_once_and_as_named() {
        let folder = tree(&["a.yaml", "odd.txt"]);
        let path = |name| folder.path().join(name);
        let found = find(&[folder.path().to_owned(), path("a.yaml"), path("odd.txt")]).unwrap();
        assert_eq!(
            names(folder.path(), &found),
            [("a.yaml".into(), true), ("odd.txt".into(), true)]
        );
    }

    #[test]
    fn a_path_that_is_not_there_is_named() {
        let error = find(&[PathBuf::from("no/such/folder")]).unwrap_err();
        assert_eq!(error.to_string(), "there is no file or folder `no/such/folder`");
    }
}

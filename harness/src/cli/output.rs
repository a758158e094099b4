//! Report files: either whole or not there.

use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// Whether a report can be written to `path`, before hours are spent on what goes into it.
///
/// # Errors
/// Why not.
pub(super) fn probe(path: &Path) -> io::Result<()> {
    match place(path)? {
        Place::Device(path) => File::options().append(true).open(path).map(drop),
        Place::File(path) => beside(&path).map(drop),
    }
}

/// Writes a report to `path` with `write`. A file appears when it is complete, and replaces what was
/// there.
///
/// # Errors
/// Why it could not be written; what was at `path` is then unchanged.
pub(super) fn write(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    match place(path)? {
        Place::Device(path) => {
            let mut writer = BufWriter::new(File::options().append(true).open(path)?);
            write(&mut writer)?;
            writer.flush()
        }
        Place::File(path) => {
            let mut writer = BufWriter::new(beside(&path)?);
            write(&mut writer)?;
            let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.persist(path).map(drop).map_err(|error| error.error)
        }
    }
}

/// Where a path leads.
enum Place {
    /// To a file that is there or can be: replaced as a whole.
    File(PathBuf),
    /// To a pipe, a terminal or the like (`/dev/stdout`): written to, never replaced.
    Device(PathBuf),
}

fn place(path: &Path) -> io::Result<Place> {
    // As everywhere, `-` is the standard output and no file of that name.
    let path = if path == Path::new("-") { Path::new("/dev/stdout") } else { path };
    match fs::metadata(path) {
        Ok(there) if there.is_dir() => Err(io::Error::from(io::ErrorKind::IsADirectory)),
        // Through links, so that the file they lead to is replaced and not the link.
        Ok(there) if there.is_file() => Ok(Place::File(path.canonicalize()?)),
        Ok(_) => Ok(Place::Device(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Place::File(path.to_owned())),
        Err(error) => Err(error),
    }
}

/// A temporary file in the folder of `path`, with the permissions of any new file.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = Builder::new();
    builder.prefix(".hybridsim-");
    #[cfg(unix)]
    builder.permissions(<Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666));
    builder.tempfile_in(folder.unwrap_or(Path::new(".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_replaces_the_old_one_whole_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        for text in ["long, long ago", "now"] {
            probe(&path).unwrap();
            write(&path, |writer| writer.write_all(text.as_bytes())).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_report_that_fails_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        fs::write(&path, "old").unwrap();
        let failed = write(&path, |writer| {
            writer.write_all(b"half")?;
            Err(io::Error::other("no"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn folders_and_missing_folders_are_refused_beforehand() {
        let folder = tempfile::tempdir().unwrap();
        assert!(probe(folder.path()).is_err());
        assert!(probe(&folder.path().join("none/report.json")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_written_to_and_stays_a_device() {
        use std::os::unix::fs::FileTypeExt;
        let null = Path::new("/dev/null");
        probe(null).unwrap();
        write(null, |writer| writer.write_all(b"gone")).unwrap();
        assert!(fs::metadata(null).unwrap().file_type().is_char_device());
    }
}

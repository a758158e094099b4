//! Files and variables: what is read, and what is written readable for its owner alone.
#![allow(clippy::disallowed_methods, reason = "secrets may be in the environment")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use engine::wire::Secret;

use super::AloneError;

/// The text of a file.
pub(super) fn text(path: &Path) -> Result<String, AloneError> {
    fs::read_to_string(path).map_err(|why| refused(path, &why))
}

/// The bytes of a file.
///
/// # Errors
/// [`AloneError::File`].
pub fn bytes(path: &Path) -> Result<Vec<u8>, AloneError> {
    fs::read(path).map_err(|why| refused(path, &why))
}

/// The secret in an environment variable.
pub(super) fn variable(name: &str) -> Result<Secret, String> {
    match std::env::var(name) {
        Ok(text) if !text.is_empty() => Ok(Secret::new(text)),
        Ok(_) => Err(format!("the environment variable {name} is empty")),
        Err(_) => Err(format!("the environment variable {name} is not set, or no text")),
    }
}

/// The secret in a file, which nobody but its owner may be able to read.
pub(super) fn secret(path: &Path) -> Result<Secret, AloneError> {
    let refuse = |why: &str| AloneError::File { path: path.to_owned(), why: why.to_owned() };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(path).map_err(|why| refused(path, &why))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(refuse("others can read this secret: chmod 600 it"));
        }
    }
    let text = text(path)?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() { Err(refuse("is empty")) } else { Ok(Secret::new(secret)) }
}

/// The file that a path means, whichever way it is written, be it there or not.
pub(super) fn meant(path: &Path) -> PathBuf {
    if let Ok(whole) = path.canonicalize() {
        return whole;
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize();
    match (folder, path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

/// Refuses a folder where a file is meant.
pub(super) fn no_folder(path: &Path) -> Result<(), AloneError> {
    if path.is_dir() {
        let why = "is a folder; name a file".to_owned();
        return Err(AloneError::File { path: path.to_owned(), why });
    }
    Ok(())
}

/// Takes the rights of everybody but its owner from a file that is there: it names people.
pub(super) fn tighten(path: &Path) -> Result<(), AloneError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = match fs::metadata(path) {
            Ok(metadata) => metadata.permissions().mode(),
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(why) => return Err(refused(path, &why)),
        };
        if mode & 0o077 != 0 {
            let owner_only = fs::Permissions::from_mode(mode & 0o700);
            fs::set_permissions(path, owner_only).map_err(|why| refused(path, &why))?;
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// A file of lines to append to, created with mode 0600; one that is there is tightened.
pub(super) fn append(path: &Path) -> Result<Lines, AloneError> {
    tighten(path)?;
    let mut options = OpenOptions::new();
    options.create(true).read(true).append(true);
    owner_only(&mut options);
    options.open(path).map(Lines).map_err(|why| refused(path, &why))
}

/// A file of whole lines.
pub(super) struct Lines(File);

impl Lines {
    /// Appends these lines, which end with their own line feeds: all of them, or none when it fails. A half line
    /// that a killed process left at the end is ended first, so that it swallows none of them.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let before = self.0.seek(SeekFrom::End(0))?;
        let mut last = *b"\n";
        if before > 0 {
            self.0.seek(SeekFrom::End(-1))?;
            self.0.read_exact(&mut last)?;
        }
        let ended = [if last == *b"\n" { &b""[..] } else { b"\n" }, lines].concat();
        let mut done = 0;
        while done < ended.len() {
            match self.0.write(&ended[done..]) {
                Ok(0) => return Err(self.take_back(before, done, io::ErrorKind::WriteZero.into())),
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.take_back(before, done, error)),
            }
        }
        Ok(())
    }

    /// Cuts off what was written of lines that did not go in whole, unless somebody else wrote since.
    fn take_back(&self, before: u64, done: usize, error: io::Error) -> io::Error {
        let alone = self.0.metadata().is_ok_and(|file| file.len() == before + done as u64);
        if alone {
            // What stays when this fails is a half line, which the next call ends.
            let _ = self.0.set_len(before);
        }
        error
    }
}

/// Whether a file could be written here, or why not; nothing stays.
///
/// # Errors
/// [`AloneError::File`].
pub fn can_write(path: &Path) -> Result<(), AloneError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if path.is_dir() {
        return Err(refused(path, &io::ErrorKind::IsADirectory.into()));
    }
    let tried = tempfile::Builder::new()
        .prefix(".hybridsim-")
        .tempfile_in(folder.unwrap_or(Path::new(".")));
    tried.map(drop).map_err(|why| refused(path, &why))
}

/// Writes a whole file with mode 0600, which appears when it is complete.
///
/// # Errors
/// [`AloneError::NotWritten`]; what was there before is there then.
pub fn write(path: &Path, content: &[u8]) -> Result<(), AloneError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let beside = || -> io::Result<()> {
        // Temporary files are readable by their owner alone, and stay so.
        let mut file = tempfile::Builder::new()
            .prefix(".hybridsim-")
            .tempfile_in(folder.unwrap_or(Path::new(".")))?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(path).map(drop).map_err(|error| error.error)
    };
    let not_written =
        |why: io::Error| AloneError::NotWritten { path: path.to_owned(), why: why.to_string() };
    beside().map_err(not_written)
}

fn owner_only(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = options;
}

fn refused(path: &Path, why: &io::Error) -> AloneError {
    AloneError::File { path: path.to_owned(), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_is_written_belongs_to_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (whole, log) = (folder.path().join("whole"), folder.path().join("log"));
        write(&whole, b"a").unwrap();
        write(&whole, b"b").unwrap();
        append(&log).unwrap().append(b"1\n").unwrap();
        fs::set_permissions(&log, fs::Permissions::from_mode(0o666)).unwrap();
        append(&log).unwrap().append(b"2\n").unwrap();
        assert_eq!(
            (bytes(&whole).unwrap(), text(&log).unwrap()),
            (b"b".to_vec(), "1\n2\n".to_owned())
        );
        for path in [whole, log] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    /// A process that was killed while it wrote costs the line that it was in, and no other.
    #[test]
    fn a_half_line_swallows_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        write(&log, b"whole\nha").unwrap();
        append(&log).unwrap().append(b"next\n").unwrap();
        assert_eq!(text(&log).unwrap(), "whole\nha\nnext\n");
    }

    /// Lines that did not go in whole leave nothing behind.
    #[test]
    fn what_did_not_go_in_whole_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut lines = append(&log).unwrap();
        lines.append(b"whole\n").unwrap();
        lines.0.write_all(b"ha").unwrap();
        let error = lines.take_back(6, 2, io::ErrorKind::StorageFull.into());
        assert_eq!(
            (error.kind(), text(&log).unwrap().as_str()),
            (io::ErrorKind::StorageFull, "whole\n")
        );
        // Somebody else wrote meanwhile: theirs stays.
        lines.0.write_all(b"hatheirs\n").unwrap();
        lines.take_back(6, 2, io::ErrorKind::StorageFull.into());
        assert_eq!(text(&log).unwrap(), "whole\nhatheirs\n");
    }
}

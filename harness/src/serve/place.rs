//! Where the ready file and the certificate beside it are. Both are gone when `serve` ends.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, TempDir};

use super::ServeError;
use super::ready::Ready;

/// Where both files are. Dropping it removes them.
pub(super) struct Place {
    pub(super) ready: PathBuf,
    pub(super) ca: PathBuf,
    /// Of our own, when nobody named a file.
    _folder: Option<TempDir>,
}

impl Place {
    /// Finds out whether files can be written where `ready` says, before anything is started. An old
    /// file there is removed: it says nothing of what is to come.
    pub(super) fn prepare(ready: Option<&Path>) -> Result<Self, ServeError> {
        let (ready, folder) = match ready {
            Some(path) => (std::path::absolute(path).map_err(|why| refused(path, &why))?, None),
            None => {
                let folder = Builder::new().prefix("hybridsim-").tempdir().map_err(|why| {
                    ServeError::Internal(format!("no temporary folder can be made: {why}"))
                })?;
                (folder.path().join("ready.json"), Some(folder))
            }
        };
        match fs::symlink_metadata(&ready) {
            Ok(there) if there.is_file() => {
                fs::remove_file(&ready).map_err(|why| refused(&ready, &why))?;
            }
            Ok(_) => return Err(refused(&ready, &io::Error::other("it is no regular file"))),
            Err(why) if why.kind() == io::ErrorKind::NotFound => {}
            Err(why) => return Err(refused(&ready, &why)),
        }
        let mut ca = ready.clone().into_os_string();
        ca.push(".ca.pem");
        let place = Self { ready, ca: PathBuf::from(ca), _folder: folder };
        beside(&place.ready).map_err(|why| refused(&place.ready, &why))?;
        Ok(place)
    }

    /// Writes the certificate, then the document: whoever sees it finds everything that it names.
    pub(super) fn write(&self, ready: &Ready, ca_pem: &str) -> Result<(), ServeError> {
        let mut text = serde_json::to_vec_pretty(ready)
            .map_err(|why| ServeError::Internal(format!("the ready file: {why}")))?;
        text.push(b'\n');
        put(&self.ca, ca_pem.as_bytes()).map_err(|why| refused(&self.ca, &why))?;
        put(&self.ready, &text).map_err(|why| refused(&self.ready, &why))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for path in [&self.ready, &self.ca] {
            // One that was never written, or that somebody removed, is gone as it should be.
            let _ = fs::remove_file(path);
        }
    }
}

fn refused(path: &Path, why: &io::Error) -> ServeError {
    ServeError::Usage(format!("the ready file `{}` cannot be written: {why}", path.display()))
}

/// A file appears when it is complete. Temporary files are readable by their owner alone (mode 0600),
/// and stay so.
fn put(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = beside(path)?;
    file.write_all(content)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

fn beside(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let folder = path.parent().unwrap_or(Path::new("."));
    Builder::new().prefix(".hybridsim-").tempfile_in(folder)
}

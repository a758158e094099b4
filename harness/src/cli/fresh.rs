//! Text that a command writes into a file.

use std::fs;
use std::path::Path;

use super::Exit;
use super::console::Console;

/// Writes a file and the folders above it.
pub(super) fn write(path: &Path, text: &str, console: &Console) -> Exit {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let written = folder.map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, text));
    match written {
        Ok(()) => Exit::Pass,
        Err(error) => {
            console.error(
                &format!("cannot write `{}`: {error}", path.display()),
                "name a file in a folder that you may write to",
            );
            Exit::Usage
        }
    }
}

//! The state store on disk: one file, one table for each kind of state, one durable transaction for
//! each commit.
//!
//! Every page of the file has a checksum in the page above it. They are all checked when the store is
//! opened, so a byte that the disk or somebody else changed is found before anything is believed; that
//! reads the file once (600,000 links are 134 MB, checked in 0.05 s when the system has them at hand).
//! Commits have two phases: the file never points to a half-written one, so what does not verify is
//! damage, and is not taken for the trace of a crash and quietly undone.
//!
//! One process writes; whoever only looks takes a [snapshot](RedbStore::snapshot), which needs no lock and
//! leaves the file alone.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::backends::InMemoryBackend;
use redb::{
    Database, DatabaseError, Durability, ReadableDatabase, StorageBackend, TableDefinition,
    TableError, TableHandle,
};

use crate::ports::{StateStore, StoreError, StoreWrite, Table};

/// The format of what this program writes. A store with another one is refused.
const FORMAT: u32 = 1;
const FORMAT_TABLE: TableDefinition<'_, &str, u32> = TableDefinition::new("format");
const FORMAT_KEY: &str = "version";

/// The bytes at the start of the file that say which commit is the last one: redb's header, with both of
/// its commit slots.
const HEADER: u64 = 320;
/// How often a snapshot is tried while another process commits.
const SNAPSHOTS: u32 = 64;

/// The state store in a redb file.
pub struct RedbStore {
    database: Database,
    /// The file, for errors.
    path: PathBuf,
}

impl RedbStore {
    /// Opens the store in the file at `path`, which is created, readable for its owner alone, if it
    /// does not exist.
    ///
    /// # Errors
    /// `Damaged` when the file holds anything but a store of this format, `InUse` when another process
    /// has it open, `Io` when it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_or_make(path, |_| Ok(()))
    }

    /// The same; a store that does not exist gets its first rows from `fill`. It has them from its first
    /// moment on: a crash before the last of them leaves no store.
    ///
    /// # Errors
    /// As [`RedbStore::open`], and whatever `fill` fails with.
    pub fn open_or_make(
        path: &Path,
        fill: impl FnOnce(&mut Self) -> Result<(), StoreError>,
    ) -> Result<Self, StoreError> {
        let missing = !path.try_exists().map_err(|error| at(path, &error))?;
        if missing {
            Self::create(path, fill)?;
        }
        let file = open_file(path).map_err(|error| at(path, &error))?;
        sound(|| {
            if file.metadata().map_err(|error| at(path, &error))?.len() == 0 {
                return Err(StoreError::Damaged("it is empty".to_owned()));
            }
            Self::checked(Database::builder().create_file(file).map_err(opening)?, path)
        })
        .map_err(|error| named(path, error))
    }

    /// The store at `path` as its last commit left it, in memory: what is committed to it goes nowhere.
    /// The process that has the store open, if any, goes on undisturbed. `None` when there is no file.
    ///
    /// # Errors
    /// `Damaged` when the file holds anything but a store of this format, `InUse` when another process
    /// commits faster than the file can be read, `Io` when it cannot be read.
    pub fn snapshot(path: &Path) -> Result<Option<Self>, StoreError> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(at(path, &error)),
        };
        for _ in 0..SNAPSHOTS {
            let Some(bytes) = unchanging(&mut file).map_err(|error| at(path, &error))? else {
                continue;
            };
            if bytes.is_empty() {
                return Err(named(path, StoreError::Damaged("it is empty".to_owned())));
            }
            let opened = sound(|| {
                let memory = InMemoryBackend::new();
                let put = memory.set_len(bytes.len() as u64).and_then(|()| memory.write(0, &bytes));
                put.map_err(|error| StoreError::Io(error.to_string()))?;
                let made = Database::builder().create_with_backend(memory);
                Self::checked(made.map_err(opening)?, path)
            });
            return opened.map(Some).map_err(|error| named(path, error));
        }
        Err(StoreError::InUse(path.display().to_string()))
    }

    /// A database as a store, when it is whole and one.
    fn checked(mut database: Database, path: &Path) -> Result<Self, StoreError> {
        database.check_integrity().map_err(opening)?;
        let mut store = Self { database, path: path.to_owned() };
        store.check_format()?;
        Ok(store)
    }

    /// Makes a store under another name and gives it its own once it is whole: so an empty file under
    /// that name is never one that was just being made.
    fn create(
        path: &Path,
        fill: impl FnOnce(&mut Self) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let beside = Path::new(&beside);
        match std::fs::remove_file(beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(at(beside, &error));
            }
            Ok(()) | Err(_) => {}
        }
        let file = create_file(beside).map_err(|error| at(beside, &error))?;
        if let Err(error) = Self::make(file, beside, fill) {
            // What cannot be made whole, on a full disk for one, leaves nothing behind.
            let _ = std::fs::remove_file(beside);
            return Err(error);
        }
        // Whoever made one at the same time was first: its store stays.
        match std::fs::hard_link(beside, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(at(path, &error));
            }
            Ok(()) | Err(_) => {}
        }
        std::fs::remove_file(beside).map_err(|error| at(beside, &error))?;
        sync_folder(path).map_err(|error| at(path, &error))
    }

    fn make(
        file: File,
        path: &Path,
        fill: impl FnOnce(&mut Self) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let of_it = |error| named(path, error);
        let database = Database::builder().create_file(file).map_err(opening).map_err(of_it)?;
        let mut made = Self { database, path: path.to_owned() };
        made.initialize().map_err(of_it)?;
        fill(&mut made)
    }

    /// Checks that the store is whole and of this format.
    fn check_format(&mut self) -> Result<(), StoreError> {
        let read = self.database.begin_read().map_err(failed)?;
        let mut tables: Vec<String> =
            read.list_tables().map_err(failed)?.map(|table| table.name().to_owned()).collect();
        let damaged = |detail: String| Err(StoreError::Damaged(detail));
        let format = match read.open_table(FORMAT_TABLE) {
            Ok(table) => table.get(FORMAT_KEY).map_err(failed)?.map(|version| version.value()),
            Err(TableError::TableDoesNotExist(_)) => None,
            Err(error) => return Err(failed(error)),
        };
        match format {
            Some(FORMAT) => {}
            Some(other) => {
                return damaged(format!("it has format {other}, this program knows {FORMAT}"));
            }
            None => return damaged("it does not say which format it has".to_owned()),
        }
        tables.retain(|table| table != FORMAT_TABLE.name());
        tables.sort_unstable();
        let mut expected = Table::ALL.map(name);
        expected.sort_unstable();
        if tables != expected {
            return damaged(format!("it has the tables {}", tables.join(", ")));
        }
        Ok(())
    }

    fn initialize(&mut self) -> Result<(), StoreError> {
        let mut write = self.database.begin_write().map_err(failed)?;
        write.set_two_phase_commit(true);
        for table in Table::ALL {
            write.open_table(definition(table)).map_err(failed)?;
        }
        write
            .open_table(FORMAT_TABLE)
            .map_err(failed)?
            .insert(FORMAT_KEY, FORMAT)
            .map_err(failed)?;
        write.commit().map_err(failed)
    }

    fn write(&mut self, writes: Vec<StoreWrite>) -> Result<(), StoreError> {
        let mut transaction = self.database.begin_write().map_err(failed)?;
        transaction.set_durability(Durability::Immediate).map_err(failed)?;
        transaction.set_two_phase_commit(true);
        let mut tables = BTreeMap::new();
        for StoreWrite { table, key, value } in writes {
            let open = match tables.entry(table) {
                std::collections::btree_map::Entry::Occupied(open) => open.into_mut(),
                std::collections::btree_map::Entry::Vacant(place) => {
                    place.insert(transaction.open_table(definition(table)).map_err(failed)?)
                }
            };
            match value {
                Some(value) => open.insert(key.as_slice(), value.as_slice()),
                None => open.remove(key.as_slice()),
            }
            .map_err(failed)?;
        }
        drop(tables);
        transaction.commit().map_err(failed)
    }
}

impl StateStore for RedbStore {
    fn get(&mut self, table: Table, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        sound(|| {
            let read = self.database.begin_read().map_err(failed)?;
            let table = read.open_table(definition(table)).map_err(failed)?;
            keys.iter()
                .map(|key| {
                    let value = table.get(key.as_slice()).map_err(failed)?;
                    Ok(value.map(|value| value.value().to_vec()))
                })
                .collect()
        })
    }

    fn scan(
        &mut self,
        table: Table,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
        sound(|| {
            let read = self.database.begin_read().map_err(failed)?;
            let table = read.open_table(definition(table)).map_err(failed)?;
            let start = after.map_or(Bound::Unbounded, Bound::Excluded);
            table
                .range::<&[u8]>((start, Bound::Unbounded))
                .map_err(failed)?
                .take(limit)
                .map(|row| {
                    let (key, value) = row.map_err(failed)?;
                    Ok((key.value().to_vec(), value.value().to_vec()))
                })
                .collect()
        })
    }

    fn commit(&mut self, writes: Vec<StoreWrite>) -> Result<(), StoreError> {
        if writes.is_empty() {
            return Ok(());
        }
        let path = self.path.clone();
        sound(|| self.write(writes)).map_err(|error| named(&path, error))
    }
}

/// redb finds some kinds of damage by assertion; they are reported as what they are.
fn sound<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(StoreError::Damaged("its pages contradict each other".to_owned())))
}

const fn name(table: Table) -> &'static str {
    match table {
        Table::Meta => "meta",
        Table::Links => "links",
        Table::Escrow => "escrow",
        Table::Intents => "intents",
        Table::Backups => "backups",
        Table::Transfers => "transfers",
    }
}

const fn definition(table: Table) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
    TableDefinition::new(name(table))
}

/// The bytes of a file into which somebody may be committing; `None` when a commit came in between. Pages of
/// the last commit are not written to before the next one, so an unchanged header vouches for all of them.
fn unchanging(file: &mut File) -> io::Result<Option<Vec<u8>>> {
    let header = |file: &mut File| -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        file.by_ref().take(HEADER).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let before = header(file)?;
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    let unchanged = before == header(file)? && bytes.starts_with(&before);
    Ok(unchanged.then_some(bytes))
}

fn open_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

fn create_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// A new file survives a crash only when its folder has been written as well.
fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

fn at(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Io(format!("{}: {error}", path.display()))
}

/// The error with the file that it is about.
fn named(path: &Path, error: StoreError) -> StoreError {
    let of = |detail: String| format!("{}: {detail}", path.display());
    match error {
        StoreError::Damaged(detail) => StoreError::Damaged(of(detail)),
        StoreError::Io(detail) => StoreError::Io(of(detail)),
        StoreError::InUse(_) => StoreError::InUse(path.display().to_string()),
        StoreError::Halted => StoreError::Halted,
    }
}

fn opening(error: DatabaseError) -> StoreError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => StoreError::InUse(String::new()),
        DatabaseError::UpgradeRequired(_) | DatabaseError::RepairAborted => {
            StoreError::Damaged(error.to_string())
        }
        error => failed(error),
    }
}

fn failed(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Corrupted(detail) => StoreError::Damaged(detail),
        // What redb says of a file that is none of its own, or that ends too early.
        redb::Error::Io(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidData
                    | io::ErrorKind::InvalidInput
                    | io::ErrorKind::UnexpectedEof
            ) =>
        {
            StoreError::Damaged(error.to_string())
        }
        error @ (redb::Error::TableTypeMismatch { .. }
        | redb::Error::TableIsMultimap(_)
        | redb::Error::TableDoesNotExist(_)
        | redb::Error::TypeDefinitionChanged { .. }) => StoreError::Damaged(error.to_string()),
        error => StoreError::Io(error.to_string()),
    }
}

#[cfg(test)]
mod tests;

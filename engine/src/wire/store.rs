//! The state store on disk: one file, one table for each kind of state, one durable transaction for
//! each commit.
//!
//! Every page of the file has a checksum in the page above it. They are all checked when the store is
//! opened, so a byte that the disk or somebody else changed is found before anything is believed; that
//! reads the file once (600,000 links are 134 MB, checked in 0.05 s when the system has them at hand).
//! Commits have two phases: the file never points to a half-written one, so what does not verify is
//! damage, and is not taken for the trace of a crash and quietly undone.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use redb::{
    Database, DatabaseError, Durability, ReadableDatabase, TableDefinition, TableError, TableHandle,
};

use crate::ports::{StateStore, StoreError, StoreWrite, Table};

/// The format of what this program writes. A store with another one is refused.
const FORMAT: u32 = 1;
const FORMAT_TABLE: TableDefinition<'_, &str, u32> = TableDefinition::new("format");
const FORMAT_KEY: &str = "version";

/// The state store in a redb file.
pub struct RedbStore {
    database: Database,
}

impl RedbStore {
    /// Opens the store in the file at `path`, which is created, readable for its owner alone, if it
    /// does not exist.
    ///
    /// # Errors
    /// `Damaged` when the file holds anything but a store of this format, `Io` when it cannot be
    /// opened or another process has it open.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let missing = !path.try_exists().map_err(|error| at(path, &error))?;
        if missing {
            Self::create(path)?;
        }
        let file = open_file(path).map_err(|error| at(path, &error))?;
        sound(|| {
            if file.metadata().map_err(|error| at(path, &error))?.len() == 0 {
                return Err(StoreError::Damaged("it is empty".to_owned()));
            }
            let mut database = Database::builder().create_file(file).map_err(opening)?;
            database.check_integrity().map_err(opening)?;
            let mut store = Self { database };
            store.check_format()?;
            Ok(store)
        })
        .map_err(|error| match error {
            StoreError::Damaged(detail) => {
                StoreError::Damaged(format!("{}: {detail}", path.display()))
            }
            StoreError::Io(detail) => StoreError::Io(format!("{}: {detail}", path.display())),
            StoreError::Halted => StoreError::Halted,
        })
    }

    /// Makes a store under another name and gives it its own once it is whole: so an empty file under
    /// that name is never one that was just being made.
    fn create(path: &Path) -> Result<(), StoreError> {
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
        let database = Database::builder().create_file(file).map_err(opening)?;
        Self { database }.initialize()?;
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
        sound(|| self.write(writes))
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

fn opening(error: DatabaseError) -> StoreError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => {
            StoreError::Io("another process has it open".to_owned())
        }
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
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
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
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn put(table: Table, key: &[u8], value: Option<&[u8]>) -> StoreWrite {
        StoreWrite { table, key: key.to_vec(), value: value.map(<[u8]>::to_vec) }
    }

    fn refusal(path: &Path) -> StoreError {
        RedbStore::open(path).err().expect("the store must be refused")
    }

    /// What was committed is there after the program has ended; tables do not mix.
    #[test]
    fn commits_survive_and_tables_are_apart() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("state");
        let mut store = RedbStore::open(&path).unwrap();
        store
            .commit(vec![
                put(Table::Links, b"b", Some(b"2")),
                put(Table::Links, b"a", Some(b"1")),
                put(Table::Links, b"c", Some(b"3")),
                put(Table::Meta, b"a", Some(b"")),
            ])
            .unwrap();
        store.commit(vec![put(Table::Links, b"b", None), put(Table::Links, b"x", None)]).unwrap();
        store.commit(Vec::new()).unwrap();
        drop(store);
        let mut store = RedbStore::open(&path).unwrap();
        let keys = [b"c".to_vec(), b"b".to_vec(), b"a".to_vec()];
        assert_eq!(
            store.get(Table::Links, &keys).unwrap(),
            [Some(b"3".to_vec()), None, Some(b"1".to_vec())]
        );
        assert_eq!(store.get(Table::Meta, &keys).unwrap(), [None, None, Some(Vec::new())]);
        let all = store.scan(Table::Links, None, 10).unwrap();
        assert_eq!(all, [(b"a".to_vec(), b"1".to_vec()), (b"c".to_vec(), b"3".to_vec())]);
        assert_eq!(store.scan(Table::Links, None, 1).unwrap(), all[..1]);
        assert_eq!(store.scan(Table::Links, Some(b"a"), 10).unwrap(), all[1..]);
        assert_eq!(store.scan(Table::Escrow, None, 10).unwrap(), []);
    }

    /// Nobody but the owner reads what the engine keeps of people's data.
    #[cfg(unix)]
    #[test]
    fn the_file_belongs_to_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("state");
        RedbStore::open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    /// A file that is not a store is reported and left as it is.
    #[test]
    fn a_damaged_file_is_refused_and_kept() {
        let folder = TempDir::new().unwrap();
        let foreign = folder.path().join("foreign");
        std::fs::write(&foreign, b"minutes of the last meeting").unwrap();
        assert!(matches!(refusal(&foreign), StoreError::Damaged(_)));
        assert_eq!(std::fs::read(&foreign).unwrap(), b"minutes of the last meeting");

        let path = folder.path().join("state");
        let mut store = RedbStore::open(&path).unwrap();
        store.commit(vec![put(Table::Links, b"a", Some(&[7; 10_000]))]).unwrap();
        drop(store);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() / 3]).unwrap();
        assert!(matches!(refusal(&path), StoreError::Damaged(_)));
        std::fs::write(&path, b"").unwrap();
        assert!(matches!(refusal(&path), StoreError::Damaged(detail) if detail.contains("empty")));
        assert_eq!(std::fs::read(&path).unwrap(), b"", "nothing was made of it");

        let bare = folder.path().join("bare");
        drop(Database::create(&bare).unwrap());
        assert!(matches!(refusal(&bare), StoreError::Damaged(_)), "no table is no new store");
    }

    /// Whatever byte of the file changes: the store is refused, or it holds what it held. It never
    /// forgets a row, invents one or shows another value. Only what says which commit is the last one
    /// may take that one away, as a crash before it does, which every activity is made for.
    #[test]
    fn a_changed_byte_is_refused_or_means_nothing() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("state");
        let mut store = RedbStore::open(&path).unwrap();
        for round in 0..4_u8 {
            let rows = (0..60_u8).map(|number| {
                let table = Table::ALL[usize::from(number) % Table::ALL.len()];
                let length = usize::from(number) * 9 + 30;
                put(table, &[number; 16], Some(&vec![round ^ number; length]))
            });
            store.commit(rows.collect()).unwrap();
        }
        let read = |store: &mut RedbStore| -> Vec<Vec<(Vec<u8>, Vec<u8>)>> {
            Table::ALL.map(|table| store.scan(table, None, 100).unwrap()).into()
        };
        let before = read(&mut store);
        store.commit(vec![put(Table::Intents, &[3; 16], None)]).unwrap();
        let held = read(&mut store);
        assert_ne!(before, held);
        drop(store);
        let whole = std::fs::read(&path).unwrap();
        let used = whole.iter().rposition(|byte| *byte != 0).unwrap();
        let damaged = folder.path().join("damaged");
        let (mut refused, mut same) = (0, 0);
        const HEADER: usize = 64;
        for at in (0..HEADER).step_by(3).chain((HEADER..=used).step_by(1_021)) {
            let mut bytes = whole.clone();
            bytes[at] ^= if at % 2 == 0 { 0x01 } else { 0xff };
            std::fs::write(&damaged, &bytes).unwrap();
            match RedbStore::open(&damaged) {
                Ok(mut store) => {
                    let found = read(&mut store);
                    let undone = at < HEADER && found == before;
                    assert!(undone || found == held, "byte {at} of {used}");
                    same += 1;
                }
                Err(StoreError::Damaged(_)) => refused += 1,
                Err(other) => panic!("byte {at}: {other}"),
            }
        }
        assert!(refused > 20 && same > 20, "{refused} refused, {same} without meaning");
    }

    /// How long opening takes for the largest tenant, and how large its file is.
    #[test]
    #[ignore = "takes some seconds; run it to measure"]
    fn opening_with_600_000_links() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("state");
        let mut store = RedbStore::open(&path).unwrap();
        for page in 0..600_u32 {
            let rows = (0..1_000_u32).map(|number| {
                let digest = u128::from(page * 1_000 + number).wrapping_mul(u128::MAX / 97);
                put(Table::Links, &digest.to_be_bytes(), Some(&[7; 33]))
            });
            store.commit(rows.collect()).unwrap();
        }
        drop(store);
        let size = std::fs::metadata(&path).unwrap().len() / 1_000_000;
        let began = std::time::Instant::now();
        drop(RedbStore::open(&path).unwrap());
        println!("{size} MB opened and checked in {:?}", began.elapsed());
    }

    /// What a process left that died while it made a store is made anew.
    #[test]
    fn a_store_that_was_being_made_is_made_anew() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("state");
        std::fs::write(folder.path().join("state.new"), b"half").unwrap();
        drop(RedbStore::open(&path).unwrap());
        assert!(!folder.path().join("state.new").exists());
        drop(RedbStore::open(&path).unwrap());
    }

    /// A store of a later program, or of another one, is not taken for an empty one.
    #[test]
    fn another_format_is_refused() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("state");
        drop(RedbStore::open(&path).unwrap());
        let database = Database::open(&path).unwrap();
        let write = database.begin_write().unwrap();
        write.open_table(FORMAT_TABLE).unwrap().insert(FORMAT_KEY, FORMAT + 1).unwrap();
        write.commit().unwrap();
        drop(database);
        assert!(
            matches!(refusal(&path), StoreError::Damaged(detail) if detail.contains("format 2"))
        );

        let path = folder.path().join("other");
        let database = Database::create(&path).unwrap();
        let write = database.begin_write().unwrap();
        write.open_table(TableDefinition::<&str, u32>::new("hens")).unwrap();
        write.commit().unwrap();
        drop(database);
        assert!(matches!(refusal(&path), StoreError::Damaged(_)));
    }

    /// Two engines on one store would each undo what the other does.
    #[test]
    fn a_store_is_open_once() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("state");
        let _store = RedbStore::open(&path).unwrap();
        assert!(matches!(refusal(&path), StoreError::Io(detail) if detail.contains("open")));
        let missing = folder.path().join("no folder").join("state");
        assert!(matches!(refusal(&missing), StoreError::Io(_)));
    }
}

//! The state stores of a call. The job and the transfers have a file each, so that neither stands in the
//! other's way; and whoever writes nothing gets a copy in memory, which needs no file to itself.

use std::path::Path;

use engine::guid::Guid;
use engine::journal::MemoryStore;
use engine::journal::rows::{JOB_KEY, JobRow, VERSION_KEY, version_write};
use engine::ports::{StateStore, StoreError, StoreWrite, Table};
use engine::wire::{Claims, RedbStore};

use super::{AloneError, Settings, files};

/// Rows copied with one call of the state store.
const ROWS: usize = 10_000;

/// Who has a store open, and what to do about it.
const JOB: &str = "the writeback job runs on it in another process: end that one with Ctrl-C or SIGTERM, which \
    loses nothing, and call again. Dry runs, `--reconcile` and `hybridsim transfer` work beside it";
const TRANSFER: &str = "another `hybridsim transfer` works on it: wait for its end, or end it with Ctrl-C, which \
    loses nothing, and call again. Dry runs, `inventory`, `readiness`, `decommission`, `backup` and `restore` \
    work beside it";

/// Key of the row in the table `Meta` that says whose a store is.
const OWNER_KEY: &[u8] = b"owner";

/// Whose a state store is: what it remembers means nothing to another tenant, forest or kind of work.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    /// The tenant of the token; `None` where there is none to be had yet, and then whoever gets one later compares it
    /// with [`tenant_of`] the store.
    tenant: Option<Guid>,
    domain: String,
}

impl Owner {
    /// As the token and the configuration say it.
    pub(super) fn of(settings: &Settings, claims: Option<&Claims>) -> Self {
        let tenant = claims.map(|claims| claims.tenant);
        Self { tenant, domain: settings.domain.to_lowercase() }
    }

    /// Refuses a store of somebody else; one that says nothing is taken over by whoever writes to it.
    fn check(
        &self,
        store: &mut dyn StateStore,
        (path, kind): (&Path, &'static str),
        apply: bool,
    ) -> Result<(), AloneError> {
        let row = store.get(Table::Meta, &[OWNER_KEY.to_vec()])?.into_iter().next().flatten();
        let Some(row) = row else {
            let Some(tenant) = self.tenant.filter(|_| apply) else { return Ok(()) };
            let value = format!("{kind} {tenant} {}", self.domain).into_bytes();
            let row =
                StoreWrite { table: Table::Meta, key: OWNER_KEY.to_vec(), value: Some(value) };
            return Ok(store.commit(vec![version_write(), row])?);
        };
        let text = String::from_utf8_lossy(&row);
        let mut words = text.split(' ').map(str::to_owned);
        let mut word = || words.next().unwrap_or_default();
        let (of, tenant, domain) = (word(), word(), word());
        let whose = if of != kind {
            format!("of {}", if of == TRANSFERS { "transfers" } else { "the writeback job" })
        } else if self.tenant.is_some_and(|own| own.to_string() != tenant) {
            format!("of the tenant {tenant}")
        } else if self.domain != domain {
            format!("of the domain {domain}")
        } else {
            return Ok(());
        };
        let why = format!("is the state {whose}: name another file, and this begins anew");
        Err(AloneError::File { path: path.to_owned(), why })
    }
}

/// The kinds of stores, as their owners' rows say them.
const WRITEBACK: &str = "job";
const TRANSFERS: &str = "transfers";

/// No store: for what keeps nothing.
pub(super) fn none() -> Box<dyn StateStore> {
    Box::new(MemoryStore::default())
}

/// The store of the writeback job; with `apply` off a copy of it.
pub(super) fn job(
    settings: &Settings,
    owner: &Owner,
    apply: bool,
) -> Result<Box<dyn StateStore>, AloneError> {
    let path = &settings.state;
    files::no_folder(path)?;
    let mut store: Box<dyn StateStore> = if apply {
        let store = RedbStore::open(path).map_err(held_by(JOB))?;
        files::tighten(path)?;
        Box::new(store)
    } else {
        copy(path, JOB)?.unwrap_or_else(none)
    };
    owner.check(&mut *store, (path, WRITEBACK), apply)?;
    Ok(store)
}

/// The store of the transfers; with `apply` off a copy of it. A new one begins with the transfers that the
/// job's store has: once both were one file.
pub(super) fn transfers(
    settings: &Settings,
    owner: &Owner,
    apply: bool,
) -> Result<Box<dyn StateStore>, AloneError> {
    let path = &settings.transfers;
    files::no_folder(path)?;
    let mut store: Box<dyn StateStore> = if apply {
        let fill = |made: &mut RedbStore| adopt(made, &settings.state);
        let store = RedbStore::open_or_make(path, fill).map_err(held_by(TRANSFER))?;
        files::tighten(path)?;
        Box::new(store)
    } else if let Some(store) = copy(path, TRANSFER)? {
        store
    } else {
        return Ok(copy(&settings.state, JOB)?.unwrap_or_else(none));
    };
    owner.check(&mut *store, (path, TRANSFERS), apply)?;
    Ok(store)
}

/// The run state of the writeback job; `None` where it never ran.
pub(super) fn job_row(settings: &Settings) -> Result<Option<JobRow>, AloneError> {
    Ok(match copy(&settings.state, JOB)? {
        Some(mut store) => row_of_job(&mut *store)?,
        None => None,
    })
}

/// The tenant that a store says it belongs to.
pub(super) fn tenant_of(store: &mut dyn StateStore) -> Result<Option<Guid>, StoreError> {
    let row = store.get(Table::Meta, &[OWNER_KEY.to_vec()])?.into_iter().next().flatten();
    let text = row.map(|row| String::from_utf8_lossy(&row).into_owned()).unwrap_or_default();
    Ok(text.split(' ').nth(1).and_then(|tenant| tenant.parse().ok()))
}

/// The run state of the job in this store.
pub(super) fn row_of_job(store: &mut dyn StateStore) -> Result<Option<JobRow>, StoreError> {
    let row = store.get(Table::Meta, &[JOB_KEY.to_vec()])?.into_iter().next().flatten();
    row.map(|bytes| JobRow::decode(&bytes)).transpose()
}

/// What is in the file, in memory; `None` when there is no file.
fn copy(path: &Path, holder: &'static str) -> Result<Option<Box<dyn StateStore>>, AloneError> {
    let store = RedbStore::snapshot(path).map_err(held_by(holder))?;
    Ok(store.map(|store| Box::new(store) as Box<dyn StateStore>))
}

/// Copies the progress of transfers and their backups out of the job's store.
fn adopt(made: &mut RedbStore, state: &Path) -> Result<(), StoreError> {
    let Some(mut old) = RedbStore::snapshot(state)? else { return Ok(()) };
    let mut any = false;
    for table in [Table::Backups, Table::Transfers] {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let rows = old.scan(table, after.as_deref(), ROWS)?;
            let complete = rows.len() < ROWS;
            any |= !rows.is_empty();
            after = rows.last().map(|(key, _)| key.clone());
            let write = |(key, value)| StoreWrite { table, key, value: Some(value) };
            made.commit(rows.into_iter().map(write).collect())?;
            if complete {
                break;
            }
        }
    }
    let version = old.get(Table::Meta, &[VERSION_KEY.to_vec()])?.into_iter().next().flatten();
    match version {
        Some(value) if any => {
            let key = VERSION_KEY.to_vec();
            made.commit(vec![StoreWrite { table: Table::Meta, key, value: Some(value) }])
        }
        _ => Ok(()),
    }
}

fn held_by(holder: &'static str) -> impl Fn(StoreError) -> AloneError {
    move |error| match error {
        StoreError::InUse(path) => AloneError::InUse { path: path.into(), holder },
        other => AloneError::Store(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> Owner {
        Owner { tenant: Some(Guid([7; 16])), domain: "contoso.com".into() }
    }

    /// A store says whose it is; one that says nothing yet is taken over, by whoever may write.
    #[test]
    fn a_store_of_another_tenant_domain_or_kind_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(&folder);
        job(&settings, &owner(), true).unwrap();
        let other = Owner { tenant: Some(Guid([8; 16])), ..owner() };
        let elsewhere = Owner { domain: "fabrikam.com".into(), ..owner() };
        for apply in [false, true] {
            for (owner, words) in [(&other, "of the tenant"), (&elsewhere, "of the domain")] {
                let refused = job(&settings, owner, apply).err().expect("not theirs").to_string();
                assert!(refused.contains(words), "{refused}");
            }
            job(&settings, &owner(), apply).unwrap();
            // Without a token nobody knows, and nobody is asked anything either.
            job(&settings, &Owner { tenant: None, ..owner() }, apply).unwrap();
        }
        let swapped = Settings { transfers: settings.state.clone(), ..settings };
        let refused = transfers(&swapped, &owner(), false).err().expect("the job's").to_string();
        assert!(refused.contains("of the writeback job"), "{refused}");
    }

    fn row(table: Table, value: &[u8]) -> StoreWrite {
        StoreWrite { table, key: b"k".to_vec(), value: Some(value.to_vec()) }
    }

    fn value(store: &mut dyn StateStore, table: Table) -> Option<Vec<u8>> {
        store.get(table, &[b"k".to_vec()]).unwrap().remove(0)
    }

    fn settings(folder: &tempfile::TempDir) -> Settings {
        super::super::config::tests::settings(folder.path())
    }

    #[test]
    fn a_dry_run_has_what_is_on_disk_and_leaves_it_alone() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(&folder);
        drop(job(&settings, &owner(), false).unwrap());
        drop(transfers(&settings, &owner(), false).unwrap());
        assert!(!settings.state.exists() && !settings.transfers.exists(), "a dry run makes none");
        job(&settings, &owner(), true)
            .unwrap()
            .commit(vec![row(Table::Links, b"on disk")])
            .unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |mode| std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&settings.state, mode(0o644)).unwrap();
            for (apply, expected) in [(false, 0o644), (true, 0o600)] {
                drop(job(&settings, &owner(), apply).unwrap());
                let now = std::fs::metadata(&settings.state).unwrap().permissions().mode();
                assert_eq!(now & 0o777, expected, "only who writes tightens");
            }
        }
        let mut copy = job(&settings, &owner(), false).unwrap();
        copy.commit(vec![row(Table::Links, b"in memory")]).unwrap();
        assert_eq!(value(&mut *copy, Table::Links).unwrap(), b"in memory");
        let mut stored = job(&settings, &owner(), true).unwrap();
        assert_eq!(value(&mut *stored, Table::Links).unwrap(), b"on disk");
    }

    /// The job and a transfer write side by side; a second one of either is told who is there, and dry runs
    /// are in nobody's way.
    #[test]
    fn job_and_transfers_do_not_shut_each_other_out() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(&folder);
        let (_job, _transfer) = (
            job(&settings, &owner(), true).unwrap(),
            transfers(&settings, &owner(), true).unwrap(),
        );
        drop((
            job(&settings, &owner(), false).unwrap(),
            transfers(&settings, &owner(), false).unwrap(),
        ));
        assert_eq!(job_row(&settings).unwrap().map(|row| row.cycle), None);
        for (second, file, words) in [
            (job(&settings, &owner(), true).err(), "state.redb", "the writeback job"),
            (
                transfers(&settings, &owner(), true).err(),
                "state.transfers.redb",
                "`hybridsim transfer`",
            ),
        ] {
            let text = second.expect("one writes at a time").to_string();
            assert!(text.contains(file) && text.contains(words), "{text}");
            assert!(text.contains("call again"), "{text}");
        }
    }

    /// Transfers that were begun when both had one file go on, whether anything is applied or not; what the
    /// job keeps stays the job's, and nothing is taken over twice.
    #[test]
    fn transfers_of_the_job_s_file_are_taken_over_once() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(&folder);
        let old = [
            row(Table::Transfers, b"begun"),
            row(Table::Backups, b"kept"),
            row(Table::Links, b"link"),
        ];
        job(&settings, &owner(), true).unwrap().commit(old.to_vec()).unwrap();
        let mut dry = transfers(&settings, &owner(), false).unwrap();
        assert_eq!(value(&mut *dry, Table::Transfers).unwrap(), b"begun");
        assert!(!settings.transfers.exists());
        let mut store = transfers(&settings, &owner(), true).unwrap();
        assert_eq!(value(&mut *store, Table::Transfers).unwrap(), b"begun");
        assert_eq!(value(&mut *store, Table::Backups).unwrap(), b"kept");
        assert_eq!(value(&mut *store, Table::Links), None);
        store.commit(vec![row(Table::Transfers, b"done")]).unwrap();
        drop(store);
        let mut store = transfers(&settings, &owner(), true).unwrap();
        assert_eq!(value(&mut *store, Table::Transfers).unwrap(), b"done");
    }

    /// A path that names something else by mistake: it is refused, and nobody touches it, its rights included.
    #[test]
    fn a_damaged_store_is_told_and_kept_by_whoever_looks_too() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings(&folder);
        std::fs::write(&settings.state, b"not a store").unwrap();
        let rights = |path: &Path| {
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                std::fs::metadata(path).unwrap().permissions().mode()
            }
            #[cfg(not(unix))]
            std::fs::metadata(path).unwrap().permissions().readonly()
        };
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            for path in [&settings.state, folder.path()] {
                let mode = std::fs::Permissions::from_mode(0o755);
                std::fs::set_permissions(path, mode).unwrap();
            }
        }
        let before = (rights(&settings.state), rights(folder.path()));
        for refused in [
            job(&settings, &owner(), false).err(),
            job(&settings, &owner(), true).err(),
            transfers(&settings, &owner(), false).err(),
            transfers(&settings, &owner(), true).err(),
        ] {
            assert!(refused.expect("it is damaged").to_string().contains("damaged"));
        }
        assert!(!settings.transfers.exists(), "no store without what was begun");
        assert_eq!(std::fs::read(&settings.state).unwrap(), b"not a store");
        let file = settings.state.clone();
        settings.state = folder.path().to_owned();
        settings.transfers = folder.path().to_owned();
        for refused in
            [job(&settings, &owner(), true).err(), transfers(&settings, &owner(), false).err()]
        {
            let refused = refused.expect("it is a folder");
            assert!(refused.is_usage() && refused.to_string().contains("is a folder"), "{refused}");
        }
        assert_eq!((rights(&file), rights(folder.path())), before);
    }
}

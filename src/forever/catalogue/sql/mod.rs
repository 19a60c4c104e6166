//! Every word of SQL, and everything known of the database behind it.
//!
//! The file keeps a rollback journal and no write-ahead log: beside it lies one file, and only
//! while a transaction runs, so a project can be copied, and kept on a network drive. Writes are
//! few; each is one transaction that is whole or has not happened, whatever is pulled.

mod failures;
mod rows;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{
    Connection, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior, params,
};

use super::record::{Known, Listed, Record};
use crate::base::{Error, Result};
use crate::forever::song::SongId;
use failures::{damaged, failed, foreign, other_version};
use rows::{bytes_of, known, listed, path_of, put_song};

/// Raised with every change of the tables.
const SCHEMA: i64 = 2;
/// Marks a database as ours: `EVMX`.
const APPLICATION: i64 = 0x4556_4d58;

const CREATE: &str = "
CREATE TABLE files (
    path BLOB NOT NULL PRIMARY KEY,
    bytes INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    content BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE songs (
    content BLOB NOT NULL PRIMARY KEY,
    analysis TEXT NOT NULL,
    unusable TEXT,
    title TEXT NOT NULL, artist TEXT NOT NULL, album TEXT NOT NULL, genre TEXT NOT NULL,
    duration REAL, tempo REAL, metre INTEGER, key INTEGER, key_confidence REAL,
    energy REAL, danceability REAL, loudness REAL, timbre BLOB,
    opening_tempo REAL, opening_timbre BLOB, ending_tempo REAL, ending_timbre BLOB, print BLOB
) STRICT, WITHOUT ROWID;
CREATE TABLE plays (
    content BLOB NOT NULL PRIMARY KEY,
    count INTEGER NOT NULL,
    last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";
/// What tables of the first version lack. Their songs are heard anew, their plays are kept.
const FROM_FIRST: &str = "ALTER TABLE songs ADD COLUMN print BLOB";
const IS_EMPTY: &str = "SELECT count(*) = 0 FROM sqlite_schema";
const ALL: &str = "
SELECT path, bytes, modified, files.content, count, last, analysis, unusable, title, artist, album,
    genre, duration, tempo, metre, key, key_confidence, energy, danceability, loudness, timbre,
    opening_tempo, opening_timbre, ending_tempo, ending_timbre, print
FROM files JOIN songs ON songs.content = files.content
LEFT JOIN plays ON plays.content = files.content";
const ONE: &str = "
SELECT NULL, NULL, NULL, songs.content, count, last, analysis, unusable, title, artist, album,
    genre, duration, tempo, metre, key, key_confidence, energy, danceability, loudness, timbre,
    opening_tempo, opening_timbre, ending_tempo, ending_timbre, print
FROM songs LEFT JOIN plays ON plays.content = songs.content WHERE songs.content = ?1";
const PATHS: &str = "SELECT path FROM files ORDER BY path";
const PUT_FILE: &str = "INSERT OR REPLACE INTO files VALUES (?1, ?2, ?3, ?4)";
const PUT_SONG: &str = "INSERT OR REPLACE INTO songs VALUES
    (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
    ?21)";
const FORGET: &str = "DELETE FROM files WHERE path = ?1";
const PLAYED: &str =
    "INSERT INTO plays VALUES (?1, 1, (SELECT coalesce(max(last), 0) + 1 FROM plays))
    ON CONFLICT (content) DO UPDATE SET count = count + 1, last = excluded.last";

/// What a file says of itself: whose it is, of which time, and whether it is whole.
struct Owner {
    application: i64,
    schema: i64,
    empty: bool,
    check: String,
}

/// An open catalogue.
pub struct Database {
    connection: Connection,
    path: PathBuf,
}

impl Database {
    /// Opens or makes the file at `path`. Who finds it being written waits for `patience`.
    pub fn open(path: &Path, patience: Duration) -> Result<Database> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let opened = Connection::open_with_flags(path, flags);
        Database::prepare(opened.map_err(|e| failed(path, e))?, path, patience)
    }

    /// A catalogue that is gone with the process.
    pub fn in_memory() -> Result<Database> {
        let path = Path::new(":memory:");
        let opened = Connection::open_in_memory();
        Database::prepare(opened.map_err(|e| failed(path, e))?, path, Duration::ZERO)
    }

    fn prepare(connection: Connection, path: &Path, patience: Duration) -> Result<Database> {
        let mut database = Database { connection, path: path.to_path_buf() };
        database.set_up(patience).map_err(|e| database.failed(e))?;
        database.check_owner()?;
        Ok(database)
    }

    /// A stranger's file may hold views and triggers that do things when looked at.
    fn set_up(&self, patience: Duration) -> rusqlite::Result<()> {
        self.connection.busy_timeout(patience)?;
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
        self.connection.pragma_update(None, "cell_size_check", true)
    }

    /// Makes the tables in an empty file; refuses what is not ours, of another time or damaged.
    fn check_owner(&mut self) -> Result<()> {
        let looked = self.look().map_err(|e| failed(&self.path, e))?;
        match looked {
            Owner { empty: true, application: 0, schema: 0, .. } => self.create(),
            Owner { application: APPLICATION, schema: SCHEMA, check, .. } if check == "ok" => {
                Ok(())
            }
            Owner { application: APPLICATION, schema: SCHEMA, check, .. } => {
                Err(damaged(&self.path, &check))
            }
            Owner { application: APPLICATION, schema: 1, .. } => self.migrate(),
            Owner { application: APPLICATION, schema, .. } => {
                Err(other_version(&self.path, schema))
            }
            _ => Err(foreign(&self.path)),
        }
    }

    /// All is read in one transaction: another process may be making the tables at this moment,
    /// and half of before with half of after would look like a stranger's file.
    fn look(&mut self) -> rusqlite::Result<Owner> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
        let number = |name| transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let (application, schema) = (number("application_id")?, number("user_version")?);
        let empty = transaction.query_row(IS_EMPTY, [], |row| row.get(0))?;
        let ours = (application, schema) == (APPLICATION, SCHEMA);
        let check = if ours {
            transaction.pragma_query_value(None, "quick_check", |row| row.get(0))?
        } else {
            String::new()
        };
        Ok(Owner { application, schema, empty, check })
    }

    /// Two may come upon an empty file at the same time: the second finds it made.
    fn create(&mut self) -> Result<()> {
        self.write(|transaction| {
            let empty: bool = transaction.query_row(IS_EMPTY, [], |row| row.get(0))?;
            if empty {
                transaction.execute_batch(CREATE)?;
                transaction.pragma_update(None, "application_id", APPLICATION)?;
                transaction.pragma_update(None, "user_version", SCHEMA)?;
            }
            Ok(())
        })
    }

    /// Brings tables of the first version up to date, unless somebody else just did.
    fn migrate(&mut self) -> Result<()> {
        self.write(|transaction| {
            let schema: i64 =
                transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
            if schema == 1 {
                transaction.execute_batch(FROM_FIRST)?;
                transaction.pragma_update(None, "user_version", SCHEMA)?;
            }
            Ok(())
        })
    }

    /// All files whose songs are known. A row that makes no sense is passed over: its song is
    /// looked at again.
    pub fn all(&self) -> Result<Vec<(Listed, Known)>> {
        let read = || {
            let mut statement = self.connection.prepare_cached(ALL)?;
            let mut rows = statement.query([])?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                all.extend(listed(row)?.zip(known(row)?));
            }
            Ok(all)
        };
        read().map_err(|e| self.failed(e))
    }

    /// All paths, whether their songs are known or not.
    pub fn paths(&self) -> Result<Vec<PathBuf>> {
        let read = || {
            let mut statement = self.connection.prepare_cached(PATHS)?;
            let rows = statement.query_map([], |row| Ok(path_of(&row.get::<_, Vec<u8>>(0)?)))?;
            rows.collect::<rusqlite::Result<Vec<PathBuf>>>()
        };
        read().map_err(|e| self.failed(e))
    }

    /// What is known of one song.
    pub fn one(&self, id: &SongId) -> Result<Option<Known>> {
        let read = || {
            let mut statement = self.connection.prepare_cached(ONE)?;
            let found = statement.query_row([id.0.as_slice()], known).optional()?;
            Ok(found.flatten())
        };
        read().map_err(|e| self.failed(e))
    }

    /// Files and what is known of their songs, all of them or none.
    pub fn put(&mut self, found: impl IntoIterator<Item = (Listed, Record)>) -> Result<()> {
        self.write(|transaction| {
            let mut files = transaction.prepare_cached(PUT_FILE)?;
            let mut songs = transaction.prepare_cached(PUT_SONG)?;
            for (file, record) in found {
                put_song(&mut songs, &record)?;
                let bytes = i64::try_from(file.bytes).unwrap_or(i64::MAX);
                let content = record.id.0.as_slice();
                files.execute(params![bytes_of(&file.path), bytes, file.modified, content])?;
            }
            Ok(())
        })
    }

    /// Files that are gone. What was heard of their songs stays, for they may come back.
    pub fn forget(&mut self, paths: &[PathBuf]) -> Result<()> {
        self.write(|transaction| {
            let mut statement = transaction.prepare_cached(FORGET)?;
            paths.iter().try_for_each(|path| statement.execute([bytes_of(path)]).map(drop))
        })
    }

    /// One more play of a song.
    pub fn played(&mut self, id: &SongId) -> Result<()> {
        self.write(|transaction| transaction.execute(PLAYED, [id.0.as_slice()]).map(drop))
    }

    /// One transaction, which takes the right to write at once: to ask for it half way would be
    /// refused where two do.
    fn write(&mut self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>) -> Result<()> {
        let behaviour = TransactionBehavior::Immediate;
        let written =
            self.connection.transaction_with_behavior(behaviour).and_then(|transaction| {
                work(&transaction)?;
                transaction.commit()
            });
        written.map_err(|e| failed(&self.path, e))
    }

    fn failed(&self, error: rusqlite::Error) -> Error {
        failed(&self.path, error)
    }
}

//! What a database says by its codes, as a kind of failure.

use super::Login;
use crate::engine::stream::broken;
use crate::measure::Failure;
use sqlx::Error;
use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlDatabaseError;

/// As much as is told of what a server says.
const LONGEST: usize = 300;

/// An error that the database has told.
pub struct Said {
    pub failure: Failure,
    /// What stands for it, without the values in it.
    pub state: String,
    pub message: String,
}

impl Said {
    pub fn of(kind: &Login, error: &dyn DatabaseError) -> Said {
        let code = error.code().unwrap_or_default();
        let (failure, state) = match kind {
            Login::Postgres(_) => (of_state(&code), code.into_owned()),
            Login::MySql(_) => match error.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number) {
                Some(number) => (of_number(number, &code), number.to_string()),
                None => (of_state(&code), code.into_owned()),
            },
            Login::Sqlite(_) => (of_sqlite(code.parse().unwrap_or(1)), code.into_owned()),
        };
        Said { failure, message: shortened(&format!("{state}: {}", error.message())), state }
    }
}

/// By SQLSTATE, of PostgreSQL (its appendix A) and of the standard.
fn of_state(state: &str) -> Failure {
    match state {
        "40001" => Failure::Serialization,
        "40P01" => Failure::Deadlock,
        "23505" => Failure::Unique,
        "55P03" => Failure::Lock,
        // The time that the server gives a statement is over, or somebody has cancelled it.
        "57014" => Failure::Timeout,
        // No connections are left; the server goes down, has crashed, or is not up yet; the session was idle for too long.
        "53300" | "57P01" | "57P02" | "57P03" | "57P05" => Failure::Connection,
        _ => match state.get(..2).unwrap_or_default() {
            "08" | "28" | "3D" => Failure::Connection,
            "23" => Failure::Constraint,
            "42" => Failure::Syntax,
            "40" => Failure::Serialization,
            _ => Failure::Sql,
        },
    }
}

/// By the numbers of MySQL and MariaDB, whose states say less.
fn of_number(number: u16, state: &str) -> Failure {
    match number {
        1213 | 1614 => Failure::Deadlock,
        1020 => Failure::Serialization,
        1022 | 1062 | 1169 | 1586 => Failure::Unique,
        1205 | 3572 => Failure::Lock,
        // `max_execution_time`, `max_statement_time`, and a statement that was killed.
        1317 | 1969 | 3024 => Failure::Timeout,
        1040 | 1044 | 1045 | 1049 | 1053 | 1080 | 1152 | 1184 | 1203 | 1226 | 1927 | 4031 => Failure::Connection,
        1048 | 1216 | 1217 | 1364 | 1451 | 1452 | 3819 | 4025 => Failure::Constraint,
        _ => of_state(state),
    }
}

/// By the extended codes of SQLite.
fn of_sqlite(code: i32) -> Failure {
    match (code, code & 0xff) {
        (2067 | 1555, _) => Failure::Unique,
        // Another writer was first, after this one has read.
        (517, _) => Failure::Serialization,
        (_, 5 | 6) => Failure::Lock,
        (_, 9) => Failure::Timeout,
        (_, 19) => Failure::Constraint,
        (_, 14 | 26) => Failure::Connection,
        (_, 1) => Failure::Syntax,
        _ => Failure::Sql,
    }
}

/// What came of a session that broke, or was none, and why.
pub fn of_session(kind: &Login, error: &Error) -> (Failure, Option<String>) {
    match error {
        Error::Database(said) => {
            let Said { message, .. } = Said::of(kind, said.as_ref());
            (Failure::Connection, Some(message))
        }
        Error::Io(error) => {
            let broken = broken(error);
            (broken.failure, broken.because)
        }
        Error::WorkerCrashed => (Failure::Closed, None),
        // Of `caching_sha2_password`, the first time since the server was started, and of `sha256_password`.
        Error::Configuration(why) if why.to_string().contains("RSA") => {
            let because = "the server wants the password of this user under TLS; `tls:` of the target encrypts it";
            (Failure::Connection, Some(because.to_owned()))
        }
        Error::Encode(why) | Error::Decode(why) => (Failure::Data, Some(shortened(&why.to_string()))),
        // Of MySQL: the driver counts places and values.
        Error::Protocol(why) if why.contains("parameters were provided") => (Failure::Data, Some(shortened(why))),
        Error::Protocol(why) => (Failure::Protocol, Some(shortened(why))),
        other => (Failure::Protocol, Some(shortened(without_place(&other.to_string())))),
    }
}

pub fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// sqlx ends some of its texts with the line of its own in which they arose.
fn without_place(text: &str) -> &str {
    match text.rsplit_once(" (sqlx_") {
        Some((said, place)) if place.ends_with(')') => said,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_kinds() {
        for (state, failure) in [
            ("40001", Failure::Serialization),
            ("40P01", Failure::Deadlock),
            ("23505", Failure::Unique),
            ("23503", Failure::Constraint),
            ("55P03", Failure::Lock),
            ("57014", Failure::Timeout),
            ("57P01", Failure::Connection),
            ("08006", Failure::Connection),
            ("42601", Failure::Syntax),
            ("42P01", Failure::Syntax),
            ("22012", Failure::Sql),
            ("", Failure::Sql),
        ] {
            assert_eq!(of_state(state), failure, "{state}");
        }
        assert_eq!(of_number(1062, "23000"), Failure::Unique);
        assert_eq!(of_number(1213, "40001"), Failure::Deadlock);
        assert_eq!(of_number(1205, "HY000"), Failure::Lock);
        assert_eq!(of_number(1064, "42000"), Failure::Syntax);
        assert_eq!(of_number(1146, "42S02"), Failure::Syntax);
        assert_eq!(
            [2067, 5, 1, 787].map(of_sqlite),
            [Failure::Unique, Failure::Lock, Failure::Syntax, Failure::Constraint]
        );
    }

    #[test]
    fn a_login_that_needs_tls_is_told() {
        let login = Login::Sqlite(Box::default());
        let (failure, because) = of_session(&login, &Error::Configuration("RSA auth backend disabled".into()));
        assert!(because.is_some_and(|why| why.contains("`tls:`")) && failure == Failure::Connection);
    }

    #[test]
    fn what_a_server_says_is_cut() {
        let long = shortened(&"\u{e4}".repeat(1000));
        assert_eq!((long.chars().count(), long.ends_with('…')), (LONGEST + 1, true));
    }
}

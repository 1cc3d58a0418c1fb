//! Faults on a MySQL or MariaDB. The user of the target sees sessions of other users only with the privilege PROCESS, and ends
//! them only with that of KILL (`CONNECTION ADMIN`, formerly SUPER).

use super::{Server, quoted};
use crate::base::database::{Database, ServerAddress};
use crate::engine::sql::{self, MySqlLogin, Unopened, Way};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlRow, MySqlSslMode};
use sqlx::{AssertSqlSafe, Error, Row};

const PLACES: &str = "SELECT CAST(@@GLOBAL.max_connections AS SIGNED)";
/// A variable of the server, which everybody may see; tables of it are another in each of the two and in each version.
const OPEN: &str = "SHOW GLOBAL STATUS LIKE 'Threads_connected'";
const OTHERS: &str =
    "SELECT CAST(ID AS SIGNED) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID()";
const WAITERS: &str = "SELECT COUNT(*) FROM information_schema.PROCESSLIST
    WHERE DB = DATABASE() AND STATE = 'Waiting for table metadata lock' AND INFO LIKE CONCAT('%', ?, '%')";
/// There is no place left.
const FULL: u16 = 1040;
/// The session is gone.
const NO_SUCH_THREAD: u16 = 1094;

#[derive(Clone)]
pub struct MySql {
    login: MySqlLogin,
    way: Way,
}

impl MySql {
    pub fn of(known: &Database, way: Way) -> MySql {
        MySql { login: login(known), way }
    }
}

/// What a URL says, for the driver.
pub fn login(known: &Database) -> MySqlLogin {
    // Nothing of the environment is in these, and the driver itself encrypts nothing.
    let mut options = MySqlConnectOptions::new().ssl_mode(MySqlSslMode::Disabled);
    options = match &known.place {
        ServerAddress::Usual => options.host("127.0.0.1"),
        ServerAddress::Socket(path) => options.socket(path),
        ServerAddress::Host(host) => options.host(&host.name),
    };
    if let Some(port) = known.port {
        options = options.port(port);
    }
    if let Some(user) = &known.user {
        options = options.username(user);
    }
    if let Some(password) = &known.password {
        options = options.password(password);
    }
    if let Some(name) = &known.name {
        options = options.database(name);
    }
    MySqlLogin { options, password: known.password.clone().unwrap_or_default() }
}

impl Server for MySql {
    type Session = MySqlConnection;

    async fn connect(&self) -> Result<MySqlConnection, Unopened> {
        sql::to_mysql(&self.login, &self.way, super::PATIENCE).await
    }

    async fn places(session: &mut MySqlConnection) -> Result<i64, Error> {
        sqlx::query_scalar(PLACES).fetch_one(session).await
    }

    async fn open(session: &mut MySqlConnection) -> Result<i64, Error> {
        let row: MySqlRow = sqlx::raw_sql(OPEN).fetch_one(session).await?;
        let value: String = row.try_get(1)?;
        value.parse().map_err(|_| Error::Protocol(format!("`{value}` is not a number of connections")))
    }

    fn is_full(error: &Error) -> bool {
        number_of(error) == Some(FULL)
    }

    async fn kill(&self, session: &mut MySqlConnection) -> Result<u64, Error> {
        let others: Vec<i64> = sqlx::query_scalar(OTHERS).fetch_all(&mut *session).await?;
        let mut killed = 0;
        for id in others {
            match sqlx::raw_sql(AssertSqlSafe(format!("KILL {id}"))).execute(&mut *session).await {
                Ok(_) => killed += 1,
                Err(error) if number_of(&error) == Some(NO_SUCH_THREAD) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(killed)
    }

    async fn lock(session: &mut MySqlConnection, table: &str) -> Result<(), Error> {
        let lock = format!("LOCK TABLES {} WRITE", quoted(table, '`'));
        sqlx::raw_sql(AssertSqlSafe(lock)).execute(session).await.map(drop)
    }

    async fn unlock(session: &mut MySqlConnection) -> Result<(), Error> {
        sqlx::raw_sql("UNLOCK TABLES").execute(session).await.map(drop)
    }

    async fn waiters(session: &mut MySqlConnection, table: &str) -> Result<i64, Error> {
        let bare = table.rsplit('.').next().unwrap_or(table).trim_matches('`');
        sqlx::query_scalar(WAITERS).bind(bare).fetch_one(session).await
    }
}

fn number_of(error: &Error) -> Option<u16> {
    let Error::Database(refused) = error else { return None };
    refused.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number)
}

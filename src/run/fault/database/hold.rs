//! `hold_connections`: sessions that stay open and idle.

use super::{Server, counted};
use crate::engine::sql::Unopened;
use crate::run::fault::Shown;
use sqlx::{Connection, Error};

pub struct Hold<S: Server> {
    /// The first of them asks; it counts as well.
    held: Vec<S::Session>,
    taken: i64,
    places: i64,
}

impl<S: Server> Hold<S> {
    /// Takes connections until as many are open as asked, those that others open meanwhile among them.
    pub async fn take(server: &S, share: f64) -> Result<Hold<S>, Unopened> {
        let mut held = vec![server.connect().await?];
        let places = S::places(&mut held[0]).await?;
        let wanted = ((places as f64 * share.clamp(0.0, 1.0)).ceil() as i64).min(places);
        loop {
            let open = S::open(&mut held[0]).await?;
            if open >= wanted {
                break;
            }
            for _ in open..wanted {
                match server.connect().await {
                    Ok(session) => held.push(session),
                    Err(Unopened::Sql(error)) if S::is_full(&error) => return Ok(Hold { taken: places, held, places }),
                    Err(error) => return Err(error),
                }
            }
        }
        let taken = S::open(&mut held[0]).await?;
        Ok(Hold { held, taken, places })
    }

    pub async fn give_back(mut self) -> Result<Shown, Error> {
        // Those that are gone by themselves held nothing at the end.
        let mut alive = 0;
        for session in &mut self.held {
            alive += u64::from(session.ping().await.is_ok());
        }
        for session in self.held {
            let _ = session.close().await;
        }
        let told = format!("{alive} connections held, {} of {} for clients in use", self.taken, self.places);
        Ok(counted(alive, told))
    }
}

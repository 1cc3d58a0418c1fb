//! News of the shop: its prices, told again and again to all who listen, over a WebSocket or as server-sent events.

use super::Shop;
use super::refusal::Refusal;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::broadcast::{Receiver, Sender, error::RecvError};

/// So many prices may wait for a listener who is slow; older ones are left out.
const WAITING: usize = 64;
const PRODUCTS: u64 = 100;
const MESSAGE_LIMIT: usize = 64 << 10;

/// A price, with its number.
#[derive(Clone)]
pub struct Told {
    number: u64,
    text: String,
}

pub struct News(Sender<Told>);

impl News {
    /// Tells a price each time that this has passed.
    pub fn every(time: Duration) -> News {
        let (tell, _) = tokio::sync::broadcast::channel(WAITING);
        let told = tell.clone();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(time);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            for number in 1.. {
                ticks.tick().await;
                if told.receiver_count() > 0 {
                    // The last listener may have left meanwhile.
                    let _ = told.send(price(number));
                }
            }
        });
        News(tell)
    }
}

fn price(number: u64) -> Told {
    let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    let cents = 500 + number * 37 % 9000;
    let product = number % PRODUCTS + 1;
    Told { number, text: json!({ "kind": "price", "product": product, "price": cents, "at": at }).to_string() }
}

/// The next one; what was missed is left out.
async fn next(told: &mut Receiver<Told>) -> Option<Told> {
    loop {
        match told.recv().await {
            Ok(told) => return Some(told),
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}

/// `GET /news`: a WebSocket where one is asked for, else a stream of events.
pub async fn listen(State(shop): State<Arc<Shop>>, request: Request) -> Response {
    let told = shop.news.0.subscribe();
    if !request.headers().contains_key(header::UPGRADE) {
        return events(told).into_response();
    }
    let (mut parts, _) = request.into_parts();
    match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade.max_message_size(MESSAGE_LIMIT).on_upgrade(|socket| talk(socket, told)),
        Err(refused) => Refusal::new(refused.status(), "this is no request for a WebSocket").into_response(),
    }
}

fn events(told: Receiver<Told>) -> impl IntoResponse {
    let stream = stream::unfold(told, |mut told| async move {
        let Told { number, text } = next(&mut told).await?;
        Some((Ok::<_, Infallible>(Event::default().event("price").id(number.to_string()).data(text)), told))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

/// A listener gets prices once it has subscribed to them; anything else that it says is said back.
async fn talk(mut socket: WebSocket, mut told: Receiver<Told>) {
    let mut subscribed = false;
    loop {
        let said = tokio::select! {
            said = socket.recv() => said,
            news = next(&mut told), if subscribed => {
                let Some(Told { text, .. }) = news else { return };
                if socket.send(Message::text(text)).await.is_err() {
                    return;
                }
                continue;
            }
        };
        let Some(Ok(said)) = said else { return };
        let answer = match &said {
            Message::Text(text) => match serde_json::from_str::<Value>(text) {
                Ok(said) if said["subscribe"] == "prices" => {
                    // Not what was told before.
                    told = told.resubscribe();
                    subscribed = true;
                    json!({ "kind": "subscribed", "to": "prices" })
                }
                Ok(said) => json!({ "kind": "echo", "of": said }),
                Err(_) => json!({ "kind": "error", "why": "this is no JSON" }),
            },
            Message::Binary(bytes) => json!({ "kind": "echo", "bytes": bytes.len() }),
            Message::Close(_) => return,
            Message::Ping(_) | Message::Pong(_) => continue,
        };
        if socket.send(Message::text(answer.to_string())).await.is_err() {
            return;
        }
    }
}

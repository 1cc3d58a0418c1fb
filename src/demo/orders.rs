//! Orders. The key of an order makes placing it repeatable: the database accepts each key once.

use super::Shop;
use super::client;
use super::database::{Connection, on};
use super::refusal::Refusal;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Serialize)]
pub struct Order {
    id: i64,
    key: String,
    product: i64,
    qty: i64,
    total: f64,
}

/// A row of `orders`. Money is whole cents until it is shown.
type OrderRow = (i64, String, i64, i64, i64);

impl From<OrderRow> for Order {
    fn from((id, key, product, qty, cents): OrderRow) -> Order {
        Order { id, key, product, qty, total: cents as f64 / 100.0 }
    }
}

#[derive(Debug, Deserialize)]
struct Wanted {
    product: i64,
    qty: u32,
}

pub async fn place(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Order>), Refusal> {
    shop.secret.check(&headers)?;
    let key = key(&headers)?.unwrap_or_else(|| shop.secret.fresh_key());
    let wanted = wanted(body)?;

    let _slot = shop.slots.take().await?;
    if let Some(payments) = shop.payments {
        paid(payments).await?;
    }
    if !shop.faults.slow_orders.is_zero() {
        shop.database.linger(shop.faults.slow_orders).await?;
    }
    let mut writer = shop.database.writer().await?;
    if shop.faults.loses() {
        let row = priced(&mut writer, &key, &wanted).await?;
        let order = row.ok_or_else(|| no_product(wanted.product))?;
        return Ok((StatusCode::CREATED, Json(Order::from(order))));
    }
    if let Some(row) = written(&mut writer, &key, &wanted, shop.faults.forgets_keys).await? {
        shop.metrics.count_order();
        shop.faults.leak();
        return Ok((StatusCode::CREATED, Json(Order::from(row))));
    }
    match by_key(&mut writer, &key).await?.into_iter().next() {
        Some(order) if !shop.faults.forgets_keys => Ok((StatusCode::OK, Json(order))),
        _ => Err(no_product(wanted.product)),
    }
}

/// Asks the payment service, which is another shop or whatever answers there.
async fn paid(payments: SocketAddr) -> Result<(), Refusal> {
    const PATIENCE: Duration = Duration::from_millis(500);
    match client::ask(payments, "GET", "/health", "", PATIENCE).await {
        Ok(200..=299) => Ok(()),
        Ok(status) => {
            let reason = format!("the payment service answered with status {status}");
            Err(Refusal::new(StatusCode::BAD_GATEWAY, reason))
        }
        Err(error) if error.kind() == ErrorKind::TimedOut => {
            Err(Refusal::new(StatusCode::GATEWAY_TIMEOUT, "the payment service did not answer within 500ms"))
        }
        Err(error) => {
            Err(Refusal::new(StatusCode::BAD_GATEWAY, format!("the payment service did not answer: {error}")))
        }
    }
}

fn no_product(product: i64) -> Refusal {
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, format!("there is no product {product}"))
}

/// One statement is one transaction: the product's price and the key's uniqueness hold for the same moment. `None` where
/// there is no such product, or an order with this key.
async fn written(
    connection: &mut Connection,
    key: &str,
    wanted: &Wanted,
    forgets_keys: bool,
) -> Result<Option<OrderRow>, sqlx::Error> {
    const ONCE: &str = "INSERT INTO orders (key, product, qty, cents)
         SELECT $1, id, $2, cents * $2 FROM products WHERE id = $3
         ON CONFLICT (key) DO NOTHING
         RETURNING id, key, product, qty, cents";
    const EACH_TIME: &str = "INSERT INTO orders (key, product, qty, cents)
         SELECT $1, id, $2, cents * $2 FROM products WHERE id = $3
         RETURNING id, key, product, qty, cents";
    let statement = if forgets_keys { EACH_TIME } else { ONCE };
    on!(connection, it => {
        let order = sqlx::query_as(statement).bind(key).bind(i64::from(wanted.qty)).bind(wanted.product);
        order.fetch_optional(&mut **it).await
    })
}

/// What an order would be that is not written.
async fn priced(connection: &mut Connection, key: &str, wanted: &Wanted) -> Result<Option<OrderRow>, sqlx::Error> {
    const PRICED: &str = "SELECT (SELECT coalesce(max(id), 0) + 1 FROM orders), $1, id, $2, cents * $2
         FROM products WHERE id = $3";
    on!(connection, it => {
        let order = sqlx::query_as(PRICED).bind(key).bind(i64::from(wanted.qty)).bind(wanted.product);
        order.fetch_optional(&mut **it).await
    })
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    match key.to_str() {
        Ok(key) if (1..=255).contains(&key.len()) => Ok(Some(key.to_owned())),
        _ => Err(Refusal::bad_request("an Idempotency-Key has 1 to 255 ASCII characters")),
    }
}

fn wanted(body: Result<Bytes, BytesRejection>) -> Result<Wanted, Refusal> {
    let body = body.map_err(|rejection| Refusal::bad_request(rejection.body_text()))?;
    let wanted: Wanted = serde_json::from_slice(&body)
        .map_err(|error| Refusal::bad_request(format!("an order is {{\"product\": 1, \"qty\": 1}}: {error}")))?;
    if wanted.qty == 0 {
        return Err(Refusal::bad_request("an order has a qty of at least 1"));
    }
    Ok(wanted)
}

#[derive(Debug, Deserialize)]
pub struct ByKey {
    key: String,
}

pub async fn find(
    State(shop): State<Arc<Shop>>,
    query: Result<Query<ByKey>, QueryRejection>,
) -> Result<Json<Vec<Order>>, Refusal> {
    let Query(ByKey { key }) = query.map_err(|_| Refusal::bad_request("orders are found by key: /orders?key=…"))?;
    let mut connection = shop.database.connection().await?;
    Ok(Json(by_key(&mut connection, &key).await?))
}

pub async fn show(State(shop): State<Arc<Shop>>, id: Result<Path<i64>, PathRejection>) -> Result<Json<Order>, Refusal> {
    let Path(id) = id.map_err(|_| Refusal::bad_request("an order's id is a whole number"))?;
    let mut connection = shop.database.connection().await?;
    const BY_ID: &str = "SELECT id, key, product, qty, cents FROM orders WHERE id = $1";
    let row: Option<OrderRow> =
        on!(&mut connection, it => sqlx::query_as(BY_ID).bind(id).fetch_optional(&mut **it).await?);
    let row = row.ok_or_else(|| Refusal::not_found(format!("there is no order {id}")))?;
    Ok(Json(Order::from(row)))
}

/// At most one, unless the shop forgets keys.
async fn by_key(connection: &mut Connection, key: &str) -> Result<Vec<Order>, sqlx::Error> {
    const BY_KEY: &str = "SELECT id, key, product, qty, cents FROM orders WHERE key = $1 ORDER BY id";
    let rows: Vec<OrderRow> = on!(connection, it => sqlx::query_as(BY_KEY).bind(key).fetch_all(&mut **it).await?);
    Ok(rows.into_iter().map(Order::from).collect())
}

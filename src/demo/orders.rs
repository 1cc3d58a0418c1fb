//! Orders. The key of an order makes placing it repeatable: the database lets each key in once, whoever comes first.

use super::Shop;
use super::refusal::Refusal;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Debug, Serialize)]
pub struct Order {
    id: i64,
    key: String,
    product: i64,
    qty: i64,
    total: f64,
}

/// A row of `orders`. Money is whole cents until it is shown.
type Row = (i64, String, i64, i64, i64);

impl From<Row> for Order {
    fn from((id, key, product, qty, cents): Row) -> Order {
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
    if !shop.faults.slow_orders.is_zero() {
        // SQLite has no query that waits, so the connection is held for as long as one would hold it.
        let _connection = shop.database.connection().await?;
        tokio::time::sleep(shop.faults.slow_orders).await;
    }
    let mut writer = shop.database.writer().await?;
    // One statement is one transaction: the product's price and the key's uniqueness hold for the same moment.
    let placed: Option<Row> = sqlx::query_as(
        "INSERT INTO orders (key, product, qty, cents)
         SELECT ?1, id, ?2, cents * ?2 FROM products WHERE id = ?3
         ON CONFLICT (key) DO NOTHING
         RETURNING id, key, product, qty, cents",
    )
    .bind(&key)
    .bind(i64::from(wanted.qty))
    .bind(wanted.product)
    .fetch_optional(&mut *writer)
    .await?;
    if let Some(row) = placed {
        shop.metrics.count_order();
        shop.faults.leak();
        return Ok((StatusCode::CREATED, Json(Order::from(row))));
    }
    match by_key(&mut writer, &key).await? {
        Some(order) => Ok((StatusCode::OK, Json(order))),
        None => Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, format!("there is no product {}", wanted.product))),
    }
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
    Ok(Json(by_key(&mut connection, &key).await?.into_iter().collect()))
}

pub async fn show(State(shop): State<Arc<Shop>>, id: Result<Path<i64>, PathRejection>) -> Result<Json<Order>, Refusal> {
    let Path(id) = id.map_err(|_| Refusal::bad_request("an order's id is a whole number"))?;
    let mut connection = shop.database.connection().await?;
    let row: Option<Row> = sqlx::query_as("SELECT id, key, product, qty, cents FROM orders WHERE id = ?")
        .bind(id)
        .fetch_optional(&mut *connection)
        .await?;
    let row = row.ok_or_else(|| Refusal::not_found(format!("there is no order {id}")))?;
    Ok(Json(Order::from(row)))
}

async fn by_key(connection: &mut sqlx::SqliteConnection, key: &str) -> Result<Option<Order>, sqlx::Error> {
    let row: Option<Row> = sqlx::query_as("SELECT id, key, product, qty, cents FROM orders WHERE key = ?")
        .bind(key)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(Order::from))
}

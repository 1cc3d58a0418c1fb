//! Products: what is sold, and for how much.

use super::Shop;
use super::database::on;
use super::refusal::Refusal;
use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Debug, Serialize)]
pub struct Product {
    id: i64,
    name: String,
    price: f64,
}

/// Memory that a shop works in: without it the shop needs so little that no limit of memory would ever be met.
pub struct Cache(Vec<u8>);

impl Cache {
    pub fn filled(bytes: usize) -> std::io::Result<Cache> {
        let mut block = Vec::new();
        block.try_reserve_exact(bytes).map_err(|_| std::io::Error::from(std::io::ErrorKind::OutOfMemory))?;
        // Memory counts as resident only once it was written, and not with zeros alone.
        block.resize(bytes, 1);
        Ok(Cache(block))
    }

    /// Reads the page of a product, so that what is paged out comes back.
    fn look(&self, product: i64) {
        const PAGE: usize = 4096;
        let pages = self.0.len() / PAGE;
        if pages > 0 {
            std::hint::black_box(self.0[product.unsigned_abs() as usize % pages * PAGE]);
        }
    }
}

/// A row of `products`. Money is whole cents until it is shown.
type ProductRow = (i64, String, i64);

impl From<ProductRow> for Product {
    fn from((id, name, cents): ProductRow) -> Product {
        Product { id, name, price: cents as f64 / 100.0 }
    }
}

/// Products on a page.
const PAGE: i64 = 20;

#[derive(Debug, Deserialize)]
pub struct Paging {
    page: Option<i64>,
}

/// The first products, or a page of them with the way to the next, which the last one does not have.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Listed {
    First(Vec<Product>),
    Page { items: Vec<Product>, next: Option<String> },
}

pub async fn list(
    State(shop): State<Arc<Shop>>,
    query: Result<Query<Paging>, QueryRejection>,
) -> Result<Json<Listed>, Refusal> {
    let wrong = || Refusal::bad_request("pages are counted from 1: /products?page=1");
    let Query(Paging { page }) = query.map_err(|_| wrong())?;
    let number = page.unwrap_or(1);
    let before = number.checked_sub(1).filter(|before| *before >= 0).and_then(|before| before.checked_mul(PAGE));
    let before = before.ok_or_else(wrong)?;
    let mut connection = shop.database.connection().await?;
    // One more says whether another page follows.
    let mut rows: Vec<ProductRow> = on!(&mut connection, it => {
        sqlx::query_as("SELECT id, name, cents FROM products ORDER BY id LIMIT $1 OFFSET $2")
            .bind(PAGE + 1)
            .bind(before)
            .fetch_all(&mut **it)
            .await?
    });
    let next = (rows.len() > PAGE as usize).then(|| format!("/products?page={}", number + 1));
    rows.truncate(PAGE as usize);
    let items = rows.into_iter().map(Product::from).collect();
    Ok(Json(if page.is_some() { Listed::Page { items, next } } else { Listed::First(items) }))
}

pub async fn show(
    State(shop): State<Arc<Shop>>,
    id: Result<Path<i64>, PathRejection>,
) -> Result<Json<Product>, Refusal> {
    let Path(id) = id.map_err(|_| Refusal::bad_request("a product's id is a whole number"))?;
    if !shop.faults.slow.is_zero() {
        tokio::time::sleep(shop.faults.slow).await;
    }
    shop.cache.look(id);
    let mut connection = shop.database.connection().await?;
    let row: Option<ProductRow> = on!(&mut connection, it => {
        sqlx::query_as("SELECT id, name, cents FROM products WHERE id = $1").bind(id).fetch_optional(&mut **it).await?
    });
    let row = row.ok_or_else(|| Refusal::not_found(format!("there is no product {id}")))?;
    Ok(Json(Product::from(row)))
}

/// What a new shop sells: ids from 1, names, cents.
pub fn seed() -> impl Iterator<Item = (i64, String, i64)> {
    const FIRST: [(&str, i64); 3] = [("Lamp", 1_990), ("Chair", 4_900), ("Desk", 12_900)];
    const FINISHES: [&str; 10] = ["Oak", "Ash", "Birch", "Walnut", "Steel", "Brass", "Linen", "Wool", "Glass", "Cork"];
    const THINGS: [&str; 10] =
        ["Shelf", "Stool", "Bench", "Mirror", "Clock", "Basket", "Tray", "Vase", "Rug", "Cabinet"];
    let first = FIRST.into_iter().map(|(name, cents)| (name.to_owned(), cents));
    let others = (0..97_usize).map(|at| {
        let name = format!("{} {}", FINISHES[at % 10], THINGS[at / 10]);
        (name, 990 + at as i64 * 250)
    });
    (1..).zip(first.chain(others)).map(|(id, (name, cents))| (id, name, cents))
}

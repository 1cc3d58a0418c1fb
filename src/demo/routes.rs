//! Which handler answers which path, and the gate every request passes on its way there.

use super::refusal::Refusal;
use super::{Shop, catalogue, login, metrics, news, orders};
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::{Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    Products,
    Product,
    Login,
    Orders,
    Order,
    News,
    Health,
    Metrics,
    Unknown,
}

impl Route {
    pub const ALL: [Route; 9] = [
        Route::Products,
        Route::Product,
        Route::Login,
        Route::Orders,
        Route::Order,
        Route::News,
        Route::Health,
        Route::Metrics,
        Route::Unknown,
    ];

    pub fn template(self) -> &'static str {
        match self {
            Route::Products => "/products",
            Route::Product => "/products/{id}",
            Route::Login => "/login",
            Route::Orders => "/orders",
            Route::Order => "/orders/{id}",
            Route::News => "/news",
            Route::Health => "/health",
            Route::Metrics => "/metrics",
            Route::Unknown => "unknown",
        }
    }

    /// Watching the shop must work best when the shop works worst.
    fn is_limited(self) -> bool {
        !matches!(self, Route::Health | Route::Metrics)
    }

    fn can_fail(self) -> bool {
        matches!(self, Route::Products | Route::Product | Route::Orders)
    }
}

pub fn router(shop: &Arc<Shop>) -> Router {
    let gated = |route| from_fn_with_state((Arc::clone(shop), route), gate);
    let mut router = Router::new();
    for (route, methods) in [
        (Route::Products, get(catalogue::list)),
        (Route::Product, get(catalogue::show)),
        (Route::Login, post(login::login)),
        (Route::Orders, get(orders::find).post(orders::place)),
        (Route::Order, get(orders::show)),
        (Route::News, get(news::listen)),
        (Route::Health, get(health)),
        (Route::Metrics, get(metrics)),
    ] {
        router = router.route(route.template(), methods.fallback(wrong_method).layer(gated(route)));
    }
    router.fallback(nowhere.layer(gated(Route::Unknown))).with_state(Arc::clone(shop))
}

async fn gate(State((shop, route)): State<(Arc<Shop>, Route)>, request: Request, next: Next) -> Response {
    let visit = shop.metrics.visit(route, request.method());
    let response = match admit(&shop, route, request.method()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    visit.answered(response.status());
    response
}

fn admit(shop: &Shop, route: Route, method: &Method) -> Result<(), Refusal> {
    if let Some(limiter) = shop.limiter.as_ref().filter(|_| route.is_limited()) {
        limiter.admit()?;
    }
    if route.can_fail() && shop.faults.fails(route, method) {
        return Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "an error that was ordered"));
    }
    Ok(())
}

async fn health(State(shop): State<Arc<Shop>>) -> Result<Response, Refusal> {
    if shop.database.answers().await {
        return Ok(Json(serde_json::json!({ "status": "ok" })).into_response());
    }
    let reason = "database: no answer within a second";
    Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, reason).retry_after(1))
}

async fn metrics(State(shop): State<Arc<Shop>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], metrics::MetricsPage(&shop).to_string())
}

async fn wrong_method() -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not know this method")
}

async fn nowhere() -> Refusal {
    Refusal::not_found("no such path; the shop has /products, /orders, /login, /news, /health and /metrics")
}

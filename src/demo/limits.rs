//! Limits that hold requests back: the rate limiter at the door and the slots of the checkout.

use super::refusal::Refusal;
use axum::http::StatusCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};

/// A token bucket that holds one second's worth.
pub struct RateLimiter {
    rate: f64,
    bucket: Mutex<Bucket>,
    rejections: AtomicU64,
}

struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl RateLimiter {
    pub fn new(rate: f64) -> RateLimiter {
        let bucket = Bucket { tokens: rate.max(1.0), filled: Instant::now() };
        RateLimiter { rate, bucket: Mutex::new(bucket), rejections: AtomicU64::new(0) }
    }

    pub fn admit(&self) -> Result<(), Refusal> {
        let missing = {
            let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let fresh = now.duration_since(bucket.filled).as_secs_f64() * self.rate;
            bucket.tokens = (bucket.tokens + fresh).min(self.rate.max(1.0));
            bucket.filled = now;
            if bucket.tokens >= 1.0 {
                bucket.tokens -= 1.0;
                return Ok(());
            }
            1.0 - bucket.tokens
        };
        self.rejections.fetch_add(1, Ordering::Relaxed);
        let seconds = (missing / self.rate).ceil().max(1.0) as u64;
        let reason = format!("more than {} requests a second", self.rate);
        Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, reason).retry_after(seconds))
    }

    pub fn rejections(&self) -> u64 {
        self.rejections.load(Ordering::Relaxed)
    }
}

/// How many orders the checkout works on at once.
pub struct Slots {
    free: Semaphore,
    limit: usize,
}

impl Slots {
    pub fn new(limit: usize) -> Slots {
        Slots { free: Semaphore::new(limit), limit }
    }

    pub async fn take(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        const PATIENCE: Duration = Duration::from_secs(1);
        if let Ok(Ok(slot)) = tokio::time::timeout(PATIENCE, self.free.acquire()).await {
            return Ok(slot);
        }
        let reason = format!("all {} checkout slots are taken", self.limit);
        Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, reason).retry_after(1))
    }

    pub fn limit(&self) -> usize {
        self.limit
    }

    pub fn in_use(&self) -> usize {
        self.limit - self.free.available_permits()
    }
}

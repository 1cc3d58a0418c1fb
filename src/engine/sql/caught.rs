//! What a server says to sqlx, which panics where that is cut short or otherwise not as it must be. A server can make a step fail and do nothing
//! else, so such a panic is a failure of the step.

use crate::engine::stream::Broken;
use crate::measure::Failure;
use std::cell::Cell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Once;
use std::task::Poll;

thread_local! {
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Panics that are caught here are told as failures and not on the terminal.
fn tells_no_expected_ones() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !EXPECTED.get() {
                tell(panic);
            }
        }));
    });
}

/// After an error, nothing that the future has borrowed is used again: its state is unknown.
pub async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Broken> {
    tells_no_expected_ones();
    let mut work = pin!(work);
    poll_fn(|cx| {
        let before = EXPECTED.replace(true);
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx)));
        EXPECTED.set(before);
        match polled {
            Ok(polled) => polled.map(Ok),
            Err(_) => {
                let because = Some("what the server says is cut short or of another protocol".to_owned());
                Poll::Ready(Err(Broken { failure: Failure::Protocol, because }))
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_failure() {
        assert_eq!(caught(async { 7 }).await, Ok(7));
        let broken = caught(async {
            tokio::task::yield_now().await;
            assert!(std::hint::black_box(false), "not as it must be");
        });
        assert_eq!(broken.await.map_err(|broken| broken.failure), Err(Failure::Protocol));
    }
}

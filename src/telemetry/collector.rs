//! Somebody to whom a run is sent while it goes on. They may be slow, broken or away, so each request has an end, and what did not arrive is
//! counted and told when all is over.

use crate::base::shown::escaped_start;
use crate::base::socket::below;
use crate::engine::secret::Mask;
use crate::engine::tls;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes and characters of an answer that are read and shown, where it says why it is none.
const READ: usize = 4 << 10;
const SHOWN: usize = 120;

pub struct Collector {
    client: reqwest::Client,
    url: String,
    headers: HeaderMap,
    /// What these headers hold: a collector may repeat it in what it says.
    mask: Mask,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    all: u64,
    lost: u64,
    /// Why the last of them was.
    reason: String,
}

impl Collector {
    /// Each request has these headers, which hold credentials.
    pub fn new(url: &str, path: &str, headers: &[(String, String)]) -> Result<Collector, String> {
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            let of = HeaderName::try_from(name).map_err(|_| format!("`{name}` is no name of a header"))?;
            let mut value =
                HeaderValue::try_from(value).map_err(|_| format!("the value of the header `{name}` is none"))?;
            value.set_sensitive(true);
            all.insert(of, value);
        }
        // Those whom this machine trusts.
        let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().redirect(Policy::none());
        let client = client.tls_backend_preconfigured(tls::trusting(Some(&[]))?);
        let client = client.build().map_err(|error| error.to_string())?;
        let url = if url.trim_end_matches('/').ends_with(path) { url.to_owned() } else { below(url, path) };
        let mask = Mask::default();
        mask.learn(headers.iter().flat_map(|(_, value)| credentials(value)));
        Ok(Collector { client, url, headers: all, mask, counts: Mutex::default() })
    }

    /// Whether it arrived is remembered.
    pub async fn post(&self, kind: &'static str, body: Vec<u8>) -> Result<(), String> {
        let request = self.client.post(&self.url).headers(self.headers.clone()).header(CONTENT_TYPE, kind);
        let answer = request.body(body).send().await.map_err(|error| why(&error))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let said = self.said(answer).await;
        let said = if said.is_empty() { said } else { format!(": {said}") };
        Err(format!("status {}{said}", status.as_u16()))
    }

    /// The beginning of an answer that is an error.
    async fn said(&self, mut answer: reqwest::Response) -> String {
        let mut body = Vec::new();
        while let Ok(Some(part)) = answer.chunk().await {
            body.extend_from_slice(&part);
            if body.len() >= READ {
                break;
            }
        }
        let text = String::from_utf8_lossy(&body);
        // A message of protobuf says nothing to a person.
        if text.contains('\u{fffd}') || text.contains('\0') {
            return String::new();
        }
        escaped_start(self.mask.text(text.into_owned()).trim(), SHOWN)
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// That one more was sent, and what became of it.
    pub fn count(&self, outcome: Result<(), String>) {
        let mut counts = self.counts();
        counts.all += 1;
        if let Err(reason) = outcome {
            counts.lost += 1;
            counts.reason = reason;
        }
    }

    /// What did not arrive, in a line; nothing where all did.
    pub fn problem(&self, what: &str) -> Option<String> {
        let Counts { all, lost, reason } = &*self.counts();
        (*lost > 0).then(|| format!("{lost} of {all} {what} did not arrive: {reason}"))
    }
}

/// What of the value of a header is a credential: all of it, what follows its scheme, and of Basic also the password in that (RFC 7617).
fn credentials(value: &str) -> Vec<String> {
    let mut all = vec![value.to_owned()];
    if let Some((scheme, rest)) = value.split_once(' ') {
        all.push(rest.trim().to_owned());
        let pair = STANDARD.decode(rest.trim()).ok().and_then(|pair| String::from_utf8(pair).ok());
        if let Some(pair) = pair.filter(|_| scheme.eq_ignore_ascii_case("basic")) {
            all.extend(pair.split_once(':').map(|(_, password)| password.to_owned()));
            all.push(pair);
        }
    }
    all
}

fn why(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", PATIENCE.as_secs());
    }
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    // The innermost says what happened, and no address.
    escaped_start(&cause.to_string(), SHOWN)
}

//! Logins. A token is its own proof, signed with a secret of this process, so that no table of them is needed.

use super::Shop;
use super::refusal::Refusal;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::{Form, Json};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const PASSWORD: &str = "demo";

#[derive(Debug, Deserialize)]
struct Credentials {
    user: String,
    password: String,
}

#[derive(Debug, Serialize)]
pub struct Token {
    token: String,
}

pub async fn login(State(shop): State<Arc<Shop>>, request: Request) -> Result<Json<Token>, Refusal> {
    let Credentials { user, password } = credentials(request).await?;
    if user.is_empty() || password != PASSWORD {
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "wrong user or password"));
    }
    Ok(Json(Token { token: shop.secret.token(&user) }))
}

async fn credentials(request: Request) -> Result<Credentials, Refusal> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let is_json = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let read = if is_json {
        Json::from_request(request, &()).await.ok().map(|Json(credentials)| credentials)
    } else {
        Form::from_request(request, &()).await.ok().map(|Form(credentials)| credentials)
    };
    read.ok_or_else(|| Refusal::bad_request("send user and password, as a form or in JSON"))
}

/// What only this process knows.
pub struct Secret {
    bytes: [u8; 32],
    keys: AtomicU64,
}

impl Secret {
    /// The keys of `RandomState` are the standard library's only source of randomness.
    pub fn fresh() -> Secret {
        let mut hash = Sha256::new();
        for _ in 0..4 {
            hash.update(RandomState::new().build_hasher().finish().to_le_bytes());
        }
        hash.update(std::process::id().to_le_bytes());
        Secret { bytes: hash.finalize().into(), keys: AtomicU64::new(0) }
    }

    /// Signed twice, as in HMAC: anybody who sees a single hash could extend it.
    fn sign(&self, text: &[u8]) -> String {
        let inner = Sha256::new().chain_update(self.bytes).chain_update(text).finalize();
        let outer = Sha256::new().chain_update(self.bytes).chain_update(inner).finalize();
        BASE64_URL_SAFE_NO_PAD.encode(outer)
    }

    fn token(&self, user: &str) -> String {
        let user = user.as_bytes();
        format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(user), self.sign(user))
    }

    fn is_token(&self, token: &str) -> bool {
        token.split_once('.').is_some_and(|(user, signature)| {
            BASE64_URL_SAFE_NO_PAD.decode(user).is_ok_and(|user| self.sign(&user) == signature)
        })
    }

    /// Nobody has to log in, but who says so must have done it.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Ok(());
        };
        let token = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
        if token.is_some_and(|token| self.is_token(token)) {
            return Ok(());
        }
        let reason = "the token was not issued by this shop; get one from POST /login";
        Err(Refusal::new(StatusCode::UNAUTHORIZED, reason))
    }

    /// A key no other order has, in this process or another.
    pub fn fresh_key(&self) -> String {
        self.sign(&self.keys.fetch_add(1, Ordering::Relaxed).to_le_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn only_unchanged_tokens_of_the_same_process_hold() {
        let (secret, other) = (Secret::fresh(), Secret::fresh());
        let token = secret.token("ann");
        assert_eq!(token, secret.token("ann"));
        assert!(secret.is_token(&token));
        assert!(!other.is_token(&token));
        let (_, signature) = token.split_once('.').expect("two parts");
        let forged = other.token("bob").split_once('.').map(|(user, _)| format!("{user}.{signature}"));
        assert!(!secret.is_token(&forged.expect("two parts")));
        assert!(!secret.is_token(""));
    }

    #[test]
    fn keys_never_repeat() {
        let secret = Secret::fresh();
        assert_ne!(secret.fresh_key(), secret.fresh_key());
    }
}

//! The address of a target's proxy, and its credentials.

use super::resolved::Resolved;
use crate::base::proxy::{Login, ProxyAddress};
use crate::engine::http::host::{Endpoint, addresses};
use crate::engine::proxy::Proxy;
use crate::plan::{Expr, Piece, Text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::net::SocketAddr;

pub struct Proxied {
    address: SocketAddr,
    /// As it is told.
    name: String,
    /// Of Basic (RFC 7617).
    credentials: Option<String>,
}

impl Proxied {
    /// That of a `proxy:`, with what the run knows of it.
    pub fn of(pieces: &Text, known: &Resolved) -> Result<Proxied, String> {
        let is_secret = |piece: &Piece| matches!(piece, Piece::Value(Expr::Secret(_)));
        // Then it is coded as any URL; in the midst of one it is itself.
        let is_hidden = matches!(pieces.as_slice(), [only] if is_secret(only));
        let url = if is_hidden { known.text(pieces)? } else { known.url(pieces)? };
        let ProxyAddress { login, host, port } = ProxyAddress::parse(&url)?;
        let found = addresses(&host, port, None);
        let found = if is_hidden { found.map_err(|_| "its host cannot be resolved".to_owned()) } else { found };
        let address = *found?.first().ok_or("its host has no address")?;
        let credentials = login.map(|Login { user, password }| {
            let coded = STANDARD.encode(format!("{user}:{password}"));
            if pieces.iter().any(is_secret) {
                known.mask.learn([coded.clone(), password]);
            }
            coded
        });
        let name = if is_hidden { "***".to_owned() } else { format!("{host}:{port}") };
        Ok(Proxied { address, name, credentials })
    }

    /// A target as it is reached through it, by host and port as they go into a URL.
    pub fn leads(&self, endpoint: Endpoint, (host, port): (&str, u16)) -> Endpoint {
        let credentials = self.credentials.as_deref();
        let proxy = match endpoint.secured {
            Some(_) => Proxy::tunnel(&self.name, &format!("{host}:{port}"), credentials),
            None => Proxy::absolute(&self.name, &endpoint.authority, credentials),
        };
        Endpoint { peer: self.address.into(), proxy: Some(proxy), found: None, ..endpoint }
    }
}

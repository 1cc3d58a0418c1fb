//! The shop over https: a certificate that is made at the start, and a listener that agrees on encryption with several at a time.

use super::Error;
use axum::serve::Listener;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Whom the certificate names. Nobody else has a name below `.test` (RFC 6761, 6.2).
const NAMES: [&str; 4] = ["localhost", "shop.test", "127.0.0.1", "::1"];

/// An authority that lives for one shop, and what it signed.
#[derive(Debug, Clone)]
pub struct Made {
    /// The authority's certificate, in PEM.
    pub ca: String,
    /// The shop's certificate and its private key, in PEM.
    pub identity: String,
}

/// For a year from yesterday: the shop lives shorter, and clocks differ.
pub fn make() -> Result<Made, Error> {
    let made = || {
        let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
        let day =
            |zoned: jiff::Zoned| rcgen::date_time_ymd(zoned.year().into(), zoned.month() as u8, zoned.day() as u8);
        let (yesterday, year) = (now.yesterday().unwrap_or(now.clone()), now.year());
        let begins = day(yesterday);
        let ends = rcgen::date_time_ymd(i32::from(year) + 1, 12, 31);
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "stressc demo");
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        (authority.not_before, authority.not_after) = (begins, ends);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let mut shop = CertificateParams::new(NAMES.map(str::to_owned))?;
        shop.distinguished_name.push(DnType::CommonName, "shop.test");
        shop.use_authority_key_identifier_extension = true;
        (shop.not_before, shop.not_after) = (begins, ends);
        let key = KeyPair::generate()?;
        let certificate = shop.signed_by(&key, &authority)?;
        Ok(Made { ca: authority.pem(), identity: format!("{}{}", certificate.pem(), key.serialize_pem()) })
    };
    made().map_err(|error: rcgen::Error| Error::Tls(error.to_string()))
}

/// What a shop with this identity speaks.
fn config(identity: &str) -> Result<ServerConfig, Error> {
    let wrong = |error: &dyn std::fmt::Display| Error::Tls(error.to_string());
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(identity.as_bytes()).collect();
    let chain = chain.map_err(|error| wrong(&error))?;
    let key = PrivateKeyDer::from_pem_slice(identity.as_bytes()).map_err(|error| wrong(&error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| wrong(&error))?.with_no_client_auth();
    let mut config = builder.with_single_cert(chain, key).map_err(|error| wrong(&error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Connections that have agreed on encryption. One that stalls in it holds up nobody else.
pub struct Encrypted {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl Encrypted {
    pub fn new(mut listener: TcpListener, identity: &str) -> Result<Encrypted, Error> {
        /// How long somebody may take to agree.
        const PATIENCE: Duration = Duration::from_secs(10);
        let acceptor = TlsAcceptor::from(Arc::new(config(identity)?));
        let address = listener.local_addr().map_err(Error::System)?;
        let (told, ready) = mpsc::channel(64);
        tokio::spawn(async move {
            while !told.is_closed() {
                let (stream, from) = Listener::accept(&mut listener).await;
                let (acceptor, told) = (acceptor.clone(), told.clone());
                tokio::spawn(async move {
                    // A socket that refuses is already broken, and reading from it will say so.
                    let _ = stream.set_nodelay(true);
                    if let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
                        // The shop may have closed meanwhile.
                        let _ = told.send((stream, from)).await;
                    }
                });
            }
        });
        Ok(Encrypted { ready, address })
    }
}

impl Listener for Encrypted {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(accepted) => accepted,
            // Who accepts has ended with the runtime.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

//! Certificates that are made for a run, and the shop over https: a listener that agrees on encryption with several at a time.

use super::Error;
use axum::serve::Listener;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The name in the certificate. No public name ends in `.test` (RFC 6761, 6.2).
const NAMES: [&str; 4] = ["shop.test", "localhost", "127.0.0.1", "::1"];

/// An authority that lives for one shop, and what it signed.
#[derive(Debug, Clone)]
pub struct Made {
    /// The authority's certificate, in PEM.
    pub ca: String,
    /// The shop's certificate and its private key, in PEM.
    pub identity: String,
}

/// An authority that lives as long as a run.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// What it signs has its times.
    like: CertificateParams,
}

impl Authority {
    /// For a year from yesterday: what it signs lives shorter, and clocks differ.
    pub fn new(name: &str) -> Result<Authority, Error> {
        let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
        let day =
            |zoned: jiff::Zoned| rcgen::date_time_ymd(zoned.year().into(), zoned.month() as u8, zoned.day() as u8);
        let (yesterday, year) = (now.yesterday().unwrap_or(now.clone()), now.year());
        let mut like = CertificateParams::default();
        (like.not_before, like.not_after) = (day(yesterday), rcgen::date_time_ymd(i32::from(year) + 1, 12, 31));
        like.use_authority_key_identifier_extension = true;
        let mut own = like.clone();
        own.distinguished_name.push(DnType::CommonName, name);
        own.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        own.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let issuer = KeyPair::generate()
            .and_then(|key| CertifiedIssuer::self_signed(own, key))
            .map_err(|error| wrong(&error))?;
        Ok(Authority { issuer, like })
    }

    /// Its own certificate, in PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate of these names and its private key, in PEM.
    pub fn signs(&self, names: &[&str]) -> Result<String, Error> {
        let named = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        let mut own = self.like.clone();
        own.subject_alt_names = named.map_err(|error| wrong(&error))?.subject_alt_names;
        own.distinguished_name.push(DnType::CommonName, names.first().copied().unwrap_or_default());
        let key = KeyPair::generate().map_err(|error| wrong(&error))?;
        let certificate = own.signed_by(&key, &self.issuer).map_err(|error| wrong(&error))?;
        Ok(format!("{}{}", certificate.pem(), key.serialize_pem()))
    }
}

fn wrong(error: &dyn Display) -> Error {
    Error::Tls(error.to_string())
}

/// What a shop shows that speaks https.
pub fn make() -> Result<Made, Error> {
    let authority = Authority::new("stressc demo")?;
    Ok(Made { ca: authority.pem(), identity: authority.signs(&NAMES)? })
}

/// What a server with this identity speaks: these protocols, as ALPN names them.
pub fn config(identity: &str, protocols: &[&str]) -> Result<ServerConfig, Error> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(identity.as_bytes()).collect();
    let chain = chain.map_err(|error| wrong(&error))?;
    let key = PrivateKeyDer::from_pem_slice(identity.as_bytes()).map_err(|error| wrong(&error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| wrong(&error))?.with_no_client_auth();
    let mut config = builder.with_single_cert(chain, key).map_err(|error| wrong(&error))?;
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Ok(config)
}

/// Connections that have agreed on encryption. One that stalls in it holds up no one else.
pub struct Encrypted {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl Encrypted {
    pub fn new(mut listener: TcpListener, identity: &str) -> Result<Encrypted, Error> {
        /// How long somebody may take to agree.
        const PATIENCE: Duration = Duration::from_secs(10);
        let acceptor = TlsAcceptor::from(Arc::new(config(identity, &["h2", "http/1.1"])?));
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

//! Client TLS: trusted authorities, client certificates, and failures in words.

use crate::check::program::Pick;
use crate::engine::value::files::Files;
use crate::engine::value::rows::pick;
use crate::inputs::roots;
use crate::measure::Failure;
use crate::plan::{Identity, Pem, Text, Tls, TlsVersion};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::borrow::Cow;
use std::io;
use std::sync::Arc;

/// How the connections to one target are encrypted.
#[derive(Debug, Clone)]
pub struct Secured {
    pub config: Arc<ClientConfig>,
    pub name: ServerName<'static>,
    resumes: bool,
    /// By row, where each user shows a certificate of its own.
    identities: Option<Arc<[Arc<ClientConfig>]>>,
}

/// What files hold, texts that the run knows, and rows.
pub struct Material<'g> {
    pub files: &'g Files,
    pub text: &'g dyn Fn(&Text) -> Result<String, String>,
    /// Of users, with the row of one of them; none where no user is meant.
    pub rows: Option<(&'g dyn Rows, u64)>,
}

/// Of data: files that cells name, or what stands in them.
pub trait Rows {
    fn count(&self, data: usize) -> u64;
    fn name(&self, data: usize) -> &str;
    fn cell(&self, data: usize, row: u64, column: &str) -> Result<Vec<u8>, String>;
}

impl<'g> Material<'g> {
    fn bytes(&self, pem: &Pem, entry: &str) -> Result<Cow<'g, [u8]>, String> {
        match pem {
            Pem::File(file) => Ok(self.files.content(*file).into()),
            Pem::Text(text) => {
                (self.text)(text).map(|text| text.into_bytes().into()).map_err(|why| format!("`{entry}:` {why}"))
            }
            Pem::PerUser { data, column } => match self.rows {
                Some((rows, row)) => rows.cell(*data, row, column).map(Cow::from),
                None => Err(format!("`{entry}:` is of each user")),
            },
        }
    }
}

impl Secured {
    /// What a target's `tls:` says.
    pub fn new(tls: &Tls, host: &str, given: &Material<'_>) -> Result<Secured, String> {
        let named = tls.server_name.as_deref().unwrap_or(host).trim_matches(['[', ']']);
        let name = ServerName::try_from(named.to_owned()).map_err(|_| {
            format!("no certificate can name `{named}`; `server_name:` sets the name that it must have")
        })?;
        let provider = provider();
        let verifier = verifier(tls, given, &provider)?;
        let is_spoken = |version: &TlsVersion| {
            tls.min.is_none_or(|min| *version >= min) && tls.max.is_none_or(|max| *version <= max)
        };
        let versions: Vec<_> = TlsVersion::ALL.into_iter().filter(is_spoken).map(version).collect();
        let config = |identity: Option<&Identity>, given: &Material<'_>| {
            let builder = ClientConfig::builder_with_provider(provider.clone())
                .with_protocol_versions(&versions)
                .map_err(|error| error.to_string())?
                .dangerous()
                .with_custom_certificate_verifier(verifier.clone());
            let mut config = match identity {
                None => builder.with_no_client_auth(),
                Some(identity) => {
                    let (chain, key) = (certificates(&identity.cert, given, "cert")?, key(&identity.key, given)?);
                    let wrong = |error| match error {
                        Error::InconsistentKeys(_) => "`key:` is not the key of the certificate in `cert:`".to_owned(),
                        error => format!("`cert:` and `key:` cannot be used: {error}"),
                    };
                    builder.with_client_auth_cert(chain, key).map_err(wrong)?
                }
            };
            config.alpn_protocols = tls.alpn.iter().map(|name| name.clone().into_bytes()).collect();
            config.resumption = Resumption::disabled();
            Ok::<_, String>(Arc::new(config))
        };
        let identity = tls.identity.as_ref();
        let (config, identities) = match identity.zip(identity.and_then(Identity::rows)) {
            None => (config(identity, given)?, None),
            Some((identity, data)) => {
                let (rows, _) = given.rows.ok_or("`cert:` is of each user")?;
                let of_row = |row: u64| {
                    let own = config(Some(identity), &Material { rows: Some((rows, row)), ..*given });
                    own.map_err(|why| format!("row {} of `{}`: {why}", row + 1, rows.name(data)))
                };
                let all: Result<Vec<_>, String> = (0..rows.count(data)).map(of_row).collect();
                (config(None, given)?, Some(all?.into()))
            }
        };
        Ok(Secured { config, name, resumes: tls.resume, identities })
    }

    /// As a user shows itself, by its number from 1; none where all show the same.
    pub fn of_user(&self, user: u64) -> Option<Secured> {
        // As many servers are behind one target at most, and a session is of the user that began it.
        const KEPT: usize = 2;
        let identities = self.identities.as_ref().filter(|all| !all.is_empty())?;
        let row = pick(Pick::PerUser, identities.len() as u64, 0, user, &mut || 0)?;
        let mut config = identities[row as usize].clone();
        if self.resumes {
            Arc::make_mut(&mut config).resumption = Resumption::in_memory_sessions(KEPT);
        }
        Some(Secured { config, name: self.name.clone(), resumes: self.resumes, identities: None })
    }

    /// The same with sessions of its own, where any are taken up again: workers share no lock.
    pub fn of_worker(&self) -> Secured {
        const KEPT: usize = 1024;
        let mut own = self.clone();
        if self.resumes {
            Arc::make_mut(&mut own.config).resumption = Resumption::in_memory_sessions(KEPT);
        }
        own
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn version(version: TlsVersion) -> &'static rustls::SupportedProtocolVersion {
    match version {
        TlsVersion::V1_2 => &rustls::version::TLS12,
        TlsVersion::V1_3 => &rustls::version::TLS13,
    }
}

/// TLS for a client of the control plane: it trusts the authorities of this machine, and these. None: it does not use TLS.
pub fn trusting(more: Option<&[CertificateDer<'static>]>) -> Result<ClientConfig, String> {
    let provider = provider();
    let builder = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    let known = more.unwrap_or_default();
    let store = if more.is_some() { of_this_machine() } else { RootCertStore::empty() };
    if store.is_empty() && known.is_empty() {
        return Ok(builder.with_root_certificates(store).with_no_client_auth());
    }
    let verifier = Verifier { inner: Some(checking(store, known, &provider)?), known: known.to_vec(), provider };
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

fn of_this_machine() -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots::of_this_machine().iter().cloned());
    store
}

fn checking(
    mut store: RootCertStore,
    known: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, String> {
    store.add_parsable_certificates(known.iter().cloned());
    WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone())
        .build()
        .map_err(|error| format!("the authorities of TLS cannot be used: {error}"))
}

fn verifier(tls: &Tls, given: &Material<'_>, provider: &Arc<CryptoProvider>) -> Result<Arc<Verifier>, String> {
    let (inner, known) = match &tls.ca {
        _ if !tls.verify => (None, Vec::new()),
        Some(ca) => {
            let known = certificates(ca, given, "ca")?;
            (Some(checking(RootCertStore::empty(), &known, provider)?), known)
        }
        None => {
            let store = of_this_machine();
            if store.is_empty() {
                return Err("this machine trusts no authority of TLS; `tls: { ca: \"ca.pem\" }` names one, \
                            or the package `ca-certificates` brings the usual ones"
                    .to_owned());
            }
            (Some(checking(store, &[], provider)?), Vec::new())
        }
    };
    Ok(Arc::new(Verifier { inner, known, provider: provider.clone() }))
}

/// The certificates in a PEM.
pub fn certificates(pem: &Pem, given: &Material<'_>, entry: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = given.bytes(pem, entry)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match all {
        Ok(all) if all.is_empty() => Err(format!("`{entry}:` holds no certificate in PEM")),
        Ok(all) => Ok(all),
        // What is wrong with it is not told by its content.
        Err(_) => Err(format!(
            "`{entry}:` is no PEM that can be read: a line `-----BEGIN CERTIFICATE-----`, lines of base64, then a line \
             `-----END CERTIFICATE-----`"
        )),
    }
}

fn key(pem: &Pem, given: &Material<'_>) -> Result<PrivateKeyDer<'static>, String> {
    let bytes = given.bytes(pem, "key")?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| {
        // What is wrong with a key is not told by its content.
        "`key:` holds no private key in PEM that can be used; one with a passphrase is none".to_owned()
    })
}

/// Looks at the certificate of a server, or lets any pass.
#[derive(Debug)]
struct Verifier {
    /// None: any server.
    inner: Option<Arc<WebPkiServerVerifier>>,
    /// Named by the scenario itself. A server may show just that, without an authority.
    known: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(inner) = &self.inner else { return Ok(ServerCertVerified::assertion()) };
        match inner.verify_server_cert(own, between, name, ocsp, now) {
            Err(error) if self.known.iter().any(|known| known == own) && !is_of_time(&error) => {
                verify_server_name(&ParsedCertificate::try_from(own)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn is_of_time(error: &Error) -> bool {
    use CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
    let Error::InvalidCertificate(error) = error else { return false };
    matches!(error, Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. })
}

/// What an error in the handshake or after it is, and why, for a person. None where it is none of TLS.
pub fn why(error: &io::Error) -> Option<(Failure, String)> {
    let error = error.get_ref()?.downcast_ref::<Error>()?;
    Some(match error {
        Error::InvalidCertificate(error) => (Failure::Certificate, certificate(error)),
        Error::NoCertificatesPresented => (Failure::Certificate, "the server shows no certificate".to_owned()),
        Error::AlertReceived(alert) => {
            use rustls::AlertDescription as Alert;
            if let Some((_, failure, why)) = BEHIND.iter().find(|(number, ..)| Alert::from(*number) == *alert) {
                return Some((*failure, format!("behind the link: {why}")));
            }
            let why = match alert {
                Alert::CertificateRequired => {
                    "the server wants a certificate of the client; `cert:` and `key:` name one".to_owned()
                }
                Alert::UnknownCA | Alert::BadCertificate | Alert::CertificateUnknown | Alert::CertificateExpired => {
                    format!("the server does not take the certificate of the client ({alert:?})")
                }
                Alert::ProtocolVersion => "the server speaks none of these versions of TLS".to_owned(),
                Alert::UnrecognisedName => "the server knows no host of this name".to_owned(),
                Alert::NoApplicationProtocol => {
                    "the server speaks none of the protocols that were offered (`alpn:`, `http: 2`)".to_owned()
                }
                alert => format!("the server gave it up with the alert {alert:?}"),
            };
            (Failure::Handshake, why)
        }
        Error::InvalidMessage(_) => (Failure::Handshake, "what the server says is no TLS".to_owned()),
        Error::PeerIncompatible(_) => (Failure::Handshake, format!("no version or cipher is common to both: {error}")),
        error => (Failure::Handshake, error.to_string()),
    })
}

/// What a link that ends TLS tells its client of the handshake with the server behind it, as alerts of the numbers that are reserved for
/// private use (RFC 8446, 11): so no server says them.
const BEHIND: [(u8, Failure, &str); 6] = [
    (224, Failure::Certificate, "the certificate of the server has expired, or is not valid yet"),
    (225, Failure::Certificate, "no trusted authority has signed the certificate of the server; `ca:` names one"),
    (226, Failure::Certificate, "the certificate of the server is of another host"),
    (227, Failure::Certificate, "the certificate of the server is not to be trusted"),
    (228, Failure::Handshake, "the server and the link agree on no version or cipher"),
    (229, Failure::Handshake, "the server gave the handshake with the link up"),
];

/// The record of that alert; none of what is no error of TLS.
pub fn told_behind(error: &io::Error) -> Option<[u8; 7]> {
    let error = error.get_ref()?.downcast_ref::<Error>()?;
    let number = match error {
        error if is_of_time(error) => 224,
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => 225,
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => 226,
        Error::InvalidCertificate(_) | Error::NoCertificatesPresented => 227,
        Error::PeerIncompatible(_) | Error::InvalidMessage(_) => 228,
        _ => 229,
    };
    // An alert that is fatal, in a record of TLS 1.2 (RFC 8446, 5.1 and 6).
    Some([21, 3, 3, 0, 2, 2, number])
}

fn certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::Expired => "the certificate of the server has expired".to_owned(),
        CertificateError::ExpiredContext { time, not_after } => {
            let since = time.as_secs().saturating_sub(not_after.as_secs());
            format!("the certificate of the server has expired {} ago", length(since))
        }
        CertificateError::NotValidYet => "the certificate of the server is not valid yet".to_owned(),
        CertificateError::NotValidYetContext { time, not_before } => {
            let until = not_before.as_secs().saturating_sub(time.as_secs());
            format!("the certificate of the server becomes valid in {}", length(until))
        }
        CertificateError::UnknownIssuer => {
            "no trusted authority has signed the certificate of the server; `ca:` names one".to_owned()
        }
        CertificateError::NotValidForName => "the certificate of the server is of another host".to_owned(),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let expected = expected.to_str();
            let named: Vec<String> = presented.iter().take(5).map(|name| plain_name(name)).collect();
            match named.is_empty() {
                true => format!("the certificate of the server names no host, and `{expected}` is asked for"),
                false => format!("the certificate of the server is of {}, not of `{expected}`", named.join(", ")),
            }
        }
        CertificateError::Revoked => "the certificate of the server is revoked".to_owned(),
        error => format!("the certificate of the server is not to be trusted: {error}"),
    }
}

/// What a certificate names, as rustls writes it: its kind, and the name or address in parentheses.
fn plain_name(written: &str) -> String {
    let inner = written.split_once('(').map_or(written, |(_, rest)| rest.strip_suffix(')').unwrap_or(rest));
    crate::base::shown::escaped_line(inner.trim_matches('"')).into_owned()
}

fn length(seconds: u64) -> String {
    match seconds / 86_400 {
        // No finer: those of one run shall say the same.
        0 => match seconds / 3_600 {
            0 => "less than an hour".to_owned(),
            1 => "an hour".to_owned(),
            hours => format!("{hours} hours"),
        },
        1 => "a day".to_owned(),
        days => format!("{days} days"),
    }
}

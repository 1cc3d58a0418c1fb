//! Which authorities of TLS this machine trusts.

use rustls::pki_types::CertificateDer;

/// None where it has none; what cannot be read of them is left out.
pub fn of_this_machine() -> Vec<CertificateDer<'static>> {
    rustls_native_certs::load_native_certs().certs
}

//! Which authorities of TLS this machine trusts.

use rustls::pki_types::CertificateDer;
use std::sync::OnceLock;

/// None where it has none; what cannot be read of them is left out. They are many files, so they are read once.
pub fn of_this_machine() -> &'static [CertificateDer<'static>] {
    static READ: OnceLock<Vec<CertificateDer<'static>>> = OnceLock::new();
    READ.get_or_init(|| rustls_native_certs::load_native_certs().certs)
}

//! The least that a client of TLS does: threads that connect, agree on TLS by rustls alone, ask once and close.
//!
//!     handshakes make DIRECTORY                  a certificate for 127.0.0.1, its key, and who signed it
//!     handshakes ADDRESS CA SECONDS THREADS      whole handshakes until the time is over; prints how many

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::client::Resumption;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, ClientConnection, RootCertStore, Stream};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["make", directory] => make(Path::new(directory)),
        [address, ca, seconds, threads] => {
            let until = Instant::now() + Duration::from_secs(seconds.parse().unwrap());
            let config = config(Path::new(ca));
            let threads: Vec<_> = (0..threads.parse::<usize>().unwrap())
                .map(|_| {
                    let (config, address) = (config.clone(), address.to_string());
                    std::thread::spawn(move || {
                        let mut done = 0;
                        while Instant::now() < until {
                            once(&config, &address);
                            done += 1;
                        }
                        done
                    })
                })
                .collect();
            println!("{}", threads.into_iter().map(|thread| thread.join().unwrap()).sum::<u64>());
        }
        _ => eprintln!("handshakes make DIRECTORY, or handshakes ADDRESS CA SECONDS THREADS"),
    }
}

fn make(directory: &Path) {
    let (key, own) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let signed = authority.self_signed(&key).unwrap();
    let issuer = Issuer::new(authority, key);
    let server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&own, &issuer).unwrap();
    std::fs::write(directory.join("ca.pem"), signed.pem()).unwrap();
    std::fs::write(directory.join("server.pem"), server.pem()).unwrap();
    std::fs::write(directory.join("server.key"), own.serialize_pem()).unwrap();
}

fn config(ca: &Path) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

fn once(config: &Arc<ClientConfig>, address: &str) {
    let mut tcp = TcpStream::connect(address).unwrap();
    tcp.set_nodelay(true).unwrap();
    let mut tls = ClientConnection::new(config.clone(), ServerName::try_from("127.0.0.1").unwrap()).unwrap();
    let mut stream = Stream::new(&mut tls, &mut tcp);
    stream.write_all(b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // A server may close without a word of TLS.
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
}

//! What is said before TLS begins: a client of PostgreSQL asks for it, and one of MySQL says so in the middle of its login.

use crate::engine::stream::{Broken, broken};
use crate::measure::Failure;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

/// `SSLRequest`: its length, then 1234 and 5679 where a version would stand (PostgreSQL, 55.7).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// `CLIENT_SSL`, in the lower half of what a MySQL and its client can do.
const SSL: u16 = 0x0800;
/// A packet of MySQL begins with the three bytes of its length and its number in the dialogue.
const HEADER: usize = 4;
/// No packet of a login is larger.
const LONGEST: usize = 1 << 16;
/// What a client says of itself before its user, and all that it says before TLS.
const BEFORE_USER: usize = 32;

const NO_TLS: &str = "the server speaks no TLS";

fn handshake(why: &str) -> Broken {
    Broken { failure: Failure::Handshake, because: Some(why.to_owned()) }
}

fn protocol(why: &str) -> Broken {
    Broken { failure: Failure::Protocol, because: Some(why.to_owned()) }
}

/// Afterwards TLS begins. The answer is one byte: what comes with it is of TLS.
pub async fn postgres(server: &mut TcpStream) -> Result<(), Broken> {
    server.write_all(&SSL_REQUEST).await.map_err(|error| broken(&error))?;
    let mut answer = [0];
    server.read_exact(&mut answer).await.map_err(|error| broken(&error))?;
    match answer {
        [b'S'] => Ok(()),
        [b'N'] => Err(handshake(NO_TLS)),
        // It cannot even begin a session.
        [b'E'] => Err(Broken { failure: Failure::Connection, because: Some("the server refuses sessions".to_owned()) }),
        [_] => Err(protocol("what answers is no PostgreSQL")),
    }
}

/// What the server has said before TLS, and what its client will say.
pub struct Begun {
    response: Vec<u8>,
}

/// Passes the greeting on and asks for TLS with what the client says of itself; afterwards TLS begins. None: the server has refused the
/// session, and the client knows.
pub async fn mysql(server: &mut TcpStream, client: &mut UnixStream) -> Result<Option<Begun>, Broken> {
    let mut greeting = packet(server).await?;
    match greeting.get(HEADER) {
        Some(0xff) => {
            write(client, &greeting).await?;
            return Ok(None);
        }
        Some(10) => {}
        _ => return Err(protocol("what answers is no MySQL or MariaDB")),
    }
    if capabilities(&greeting).is_none_or(|own| own & SSL == 0) {
        return Err(handshake(NO_TLS));
    }
    // The client knows nothing of the packet that is sent for it, so its own is to be the second.
    greeting[3] = 1;
    write(client, &greeting).await?;
    let mut response = packet(client).await?;
    let Some(itself) = response.get_mut(HEADER..HEADER + BEFORE_USER) else { return Err(protocol("no login")) };
    let [low, high] = (u16::from_le_bytes([itself[0], itself[1]]) | SSL).to_le_bytes();
    (itself[0], itself[1]) = (low, high);
    let request = [&[BEFORE_USER as u8, 0, 0, 1], &*itself].concat();
    write(server, &request).await?;
    Ok(Some(Begun { response }))
}

impl Begun {
    /// The rest of the login. Under TLS a server gets the password itself where it has no other proof of it.
    pub async fn logs_in<S>(self, server: &mut S, client: &mut UnixStream, password: &str) -> Result<(), Broken>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        /// `caching_sha2_password`: it has not seen this user since it was started, or has.
        const WANTS_PASSWORD: [u8; 2] = [1, 4];
        const IS_KNOWN: [u8; 2] = [1, 3];
        write(server, &self.response).await?;
        loop {
            let said = packet(server).await?;
            let body = &said[HEADER..];
            if body == WANTS_PASSWORD {
                let length = u16::try_from(password.len() + 1).map_err(|_| protocol("the password is too long"))?;
                let [low, high] = length.to_le_bytes();
                let header = [low, high, 0, said[3].wrapping_add(1)];
                write(server, &[&header, password.as_bytes(), &[0]].concat()).await?;
                continue;
            }
            write(client, &said).await?;
            match body.first() {
                // It is over, well or not.
                Some(0 | 0xff) => return Ok(()),
                _ if body == IS_KNOWN => {}
                _ => write(server, &packet(client).await?).await?,
            }
        }
    }
}

/// The lower half of what a server can do: in its greeting, after its version and what its number for the session and its nonce take.
fn capabilities(greeting: &[u8]) -> Option<u16> {
    let version = greeting.get(HEADER + 1..)?;
    let end = version.iter().position(|byte| *byte == 0)?;
    let at = version.get(end + 1 + 4 + 8 + 1..)?;
    Some(u16::from_le_bytes([*at.first()?, *at.get(1)?]))
}

async fn packet(from: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, Broken> {
    let mut header = [0; HEADER];
    from.read_exact(&mut header).await.map_err(|error| broken(&error))?;
    let length = u32::from_le_bytes([header[0], header[1], header[2], 0]) as usize;
    if length == 0 || length > LONGEST {
        return Err(protocol("a packet of the login is empty or too long"));
    }
    let mut packet = header.to_vec();
    packet.resize(HEADER + length, 0);
    from.read_exact(&mut packet[HEADER..]).await.map_err(|error| broken(&error))?;
    Ok(packet)
}

async fn write(to: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<(), Broken> {
    to.write_all(bytes).await.map_err(|error| broken(&error))?;
    to.flush().await.map_err(|error| broken(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// The greeting of a server that can do this.
    fn greeting(capabilities: u16) -> Vec<u8> {
        let mut body = vec![10];
        body.extend(b"8.4.0\0");
        body.extend([7, 0, 0, 0]);
        body.extend([9; 8]);
        body.push(0);
        body.extend(capabilities.to_le_bytes());
        [&[body.len() as u8, 0, 0, 0], body.as_slice()].concat()
    }

    /// Both ends of the way to a server, and both of the way to its client.
    async fn ends() -> [(TcpStream, TcpStream, UnixStream, UnixStream); 1] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (far, _) = listener.accept().await.unwrap();
        let (client, own) = UnixStream::pair().unwrap();
        [(server, far, client, own)]
    }

    #[tokio::test]
    async fn a_login_is_told_of_tls_and_gives_its_password_where_that_is_wanted() {
        let [(mut server, mut far, mut client, mut own)] = ends().await;
        let login = [&[40, 0, 0, 2][..], &[1; 40]].concat();
        let there = async {
            far.write_all(&greeting(0x0801)).await.unwrap();
            let asked = packet(&mut far).await.unwrap();
            // All that it says of itself, with TLS.
            assert_eq!((&asked[..4], &asked[4..6], asked.len()), (&[32, 0, 0, 1][..], &[1, 9][..], 36));
            let response = packet(&mut far).await.unwrap();
            assert_eq!((response[3], &response[4..6], response.len()), (2, &[1, 9][..], 44));
            far.write_all(&[2, 0, 0, 3, 1, 4]).await.unwrap();
            assert_eq!(packet(&mut far).await.unwrap(), b"\x07\0\0\x04secret\0");
            far.write_all(&[1, 0, 0, 5, 0]).await.unwrap();
        };
        let here = async {
            assert_eq!(packet(&mut own).await.unwrap()[3], 1);
            own.write_all(&login).await.unwrap();
            assert_eq!(packet(&mut own).await.unwrap(), [1, 0, 0, 5, 0]);
        };
        let between = async {
            let begun = mysql(&mut server, &mut client).await.unwrap().unwrap();
            begun.logs_in(&mut server, &mut client, "secret").await.unwrap();
        };
        tokio::join!(there, here, between);
    }

    #[tokio::test]
    async fn who_speaks_no_tls_or_something_else_is_told() {
        let asked = |said: &'static [u8]| async move {
            let [(mut server, mut far, ..)] = ends().await;
            far.write_all(said).await.unwrap();
            postgres(&mut server).await.map_err(|broken| broken.failure)
        };
        assert_eq!(asked(b"S").await, Ok(()));
        assert_eq!(asked(b"N").await, Err(Failure::Handshake));
        assert_eq!(asked(b"HTTP/1.1 400").await, Err(Failure::Protocol));
        let greeted = |said: Vec<u8>| async move {
            let [(mut server, mut far, mut client, _own)] = ends().await;
            far.write_all(&said).await.unwrap();
            drop(far);
            mysql(&mut server, &mut client).await.map(|begun| begun.is_some()).map_err(|broken| broken.failure)
        };
        assert_eq!(greeted(greeting(1)).await, Err(Failure::Handshake));
        assert_eq!(greeted(b"HTTP/1.1 400 Bad Request".to_vec()).await, Err(Failure::Protocol));
        assert_eq!(greeted([&[3, 0, 0, 0][..], &[0xff, 0x10, 0x04]].concat()).await, Ok(false));
        assert_eq!(greeted(vec![1, 0]).await, Err(Failure::Closed));
    }
}

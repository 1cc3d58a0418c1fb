//! Where a service listens, and what a scenario reads of it.

use crate::plan::{Expr, Piece};
use std::net::SocketAddr;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceEndpoint {
    pub address: SocketAddr,
    pub speaks: Speaks,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Speaks {
    Http,
    /// By a certificate that this authority has signed, in PEM.
    Https {
        ca: String,
    },
    Postgres {
        user: &'static str,
        password: String,
        database: &'static str,
    },
}

impl ServiceEndpoint {
    pub fn http(address: SocketAddr) -> ServiceEndpoint {
        ServiceEndpoint { address, speaks: Speaks::Http }
    }

    pub fn url(&self) -> String {
        self.url_at(self.address)
    }

    /// The URL of what is reached at another address, such as that of a link.
    pub fn url_at(&self, address: SocketAddr) -> String {
        match &self.speaks {
            Speaks::Http => format!("http://{address}"),
            Speaks::Https { .. } => format!("https://{address}"),
            Speaks::Postgres { user, password, database } => {
                format!("postgres://{user}:{password}@{address}/{database}")
            }
        }
    }

    /// The URL of a service after this link. A link that ends TLS serves `https` whatever the service is.
    pub fn url_for(&self, service: &ServiceEndpoint) -> String {
        match &self.speaks {
            Speaks::Https { .. } => self.url(),
            Speaks::Http | Speaks::Postgres { .. } => service.url_at(self.address),
        }
    }

    /// Who has signed its certificate, in PEM.
    pub fn ca(&self) -> Option<&str> {
        match &self.speaks {
            Speaks::Https { ca } => Some(ca),
            Speaks::Http | Speaks::Postgres { .. } => None,
        }
    }

    /// A field of the service as a value.
    pub fn field(&self, name: &str) -> Option<Expr> {
        let text = |text: String| Some(Expr::Text(vec![Piece::Literal(text)]));
        match name {
            "url" => text(self.url()),
            "address" | "metrics_address" => text(self.address.to_string()),
            "ca" => self.ca().and_then(|ca| text(ca.to_owned())),
            "host" => text(self.address.ip().to_string()),
            "port" => Some(Expr::Number(f64::from(self.address.port()))),
            _ => None,
        }
    }
}

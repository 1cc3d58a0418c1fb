//! An nginx of a test's own, in a private directory on ports of the loopback address.

use super::wait_until;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub struct Nginx {
    directory: tempfile::TempDir,
    child: Child,
    pub addresses: Vec<SocketAddr>,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where it is, unless it is missing; then the test is left out.
pub fn nginx() -> Option<PathBuf> {
    let found = super::program(&["nginx"]);
    if found.is_none() {
        super::left_out::left_out("nginx is missing (apt-get install nginx-light)");
    }
    found
}

impl Nginx {
    /// Each server is what stands in its block and speaks TLS; files are written beside the configuration, which is where it looks for them.
    pub fn start(program: &Path, servers: &[String], files: &[(&str, &str)]) -> Nginx {
        let servers: Vec<(&str, &str)> = servers.iter().map(|server| ("ssl", server.as_str())).collect();
        Nginx::listening(program, &servers, files)
    }

    /// The same with what each server speaks, as `listen` takes it.
    pub fn listening(program: &Path, servers: &[(&str, &str)], files: &[(&str, &str)]) -> Nginx {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        // Held until all are known, so that no two are the same.
        let held: Vec<TcpListener> = servers.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let addresses: Vec<SocketAddr> = held.iter().map(|listener| listener.local_addr().unwrap()).collect();
        let blocks: Vec<String> = servers
            .iter()
            .zip(&addresses)
            .map(|((speaks, server), address)| format!("server {{\n listen {address} {speaks};\n {server}\n}}\n"))
            .collect();
        let temporary =
            ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|name| format!("{name}_temp_path tmp;\n"));
        let user = if rustix::process::geteuid().is_root() { "user root;\n" } else { "" };
        let text = format!(
            "daemon off;\nmaster_process off;\nworker_processes 1;\n{user}pid nginx.pid;\nerror_log error.log;\nevents {{ worker_connections 512; }}\n\
             http {{\n log_format tls '$ssl_protocol $ssl_session_reused $ssl_client_verify $ssl_client_s_dn $request_uri';\n access_log access.log tls;\n {}\n{}}}\n",
            temporary.concat(),
            blocks.concat()
        );
        std::fs::write(directory.path().join("nginx.conf"), text).unwrap();
        drop(held);
        let mut command = Command::new(program);
        let prefix = format!("{}/", directory.path().display());
        command.args(["-p", &prefix, "-c", "nginx.conf", "-e", "error.log"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let nginx = Nginx { directory, child, addresses };
        wait_until("nginx listens", Duration::from_secs(20), || {
            nginx.addresses.iter().all(|address| TcpStream::connect(address).is_ok())
        });
        nginx
    }

    /// Of each request its version, whether its session was taken up again, and what the client showed, with whom that names, and the path.
    pub fn log(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.directory.path().join("access.log")).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

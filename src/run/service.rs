//! Services: started before the load, awaited, watched, stopped after it.

use super::RunError;
use super::watch::Who;
use crate::base::units;
use crate::plan::{Demo, Piece, Service, ServiceKind};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// A service that runs: ours to stop, or somebody's that we only talk to.
pub struct Running {
    pub name: String,
    pub address: SocketAddr,
    child: Option<Child>,
    /// Held open: a child whose standard input ends knows that we are gone. Waiting for a child would close it.
    _lifeline: Option<ChildStdin>,
    log: PathBuf,
    stop_within: Duration,
}

/// Starts one service and waits until it answers. `program` is what `demo()` runs; `dir` is private to the service.
pub async fn start(service: &Service, program: &Path, dir: &Path) -> Result<Running, RunError> {
    let deadline = Instant::now() + Duration::from_nanos(service.ready_within);
    let log = dir.join("output.log");
    let mut running = match &service.kind {
        ServiceKind::Attach { port } => Running {
            name: service.name.clone(),
            address: SocketAddr::from(([127, 0, 0, 1], *port)),
            child: None,
            _lifeline: None,
            log,
            stop_within: Duration::ZERO,
        },
        ServiceKind::Demo(demo) => demo_shop(service, demo, program, dir, log, deadline).await?,
        ServiceKind::Process { .. } | ServiceKind::Postgres => {
            let problem = "this version does not start it".to_owned();
            return Err(RunError::Service { service: service.name.clone(), problem, log: String::new() });
        }
    };
    if let Err(error) = ready(service, running.address, deadline).await {
        let log = running.output();
        running.stop().await;
        return Err(RunError::Service { service: service.name.clone(), problem: error, log });
    }
    Ok(running)
}

async fn demo_shop(
    service: &Service,
    demo: &Demo,
    program: &Path,
    dir: &Path,
    log: PathBuf,
    deadline: Instant,
) -> Result<Running, RunError> {
    let failed = |problem: String, log: String| RunError::Service { service: service.name.clone(), problem, log };
    std::fs::create_dir_all(dir)
        .map_err(|error| failed(format!("its directory cannot be made: {error}"), String::new()))?;
    let output = std::fs::File::create(&log)
        .map_err(|error| failed(format!("its log cannot be written: {error}"), String::new()))?;
    let mut command = Command::new(program);
    command.arg("demo").args(["--listen", "127.0.0.1:0", "--parent", &std::process::id().to_string()]);
    command.arg("--database").arg(dir.join("shop.db"));
    let mut flag = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            command.args([name, &value]);
        }
    };
    flag("--pool", demo.pool.map(|v| v.to_string()));
    flag("--slots", demo.slots.map(|v| v.to_string()));
    flag("--rate-limit", demo.rate_limit.map(|v| v.to_string()));
    // One number and one unit is what the command line reads.
    let micros = |ns: u64| format!("{}us", ns / 1_000);
    flag("--slow", demo.slow.map(micros));
    flag("--slow-orders", demo.slow_orders.map(micros));
    flag("--error-rate", demo.error_rate.map(|v| v.to_string()));
    flag("--leak", demo.leak.map(|v| v.to_string()));
    // The open end of its standard input is how it learns of our death on every system.
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(output);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(|error| failed(format!("it cannot be started: {error}"), String::new()))?;
    let lifeline = child.stdin.take();
    let stdout = child.stdout.take().expect("its output was asked for as a pipe");
    let mut lines = BufReader::new(stdout).lines();
    let first = timeout_at(deadline, lines.next_line()).await;
    let address =
        first.ok().and_then(Result::ok).flatten().and_then(|line| line.rsplit("http://").next()?.trim().parse().ok());
    let mut running = Running {
        name: service.name.clone(),
        address: SocketAddr::from(([127, 0, 0, 1], 0)),
        child: Some(child),
        _lifeline: lifeline,
        log,
        stop_within: Duration::from_nanos(service.stop_within),
    };
    match address {
        Some(address) => {
            running.address = address;
            Ok(running)
        }
        None => {
            // It may have ended; a moment later its last words are in the log.
            sleep(Duration::from_millis(50)).await;
            let log = running.output();
            running.stop().await;
            Err(failed("it did not say where it listens".to_owned(), log))
        }
    }
}

/// Asks until the path answers 2xx or the time is over. Without a path the port itself must accept.
async fn ready(service: &Service, address: SocketAddr, deadline: Instant) -> Result<(), String> {
    let within = units::duration(service.ready_within);
    let written = service.ready.as_deref().map(|pieces| match pieces {
        [Piece::Literal(path)] => path.as_str(),
        _ => "/",
    });
    let path = match (written, &service.kind) {
        (Some(path), _) => path,
        (None, ServiceKind::Demo(_)) => "/health",
        (None, ServiceKind::Attach { .. } | ServiceKind::Process { .. } | ServiceKind::Postgres) => return Ok(()),
    };
    let url = if path.starts_with('/') { format!("http://{address}{path}") } else { path.to_owned() };
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(2))
        .no_proxy()
        .build()
        .map_err(|error| error.to_string())?;
    let mut last = "no answer".to_owned();
    loop {
        match timeout_at(deadline, client.get(&url).send()).await {
            Ok(Ok(answer)) if answer.status().is_success() => return Ok(()),
            Ok(Ok(answer)) => last = format!("status {}", answer.status().as_u16()),
            Ok(Err(error)) if error.is_connect() => last = "connection refused".to_owned(),
            Ok(Err(error)) if error.is_timeout() => last = "no answer within 2s".to_owned(),
            Ok(Err(error)) => last = error.without_url().to_string(),
            Err(_) => return Err(format!("{url} did not become ready within {within}; the last try gave: {last}")),
        }
        if timeout_at(deadline, sleep(Duration::from_millis(50))).await.is_err() {
            return Err(format!("{url} did not become ready within {within}; the last try gave: {last}"));
        }
    }
}

impl Running {
    /// Whose use of the machine is that of the service.
    pub fn who(&self) -> Who {
        match self.child.as_ref().and_then(Child::id) {
            Some(pid) => Who::Pid(pid),
            None => Who::Port(self.address.port()),
        }
    }

    /// Waits for a child to end by itself; never returns for what we did not start.
    pub async fn ended(&mut self) -> String {
        match &mut self.child {
            Some(child) => match child.wait().await {
                Ok(status) => status.to_string(),
                Err(error) => format!("its end could not be observed: {error}"),
            },
            None => std::future::pending().await,
        }
    }

    /// The last lines that it wrote.
    pub fn output(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }

    /// SIGTERM, and SIGKILL after the grace.
    pub async fn stop(&mut self) {
        let Some(child) = &mut self.child else { return };
        #[cfg(unix)]
        if let Some(pid) = child.id().and_then(|id| rustix::process::Pid::from_raw(id as i32)) {
            // Not yet awaited, so the number is still that of our child.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        if timeout(self.stop_within.max(Duration::from_millis(500)), child.wait()).await.is_err() {
            let _ = child.kill().await;
        }
    }
}

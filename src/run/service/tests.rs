//! What may be done to a service while it runs, over real processes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use super::*;
use crate::plan::{Expr, Piece, Text};
use rustix::process::Signal;
use std::time::Instant;

fn text(text: &str) -> Text {
    vec![Piece::Literal(text.to_owned())]
}

/// A shell that does what it is told.
fn shell(script: &str) -> Service {
    let kind = ServiceKind::Process { program: text("sh"), arguments: vec![text("-c"), text(script)] };
    let (ready_within, stop_within) = (5_000_000_000, 1_000_000_000);
    Service { ready_within, stop_within, ..Service::new("app".to_owned(), kind) }
}

struct Fixture {
    directory: tempfile::TempDir,
    known: Resolved,
    told: mpsc::UnboundedReceiver<Happened>,
    tell: mpsc::UnboundedSender<Happened>,
}

impl Fixture {
    fn new() -> Fixture {
        let (tell, told) = mpsc::unbounded_channel();
        let known = Resolved {
            authorities: Vec::new(),
            secrets: Default::default(),
            mask: Default::default(),
            services: Vec::new(),
            links: Vec::new(),
            ports: Ports::default(),
        };
        Fixture { directory: tempfile::tempdir().unwrap(), known, told, tell }
    }

    async fn prepare(&self, service: &Service) -> Running {
        let around = Surroundings {
            beside: std::path::Path::new(""),
            run: &self.directory.path().file_name().unwrap().to_string_lossy(),
            program: Path::new("/nowhere"),
            directory: self.directory.path(),
            told: self.tell.clone(),
            password: "0",
            guarded: &Guarded::default(),
            counted: &[],
        };
        prepare(service, &self.known, &around).await.unwrap()
    }

    /// What a service wrote into its private directory.
    fn written(&self, name: &str) -> String {
        std::fs::read_to_string(self.directory.path().join("app").join(name)).unwrap_or_default()
    }
}

/// Killed and started again.
async fn again(running: &Running) {
    running.down(Down::Kill).await;
    running.up().await.unwrap();
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(10), "not within 10s: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_restart_is_the_same_process_anew_and_nobody_takes_it_for_an_end() {
    let mut place = Fixture::new();
    let mut service = shell("echo $PORT $PWD >> starts; sleep 1000 & wait");
    service.env = vec![("PORT".to_owned(), vec![Piece::Value(Expr::Port(0))])];
    let running = place.prepare(&service).await;
    running.up().await.unwrap();
    until("it has started another", || running.processes().unwrap().len() == 2).await;
    let (first, all) = (running.main().unwrap(), running.processes().unwrap());
    assert!(first.is_alive() && all.contains(&first));
    again(&running).await;
    assert!(all.iter().all(|process| !process.is_alive()), "what it started ends with it");
    let second = running.main().unwrap();
    assert!(second != first && second.started > 0);
    until("it wrote again", || place.written("starts").lines().count() == 2).await;
    let starts = place.written("starts");
    let lines: Vec<&str> = starts.lines().collect();
    assert_eq!(lines[0], lines[1]);
    running.down(Down::Stop).await;
    assert!(running.main().is_none() && running.processes().unwrap().is_empty() && !second.is_alive());
    assert_eq!(place.told.try_recv().ok(), None);
}

#[tokio::test]
async fn a_signal_reaches_all_of_the_group() {
    let place = Fixture::new();
    let running = place.prepare(&shell("sleep 1000 & wait")).await;
    running.up().await.unwrap();
    until("it has started another", || running.processes().unwrap().len() == 2).await;
    let state = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(") ").unwrap().1.chars().next()
    };
    let all = running.processes().unwrap();
    running.signal(Signal::STOP).unwrap();
    until("all of them stand", || all.iter().all(|process| state(process.pid as u32) == Some('T'))).await;
    running.signal(Signal::CONT).unwrap();
    until("all of them go on", || all.iter().all(|process| state(process.pid as u32) == Some('S'))).await;
    running.down(Down::Stop).await;
}

#[tokio::test]
async fn one_that_ends_is_brought_back_where_that_is_wanted() {
    let mut place = Fixture::new();
    let mut service = shell("echo started; [ -e second ] && exec sleep 1000; sleep 0.3; touch second; exit 7");
    service.restart = true;
    let running = place.prepare(&service).await;
    running.up().await.unwrap();
    let fell = place.told.recv().await;
    assert!(
        matches!(&fell, Some(Happened::Fell { status, output, .. }) if status.contains('7') && output == "started"),
        "{fell:?}"
    );
    assert_eq!(place.told.recv().await, Some(Happened::Back { service: "app".to_owned() }));
    assert!(running.main().is_some_and(Process::is_alive));
    running.down(Down::Stop).await;
}

#[tokio::test]
async fn one_that_heeds_no_request_is_killed_after_its_time() {
    let place = Fixture::new();
    let mut service = shell("trap '' TERM; echo deaf; while :; do sleep 1; done");
    service.stop_within = 600_000_000;
    let running = place.prepare(&service).await;
    running.up().await.unwrap();
    until("it is deaf", || running.output() == "deaf").await;
    let (main, start) = (running.main().unwrap(), Instant::now());
    running.down(Down::Stop).await;
    assert!(start.elapsed() >= Duration::from_millis(600) && !main.is_alive());
}

#[tokio::test]
async fn nothing_stays_where_a_run_is_given_up() {
    let place = Fixture::new();
    let running = place.prepare(&shell("sleep 1000 & wait")).await;
    running.up().await.unwrap();
    until("it has started another", || running.processes().unwrap().len() == 2).await;
    let all = running.processes().unwrap();
    drop(running);
    until("all of them are gone", || all.iter().all(|process| !process.is_alive())).await;
}

#[tokio::test]
async fn who_looks_on_is_told_which_process_it_is_now() {
    let place = Fixture::new();
    let running = place.prepare(&shell("exec sleep 1000")).await;
    running.up().await.unwrap();
    let Watched::Ours(state) = running.who() else { panic!("it is ours") };
    let before = state.borrow().main;
    again(&running).await;
    assert!(state.borrow().main.is_some() && state.borrow().main != before && state.borrow().ready);
    running.down(Down::Kill).await;
    assert_eq!(state.borrow().main, None);
}

/// What a client was told is there must be there whatever happens to the server: fsync is on.
#[tokio::test]
async fn a_cluster_keeps_what_it_acknowledged_when_it_is_killed() {
    use sqlx::{Connection, PgConnection};
    let place = Fixture::new();
    if postgres::is_missing(&place.directory.path().join("log")).await {
        return;
    }
    let mut service = shell("");
    service.kind = ServiceKind::Postgres;
    service.ready_within = 30_000_000_000;
    let running = place.prepare(&service).await;
    running.up().await.unwrap();
    let url = running.endpoint.url();
    let mut client = PgConnection::connect(&url).await.unwrap();
    sqlx::query("CREATE TABLE kept (n INT)").execute(&mut client).await.unwrap();
    sqlx::query("INSERT INTO kept VALUES (7)").execute(&mut client).await.unwrap();
    again(&running).await;
    assert!(sqlx::query("SELECT 1").execute(&mut client).await.is_err(), "its connection ended with it");
    let mut owner = PgConnection::connect(running.admin().unwrap()).await.unwrap();
    let kept: Vec<(i32,)> = sqlx::query_as("SELECT n FROM kept").fetch_all(&mut owner).await.unwrap();
    assert_eq!(kept, [(7,)]);
    let others = PgConnection::connect(&url.replace(":0@", ":1@")).await;
    assert!(others.unwrap_err().to_string().contains("password"), "only with the password of the run");
    let all = running.processes().unwrap();
    running.down(Down::Stop).await;
    assert!(all.len() > 3 && all.iter().all(|process| !process.is_alive()));
    assert!(running.output().contains("database system is shut down"), "{}", running.output());
}

#[tokio::test]
async fn what_leaves_its_group_and_its_parents_ends_with_it_too() {
    let place = Fixture::new();
    if std::process::Command::new("setsid").arg("--version").output().is_err() {
        return;
    }
    let running = place.prepare(&shell("(setsid sh -c 'echo $$ > escaped; exec sleep 1000' &); exec sleep 1000")).await;
    running.up().await.unwrap();
    until("it has escaped", || place.written("escaped").ends_with('\n')).await;
    let escaped = Process::of(place.written("escaped").trim().parse().unwrap()).unwrap();
    running.down(Down::Kill).await;
    until("it is gone", || !escaped.is_alive()).await;
}

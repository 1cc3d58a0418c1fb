//! A driver of a toy protocol, in which a line is answered by a line, and what stands above every driver, tried with it.

#![allow(clippy::unwrap_used)] // A test may panic.

use super::{Answer, Shown};
use crate::engine::flow::attempt::Attempt;
use crate::engine::flow::lowered::LoweredPlan;
use crate::engine::flow::session::Session;
use crate::engine::flow::user::Asker;
use crate::engine::http::host::Endpoint;
use crate::engine::pace::budget::Unanswered;
use crate::engine::phase::{Parts, alone, plan_of};
use crate::engine::secret::Mask;
use crate::engine::stream::{Opening, Stream};
use crate::engine::value::answered::Answered;
use crate::engine::value::lower::Resolve;
use crate::engine::worker::Worker;
use crate::measure::{Entry, Example, Failure, Fate};
use crate::plan::{Expr, Piece, Plan};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};

/// What a `send` of a test says.
pub struct Message(String);

impl Message {
    pub fn of(value: &Expr) -> Message {
        match value {
            Expr::Text(pieces) => match pieces.as_slice() {
                [Piece::Literal(text)] => Message(format!("{text}\n")),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    pub fn text(&self) -> String {
        self.0.clone()
    }

    pub fn shown<'a>(&'a self, kept: &'a [u8]) -> Shown<'a> {
        Shown { request: self.0.trim_end().as_bytes(), body: kept, is_whole: true }
    }
}

/// Its connection is its own from one step to the next, and what begins with `no` is a refusal.
#[derive(Default)]
pub struct Client {
    stream: Option<tokio::io::BufReader<Stream>>,
    answer: Option<Answer>,
    said: Vec<u8>,
}

impl Client {
    pub async fn exchange(&mut self, line: &Message, attempt: &mut Attempt) -> Result<(), Unanswered> {
        let worker = attempt.worker.clone();
        let clock = worker.timers.clock;
        self.answer = None;
        self.said.clear();
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let (host, left) = (&worker.lowered.hosts[attempt.target], attempt.left(clock.now()));
                let mut took = Opening::default();
                let opened = Stream::open(host.route(&host.next().0, None), left, &mut took).await;
                attempt.connected(took);
                tokio::io::BufReader::new(opened.map_err(|broken| attempt.broke(broken))?)
            }
        };
        let sent = attempt.sends()?;
        self.answer = Some(Answer { sent, ..Answer::NONE });
        attempt.tell(|| line.text());
        let spoken = async {
            stream.write_all(line.0.as_bytes()).await?;
            stream.read_until(b'\n', &mut self.said).await
        };
        match tokio::time::timeout(attempt.left(sent), spoken).await {
            Err(_) => return Err(Failure::Timeout.into()),
            Ok(Err(error)) => return Err(Failure::of_stream(&error).into()),
            Ok(Ok(0)) => return Err(Failure::Closed.into()),
            Ok(Ok(_)) => {}
        }
        let end = clock.now();
        let (status, fate, failure) = match self.said.starts_with(b"no") {
            true => (1, Fate::Refused, Some(Failure::Status)),
            false => (2, Fate::Acknowledged, None),
        };
        self.answer = Some(Answer { status, injected: false, sent, first_byte: end, end, fate, failure });
        self.stream = Some(stream);
        Ok(())
    }

    pub fn answer(&self) -> Answer {
        self.answer.unwrap_or(Answer::NONE)
    }

    pub fn keep(&mut self, kept: &mut Answered) {
        std::mem::swap(&mut kept.body, &mut self.said);
    }

    pub fn leave(&mut self) {
        self.stream = None;
    }
}

/// A server with what it answers on each connection, one after the other, before it closes it. Gives what was said on each.
fn server(answers: &'static [&'static [&'static str]]) -> (SocketAddr, JoinHandle<Vec<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let one = move |answers: &[&str]| {
        let (mut stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let mut heard: Vec<String> = Vec::new();
        for answer in answers {
            heard.extend(lines.next().map(Result::unwrap));
            stream.write_all(answer.as_bytes()).unwrap();
        }
        heard
    };
    (address, std::thread::spawn(move || answers.iter().map(|answers| one(answers)).collect()))
}

fn send(at: usize, text: &str, more: &Value) -> Value {
    let mut request = json!({
        "name": text, "response": at, "target": 0,
        "exchange": { "command": { "text": [{ "literal": text }] } },
        "timeout": null, "expects": [], "keep_body": true, "keep_headers": false, "line": 1,
    });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "request": request })
}

/// A plan that leaves nothing open.
struct Nothing;

impl Resolve for Nothing {
    fn constant(&self, _: &Expr) -> Option<Expr> {
        None
    }

    fn reveals(&self, _: &Expr) -> bool {
        false
    }
}

/// What a worker has that does these steps.
fn parts(steps: &[Value], address: SocketAddr) -> Parts {
    let flow = json!({ "name": "talk", "steps": steps, "slots": 0, "requests": steps.len() });
    let plan = json!({
        "schema": 1, "file": "", "scenario": "", "doc": null, "fingerprint": "", "share": { "index": 0, "count": 1 },
        "services": [], "flows": [flow], "loads": [], "series": [], "expectations": [], "length": 0,
        "targets": [{ "name": "t", "protocol": "tcp", "address": { "late": [] }, "timeout": 30_000_000_000_u64 }],
    });
    let plan: Plan = serde_json::from_value(plan).unwrap();
    let plan = Arc::new(plan_of(plan.flows[0].clone(), &plan));
    let endpoints = vec![Endpoint::at(address)];
    let mask = Arc::new(Mask::new([]));
    Parts {
        lowered: Arc::new(LoweredPlan::of(&plan, &endpoints, Arc::default(), (&Nothing, &mask), "run")),
        plan,
        endpoints: Arc::new(endpoints),
        tables: Arc::default(),
        files: Arc::default(),
        seed: 1,
        run: 1,
        tracer: None,
        mask,
    }
}

fn with_worker<T>(steps: &[Value], address: SocketAddr, work: impl AsyncFnOnce(Rc<Worker>) -> T) -> T {
    let parts = parts(steps, address);
    alone(parts.order((parts.plan.clone(), parts.lowered.flows.clone()), Arc::default(), 0), work).unwrap()
}

async fn iterate(session: &mut Session, worker: &Worker) -> Result<(), Failure> {
    let now = worker.timers.clock.now();
    session.iterate(Asker { user: 7, turn: 0, kept: None }, 0, 0, (now, now)).await
}

/// One iteration: its outcome, its examples and the entries that it made.
fn run(steps: &[Value], address: SocketAddr) -> (Result<(), Failure>, Vec<Example>, Vec<Entry>) {
    with_worker(steps, address, async |worker| {
        let outcome = iterate(&mut Session::new(&worker, 0, true), &worker).await;
        let examples = worker.recorder.borrow_mut().examples.drain(true);
        (outcome, examples, worker.booked.take())
    })
}

#[test]
fn a_line_is_tried_again_until_its_answer_is_no_refusal_and_all_tries_are_one_request() {
    let (address, heard) = server(&[&[""], &["no, busy\n", "yes\n", "no, never\n"]]);
    let key = json!([{ "key": { "text": [{ "literal": "k" }] }, "ledger": 0 }]);
    let more = json!({ "retry": { "times": 5, "least": 0, "most": 0, "when": [] }, "records": key });
    let (outcome, examples, booked) = run(&[send(0, "hello", &more), send(1, "more", &json!({}))], address);
    assert_eq!(outcome, Err(Failure::Status));
    assert_eq!(heard.join().unwrap(), [vec!["hello"], vec!["hello", "hello", "more"]]);
    assert_eq!(
        booked.iter().map(|entry| (entry.key.as_str(), entry.fate)).collect::<Vec<_>>(),
        [("k", Fate::Acknowledged)]
    );
    let told = examples.iter().map(|one| (one.failure, one.sends, one.request.as_deref(), one.body.as_deref()));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [(Some(Failure::Status), 1, Some("more"), Some("no, never\n")), (None, 3, Some("hello"), None),]
    );
}

#[test]
fn a_step_behind_it_fails_a_line_and_its_example_says_why() {
    let (address, heard) = server(&[&["yes\n"]]);
    let check = json!({ "text": "reply.text == \"maybe\"", "condition": { "binary": { "operator": "equal",
        "left": { "body_text": 0 }, "right": { "text": [{ "literal": "maybe" }] } } } });
    let (outcome, examples, _) = run(&[send(0, "hello", &json!({})), json!({ "expect": [check] })], address);
    assert_eq!((outcome, heard.join().unwrap()), (Err(Failure::Expectation), vec![vec!["hello".to_owned()]]));
    let [example] = examples.as_slice() else { panic!("{examples:?}") };
    assert_eq!((example.failure, example.body.as_deref()), (Some(Failure::Expectation), Some("yes\n")));
    assert!(example.because.as_ref().unwrap().contains("maybe"), "{example:?}");
}

/// It is under way, and then waits for the step after it that may still fail it.
#[test]
fn what_is_not_recorded_yet_of_a_line_is_where_its_worker_finds_it() {
    let (address, _) = server(&[&["yes\n"]]);
    let check = json!({ "text": "", "condition": { "body_text": 0 } });
    let think = json!({ "think": { "uniform": { "least": 3_600_000_000_000_u64, "most": 3_600_000_000_000_u64 } } });
    let steps = [send(0, "hello", &json!({})), think, json!({ "expect": [check] }), send(1, "more", &json!({}))];
    let found = with_worker(&steps, address, async |worker| {
        let mut session = Session::new(&worker, 0, true);
        let progress = worker.progress.borrow()[0].1.clone();
        let looks = async {
            let mut seen = None;
            while progress.pending.get().is_none() {
                seen = seen.or(progress.under_way.get().map(|one| (one.series, one.user, one.trace)));
                tokio::task::yield_now().await;
            }
            let pending = progress.pending.get().unwrap();
            assert_eq!((pending.series, pending.ended.outcome, pending.ended.status), (0, Ok(()), 2));
            seen
        };
        tokio::select! {
            ended = iterate(&mut session, &worker) => panic!("{ended:?}"),
            seen = looks => seen,
        }
    });
    assert_eq!(found, Some((0, 7, None)));
}

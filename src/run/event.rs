//! Events: each a command that is run at its instant, and whose window is as long as it took. A task of its own each, so that none
//! delays another.

use super::command::{Commands, Invocation, Ran, variables};
use super::resolve::resolved::Resolved;
use super::{Interrupt, Settings};
use crate::engine::pace::clock::Clock;
use crate::measure::Event;
use crate::plan::Plan;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// The events of a run that goes on.
pub struct Events {
    told: mpsc::UnboundedReceiver<Event>,
    /// Whether no more events may begin, and whether those that have begun must end.
    order: watch::Sender<Stopping>,
    tasks: JoinSet<()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stopping {
    None,
    BeginNothing,
    EndAll,
}

impl Events {
    pub fn start(plan: &Plan, settings: &Settings, known: &Resolved, clock: Clock) -> Events {
        let (tell, told) = mpsc::unbounded_channel();
        let (order, _) = watch::channel(Stopping::None);
        let mut tasks = JoinSet::new();
        let commands = Commands::of(plan, settings, &known.mask);
        for (index, event) in plan.events.iter().enumerate() {
            let one = EventTask {
                index,
                at: event.at,
                within: Duration::from_nanos(event.at_most),
                name: event.name.clone(),
                line: Invocation::of(&event.command, known),
                variables: variables(&event.with, known),
                commands: commands.clone(),
                clock,
                tell: tell.clone(),
                order: order.subscribe(),
            };
            tasks.spawn(one.run());
        }
        Events { told, order, tasks }
    }

    /// What happened next; none when all is over.
    pub async fn next(&mut self) -> Option<Event> {
        self.told.recv().await
    }

    /// Begins nothing more.
    pub fn end(&self) {
        let _ = self.order.send(Stopping::BeginNothing);
    }

    /// Waits for what is under way, each at most to its bound; a run that is cut short, or interrupted meanwhile, ends it.
    pub async fn ended(mut self, cut: bool, interrupt: &mut Interrupt, mut tell: impl FnMut(Event)) {
        let _ = self.order.send(if cut { Stopping::EndAll } else { Stopping::BeginNothing });
        loop {
            tokio::select! {
                ended = self.tasks.join_next() => if ended.is_none() {
                    break;
                },
                () = interrupt.wait() => drop(self.order.send(Stopping::EndAll)),
            }
        }
        while let Ok(event) = self.told.try_recv() {
            tell(event);
        }
    }
}

struct EventTask {
    index: usize,
    at: u64,
    within: Duration,
    name: String,
    line: Result<Invocation, String>,
    variables: Result<Vec<(String, String)>, String>,
    commands: Commands,
    clock: Clock,
    tell: mpsc::UnboundedSender<Event>,
    order: watch::Receiver<Stopping>,
}

impl EventTask {
    async fn run(mut self) {
        let mut order = self.order.clone();
        tokio::select! {
            biased;
            _ = self.order.wait_for(|order| *order != Stopping::None) => return,
            () = tokio::time::sleep_until(self.clock.instant(self.at).into()) => {}
        }
        let event = self.index;
        let _ = self.tell.send(Event::EventBegan { event, at: self.clock.now() });
        let Ran { problem, output } = match (&self.line, &self.variables) {
            (Err(problem), _) | (_, Err(problem)) => Ran { problem: Some(problem.clone()), output: String::new() },
            (Ok(line), Ok(variables)) => tokio::select! {
                ran = self.commands.run(&self.name, &line.said, line, variables, self.within) => ran,
                // It is ended with whoever waits for it.
                _ = order.wait_for(|order| *order == Stopping::EndAll) => {
                    let problem = Some("the run ended before it did".to_owned());
                    Ran { problem, output: String::new() }
                }
            },
        };
        let output = problem.is_some().then_some(output).filter(|output| !output.is_empty());
        let _ = self.tell.send(Event::EventEnded { event, at: self.clock.now(), problem, output });
    }
}

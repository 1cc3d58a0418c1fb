//! Faults on links, and on targets, which get a link for that purpose.

use crate::measure::Proof;
use crate::plan::{self, LinkFault, NetworkRoute, Plan};
use crate::run::proxy::{After, Control, Effect, EffectId};
use std::time::Duration;

pub struct OnLink {
    link: usize,
    effect: Effect,
    /// Up and down.
    ways: [bool; 2],
    control: Control,
    applied: Option<EffectId>,
}

impl OnLink {
    pub fn of(
        plan: &Plan,
        on: NetworkRoute,
        (fault, ways): (LinkFault, [bool; 2]),
        control: &Control,
    ) -> Result<OnLink, String> {
        let link = match on {
            NetworkRoute::Link(link) => Some(link),
            NetworkRoute::Target(target) => plan.links.iter().position(|link| link.before == Some(target)),
        };
        let link = link.ok_or("no link stands before it")?;
        Ok(OnLink { link, effect: effect(fault), ways, control: control.clone(), applied: None })
    }

    pub async fn apply(&mut self) -> Result<(), String> {
        self.applied = self.control.apply(self.link, self.effect, self.ways).await;
        self.applied.map(|_| ()).ok_or_else(gone)
    }

    pub async fn withdraw(&mut self) -> Result<Proof, String> {
        match self.applied.take() {
            Some(id) => self.control.withdraw(id).await.ok_or_else(gone),
            None => Ok(Proof::default()),
        }
    }
}

fn gone() -> String {
    "the links are gone".to_owned()
}

/// What is left out is all of them, or none.
fn effect(fault: LinkFault) -> Effect {
    let time = Duration::from_nanos;
    let all = |share: Option<f64>| share.unwrap_or(1.0);
    match fault {
        LinkFault::Partition => Effect::Partition,
        LinkFault::Refuse => Effect::Refuse,
        LinkFault::Latency { by, jitter } => Effect::Latency { by: time(by), jitter: time(jitter.unwrap_or(0)) },
        LinkFault::Bandwidth { to } => Effect::Bandwidth { rate: to },
        LinkFault::Reset { share, after } => {
            let after = after.map(|after| match after {
                plan::After::Bytes(bytes) => After::Bytes(bytes),
                plan::After::Time(ns) => After::Time(time(ns)),
            });
            Effect::Reset { share: all(share), after }
        }
        LinkFault::SlowClose { by } => Effect::SlowClose { by: time(by) },
        LinkFault::Slice { size } => Effect::Slice { size: size as usize },
        LinkFault::Corrupt { share } => Effect::Corrupt { share: all(share) },
        LinkFault::HttpError { status, share } => Effect::HttpError { status, share: all(share) },
        LinkFault::HttpDelay { by, share } => Effect::HttpDelay { by: time(by), share: all(share) },
    }
}

//! Faults of links, and of targets, before which a link stands for them.

use super::given;
use crate::measure::Proof;
use crate::plan::{Breakage, Element, Plan};
use crate::run::proxy::{Control, Effect, EffectId};
use std::time::Duration;

pub struct OnLink {
    link: usize,
    effect: Effect,
    control: Control,
    applied: Option<EffectId>,
}

impl OnLink {
    /// `None` where a fault is of something else.
    pub fn of(plan: &Plan, breakage: &Breakage, control: &Control) -> Option<OnLink> {
        let link = match breakage.element {
            Element::Link(link) => link,
            Element::Target(target) => plan.links.iter().position(|link| link.before == Some(target))?,
            Element::Service(_) | Element::Host | Element::Command => return None,
        };
        Some(OnLink { link, effect: effect(breakage)?, control: control.clone(), applied: None })
    }

    pub async fn apply(&mut self) -> Result<(), String> {
        self.applied = self.control.apply(self.link, self.effect).await;
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

fn effect(breakage: &Breakage) -> Option<Effect> {
    let number = |wanted: &str| given::number(breakage, wanted);
    let time = |name: &str| number(name).map(|ns| Duration::from_nanos(ns as u64));
    let share = number("share").unwrap_or(1.0);
    Some(match breakage.action.as_str() {
        "partition" => Effect::Partition,
        "refuse" => Effect::Refuse,
        "latency" => Effect::Latency { by: time("by")?, jitter: time("jitter").unwrap_or_default() },
        "bandwidth" => Effect::Bandwidth { rate: number("to")? },
        "reset" => Effect::Reset { share },
        "slow_close" => Effect::SlowClose { by: time("by")? },
        "slice" => Effect::Slice { size: number("size")? as usize },
        "corrupt" => Effect::Corrupt { share },
        "http_error" => Effect::HttpError { status: number("status")? as u16, share },
        "http_delay" => Effect::HttpDelay { by: time("by")?, share },
        _ => return None,
    })
}

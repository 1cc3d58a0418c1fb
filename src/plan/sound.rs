//! Whether a plan can show its purpose: faults inside the run and not overlapping, time to observe a recovery, enough rows, and a
//! sufficient machine.

use super::needs::{Of, lacks};
use super::{Action, Element, Expr, LONGEST, Machine, Plan, Range, Step};
use crate::base::units::{SECOND, duration, grouped};
use crate::check::all_steps;
use crate::check::program::{LoopBound, Pick, Scenario, Subject, Window};
use crate::diag::{Code, Diagnostic, Diagnostics};

pub fn sound(scenario: &Scenario, plan: &Plan, machine: Machine, diagnostics: &mut Diagnostics) {
    if plan.loads.is_empty() {
        return;
    }
    ends(scenario, plan, diagnostics);
    inside(scenario, plan, diagnostics);
    apart(scenario, plan, diagnostics);
    room_to_recover(scenario, plan, diagnostics);
    rows(scenario, plan, diagnostics);
    shared_rows(scenario, plan, diagnostics);
    fits(scenario, plan, machine, diagnostics);
    super::bound::within_budget(scenario, plan, diagnostics);
}

/// Each load ends in a time that can be measured, with the grace of its last answers.
fn ends(scenario: &Scenario, plan: &Plan, diagnostics: &mut Diagnostics) {
    for (load, planned) in scenario.loads.iter().zip(&plan.loads) {
        let end = planned.shape.end().saturating_add(planned.grace);
        if end > LONGEST {
            let message = format!("`{}` and its grace end after {}", load.name, duration(end));
            let problem = Diagnostic::new(Code::E0310, message, load.name.span, "longer than any run");
            diagnostics.push(problem.help(format!("a run lasts for {} at most", duration(LONGEST))));
        }
    }
}

/// Faults and events happen while some load runs, so that somebody notices.
fn inside(scenario: &Scenario, plan: &Plan, diagnostics: &mut Diagnostics) {
    for (injection, fault) in scenario.injections.iter().zip(&plan.faults) {
        let start = fault.windows.iter().map(|window| window.0).min().unwrap_or(0);
        let end = fault.windows.iter().map(|window| window.1).max().unwrap_or(0);
        let span = injection.span;
        if fault.windows.is_empty() {
            let problem =
                Diagnostic::new(Code::E0405, format!("`{}` never happens", fault.name), span, "no time for it");
            diagnostics.push(problem.help("let its window be longer than the `for`"));
        } else if start >= plan.length {
            let message = format!("`{}` happens after the last load has ended", fault.name);
            late(scenario, plan, message, span, written((start, end)), diagnostics);
        } else if end > plan.length {
            let message = format!("`{}` ends {} after the last load", fault.name, duration(end - plan.length));
            late(scenario, plan, message, span, written((start, end)), diagnostics);
        }
    }
    for (event, planned) in scenario.events.iter().zip(&plan.events) {
        if planned.at >= plan.length {
            let message = format!("`{}` happens after the last load has ended", planned.name);
            late(scenario, plan, message, event.span, format!("at {}", duration(planned.at)), diagnostics);
        }
    }
}

fn late(
    scenario: &Scenario,
    plan: &Plan,
    message: String,
    span: crate::base::Span,
    label: String,
    diagnostics: &mut Diagnostics,
) {
    let last = plan.loads.iter().enumerate().max_by_key(|(_, load)| load.shape.end()).map(|(index, _)| index);
    let problem = Diagnostic::new(Code::E0405, message, span, label);
    let problem = match last {
        Some(last) => problem.label(scenario.loads[last].name.span, format!("ends at {}", duration(plan.length))),
        None => problem,
    };
    diagnostics.push(problem.help("let it begin earlier or be shorter, or lengthen the stage"));
}

/// Two faults on one element at a time, where nobody could tell which of them did it.
fn apart(scenario: &Scenario, plan: &Plan, diagnostics: &mut Diagnostics) {
    for (index, fault) in plan.faults.iter().enumerate() {
        if matches!(fault.action.element(), Element::Host | Element::Command) {
            continue;
        }
        for (before, other) in plan.faults[..index].iter().enumerate() {
            if other.action.element() != fault.action.element() || other.action.goes_with(&fault.action) {
                continue;
            }
            if let Some(both) = overlap(&fault.windows, &other.windows) {
                let message = format!("`{}` and `{}` hurt the same element at a time", other.name, fault.name);
                let problem = Diagnostic::new(Code::E0408, message, scenario.injections[index].span, written(both));
                let help = match fault.action {
                    Action::Link { .. } => {
                        "let one end before the other begins; faults of different kinds, or with a `direction:` each, go together, but \
                         nothing beside `partition` and `refuse`"
                    }
                    _ => "let one end before the other begins, or hurt another element",
                };
                diagnostics.push(problem.label(scenario.injections[before].span, "and this one").help(help));
            }
        }
    }
}

/// What is over at once overlaps with that in which it falls.
fn overlap(a: &[Range], b: &[Range]) -> Option<Range> {
    let longer = |range: &Range| (range.0, range.1.max(range.0 + 1));
    let both = |x: Range, y: Range| (x.0.max(y.0), x.1.min(y.1));
    let pairs = || a.iter().flat_map(|x| b.iter().map(move |y| (x, y)));
    let found = pairs().find(|(x, y)| {
        let (from, to) = both(longer(x), longer(y));
        from < to
    });
    found.map(|(x, y)| both(*x, *y))
}

/// A range as it is read in a label.
fn written((from, to): Range) -> String {
    match from < to {
        true => format!("{}–{}", duration(from), duration(to)),
        false => format!("at {}", duration(from)),
    }
}

/// To observe a recovery, the load must go on for as long as the steady state must hold, plus a second.
fn room_to_recover(scenario: &Scenario, plan: &Plan, diagnostics: &mut Diagnostics) {
    let mut judged: Vec<(Window, Option<usize>)> = Vec::new();
    for expectation in &scenario.expectations {
        expectation.condition.metrics(&mut |metric| {
            if let Subject::Windows { windows, steady } = &metric.subject {
                judged.extend(windows.iter().map(|window| (window.clone(), *steady)));
            }
        });
    }
    for (window, steady) in judged {
        let (span, name, end) = match window {
            Window::Injection(index) => {
                let fault = &plan.faults[index];
                let open = fault.action.is_lasting()
                    && matches!(&scenario.injections[index].when, crate::check::program::When::At { length: None, .. });
                let instant = if open { fault.windows.first().map(|w| w.0) } else { fault.windows.last().map(|w| w.1) };
                (scenario.injections[index].span, fault.name.clone(), instant.unwrap_or(0))
            }
            Window::Event(index) => {
                let event = &plan.events[index];
                (scenario.events[index].span, event.name.clone(), event.at + event.at_most)
            }
            Window::Stage { load, stage } => {
                let planned = &plan.loads[load].stages[stage];
                (scenario.loads[load].stages[stage].span, planned.name.clone(), planned.end)
            }
            _ => continue,
        };
        let hold = plan.steady_states.get(steady.unwrap_or(0)).map_or(5 * SECOND, |steady| steady.hold);
        let left = plan.length.saturating_sub(end);
        if end <= plan.length && left < hold + SECOND {
            let message = format!(
                "{} of load follow `{name}`, and recovery shows after {}",
                duration(left),
                duration(hold + SECOND)
            );
            let problem = Diagnostic::new(Code::W0804, message, span, "will be inconclusive");
            diagnostics.push(problem.help("lengthen the last stage, or let it end earlier"));
        }
    }
}

/// `.unique()` needs a row for every time that it is reached, over all loads together.
fn rows(scenario: &Scenario, plan: &Plan, diagnostics: &mut Diagnostics) {
    let mut needs: Vec<Vec<(usize, u64)>> = vec![Vec::new(); plan.data.len()];
    for (index, load) in plan.loads.iter().enumerate() {
        for (place, part) in load.parts.iter().enumerate() {
            if !plan.flows[part.flow].has(&|step| matches!(step, Step::Let { value: Expr::Row { .. }, .. })) {
                continue;
            }
            let runs = match load.is_open() {
                true => load.arrivals_of(place).0,
                // Each user needs one at the least.
                false => load.shape.peak(),
            };
            let users = load.population.map_or(runs, |users| users.min(runs));
            taken(&plan.flows[part.flow].steps, (runs, users), &mut |data, count| {
                if let Some(needs) = needs.get_mut(data) {
                    needs.push((index, count));
                }
            });
        }
    }
    for (data, needs) in plan.data.iter().zip(needs) {
        let needed = needs.iter().fold(0u64, |sum, (_, count)| sum.saturating_add(*count));
        let Some((first, _)) = needs.first().filter(|_| data.rows < needed) else { continue };
        let shown = |count: u64| grouped(count as f64, 0);
        let message = format!("`{}` has {} rows, and {} are needed", data.name, shown(data.rows), shown(needed));
        let of = |load: usize| shown(needs.iter().filter(|(own, _)| *own == load).map(|(_, count)| count).sum());
        let label = format!("takes {} that no other user gets", of(*first));
        let mut problem = Diagnostic::new(Code::E0413, message, scenario.loads[*first].name.span, label);
        let mut seen = *first;
        for (load, _) in &needs {
            if *load != seen {
                problem = problem.label(scenario.loads[*load].name.span, format!("and this one {}", of(*load)));
                seen = *load;
            }
        }
        diagnostics.push(problem.help("use `.next()` or `.random()`, or have more rows"));
    }
}

/// The rows that steps take for certain, with how many: of the runs of their flow, or of its users. What happens only
/// on a condition may not happen at all, and counts as nothing, so that this is a proof.
fn taken(steps: &[Step], (runs, users): (u64, u64), each: &mut impl FnMut(usize, u64)) {
    for step in steps {
        match step {
            Step::Let { value: Expr::Row { data, pick: Pick::Unique }, .. } => each(*data, runs),
            Step::Group { steps, .. } | Step::Acquire { steps, .. } => taken(steps, (runs, users), each),
            Step::OncePerUser { steps, .. } => taken(steps, (users, users), each),
            Step::Repeat(repeat) if repeat.test.is_none() => {
                let times = match repeat.bound {
                    LoopBound::Times(times) => times,
                    LoopBound::Time(_) => 1,
                };
                taken(&repeat.steps, (runs.saturating_mul(times), users), each);
            }
            _ => {}
        }
    }
}

/// `.per_user()` where there are more users than rows, so that some act as one. Who comes once is no user in that sense.
fn shared_rows(scenario: &Scenario, plan: &Plan, diagnostics: &mut Diagnostics) {
    for (written, load) in scenario.loads.iter().zip(&plan.loads) {
        let users = match (load.population, load.is_open()) {
            (Some(users), _) => users,
            (None, false) => load.shape.peak(),
            (None, true) => continue,
        };
        let mut seen = Vec::new();
        for flow in load.parts.iter().filter_map(|part| plan.flows.get(part.flow)) {
            all_steps(&flow.steps, &mut |step| {
                if let Step::Let { value: Expr::Row { data, pick: Pick::PerUser }, .. } = step
                    && plan.data.get(*data).is_some_and(|data| data.rows < users)
                    && !seen.contains(data)
                {
                    seen.push(*data);
                }
            });
        }
        for data in seen.into_iter().filter_map(|data| plan.data.get(data)) {
            let (rows, users) = (grouped(data.rows as f64, 0), grouped(users as f64, 0));
            let message = format!("`{}` has {rows} rows for {users} users, so several are the same one", data.name);
            let problem = Diagnostic::new(Code::W0817, message, written.name.span, format!("up to {users} users"));
            diagnostics.push(
                problem.help("have a row for each user, or fewer users; where any row will do, write `.random()`"),
            );
        }
    }
}

/// Connections, ports, memory and control groups, as far as they can be known.
fn fits(scenario: &Scenario, plan: &Plan, machine: Machine, diagnostics: &mut Diagnostics) {
    for lack in lacks(plan, machine) {
        let span = match lack.of {
            Of::Load(load) => scenario.loads[load].name.span,
            Of::Fault(fault) => scenario.injections[fault].span,
        };
        diagnostics.push(Diagnostic::new(Code::W0811, lack.message, span, lack.label).help(lack.help));
    }
}

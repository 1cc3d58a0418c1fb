//! What is hidden where, of flows of `let`s.

use super::*;
use crate::plan::{Piece as Written, Step, ValueFunction};

/// A run with one secret.
struct OneSecret;

impl Resolve for OneSecret {
    fn constant(&self, expr: &Expr) -> Option<Expr> {
        matches!(expr, Expr::Secret(_)).then(|| text("hunter2"))
    }

    fn reveals(&self, _: &Expr) -> bool {
        false
    }
}

fn text(text: &str) -> Expr {
    Expr::Text(vec![Written::Literal(text.to_owned())])
}

fn joined(values: [Expr; 2]) -> Expr {
    Expr::Text(values.into_iter().map(Written::Value).collect())
}

fn call(function: ValueFunction, argument: Expr) -> Expr {
    Expr::Call { function, arguments: vec![argument] }
}

fn secret() -> Expr {
    Expr::Secret("T".to_owned())
}

/// A flow of `let`s as a run makes it, the slots for what each iteration hides, and what is hidden before.
fn made(values: &[Expr]) -> (Vec<Code>, Range<usize>, Mask) {
    let mask = Mask::new([&"hunter2".to_owned()]);
    let steps = values.iter().cloned().enumerate().map(|(slot, value)| Step::Let { slot, value }).collect();
    let (names, groups, measures) = (Vec::new(), Vec::new(), Vec::new());
    let flow = Flow { name: String::new(), steps, slots: values.len(), names, requests: 0, groups, measures };
    let mut lowerer = Lowerer::new(&OneSecret, &mask);
    lowerer.begin(&flow, flow.slots, None);
    let code = values.iter().enumerate().map(|(slot, value)| lowerer.given(slot, value)).collect();
    let derived = lowerer.derived();
    (code, derived, mask)
}

#[test]
fn a_flow_that_computes_nothing_of_a_secret_has_no_slots_for_it() {
    let values = [call(ValueFunction::Upper, text("a")), Expr::Uuid, call(ValueFunction::Hex, Expr::Slot(1)), secret()];
    let (code, derived, _) = made(&values);
    assert_eq!(derived, 4..4);
    assert_eq!(code[1], Code::Uuid);
    assert_eq!(code[3], Code::Text(vec![Piece::Literal("hunter2".to_owned())]), "it is put in");
    let (code, derived, _) = made(&[call(ValueFunction::Sha256, secret())]);
    assert!(derived.is_empty() && !code[0].is_derived(), "a digest is no secret");
}

#[test]
fn what_is_the_same_for_all_is_hidden_before_the_load_and_costs_it_nothing() {
    let arguments = vec![Expr::Slot(1), text("hunter"), text("another thing ")];
    let reversed = Expr::Call { function: ValueFunction::Replace, arguments };
    let (code, derived, mask) = made(&[secret(), Expr::Slot(0), reversed]);
    assert_eq!(mask.text("it is another thing 2".to_owned()), "it is ***");
    assert!(derived.is_empty() && !code[2].is_derived());
}

#[test]
fn what_an_iteration_computes_has_slots_of_its_own() {
    let both = || joined([Expr::Slot(0), Expr::Slot(1)]);
    let coded = [call(ValueFunction::Base64, both()), call(ValueFunction::Hex, Expr::Slot(3))];
    let (code, derived, _) = made(&[&[secret(), Expr::Uuid, both()][..], &coded].concat());
    assert_eq!(derived, 5..7);
    assert!(!code[2].is_derived(), "the mask finds the secret in it");
    assert!(matches!((&code[3], &code[4]), (Code::Derived { slot: 5, .. }, Code::Derived { slot: 6, .. })));
    let mut frame = nobody();
    (frame.slots, frame.derived) = (vec![Value::Null; derived.end], derived);
    for (slot, value) in code.iter().enumerate() {
        frame.slots[slot] = frame.eval(value, &Paths::default()).unwrap();
    }
    let Value::Text(whole) = &frame.slots[3] else { panic!("it is a text") };
    assert_eq!(frame.secrets(), [whole.to_string(), crate::base::hex(whole.as_bytes())]);
}

#[test]
fn what_is_looked_for_twice_is_compiled_once() {
    let mask = Mask::default();
    let mut lowerer = Lowerer::new(&OneSecret, &mask);
    let path = |response, path: &str| Expr::Json { response, path: path.into() };
    let found = [path(0, "$.a"), path(1, "$.b"), path(2, "$.a")].map(|expr| lowerer.expr(&expr));
    let wanted = [(0, 0), (1, 1), (2, 0)].map(|(response, path)| Code::Json { response, path: PathCode::Known(path) });
    assert_eq!(found, wanted);
    assert_eq!(lowerer.sought.paths.iter().collect::<Vec<_>>(), ["$.a", "$.b"]);
}

#[test]
fn what_the_run_does_not_know_fails_whoever_needs_it() {
    let mask = Mask::default();
    let code = Lowerer::new(&OneSecret, &mask).expr(&joined([text("a"), Expr::Port(0)]));
    assert_eq!(nobody().eval(&code, &Paths::default()).unwrap_err(), crate::engine::value::Unusable::Missing);
}

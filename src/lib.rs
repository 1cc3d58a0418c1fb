//! stressc: a language for stress experiments, with the compiler and the engine behind it.
//!
//! One way through, each arrow a function from one plain value to the next:
//!
//! | stage | function | in → out | can fail? |
//! |---|---|---|---|
//! | parse | [`syntax::parse`] | text → AST | never; carries diagnostics |
//! | check | [`check::check`] | AST → `Program` | never; carries diagnostics |
//! | plan | [`plan::plan`] | `Program` → `Plan` | diagnostics |
//! | run | [`run::run`] | `Plan` → events | `RunError` |
//! | measure | [`measure::Stats`] | events → sums over windows | no |
//! | judge | [`judge::judge`] | `Plan`, `Stats`, what other runs measured → `Verdict` | no |
//! | report | [`report::report`] | all three → bytes | no |
//!
//! A module names only what stands above it in this list; the pure ones name no runtime, file or clock.

pub mod base;
pub mod diag;
pub mod syntax;
pub mod check;
pub mod plan;
pub mod measure;
pub mod baseline;
pub mod history;
pub mod metric;
pub mod wire;
pub mod engine;
pub mod run;
pub mod judge;
pub mod store;
pub mod report;
pub mod inputs;
pub mod telemetry;
pub mod guard;
mod burden;
pub mod demo;
pub mod cli;

#[cfg(test)]
#[path = "../tests/support/left_out.rs"]
mod left_out;

//! stressc: a language for stress experiments, with the compiler and the engine behind it.

pub mod base;
pub mod diag;
pub mod syntax;
pub mod check;
pub mod plan;
pub mod measure;
pub mod metric;
pub mod run;
pub mod judge;
pub mod store;
pub mod inputs;
pub mod demo;

//! What users do: flows as flat steps, and the sessions that interpret them.

pub mod attempt;
mod choice;
mod computed;
pub mod user;
pub mod lowered;
pub mod missed;
pub mod progress;
pub mod rest;
pub mod sender;
pub mod session;
pub mod steps;
mod together;
mod transaction;

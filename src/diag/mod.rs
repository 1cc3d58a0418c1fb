//! What a person is told: diagnostics as plain values, their codes with a page each, and how they are drawn.

pub mod code;
mod diagnostic;
mod excerpt;
mod fix;
mod hidden;
pub mod render;

pub use code::Code;
pub use diagnostic::{Diagnostic, Diagnostics, Label, Severity};
pub use fix::{Applicability, Edit, Fix};

//! The one integration-test binary: linking once is what keeps the suite quick on a small machine.

mod support;

mod demo;
mod outcomes;
mod records;
mod shares;

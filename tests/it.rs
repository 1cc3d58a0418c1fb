//! The one integration-test binary: linking once is what keeps the suite quick on a small machine.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod support;

mod allow;
mod answers;
mod bodies;
mod chaos;
mod containers;
mod databases;
mod demo;
mod docs;
mod draw;
mod editors;
mod examples;
mod faults;
mod floors;
mod flows;
mod fmt;
mod fragment;
mod guard;
mod hostile;
mod iterations;
mod kills;
mod large_data;
mod links;
mod live;
mod load;
mod loads;
mod long_records;
mod long_runs;
mod monitors;
mod outcomes;
mod phases;
mod records;
mod redirects;
mod robust;
mod scenarios;
mod secrets;
mod services;
mod settings;
mod shares;
mod stranger;
mod try_one;
mod watch;
mod windows;

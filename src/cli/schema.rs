//! `stressc schema`: the JSON schemas of what is written for programs, made of the values that are written.

use super::args::{SchemaArgs, SchemaOf};
use super::history::History;
use super::output::Terminal;
use super::runs::Listed;
use crate::baseline::Signed;
use crate::plan::Plan;
use crate::report::{Report, SuiteReport};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

pub fn schema(args: &SchemaArgs, terminal: &Terminal) -> u8 {
    let schema = match args.of {
        SchemaOf::Plan => of::<Plan>("a plan, as `stressc plan --json` prints it"),
        SchemaOf::Run => of::<Report>("the result of a run: `run.json`"),
        SchemaOf::Suite => of::<SuiteReport>("the result of a suite: its `run.json`"),
        SchemaOf::Baseline => of::<Signed>("a run of a baseline: `baselines/FILE/SCENARIO/RUN.json`"),
        SchemaOf::History => of::<History>("a history, as `stressc history --json` prints it"),
        SchemaOf::Runs => of::<Listed>("a list of runs, as `stressc runs --json` prints it"),
    };
    terminal.out(&(serde_json::to_string_pretty(&schema).expect("a schema is plain data") + "\n"));
    super::OK
}

fn of<T: JsonSchema>(title: &str) -> Schema {
    let mut schema = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema
}

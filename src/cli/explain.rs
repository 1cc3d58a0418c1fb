//! `stressc explain`: the page of a diagnostic.

use super::args::ExplainArgs;
use super::output::Terminal;
use crate::diag::Code;

pub fn explain(args: &ExplainArgs, terminal: &Terminal) -> u8 {
    let Some(code) = &args.code else {
        for code in Code::ALL {
            terminal.out(&format!("{code}  {}\n", code.title()));
        }
        return super::OK;
    };
    match Code::parse(code) {
        Some(code) => {
            terminal.out(code.page());
            super::OK
        }
        None => {
            let near = crate::base::suggest::similar(&code.to_uppercase(), Code::ALL.iter().map(|c| c.as_str()));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`"));
            terminal.error(&format!("there is no diagnostic `{code}`{hint}; `stressc explain` lists them all"));
            super::DOES_NOT_CHECK
        }
    }
}

//! `stressc explain`: the page of a diagnostic, or what a word or a name of the language means.

use super::args::ExplainArgs;
use super::output::Terminal;
use crate::check::builtins;
use crate::diag::Code;

pub fn explain(args: &ExplainArgs, terminal: &Terminal) -> u8 {
    let Some(name) = &args.name else {
        list(terminal);
        return super::OK;
    };
    if let Some(code) = Code::parse(name) {
        terminal.out(code.page());
        return super::OK;
    }
    // An option is written with its colon, and a function with its brackets.
    let plain = name.trim_end_matches([':', '(', ')']).rsplit('.').next().unwrap_or(name);
    if let Some(text) = builtins::explain(plain) {
        terminal.out(&format!("{}\n", text.trim_end()));
        return super::OK;
    }
    if let Some(answer) = no_such_code(name) {
        terminal.error(&answer);
        return super::DOES_NOT_CHECK;
    }
    let groups = builtins::explained();
    let known = groups.iter().flat_map(|(_, names)| names.iter().copied());
    let hint =
        crate::base::suggest::similar(plain, known).map_or_else(String::new, |near| format!("; did you mean `{near}`"));
    terminal
        .error(&format!("`{name}` is neither a code nor a name of the language{hint}; `stressc explain` lists them"));
    super::DOES_NOT_CHECK
}

/// What is written as a code and is none.
fn no_such_code(name: &str) -> Option<String> {
    let digits = name.strip_prefix(['E', 'e', 'W', 'w'])?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let near = crate::base::suggest::similar(&name.to_uppercase(), Code::ALL.iter().map(|code| code.as_str()));
    let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`"));
    Some(format!("there is no diagnostic `{name}`{hint}; `stressc explain` lists them all"))
}

fn list(terminal: &Terminal) {
    for code in Code::ALL {
        terminal.out(&format!("{code}  {}\n", code.title()));
    }
    for (title, names) in builtins::explained() {
        terminal.out(&format!("\n{title}\n"));
        let mut line = String::new();
        for name in names {
            if line.len() + name.len() > 90 {
                terminal.out(&format!("  {}\n", line.trim_end()));
                line.clear();
            }
            line.push_str(name);
            line.push(' ');
        }
        terminal.out(&format!("  {}\n", line.trim_end()));
    }
}

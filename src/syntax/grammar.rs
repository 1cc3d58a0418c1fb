//! The generated parser, and what its failures mean to a person.

use super::words::Context;
use crate::base::{FileId, Span};
use crate::diag::{Code, Diagnostic};
use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pair;

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/stress.pest"]
struct Grammar;

pub type Node<'a> = Pair<'a, Rule>;

/// The rule of a statement by what encloses it.
pub fn rule_of(context: Context) -> Rule {
    match context {
        Context::File => Rule::file_statement,
        Context::Scenario => Rule::scenario_statement,
        Context::Load => Rule::load_statement,
        Context::Flow => Rule::flow_statement,
        Context::Request => Rule::request_statement,
        Context::Expect => Rule::expect_statement,
        Context::Options => Rule::options_statement,
    }
}

/// Why a text is no statement.
pub struct Refusal {
    pub diagnostic: Diagnostic,
    /// Where in the text a second statement starts, when that is all that is wrong.
    pub second: Option<usize>,
}

/// Parses one statement that starts at `offset` of its file. The node is what the statement holds.
pub fn parse(file: FileId, context: Context, text: &str, offset: usize) -> Result<Node<'_>, Box<Refusal>> {
    let rule = rule_of(context);
    match Grammar::parse(rule, text) {
        // A statement rule has one child beside the end of input.
        Ok(mut pairs) => Ok(pairs.next().and_then(|p| p.into_inner().next()).expect("a statement holds a node")),
        Err(error) => Err(Box::new(explain(file, text, offset, &error))),
    }
}

/// Two statements on one line, of which the second starts at the span.
pub fn two_statements(second: Span) -> Diagnostic {
    Diagnostic::new(Code::E0105, "two statements on one line", second, "the second one starts here").fix(
        second.before(),
        "\n",
        "put it on a line of its own",
    )
}

fn explain(file: FileId, text: &str, offset: usize, error: &pest::error::Error<Rule>) -> Refusal {
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    };
    let rest = &text[at..];
    let found = rest.split_whitespace().next().unwrap_or("");
    let length = match found.find(|c: char| !c.is_alphanumeric() && c != '_') {
        Some(0) => found.chars().next().map_or(0, char::len_utf8),
        Some(end) => end,
        None => found.len(),
    };
    let at = at + (rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len());
    let span = Span::new(file, offset + at, offset + at + length);
    let mut wanted = expected(error);
    let (message, label) = match (found.is_empty(), chained(text, at)) {
        (true, _) => ("this statement is not complete".to_owned(), "something is missing here".to_owned()),
        (false, true) => {
            let diagnostic = Diagnostic::new(Code::E0106, "comparisons do not chain", span, "a second comparison");
            return Refusal { diagnostic: diagnostic.help("write `a < b and b < c`"), second: None };
        }
        (false, false) => (format!("`{}` is not expected here", &text[at..at + length]), "not expected".to_owned()),
    };
    let ended = wanted.iter().position(|words| *words == END);
    ended.map(|at| wanted.remove(at));
    let first_word = text[at..at + length].to_owned();
    if ended.is_some() && super::words::statement(&first_word).is_some() && !text[..at].trim().is_empty() {
        return Refusal { diagnostic: two_statements(span), second: Some(at) };
    }
    let diagnostic = Diagnostic::new(Code::E0100, message, span, label);
    let diagnostic = match wanted.as_slice() {
        [] if ended.is_some() => diagnostic.help("the statement could end before this"),
        [] => diagnostic,
        many => diagnostic.help(format!("expected {}", or_list(many))),
    };
    Refusal { diagnostic, second: None }
}

/// Whether a comparison stands before and at the place of the failure.
fn chained(text: &str, at: usize) -> bool {
    let comparison = |part: &str| ["<", ">", "==", "!="].iter().any(|op| part.contains(op));
    text[at..].starts_with(['<', '>']) && comparison(&text[..at])
}

const END: &str = "the end of the statement";

fn expected(error: &pest::error::Error<Rule>) -> Vec<&'static str> {
    let ErrorVariant::ParsingError { positives, .. } = &error.variant else { return Vec::new() };
    let mut words: Vec<&str> = Vec::new();
    for rule in positives {
        if let Some(word) = describe(*rule)
            && !words.contains(&word)
        {
            words.push(word);
        }
    }
    // Operators may follow any value; beside something definite they say nothing.
    if words.iter().any(|w| *w != OPERATOR && *w != END) {
        words.retain(|w| *w != OPERATOR);
    }
    words
}

fn or_list(words: &[&str]) -> String {
    match words {
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
        [] => String::new(),
    }
}

const OPERATOR: &str = "an operator";
const VALUE: &str = "a value";

/// A rule in the words of a person; `None` for rules that would say nothing new.
fn describe(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::EOI => END,
        Rule::file_statement | Rule::scenario_statement | Rule::load_statement | Rule::flow_statement => "a statement",
        Rule::request_statement | Rule::options_statement | Rule::entries | Rule::entry => {
            "an option like `name: value`"
        }
        Rule::expect_statement | Rule::condition => "a condition",
        Rule::scenario_head | Rule::kw_scenario => "`scenario`",
        Rule::built => "a service or a target",
        Rule::built_kind => "`service` or `target`",
        Rule::flow_head | Rule::kw_flow => "`flow`",
        Rule::load_head | Rule::kw_load => "`load`",
        Rule::expect | Rule::kw_expect => "`expect`",
        Rule::warmup | Rule::kw_warmup => "`warmup`",
        Rule::hold | Rule::kw_hold => "`hold`",
        Rule::ramp | Rule::kw_ramp => "`ramp`",
        Rule::spike | Rule::kw_spike => "`spike`",
        Rule::naming | Rule::kw_as => "`as NAME`",
        Rule::wrong_to => "`->`",
        Rule::request | Rule::method => "a request like `get \"/path\"`",
        Rule::binding | Rule::kw_let => "`let`",
        Rule::think | Rule::kw_think => "`think`",
        Rule::scope | Rule::scope_word => "`during`, `outside`, `after` or `before`",
        Rule::value | Rule::expr | Rule::primary | Rule::literal | Rule::number | Rule::figure | Rule::object => VALUE,
        Rule::text | Rule::raw | Rule::boolean | Rule::null | Rule::list | Rule::quantity | Rule::users => VALUE,
        Rule::rate | Rule::bandwidth | Rule::bits | Rule::bytes | Rule::duration | Rule::points => VALUE,
        Rule::percent | Rule::factor | Rule::call | Rule::callee | Rule::path_name => VALUE,
        Rule::field => "a field like `name: value`",
        Rule::infix | Rule::and | Rule::or | Rule::contained | Rule::range | Rule::postfix | Rule::prefix => OPERATOR,
        Rule::equal | Rule::not_equal | Rule::less | Rule::less_equal | Rule::greater | Rule::greater_equal => OPERATOR,
        Rule::add | Rule::subtract | Rule::multiply | Rule::divide | Rule::negate | Rule::not => OPERATOR,
        Rule::arguments | Rule::argument => "arguments",
        Rule::path | Rule::name => "a name",
        Rule::label => "a label",
        Rule::kw_on => "`on`",
        Rule::kw_of => "`of`",
        Rule::kw_at => "`at`",
        Rule::kw_for => "`for`",
        Rule::kw_over => "`over`",
        Rule::interpolation | Rule::escape | Rule::chunk | Rule::raw_text => "text",
        Rule::bytes_unit | Rule::duration_unit => "a unit",
        Rule::WHITESPACE | Rule::end | Rule::separator | Rule::name_char | Rule::word_char | Rule::reserved => {
            return None;
        }
        Rule::wrong_equals | Rule::wrong_not | Rule::wrong_and | Rule::wrong_or | Rule::wrong_assign => return None,
        Rule::wrong_unit | Rule::wrong_unit_apart | Rule::wrong_unit_word | Rule::wrong_escape => return None,
        Rule::wrong_brace => return None,
    })
}

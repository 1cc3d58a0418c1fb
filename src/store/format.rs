//! The version of the record format, which is in `plan.json`, and the conversion of records of the previous version.

use crate::check::builtins::{self, FaultArguments};
use crate::measure::Event;
use crate::plan::{Action, CommandLine, Element, Plan, Share, Text};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use serde_json::{Map, Value, json};

/// One more with every version that writes something which the version before would not read as what it means.
const NEWEST: u64 = 2;

/// What is written in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Of records without a number.
    First,
    Newest,
}

/// The plan of a record, after the number of its format and the run that it is a part of.
pub fn plan(plan: &Plan, parent: Option<&str>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Numbered<'p> {
        format: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        parent: Option<&'p str>,
        #[serde(flatten)]
        plan: &'p Plan,
    }
    serde_json::to_vec_pretty(&Numbered { format: NEWEST, parent, plan }).expect("a plan is plain data")
}

/// A plan as it was written, and in which format everything next to it is.
pub fn read_plan(text: &[u8]) -> Result<(Plan, Format), String> {
    let (plan, format) = converted(text)?;
    plan.is_possible().map_err(|problem| format!("is no plan that a run writes: {problem}"))?;
    Ok((plan, format))
}

fn converted(text: &[u8]) -> Result<(Plan, Format), String> {
    let mut value: Value = serde_json::from_slice(text).map_err(|error| misread(&error))?;
    let number = value.as_object_mut().and_then(|plan| plan.shift_remove("format"));
    let format = Format::of(number.as_ref())?;
    if format == Format::First {
        let faults = value.pointer_mut("/faults").and_then(Value::as_array_mut).into_iter().flatten();
        faults.filter_map(Value::as_object_mut).try_for_each(fault_from_first)?;
        let flows = value.get_mut("flows").and_then(Value::as_array_mut).into_iter().flatten();
        flows.for_each(steps_from_first);
        let ledgers = value.get_mut("ledgers").and_then(Value::as_array_mut).into_iter().flatten();
        ledgers.filter_map(|ledger| ledger.get_mut("verify")).for_each(steps_from_first);
    }
    // From a value, not from the text: what is flattened in a plan could not have its numbers there, which keep all their digits.
    let plan = serde_json::from_value(value).map_err(|error| misread(&error))?;
    Ok((plan, format))
}

/// Why something is not what a run writes, without a word of it: a record that lies about may name a file of somebody else.
fn misread(error: &serde_json::Error) -> String {
    let place = match error.line() {
        0 => String::new(),
        line => format!(", in line {line}, column {}", error.column()),
    };
    match error.classify() {
        Category::Syntax | Category::Eof => format!("is no JSON{place}"),
        Category::Data | Category::Io => format!("has other fields or types than a run writes{place}"),
    }
}

/// What a fault of the first format did, by the names of what it was given.
#[derive(Deserialize)]
struct Breakage {
    action: String,
    template: Option<String>,
    element: Element,
    settings: Vec<(String, Setting)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Setting {
    Quantity(f64, IgnoredAny),
    Text(Text),
}

fn fault_from_first(fault: &mut Map<String, Value>) -> Result<(), String> {
    let Some(breakage) = fault.remove("breakage") else { return Ok(()) };
    let breakage: Breakage = serde_json::from_value(breakage).map_err(|error| misread(&error))?;
    let template = breakage.template.clone();
    let action = action(breakage).ok_or("has a fault that this version does not know")?;
    fault.insert("action".to_owned(), json!(action));
    fault.extend(template.map(|template| ("template".to_owned(), json!(template))));
    Ok(())
}

/// It is made of what was given, as if a file said so.
fn action(breakage: Breakage) -> Option<Action> {
    let row = builtins::fault(&breakage.action)?;
    let mut given = FaultArguments { on: Some(breakage.element), ..FaultArguments::default() };
    for (name, setting) in breakage.settings {
        let parameter = row.builtin.parameters.iter().find(|parameter| parameter.name == name);
        match (setting, name.strip_prefix('$'), parameter) {
            (Setting::Text(text), Some(variable), _) => given.with.push((variable.to_owned(), text)),
            (Setting::Text(text), None, Some(parameter)) if row.builtin.name == "command" => {
                given.lines.push((parameter.name, CommandLine::Shell(text)));
            }
            (Setting::Text(text), None, Some(parameter)) => given.texts.push((parameter.name, text)),
            (Setting::Quantity(number, _), _, Some(parameter)) => {
                given.numbers.push((parameter.name, number, *parameter.kinds.first()?));
            }
            (Setting::Text(_) | Setting::Quantity(..), _, None) => return None,
        }
    }
    row.build.action(given)
}

/// The requests of a flow, or of a step, wherever in it they stand.
fn steps_from_first(of: &mut Value) {
    for name in ["steps", "then", "otherwise"] {
        let steps = of.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten();
        for (kind, step) in steps.filter_map(Value::as_object_mut).flatten() {
            match (kind.as_str(), step.as_object_mut()) {
                ("request", Some(request)) => request_from_first(request),
                _ => steps_from_first(step),
            }
        }
    }
}

/// What is of HTTP alone stood next to what every request has, and its rarer parts in a list by their names.
fn request_from_first(request: &mut Map<String, Value>) {
    let mut http = Map::new();
    for name in ["method", "path", "headers", "body", "judges_status"] {
        http.extend(request.shift_remove(name).map(|value| (name.to_owned(), value)));
    }
    let method = http.get("method").cloned().unwrap_or_default();
    http.insert("method".to_owned(), json!({ "known": method }));
    if let Some(Value::Array(extra)) = request.shift_remove("extra") {
        for part in &extra {
            match part[0].as_str() {
                Some("method") => drop(http.insert("method".to_owned(), json!({ "computed": part[1] }))),
                Some("query") => drop(http.insert("query".to_owned(), part[1]["object"].clone())),
                // No version ran any other.
                _ => {}
            }
        }
    }
    request.insert("exchange".to_owned(), json!({ "http": http }));
}

/// What is known of a run without its measurements, and without most of its plan.
#[derive(Debug, Deserialize)]
pub struct Summary {
    #[serde(default)]
    format: Option<Value>,
    #[serde(default)]
    pub parent: Option<String>,
    pub file: String,
    pub scenario: String,
    #[serde(default)]
    pub profile: Option<String>,
    pub fingerprint: String,
    pub share: Share,
}

/// Reads no more of a plan than that; the rest must only be whole.
pub fn read_told(text: &[u8]) -> Result<Summary, String> {
    let told: Summary = serde_json::from_slice(text).map_err(|error| misread(&error))?;
    Format::of(told.format.as_ref()).map(|_| told)
}

impl Format {
    /// By the number that stands in a plan.
    fn of(number: Option<&Value>) -> Result<Format, String> {
        match number.map(Value::as_u64) {
            None => Ok(Format::First),
            Some(Some(NEWEST)) => Ok(Format::Newest),
            Some(Some(number)) if number > NEWEST => Err(format!(
                "is of format {number}, and this version reads none after {NEWEST}; take the version that made it, or a newer one"
            )),
            Some(_) => Err("has a format that no version writes".to_owned()),
        }
    }

    pub fn event(self, line: &[u8]) -> Result<Event, String> {
        let event: serde_json::Result<Event> = match self {
            Format::Newest => serde_json::from_slice(line),
            Format::First => serde_json::from_slice(line).and_then(|event| serde_json::from_value(from_first(event))),
        };
        let event = event.map_err(|error| misread(&error))?;
        match event.is_possible() {
            true => Ok(event),
            false => Err("has an instant or a count beyond any run".to_owned()),
        }
    }
}

/// An event of the first format as one of the next: some fields came only later, and meant nothing was there.
fn from_first(mut event: Value) -> Value {
    let (place, later) = match event["event"].as_str() {
        Some("generator") => ("/data", vec![("links", json!(0.0)), ("poll_delay", json!([]))]),
        Some("service_fell" | "service_died") => ("/data", vec![("ready", json!(true))]),
        Some("verified") => ("/data/verified", vec![("resurrected", json!(0))]),
        _ => return event,
    };
    if let Some(fields) = event.pointer_mut(place).and_then(Value::as_object_mut) {
        for (name, nothing) in later {
            fields.entry(name).or_insert(nothing);
        }
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Generator, Verified};
    use crate::plan::{
        CommandFault, Database, DatabaseFault, Exchange, Expr, Fault, LinkFault, Method, NetworkRoute, Piece,
        ServiceFault,
    };

    fn without(event: &Event, place: &str, fields: &[&str]) -> Vec<u8> {
        let mut value = json!(event);
        let object = value.pointer_mut(place).unwrap().as_object_mut().unwrap();
        fields.iter().for_each(|field| drop(object.remove(*field).unwrap()));
        serde_json::to_vec(&value).unwrap()
    }

    /// The one fault of a plan of the first format, whose fault this is.
    fn fault(breakage: &Value) -> Result<Fault, String> {
        let plan = json!({
            "schema": 1, "file": "", "scenario": "", "doc": null, "fingerprint": "", "share": { "index": 0, "count": 1 },
            "services": [], "targets": [], "flows": [], "loads": [], "series": [], "expectations": [], "length": 0,
            "faults": [{ "name": "it", "breakage": breakage, "windows": [[1, 2]] }],
        });
        let (plan, format) = converted(plan.to_string().as_bytes())?;
        assert_eq!(format, Format::First);
        Ok(plan.faults.into_iter().next().unwrap())
    }

    #[test]
    fn what_a_fault_did_was_told_by_names_and_is_told_by_types() {
        let of = |action: &str, element: Value, settings: Value| json!({ "action": action, "element": element, "settings": settings, "lasting": true });
        let by = json!([["by", { "quantity": [2e8, "duration"] }], ["jitter", { "quantity": [5e7, "duration"] }]]);
        let latency = LinkFault::Latency { by: 200_000_000, jitter: Some(50_000_000) };
        let found = fault(&of("latency", json!({ "target": 3 }), by)).unwrap();
        assert_eq!(found.action, Action::Link { on: NetworkRoute::Target(3), fault: latency, direction: None });
        assert_eq!((found.name.as_str(), found.windows.as_slice()), ("it", &[(1, 2)][..]));
        let kill = fault(&of("kill", json!({ "service": 1 }), json!([]))).unwrap();
        assert_eq!(kill.action, Action::Service { on: 1, fault: ServiceFault::Kill });
        let held = fault(&of(
            "hold_connections",
            json!({ "service": 0 }),
            json!([["share", { "quantity": [0.95, "percent"] }]]),
        ));
        let share = DatabaseFault::HoldConnections { share: 0.95 };
        assert_eq!(held.unwrap().action, Action::Database { on: Database::Service(0), fault: share });
        let text = |text: &str| json!([{ "literal": text }]);
        let settings = json!([["run", { "text": text("stop") }], ["$container", { "text": text("db") }]]);
        let mut command = of("command", json!("command"), settings);
        command["template"] = json!("docker.pause");
        let command = fault(&command).unwrap();
        assert_eq!(command.template.as_deref(), Some("docker.pause"));
        let Action::Command(CommandFault { with, undo: None, .. }) = command.action else { panic!("{command:?}") };
        assert_eq!(with[0].0, "container");
        let unknown = fault(&of("melt", json!("host"), json!([]))).unwrap_err();
        assert_eq!(unknown, "has a fault that this version does not know");
    }

    #[test]
    fn what_a_request_sent_by_http_stood_beside_what_all_requests_have() {
        let request = |extra: Value| {
            json!({ "request": {
                "name": "one", "response": 0, "target": 0, "method": "", "path": [{ "literal": "/a" }],
                "headers": [["X", [{ "literal": "y" }]]], "body": { "json": "null" }, "timeout": 5, "expects": [],
                "judges_status": true, "keep_body": true, "keep_headers": false, "extra": extra, "line": 7,
            }})
        };
        let plain = json!({ "if": { "condition": "null", "then": [], "otherwise": [request(json!([]))] } });
        let rare = json!([["query", { "object": [["page", { "number": 2.0 }]] }], ["method", { "slot": 1 }]]);
        let flow = json!({ "name": "f", "steps": [
            { "group": { "group": 0, "steps": [request(rare)] } }, { "let": { "slot": 0, "value": "null" } }, plain,
        ], "slots": 2, "requests": 1 });
        let mut plan = json!({
            "schema": 1, "file": "", "scenario": "", "doc": null, "fingerprint": "", "share": { "index": 0, "count": 1 },
            "services": [], "targets": [], "flows": [], "loads": [], "series": [], "expectations": [], "length": 0,
            "faults": [],
        });
        plan["flows"] = json!([flow]);
        plan["ledgers"] = json!([{ "name": "l", "verify": flow }]);
        let (plan, _) = converted(plan.to_string().as_bytes()).unwrap();
        for flow in [&plan.flows[0], plan.ledgers[0].verify.as_ref().unwrap()] {
            let found: Vec<_> = flow.requests().collect();
            assert_eq!((found[0].timeout, found[0].keep_body, found[0].line), (Some(5), true, 7));
            let http = |at: usize| match &found[at].exchange {
                Exchange::Http(http) => http,
                other => panic!("{other:?}"),
            };
            assert_eq!(http(0).method, Method::Computed(Expr::Slot(1)));
            assert_eq!(http(0).query, [("page".to_owned(), Expr::Number(2.0))]);
            assert_eq!(http(1).method, Method::Known(String::new()));
            assert_eq!(http(1).headers[0].0, "X");
            assert!(http(1).query.is_empty() && http(1).judges_status && http(1).body.is_some());
            assert_eq!(http(1).path, [Piece::Literal("/a".to_owned())]);
        }
    }

    #[test]
    fn what_came_later_was_nothing_in_the_first_format_and_is_missed_in_the_newest() {
        let generator = Event::Generator(Generator { at: 5, cpu: 0.5, ..Generator::default() });
        let verified = Event::Verified { ledger: 0, verified: Box::new(Verified { lost: 3, ..Verified::default() }) };
        let lines = [
            (without(&generator, "/data", &["links", "poll_delay"]), generator),
            (without(&verified, "/data/verified", &["resurrected"]), verified),
        ];
        for (line, event) in lines {
            assert_eq!(Format::First.event(&line).unwrap(), event);
            assert!(Format::Newest.event(&line).unwrap_err().starts_with("has other fields"));
            let whole = serde_json::to_vec(&event).unwrap();
            assert_eq!(Format::First.event(&whole).unwrap(), event, "what is there stays");
            assert_eq!(Format::Newest.event(&whole).unwrap(), event);
        }
    }
}

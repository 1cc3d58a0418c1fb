//! The published schemas hold for what is written.

use crate::support::compile::root;
use crate::support::{Keeper, Place, Server, answered};
use serde_json::Value;
use std::time::Duration;

/// Why a value is not what a published schema says.
pub fn unlike(name: &str, value: &Value) -> Option<String> {
    let schema = schema(name);
    wrong(&schema, value, &schema, name)
}

/// Why a log of diagnostics is not what OASIS' schema of SARIF says.
pub fn unlike_sarif(log: &Value) -> Option<String> {
    let schema = std::fs::read(root().join("tests/support/schemas/sarif-2.1.0.json")).unwrap();
    let schema: Value = serde_json::from_slice(&schema).unwrap();
    wrong(&schema, log, &schema, "sarif")
}

/// What a schema may say beside its rules, and the words of rules that are known here.
const KNOWN: [&str; 32] = [
    "$schema",
    "$id",
    "title",
    "description",
    "default",
    "examples",
    "$defs",
    "definitions",
    "format",
    "deprecated",
    "$ref",
    "type",
    "const",
    "enum",
    "oneOf",
    "anyOf",
    "allOf",
    "required",
    "properties",
    "additionalProperties",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minimum",
    "maximum",
    "pattern",
    "readOnly",
    "writeOnly",
    "$comment",
    "unevaluatedProperties",
];

/// The same of the limits of a number, a text or a list.
fn beyond(schema: &serde_json::Map<String, Value>, value: &Value, at: &str) -> Option<String> {
    let limit = |name: &str| schema.get(name).and_then(Value::as_f64);
    if let Some(number) = value.as_f64() {
        let (least, most) = (limit("minimum").unwrap_or(f64::MIN), limit("maximum").unwrap_or(f64::MAX));
        if number < least || number > most {
            return Some(format!("{at}: {number} is not from {least} to {most}"));
        }
    }
    if let (Some(text), Some(pattern)) = (value.as_str(), schema.get("pattern").and_then(Value::as_str))
        && !regex::Regex::new(pattern).unwrap().is_match(text)
    {
        return Some(format!("{at}: {text:?} is not like {pattern}"));
    }
    let items = value.as_array()?;
    let (least, most) = (limit("minItems").unwrap_or(0.0), limit("maxItems").unwrap_or(f64::MAX));
    if (items.len() as f64) < least || items.len() as f64 > most {
        return Some(format!("{at}: {} items are not from {least} to {most}", items.len()));
    }
    let is_twice = |(place, item): (usize, &Value)| items[..place].contains(item);
    let unique = schema.get("uniqueItems") == Some(&Value::Bool(true));
    (unique && items.iter().enumerate().any(is_twice)).then(|| format!("{at}: two items are the same"))
}

/// Why a value is not what a schema says; as much of JSON Schema as the published ones use.
fn wrong(schema: &Value, value: &Value, all: &Value, at: &str) -> Option<String> {
    let schema = match schema {
        Value::Bool(true) => return None,
        Value::Bool(false) => return Some(format!("{at}: nothing may be here")),
        schema => schema.as_object()?,
    };
    if let Some(word) = schema.keys().find(|word| !KNOWN.contains(&word.as_str())) {
        panic!("{at}: no rule `{word}` is known");
    }
    if let Some(problem) = beyond(schema, value, at) {
        return Some(problem);
    }
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let found = all.pointer(name.trim_start_matches('#')).unwrap_or_else(|| panic!("{name} is nowhere"));
        if let Some(problem) = wrong(found, value, all, at) {
            return Some(problem);
        }
    }
    let mut kinds: Vec<&str> = match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    kinds.retain(|kind| !match *kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other}"),
    });
    let asked = schema.get("type").map_or(0, |kind| kind.as_array().map_or(1, Vec::len));
    if asked > 0 && kinds.len() == asked {
        return Some(format!("{at}: {value} is none of {kinds:?}"));
    }
    if schema.get("const").is_some_and(|wanted| wanted != value) {
        return Some(format!("{at}: {value} is not {}", schema["const"]));
    }
    if schema.get("enum").and_then(Value::as_array).is_some_and(|wanted| !wanted.contains(value)) {
        return Some(format!("{at}: {value} is none of {}", schema["enum"]));
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(ways) = schema.get(key).and_then(Value::as_array) {
            let problems: Vec<Option<String>> = ways.iter().map(|way| wrong(way, value, all, at)).collect();
            if problems.iter().all(Option::is_some) {
                return problems.into_iter().flatten().max_by_key(String::len);
            }
        }
    }
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        if let Some(problem) = wrong(part, value, all, at) {
            return Some(problem);
        }
    }
    if let Some(fields) = value.as_object() {
        let known = schema.get("properties").and_then(Value::as_object);
        for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
            if !fields.contains_key(name.as_str()?) {
                return Some(format!("{at}: {name} is missing"));
            }
        }
        for (name, field) in fields {
            let own = known.and_then(|known| known.get(name)).or(schema.get("additionalProperties"));
            if let Some(problem) = own.and_then(|own| wrong(own, field, all, &format!("{at}/{name}"))) {
                return Some(problem);
            }
        }
    }
    if let Some(items) = value.as_array() {
        let each = schema.get("items");
        let first = schema.get("prefixItems").and_then(Value::as_array);
        for (place, item) in items.iter().enumerate() {
            let own = first.and_then(|first| first.get(place)).or(each);
            if let Some(problem) = own.and_then(|own| wrong(own, item, all, &format!("{at}/{place}"))) {
                return Some(problem);
            }
        }
    }
    None
}

fn schema(of: &str) -> Value {
    let printed = Place::new().call(&["schema", of]);
    assert_eq!(printed.code, 0, "{}", printed.err);
    serde_json::from_str(&printed.out).unwrap()
}

#[test]
fn a_schema_finds_what_is_wrong() {
    let baseline = schema("baseline");
    assert_eq!(baseline["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let told = wrong(&baseline, &serde_json::json!({ "schema": "one" }), &baseline, "").unwrap();
    assert!(told.contains("/schema: \"one\"") || told.contains("is missing"), "{told}");
    // What a field means is said where it is declared.
    assert!(baseline["properties"]["number"]["description"].as_str().unwrap().contains("Its number among the runs"));
}

#[test]
fn the_result_of_a_suite_is_what_its_schema_says() {
    let suite = schema("suite");
    let server = Server::start(Duration::ZERO);
    let place = Place::new();
    let two = server.scenario("    hold 20/s for 500ms", "    error_rate(main) < 50%");
    let other = two
        .replace("scenario test", "scenario other")
        .replace(&format!("\"http://{}\"", server.address), "env(\"SUITES_NOWHERE\")");
    let text =
        format!("{two}{other}suite both {{\n  area all: test, other\n  ready when score >= 40% and passed(test)\n}}\n");
    place.write("both.stress", &text);
    let ran = place.call(&["run", "both.stress:both", "--no-progress", "--out", "json=result.json"]);
    let result: Value = serde_json::from_slice(&std::fs::read(place.path().join("result.json")).unwrap()).unwrap();
    assert_eq!(wrong(&suite, &result, &suite, ""), None, "{}{}", ran.out, ran.err);
    for field in ["score", "coverage", "gates", "areas"] {
        assert!(suite["properties"].get(field).is_some(), "{field}");
    }
}

#[test]
fn results_and_plans_are_what_their_schemas_say() {
    let (run, plan, baseline) = (schema("run"), schema("plan"), schema("baseline"));
    let server = Server::start(Duration::from_millis(5));
    let place = Place::new();
    let ran = place.run(
        &server.scenario(
            "    hold 50/s for 1s",
            "    p50(main) <= baseline + 5%\n    error_rate(main) < 50% in every 500ms",
        ),
        &["--save-baseline"],
    );
    assert_eq!(wrong(&run, &ran.result, &run, ""), None);
    for field in ["expectations", "windows", "generator", "trust"] {
        assert!(run["properties"].get(field).is_some(), "{field}");
    }
    if let Some(kept) = std::fs::read_dir(place.path().join("baselines/test/test")).ok().and_then(|mut all| all.next())
    {
        let text = std::fs::read_to_string(kept.unwrap().path()).unwrap();
        assert_eq!(wrong(&baseline, &serde_json::from_str(&text).unwrap(), &baseline, ""), None);
    }
    let keeper = Keeper::start(|_| answered("", b"{\"id\":1}"));
    let ledger = r#"scenario test {
  target api = http("http://ADDRESS")
  ledger orders on api {
    verify key {
      get "/orders/{key}"
    }
  }
  flow go on api {
    post "/orders" {
      record json("$.id") in orders
    }
  }
  load main of go {
    hold 10/s for 1s
  }
  expect lost(orders) == 0
}
"#;
    let ran = place.run(&ledger.replace("ADDRESS", &keeper.address.to_string()), &[]);
    assert!(ran.result["ledgers"][0]["took_s"].is_number(), "{}{}", ran.out, ran.err);
    assert_eq!(wrong(&run, &ran.result, &run, "ledger"), None);
    // Records of all kinds of runs.
    for record in ["ends", "all"] {
        let directory = root().join("tests/records/1").join(record);
        let told = place.call(&["report", &directory.display().to_string(), "--json"]);
        let result: Value = serde_json::from_str(&told.out).unwrap_or_else(|_| panic!("{}", told.err));
        assert_eq!(wrong(&run, &result, &run, record), None);
    }
    for (file, scenario) in [("chaos", "partition_during_spike"), ("load", "spike"), ("benchmarks", "capacity")] {
        let scenario = format!("{}:{scenario}", root().join(format!("scenarios/{file}.stress")).display());
        let told = place.call(&["plan", &scenario, "--json"]);
        let told: Value = serde_json::from_str(&told.out).unwrap_or_else(|_| panic!("{}", told.err));
        assert_eq!(wrong(&plan, &told, &plan, file), None);
    }
}

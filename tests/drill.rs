//! `stressc drill`: a suite for the rules of a file, that checks whatever the rules are called.

use crate::support::Place;

/// The exemplar, and a rule for each kind of suggestion.
const RULES: &str = r#"groups:
  - name: shop
    rules:
      - alert: DatabaseDown
        expr: db_up == 0
        for: 5s
        labels: { severity: page }
      - alert: HighErrorRate
        expr: sum(rate(http_requests_total{status=~"5.."}[10s])) / sum(rate(http_requests_total[10s])) > 0.05
        for: 5s
        keep_firing_for: 30s
        labels: { severity: page }
      - alert: DiskFull
        expr: disk_free_bytes < 1e9
        for: 5s
        labels: { severity: page }
      - alert: Watchdog
        expr: vector(1)
        labels: { severity: none }
      - alert: AppDown
        expr: absent(up{job="sut"})
        labels: { severity: ticket }
      - alert: Weekly
        expr: rate(http_requests_total[1w]) < 1
      - { alert: Twice, expr: up == 0 }
      - { alert: Twice, expr: up == 0, for: 1m }
"#;

fn checks(place: &Place, file: &str) -> String {
    let checked = place.call(&["check", file]);
    assert_eq!(checked.code, 0, "{}{}", checked.out, checked.err);
    assert!(!checked.err.contains("W0818") && !checked.err.contains("W0801"), "{}", checked.err);
    checked.err
}

#[test]
fn what_it_writes_checks_and_says_what_it_left_out() {
    let place = Place::new();
    place.write("rules.yml", RULES);
    let ran = place.call(&["drill", "rules.yml", "--labels", "severity=page"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    place.write("drill.stress", &ran.out);
    checks(&place, "drill.stress");
    for part in [
        "scenario database_down_fires = monitoring.pages(\"DatabaseDown\", failure: partition(sut.db),",
        "scenario high_error_rate_fires = monitoring.pages(\"HighErrorRate\", failure: refuse(sut.db),",
        // A scrape, a range, an evaluation and `for`, and five seconds.
        "hurt: 27s, detect: 22s, clear: 52s, also: database_alerts)",
        "param database_alerts: List = [\"DatabaseDown\", \"HighErrorRate\", \"Watchdog\"]",
        "// DiskFull: disk_free_bytes < 1e9\n// No scenario: it watches a disk",
        "area paging: database_down_fires, high_error_rate_fires",
        "rule_coverage(\"rules.yml\", labels: { severity: \"page\" }) >= 66%",
    ] {
        assert!(ran.out.contains(part), "{part} in\n{}", ran.out);
    }
    assert!(!ran.out.contains("vector(1)"), "{}", ran.out);
    // It is written as the formatter writes it.
    let formatted = place.call(&["fmt", "--check", "drill.stress"]);
    assert_eq!(formatted.code, 0, "{}{}", formatted.out, formatted.err);

    let all = place.call(&["drill", "rules.yml"]);
    place.write("all.stress", &all.out);
    checks(&place, "all.stress");
    for part in [
        "failure: kill(sut.app)",
        "// Watchdog: vector(1)\n// No scenario: it always fires;",
        "No scenario: a run of it takes more than 7d",
        "No scenario: several rules have this name",
    ] {
        assert!(all.out.contains(part), "{part} in\n{}", all.out);
    }
}

#[test]
fn a_file_is_written_beside_others_and_never_over_one() {
    let place = Place::new();
    for directory in ["monitoring", "tests"] {
        std::fs::create_dir(place.path().join(directory)).unwrap();
    }
    place.write("monitoring/rules.yml", RULES);
    let drill = |out: &str| place.call(&["drill", "monitoring/rules.yml", "--out", out]);
    let written = drill("drill.stress");
    assert_eq!((written.code, written.out.as_str()), (0, ""), "{}", written.err);
    let text = std::fs::read_to_string(place.path().join("drill.stress")).unwrap();
    assert!(text.contains("rules: \"monitoring/rules.yml\""), "{text}");
    checks(&place, "drill.stress");
    let again = drill("drill.stress");
    assert!(again.code == 2 && again.err.contains("is not overwritten"), "{}", again.err);
    assert_eq!(std::fs::read_to_string(place.path().join("drill.stress")).unwrap(), text);
    // The rules are named from where the file lies.
    assert_eq!(drill("tests/drill.stress").code, 0);
    let text = std::fs::read_to_string(place.path().join("tests/drill.stress")).unwrap();
    assert!(text.contains("rules: \"../monitoring/rules.yml\""), "{text}");
}

#[test]
fn names_of_a_stranger_stay_names() {
    let place = Place::new();
    let hostile = [
        "a\\\" }\\n\\nscenario evil { event x = command(\\\"rm\\\") }",
        "b{sut.app}",
        "c\\r\\n*/ // \\u2028 }",
        "scenario",
        "partition",
        "é…",
        "$(x) `y` {{ $labels.z }}",
    ];
    let rule = |name: &&str| {
        format!(
            "      - alert: \"{name}\"\n        expr: \"up{{a=\\\"\\\\n}}\\\\n{{\\\"}} == 0\"\n        labels: {{ \"severity\": \"{name}\" }}\n"
        )
    };
    let rules: String = hostile.iter().map(rule).collect();
    place.write("rules.yml", &format!("groups:\n  - name: g\n    rules:\n{rules}"));
    let ran = place.call(&["drill", "rules.yml"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    place.write("drill.stress", &ran.out);
    checks(&place, "drill.stress");
    let scenarios = ran.out.lines().filter(|line| line.starts_with("scenario ")).count();
    assert_eq!(scenarios, hostile.len(), "{}", ran.out);
    assert!(!ran.out.lines().any(|line| line.starts_with("scenario evil")), "{}", ran.out);
    // The name of an alert is what it is in the rules, which the check has looked up there.
    assert!(ran.out.contains("pages(\"b\\{sut.app\\}\""), "{}", ran.out);
}

#[test]
fn what_cannot_be_drilled_is_refused_with_its_reason() {
    let place = Place::new();
    place.write("none.yml", "groups: [{ name: a, rules: [{ record: x, expr: y }] }]");
    place.write("broken.yml", "groups: [{ name: a, rules: [{ alert: X, expr: \"sum(up\" }] }]");
    place.write("spaced name.yml", RULES);
    place.write("comments.yml", "groups: [{ name: a, rules: [{ alert: X, expr: vector(1) }] }]");
    for (arguments, why) in [
        (vec!["none.yml"], "has no alerting rule"),
        (vec!["gone.yml"], "gone.yml"),
        (vec!["broken.yml"], "is not PromQL"),
        (vec!["spaced name.yml"], "cannot name `spaced name.yml`"),
        (vec!["comments.yml", "--labels", "severity=page"], "has no alerting rule with these labels"),
    ] {
        let ran = place.call(&[&["drill"], arguments.as_slice()].concat());
        assert!(ran.code == 2 && ran.out.is_empty() && ran.err.contains(why), "{why}: {}{}", ran.out, ran.err);
    }
    // Nothing can be provoked: comments alone, which check as well.
    let ran = place.call(&["drill", "comments.yml"]);
    assert_eq!(ran.code, 0);
    assert!(!ran.out.contains("suite "), "{}", ran.out);
    place.write("comments.stress", &ran.out);
    checks(&place, "comments.stress");
}

//! A report in which everything that may come from outside tries to be more than text.

use stressc::report::{Death, Output, Report, Restart};

/// Would run, if it were let.
pub fn evil(of: &str) -> String {
    format!(
        "{of}</title></script><script>window.ran='{of}'</script> @team #12 [x](javascript:alert(1)) ![y](http://evil.example/y.png) www.evil.example a\\|b || %0A::error::x\n::error::{of}\r\n# {of} <img src=x onerror=\"window.ran='{of}'\">\" onfocus=\"window.ran='{of}'\" \
         autofocus x=\"' <svg onload=window.ran='{of}'> <!-- `\u{0}\u{7}\u{1b}[31m\u{202e}\u{2028}` &lt; javascript:window.ran='{of}'"
    )
}

/// Puts it into each name, answer, error and output.
pub fn fill(report: &mut Report) {
    report.scenario = evil("scenario");
    report.file = evil("file");
    report.id = evil("id");
    report.profile = Some(evil("profile"));
    report.reason = Some(evil("reason"));
    report.started = evil("started");
    report.source = Some(format!("{}\n{}", evil("source"), evil("line")));
    report.trace_url = Some(format!("https://traces.example/{{trace_id}}{}", evil("trace")));
    report.problems.push(evil("problem"));
    report.notes.push(evil("note"));
    report.trust.reasons.push(evil("trust"));
    if let Some(gave_way) = &mut report.gave_way {
        gave_way.text = evil("gave way");
    }
    report.died = vec![Death { service: evil("died"), status: evil("status"), output: evil("output") }];
    report.outputs = vec![Output { service: evil("service"), output: evil("output") }];
    report.restarts = vec![Restart { service: evil("restart"), at: 1_000_000_000, status: evil("status") }];
    for expected in &mut report.expectations {
        expected.text = evil("expectation");
        expected.reason = Some(evil("reason of an expectation"));
    }
    let loads: Vec<String> = report.loads.iter().map(|load| load.name.clone()).collect();
    let named =
        |name: &mut String| *name = evil(&format!("load {}", loads.iter().position(|load| load == name).unwrap_or(9)));
    report.loads.iter_mut().for_each(|load| named(&mut load.name));
    report.timeline.loads.iter_mut().for_each(|load| named(&mut load.load));
    for window in &mut report.windows {
        named(&mut window.load);
        window.name = evil("window");
        window.steps.iter_mut().for_each(|row| row.step = evil("step"));
    }
    for failures in &mut report.failures {
        failures.because = Some(evil("because"));
        failures.condition = Some(evil("condition"));
    }
    assert!(!report.examples.failed.is_empty() && !report.examples.slowest.is_empty());
    for told in report.examples.failed.iter_mut().chain(&mut report.examples.slowest) {
        told.request = Some(evil("request"));
        told.body = Some(evil("answer"));
        told.because = Some(evil("cause"));
        told.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
    }
    for row in &mut report.course.rows {
        row.name = evil("row");
        row.what = evil("what");
    }
    report.curves.steps.iter_mut().for_each(|step| step.series = evil("curve"));
    for (watch, line) in report.watched.iter_mut().zip(&mut report.timeline.watched) {
        watch.name = evil(&watch.name);
        line.name.clone_from(&watch.name);
        watch.gaps.iter_mut().for_each(|gap| gap.reason = evil("gap"));
    }
    for fault in &mut report.planned.faults {
        fault.name = evil("fault");
        fault.what = evil("what it does");
        fault.called = evil("called");
    }
    for injection in &mut report.injections {
        injection.shown = Some(evil("shown"));
        injection.mechanism = evil("mechanism");
    }
    report.planned.events.iter_mut().for_each(|event| event.name = evil("event"));
    for occurrence in &mut report.occurrences {
        occurrence.output = Some(evil("output of an event"));
        occurrence.problem = Some(evil("problem of an event"));
    }
    for ledger in &mut report.ledgers {
        ledger.name = evil("ledger");
        ledger.violations.iter_mut().for_each(|violation| violation.key = evil("key"));
        ledger.doubts.iter_mut().for_each(|doubt| doubt.because = evil("doubt"));
    }
}

//! Faults of services, of the machine and by commands, over real processes: each with its effect, and each once without.

use crate::support::left_out::left_out;
use crate::support::{Place, Ran, Script, alone, groups_are_missing, scenario, told, wait_until};
use std::path::Path;
use std::time::Duration;

/// A shop under load for some seconds, with more services and faults.
fn hurt(rate: u64, length: &str, more: &str) -> String {
    format!(
        "scenario test {{\n  service app = demo()\n{more}\n  target api = http(app.url) {{\n    timeout: 2s\n  }}\n  flow look on api {{\n    get \"/products/1\"\n  }}\n  load main of look {{\n    hold {rate}/s for {length} as plateau\n  }}\n  expect {{\n    count(main) > 1\n  }}\n}}\n"
    )
}

/// What came of a fault.
fn fault<'r>(ran: &'r Ran, name: &str) -> &'r serde_json::Value {
    let all = ran.result["faults"].as_array().unwrap_or_else(|| panic!("{}{}", ran.out, ran.err));
    all.iter().find(|fault| fault["name"] == name).unwrap_or_else(|| panic!("{name}: {}{}", ran.out, ran.err))
}

fn is_effective(ran: &Ran, name: &str, mechanism: &[&str], words: &str) {
    let fault = fault(ran, name);
    assert!(fault["effective"] == true, "{fault}\n{}{}", ran.out, ran.err);
    assert!(mechanism.iter().any(|one| fault["mechanism"] == *one), "{fault}");
    assert!(fault["shown"].as_str().unwrap().contains(words), "{fault}");
}

fn is_idle(ran: &Ran, name: &str) {
    let fault = fault(ran, name);
    assert!(fault["effective"] == false && fault["problem"].is_null(), "{fault}\n{}{}", ran.out, ran.err);
}

#[test]
fn faults_of_services_show_what_they_did() {
    if groups_are_missing() {
        return;
    }
    let place = Place::new();
    let more = r#"
  service hog = process("sh", "-c", "sleep 1; head -c 80m /dev/zero | tail | wc -c; exec sleep 1000")
  service kept = process("sh", "-c", "x=$(head -c 60m /dev/zero | tr '\\0' x); exec 3<&0; while :; do sleep 1; done") {
    restart: true
  }
  service watched = process("sh", "-c", "exec sleep 1000") {
    restart: true
  }
  fault still = pause(app) at plateau + 500ms for 700ms
  fault gone = kill(app) at plateau + 1500ms for 500ms
  fault again = restart(app) at plateau + 3s
  fault slow = limit_cpu(app, to: 2%) at plateau + 5s for 1s
  fault crash = kill(watched) at plateau + 1s
  fault narrow = limit_memory(hog, to: 20MiB) at plateau + 100ms for 3s
  fault tight = limit_memory(kept, to: 16MiB) at plateau + 2s for 500ms"#;
    let ran = place.run(&hurt(200, "7s", more), &[]);
    is_effective(&ran, "still", &["signal"], "1 process stood still");
    is_effective(&ran, "gone", &["signal"], "killed 1 process");
    is_effective(&ran, "again", &["signal"], "stopped 1 process");
    is_effective(&ran, "crash", &["signal"], "killed 1 process");
    is_effective(&ran, "slow", &["cgroup v1", "cgroup v2", "turns"], "held");
    is_effective(&ran, "narrow", &["cgroup v1", "cgroup v2"], "needed more than 20MiB and was killed");
    is_effective(&ran, "tight", &["cgroup v1", "cgroup v2"], "needed more than 16MiB and was killed");
    let ended = fault(&ran, "crash")["withdrawn_s"][1].as_f64().unwrap();
    assert!((1.0..3.0).contains(&ended), "its supervisor has ended it: {ended}");
    let down = fault(&ran, "gone");
    let (from, to) = (down["applied_s"][1].as_f64().unwrap(), down["withdrawn_s"][0].as_f64().unwrap());
    assert!(to - from > 0.3 && (1.5..2.5).contains(&from), "{down}");
    assert!(
        ran.result["expectations"][0]["verdict"] == "passed" && matches!(ran.code, 0 | 5),
        "{}{}",
        ran.out,
        ran.err
    );
    assert!(left(&place).is_empty(), "{:?}", left(&place));
}

/// Journals that are left.
fn left(place: &Place) -> Vec<String> {
    let entries = std::fs::read_dir(place.path().join(".state/stressc/journal"));
    let entries = entries.map(|all| all.flatten().map(|one| one.file_name().to_string_lossy().into_owned()).collect());
    entries.unwrap_or_default()
}

#[test]
fn faults_of_services_that_change_nothing_have_no_effect() {
    if groups_are_missing() {
        return;
    }
    let place = Place::new();
    // One is away nearly always, since it ends again and again; one has stopped itself; one does nothing; one needs little.
    let more = r#"
  service flaky = process("sh", "-c", "sleep 0.2; exit 1") {
    restart: true
  }
  service stopped = process("sh", "-c", "kill -STOP $$")
  service idle = process("sh", "-c", "exec sleep 1000")
  service small = process("sh", "-c", "exec sleep 1000")
  fault away = kill(flaky) at plateau + 4500ms for 300ms
  fault still = pause(stopped) at plateau + 500ms for 500ms
  fault slow = limit_cpu(idle, to: 50%) at plateau + 500ms for 1s
  fault narrow = limit_memory(small, to: 1GiB) at plateau + 500ms for 1s"#;
    let text = hurt(20, "6s", more).replace("  expect {\n", "  expect {\n    crashes(flaky) > 1\n");
    let ran = place.run(&text, &[]);
    ["away", "still", "slow", "narrow"].iter().for_each(|name| is_idle(&ran, name));
    assert!(matches!(ran.code, 4 | 5), "{}{}", ran.out, ran.err);
}

/// Bytes that are available on the machine, and on the disk of a directory.
fn available(directory: &Path) -> (u64, u64) {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:")).unwrap();
    let memory = line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10;
    let disk = rustix::fs::statvfs(directory).unwrap();
    (memory, disk.f_bavail * disk.f_frsize)
}

#[test]
fn faults_of_the_machine_take_what_they_say_and_give_it_back() {
    let _alone = alone();
    let place = Place::new();
    std::fs::create_dir(place.path().join("data")).unwrap();
    let (memory, disk) = available(place.path());
    let mib = |bytes: u64, taken: u64| (bytes >> 20) - taken;
    let more = format!(
        "  fault busy = burn_cpu(1) at plateau + 200ms for 3s\n  fault full = fill_memory(leave: {}MiB) at plateau + 500ms for 8s\n  fault disk = fill_disk(\"data\", leave: {}MiB) at plateau + 300ms for 3s",
        // More than tests beside it take meanwhile, which takes a while itself.
        mib(memory, (memory >> 22).clamp(600, 1500)),
        mib(disk, 4000)
    );
    let ran = place.run(&hurt(20, "10s", &more), &[]);
    is_effective(&ran, "busy", &["helper"], "cores were busy");
    is_effective(&ran, "full", &["helper"], "it took");
    is_effective(&ran, "disk", &["helper"], "it took");
    assert_eq!(std::fs::read_dir(place.path().join("data")).unwrap().count(), 0, "the file is gone");
    assert!(left(&place).is_empty());
}

#[test]
fn faults_of_the_machine_that_take_nothing_have_no_effect() {
    let place = Place::new();
    let more = "  fault busy = burn_cpu(1) at plateau + 500ms for 4s\n  fault full = fill_memory(leave: 500000GiB) at plateau + 500ms for 500ms\n  fault disk = fill_disk(\".\", leave: 500000GiB) at plateau + 500ms for 500ms";
    place.write("test.stress", &hurt(20, "5s", more));
    let run = place.spawn(&["run", "test.stress", "--no-progress"]);
    // Somebody stops what shall be busy, as soon as it is there.
    let directory = place.path().canonicalize().unwrap();
    let burns = || {
        let all = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
        let ours = |path: &Path| std::fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd == directory);
        let burns = |path: &Path| {
            std::fs::read(path.join("cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains("burden\0cpu"))
        };
        all.into_iter().find(|path| burns(path) && ours(path))
    };
    wait_until("all are in force", Duration::from_secs(20), || {
        let run = place.runs().pop().map(|run| run.join("events.jsonl"));
        run.and_then(|path| std::fs::read_to_string(path).ok())
            .is_some_and(|text| text.matches("fault_applied").count() == 3)
    });
    wait_until("it burns", Duration::from_secs(20), || match burns() {
        Some(path) => {
            let pid = path.file_name().unwrap().to_string_lossy().into_owned();
            told(pid.parse().unwrap(), "STOP")
        }
        None => false,
    });
    let ran = place.ended(run.wait_with_output().unwrap());
    ["busy", "full", "disk"].iter().for_each(|name| is_idle(&ran, name));
    assert!(matches!(ran.code, 4 | 5), "{}{}", ran.out, ran.err);
}

#[test]
fn commands_are_run_undone_and_quoted_where_they_fail() {
    let place = Place::new();
    let more = r#"
  fault lasts = command("echo broken > state", undo: "echo mended >> state") at plateau + 300ms for 500ms
  fault once = command("echo once >> other") at plateau + 300ms
  fault fails = command("echo no such thing >&2; exit 3") at plateau + 600ms
  fault half = command("touch half; exit 1", undo: "rm half") at plateau + 700ms for 300ms"#;
    let ran = place.run(&hurt(20, "2s", more), &[]);
    is_effective(&ran, "lasts", &["command"], "as it should");
    is_effective(&ran, "once", &["command"], "as it should");
    assert_eq!(std::fs::read_to_string(place.path().join("state")).unwrap(), "broken\nmended\n");
    let problem = fault(&ran, "fails")["problem"].as_str().unwrap();
    assert!(problem.contains("exit status: 3") && problem.contains("no such thing"), "{problem}");
    assert!(fault(&ran, "half")["effective"] == false && !place.path().join("half").exists());
    assert!(ran.out.contains("no such thing") && matches!(ran.code, 4 | 5), "{}{}", ran.out, ran.err);
}

#[test]
fn commands_have_had_an_effect_when_their_proof_held() {
    let place = Place::new();
    let more = r#"
  fault lasts = command('echo "$text" > "$STRESSC_KEEP/text"', undo: 'cp "$STRESSC_KEEP/text" undone',
    proof: 'cat "$STRESSC_KEEP/text"', with: { text: "it's \"$HOME\" `id`; \{\}" }) at plateau + 300ms for 1s
  fault late = command("(sleep 0.7; touch late) &", undo: "rm -f late", proof: "test -e late") at plateau + 300ms for 2s
  fault once = command("(sleep 0.5; date > once) &", proof: "test -e once") at plateau + 300ms
  fault idle = command("true", undo: "true", proof: 'echo "$many asked"; exit 1', with: { many: 3 * 2 }) at plateau + 300ms for 1s
  fault hung = command("true", undo: "touch over", proof: "sleep 100") at plateau + 300ms for 1s
  fault never = command("true", proof: "echo nothing there; exit 1") at plateau + 300ms"#;
    let ran = place.run(&hurt(20, "4s", more), &[]);
    let text = "it's \"$HOME\" `id`; {}";
    is_effective(&ran, "lasts", &["command"], &format!("its proof held: {text}"));
    assert_eq!(std::fs::read_to_string(place.path().join("undone")).unwrap().trim(), text);
    is_effective(&ran, "late", &["command"], "its proof held");
    is_effective(&ran, "once", &["command"], "its proof held");
    let ended = |name: &str| fault(&ran, name)["withdrawn_s"][1].as_f64().unwrap();
    assert!(ended("once") < 0.7 && (1.2..2.3).contains(&ended("hung")), "{} {}", ended("once"), ended("hung"));
    for (name, words) in [("idle", "6 asked"), ("hung", "before its proof had answered"), ("never", "nothing there")] {
        is_idle(&ran, name);
        let unproven = fault(&ran, name)["unproven"].as_str().unwrap();
        assert!(unproven.contains(words) && ran.out.contains(words), "{unproven}\n{}", ran.out);
    }
    assert!(place.path().join("over").exists() && !place.path().join("late").exists());
    assert!(!place.runs()[0].join("kept").exists() && left(&place).is_empty());
    assert!(matches!(ran.code, 4 | 5), "{}{}", ran.out, ran.err);
}

#[test]
fn what_undo_and_its_variables_hold_is_no_secret() {
    let place = Place::new();
    let secret = r#"  fault told = command('true', undo: 'echo "$key"', with: { key: "k{key}" }) at plateau + 300ms for 1s
  fault kept = command('true', proof: 'echo "$key"; test "$key" = kopen-sesame', with: { key: "k{key}" }) at plateau + 300ms
  fault idle = command('true', proof: 'echo "$key"; exit 1', with: { key: key }) at plateau + 300ms"#;
    let scenario = hurt(20, "2s", secret);
    let ran = place.run(&format!("param key: Secret = secret(\"KEY\", default: \"open-sesame\")\n\n{scenario}"), &[]);
    let problem = fault(&ran, "told")["problem"].as_str().unwrap();
    assert!(problem.contains("`key` holds a secret"), "{problem}");
    is_effective(&ran, "kept", &["command"], "its proof held: k***");
    is_idle(&ran, "idle");
    let events = std::fs::read_to_string(place.runs()[0].join("events.jsonl")).unwrap();
    assert!(
        events.contains("***") && !events.contains("open-sesame") && !ran.out.contains("open-sesame"),
        "{}",
        ran.out
    );
}

#[test]
fn what_cannot_be_taken_back_fails_the_run_and_bars_the_next() {
    let place = Place::new();
    let more = "  fault stuck = command(\"true\", undo: \"test -e key\") at plateau + 300ms for 300ms";
    let ran = place.run(&hurt(20, "1s", more), &[]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("stressc recover") && ran.out.contains("faults"), "{}{}", ran.out, ran.err);
    let next = place.call(&["run", "test.stress", "--no-progress"]);
    assert!(
        next.code == 3 && next.err.contains("the fault `stuck`") && next.err.contains("stressc recover"),
        "{}",
        next.err
    );
    assert_eq!(place.call(&["recover", "--yes"]).code, 3);
    place.write("key", "");
    let recovered = place.call(&["recover", "--yes"]);
    assert!(recovered.code == 0 && recovered.out.contains("taken back"), "{}{}", recovered.out, recovered.err);
    assert!(left(&place).is_empty());
}

#[test]
fn what_cannot_be_taken_back_is_told_whoever_made_the_run() {
    let more = "  fault stuck = command(\"true\", undo: \"test -e key\") at plateau + 300ms for 300ms";
    let text = format!("param rate: Rate = 20/s\n\n{}", hurt(20, "1s", more).replace("hold 20/s", "hold rate"));
    let refused = text.replace("count(main) > 1", "count(main) > 1000");
    for (text, arguments) in [
        (&text, ["compare", "test.stress:test", "--a", "rate=10/s", "--b", "rate=20/s"].as_slice()),
        (&text, ["baseline", "record", "test.stress:test", "--runs", "2"].as_slice()),
        (&refused, ["baseline", "record", "test.stress:test", "--runs", "2"].as_slice()),
    ] {
        let place = Place::new();
        place.write("test.stress", text);
        let ran = place.call(&[arguments, &["--no-progress"]].concat());
        assert_eq!((ran.code, place.runs().len()), (3, 1), "{arguments:?}{}{}", ran.out, ran.err);
        let told = ran.err.matches("something could not be taken back").count();
        assert!(told == 1 && ran.err.contains("stressc recover"), "{arguments:?}{}", ran.err);
        place.write("key", "");
        assert_eq!(place.call(&["recover", "--yes"]).code, 0);
    }
}

/// Where no control group can be made, processor time is dealt in turns, and memory is not limited.
#[test]
fn a_machine_without_control_groups_is_told_so_before_anything_starts() {
    let place = Place::new();
    let apart = |arguments: &str| {
        let script =
            format!("umount -l /sys/fs/cgroup 2>/dev/null; exec {} {arguments}", env!("CARGO_BIN_EXE_stressc"));
        let mut command = std::process::Command::new("unshare");
        command.args(["--mount", "sh", "-c", &format!("umount -a -t cgroup,cgroup2; {script}")]);
        command.current_dir(place.path()).env("XDG_STATE_HOME", place.path().join(".state"));
        place.ended(command.output().unwrap())
    };
    let able = std::process::Command::new("unshare").args(["--mount", "true"]).output();
    if !able.is_ok_and(|output| output.status.success()) {
        left_out("only root can take the control groups away");
        return;
    }
    place.write("cpu.stress", &hurt(200, "3s", "  fault slow = limit_cpu(app, to: 2%) at plateau + 500ms for 1s"));
    let plan = apart("plan cpu.stress");
    assert!(plan.out.contains("by stopping it again and again"), "{}{}", plan.out, plan.err);
    is_effective(&apart("run cpu.stress --no-progress"), "slow", &["turns"], "held back");
    place.write("memory.stress", &hurt(20, "3s", "  fault narrow = limit_memory(app, to: 2GiB) at plateau for 1s"));
    let ran = apart("run memory.stress --no-progress");
    assert!(ran.code == 3 && ran.err.contains("memory cannot be limited on this machine"), "{}{}", ran.out, ran.err);
    assert_eq!(place.runs().len(), 1, "nothing was started");
}

#[test]
fn the_doctor_says_what_this_machine_allows() {
    let place = Place::new();
    let told = place.call(&["doctor"]);
    assert_eq!(told.code, 0, "{}{}", told.out, told.err);
    for name in
        ["cores", "memory", "descriptors", "ports", "limit_cpu", "limit_memory", "signals", "postgres()", "clock"]
    {
        assert!(told.out.contains(&format!(" {name} ")), "{name}: {}", told.out);
    }
    assert!(told.out.contains("nothing is left behind"), "{}", told.out);
}

#[test]
fn a_load_on_what_is_not_ours_pays_for_no_guardian() {
    let place = Place::new();
    let server = Script::start(|_, _| (200, String::new()));
    let text = scenario(&server.address.to_string(), "", "    hold 20/s for 500ms", "    count(main) > 1");
    assert!(matches!(place.run(&text, &[]).code, 0 | 5));
    assert!(!place.path().join(".state").exists());
}

/// The run descends from the process that listens, so whoever hurts that hurts the run itself.
#[test]
fn a_family_that_holds_the_run_is_refused_before_anything_happens() {
    for (breakage, rest) in [("pause(app)", " for 1s"), ("limit_cpu(app, to: 5%)", " for 1s")] {
        let place = Place::new();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let text = hurt(20, "2s", &format!("  fault still = {breakage} at plateau + 500ms{rest}"));
        let attached = format!("service app = attach(port: {port}) {{\n    ready: \"/health\"\n  }}");
        place.write("test.stress", &text.replace("service app = demo()", &attached));
        let program = env!("CARGO_BIN_EXE_stressc");
        // The shell that has started the run becomes the server; what is frozen for good is ended all the same.
        let script = format!(
            "({program} run test.stress --no-progress > out 2> err; echo $? > code) & exec {program} demo --listen 127.0.0.1:{port}"
        );
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &script]).current_dir(place.path()).env("XDG_STATE_HOME", place.path().join(".state"));
        let quiet = std::process::Stdio::null;
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut server = command.stdout(quiet()).stderr(quiet()).spawn().unwrap();
        let read = |name: &str| std::fs::read_to_string(place.path().join(name)).unwrap_or_default();
        let start = std::time::Instant::now();
        while !read("code").ends_with('\n') && start.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(50));
        }
        let group = rustix::process::Pid::from_child(&server);
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL).unwrap();
        server.wait().unwrap();
        assert_eq!(read("code").trim(), "3", "{}{}", read("out"), read("err"));
        let err = read("err");
        assert!(err.contains("the fault `still` is refused") && err.contains("which is this run itself"), "{err}");
        assert!(left(&place).is_empty());
    }
}

/// Where a group of processor time can be made below that of this process, by the first version of control groups.
fn processor_groups() -> Option<std::path::PathBuf> {
    let own = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let line = own.lines().find_map(|line| line.split_once(":cpu:").or_else(|| line.split_once(":cpu,cpuacct:")))?;
    let home = Path::new("/sys/fs/cgroup/cpu").join(line.1.trim_start_matches('/'));
    rustix::fs::access(home.join("cgroup.procs"), rustix::fs::Access::WRITE_OK).is_ok().then_some(home)
}

#[test]
fn each_process_goes_back_to_the_group_that_it_was_taken_from() {
    let Some(home) = processor_groups() else {
        return left_out("no control group of version 1 can be made for processor time");
    };
    let place = Place::new();
    let groups: Vec<_> = ["one", "other"].map(|name| home.join(format!("test-{}-{name}", std::process::id()))).into();
    groups.iter().for_each(|group| std::fs::create_dir(group).unwrap());
    // Both say all the time where they are; one of them starts others meanwhile, which end up where it does.
    let says = |name: &str, group: &Path| {
        let (seen, group) = (place.path().join(name), group.display());
        format!(
            "echo $$ > {group}/cgroup.procs; while :; do (grep -o ':cpu.*' /proc/self/cgroup >> {}; sleep 0.1); done",
            seen.display()
        )
    };
    let (one, other) = (says("one", &groups[0]), says("other", &groups[1]));
    place.write("one.sh", &one);
    place.write("other.sh", &other);
    let directory = place.path().display();
    let more = format!(
        "  service two = process(\"sh\", \"-c\", \"sh {directory}/one.sh & sh {directory}/other.sh\")\n  fault slow = limit_cpu(two, to: 50%) at plateau + 1s for 1s"
    );
    let ran = place.run(&hurt(20, "4s", &more), &[]);
    groups.iter().for_each(|group| drop(std::fs::remove_dir(group)));
    for (name, group) in ["one", "other"].into_iter().zip(&groups) {
        let seen = std::fs::read_to_string(place.path().join(name)).unwrap();
        let at = group.file_name().unwrap().to_str().unwrap();
        let is_limited = |line: &str| line.contains("stressc-") && line.contains("-slow/of-");
        assert!(seen.lines().any(is_limited), "{seen}{}{}", ran.out, ran.err);
        let last = seen.lines().rfind(|line| !line.is_empty()).unwrap();
        assert!(last.ends_with(at), "{name} was in {at} and is in {last}");
    }
    assert!(matches!(ran.code, 0 | 4 | 5), "{}{}", ran.out, ran.err);
    assert!(left(&place).is_empty());
}

/// A run that is killed in the middle leaves what is written down, by which its guardian puts each process back; also what was started
/// meanwhile.
#[test]
fn each_process_goes_back_to_its_group_when_the_run_is_killed() {
    let Some(home) = processor_groups() else {
        return left_out("no control group of version 1 can be made for processor time");
    };
    let place = Place::new();
    let groups = ["head", "tail"].map(|name| home.join(format!("test-{}-{name}", std::process::id())));
    groups.iter().for_each(|group| std::fs::create_dir(group).unwrap());
    let members = |group: &Path| {
        let text = std::fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let program = env!("CARGO_BIN_EXE_stressc");
    place.write("tail.sh", &format!("echo $$ > {}/cgroup.procs; while :; do sleep 0.05; done", groups[1].display()));
    let script = format!(
        "echo $$ > {}/cgroup.procs; sh tail.sh & exec {program} demo --listen 127.0.0.1:{port}",
        groups[0].display()
    );
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script]).current_dir(place.path());
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut server = std::os::unix::process::CommandExt::process_group(&mut command, 0).spawn().unwrap();
    let text = hurt(20, "9s", "  fault slow = limit_cpu(app, to: 50%) at plateau + 300ms for 8s");
    let attached = format!("service app = attach(port: {port}) {{\n    ready: \"/health\"\n  }}");
    place.write("test.stress", &text.replace("service app = demo()", &attached));
    let mut run = place.spawn(&["run", "test.stress", "--no-progress"]);
    let start = std::time::Instant::now();
    let is_taken = || groups.iter().all(|group| members(group).is_empty());
    while !(place.runs().len() == 1 && is_taken()) && start.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let was_taken = is_taken();
    std::thread::sleep(Duration::from_millis(300));
    run.kill().unwrap();
    run.wait().unwrap();
    let start = std::time::Instant::now();
    while !left(&place).is_empty() && start.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let (head, tail) = (members(&groups[0]), members(&groups[1]));
    let leader = rustix::process::Pid::from_child(&server);
    rustix::process::kill_process_group(leader, rustix::process::Signal::KILL).unwrap();
    server.wait().unwrap();
    wait_until("both groups are empty", Duration::from_secs(10), || {
        groups.iter().all(|group| std::fs::remove_dir(group).is_ok() || !group.exists())
    });
    assert!(was_taken && left(&place).is_empty(), "{:?}", left(&place));
    assert_eq!(head, [server.id().to_string()]);
    assert!(!tail.is_empty(), "those of the other group are in {head:?}");
}

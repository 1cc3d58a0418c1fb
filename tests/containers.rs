//! `std.docker` against a real daemon of the test's own, `std.kubernetes` against a stand-in that answers as documented.

use crate::support::left_out::left_out;
use crate::support::{Place, Ran, program, signal, wait_until};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// A shop under load for some seconds, with faults of containers.
fn hurt(module: &str, length: &str, faults: &str) -> String {
    format!(
        "use std.{module}\n\nscenario test {{\n  service app = demo()\n  target api = http(app.url)\n  flow look on api {{\n    get \"/products/1\"\n  }}\n  load main of look {{\n    hold 20/s for {length} as plateau\n  }}\n{faults}\n  expect {{\n    count(main) > 1\n  }}\n}}\n"
    )
}

/// What came of a fault: how it was shown, or why it was not.
fn came(ran: &Ran, name: &str) -> String {
    let all = ran.result["faults"].as_array().unwrap_or_else(|| panic!("{}{}", ran.out, ran.err));
    let fault = all.iter().find(|fault| fault["name"] == name).unwrap_or_else(|| panic!("{name}: {}", ran.out));
    let words = ["problem", "unproven", "shown"].map(|word| fault[word].as_str().map(|text| format!("{word}: {text}")));
    assert_eq!(fault["effective"] == true, words[0].is_none() && words[1].is_none(), "{fault}");
    words.into_iter().flatten().next().unwrap_or_default()
}

fn has(ran: &Ran, expected: &[(&str, &str)]) {
    for (name, words) in expected {
        let came = came(ran, name);
        assert!(came.contains(words), "{name}: {came}\n{}{}", ran.out, ran.err);
    }
}

/// A container that waits for its end.
const WAITS: &str = "#include <signal.h>\n#include <unistd.h>\nstatic void end(int s) { _exit(s - s); }\nint main(void) { signal(SIGTERM, end); for (;;) pause(); }\n";

/// A daemon with nothing but an image of one static program.
struct Docker {
    place: tempfile::TempDir,
    daemon: Child,
}

impl Docker {
    /// `None`, said plainly, where this machine cannot have one.
    fn start() -> Option<Docker> {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("waits.c"), WAITS).unwrap();
        std::fs::create_dir(place.path().join("image")).unwrap();
        let mut compiler = Command::new("cc");
        compiler.args(["-static", "-Os", "-o", "image/waits", "waits.c"]).current_dir(place.path());
        if !compiler.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
            left_out("docker, since no static program can be compiled for its image");
            return None;
        }
        let at = |name: &str| place.path().join(name).display().to_string();
        let mut daemon = Command::new("dockerd");
        daemon.args(["--host", &format!("unix://{}", at("socket")), "--data-root", &at("data")]);
        daemon.args(["--exec-root", &at("exec"), "--pidfile", &at("pid"), "--bridge=none", "--iptables=false"]);
        let log = std::fs::File::create(place.path().join("log")).unwrap();
        if program(&["docker"]).is_none() {
            left_out("docker, since there is no docker");
            return None;
        }
        let Ok(daemon) = daemon.stdout(Stdio::null()).stderr(log).spawn() else {
            left_out("docker, since there is no dockerd");
            return None;
        };
        let mut docker = Docker { place, daemon };
        let begun = std::time::Instant::now();
        while !docker.ask(&["version"]).is_some_and(|answer| answer.status.success()) {
            if docker.daemon.try_wait().unwrap().is_some() || begun.elapsed() > Duration::from_secs(20) {
                let log = std::fs::read_to_string(docker.place.path().join("log")).unwrap_or_default();
                left_out(&format!("docker, whose daemon did not start: {}", log.lines().last().unwrap_or_default()));
                return None;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let image = docker.place.path().join("image.tar");
        let mut tar = Command::new("tar");
        tar.arg("-C").arg(docker.place.path().join("image")).arg("-cf").arg(&image).arg("waits");
        assert!(tar.status().unwrap().success());
        docker.get(&["import", &image.display().to_string(), "test:1"]);
        let first = docker.ask(&["run", "--rm", "--network=none", "test:1", "/no-such-program"]).unwrap();
        // The runtime was reached, and says that it does not find this in the image.
        if !String::from_utf8_lossy(&first.stderr).contains("no such file") {
            left_out(&format!("docker, whose containers do not start: {}", String::from_utf8_lossy(&first.stderr)));
            return None;
        }
        Some(docker)
    }

    fn host(&self) -> String {
        format!("unix://{}", self.place.path().join("socket").display())
    }

    fn ask(&self, arguments: &[&str]) -> Option<Output> {
        Command::new("docker").args(arguments).env("DOCKER_HOST", self.host()).output().ok()
    }

    fn get(&self, arguments: &[&str]) -> String {
        let answer = self.ask(arguments).unwrap();
        assert!(answer.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&answer.stderr));
        String::from_utf8_lossy(&answer.stdout).trim().to_owned()
    }

    fn run(&self, name: &str, options: &[&str]) {
        let (first, last) = (["run", "--detach", "--name", name], ["test:1", "/waits"]);
        self.get(&[first.as_slice(), options, last.as_slice()].concat());
    }

    /// What the faults may change of a container.
    fn state(&self, name: &str) -> String {
        let limits =
            "{{.HostConfig.NanoCpus}} {{.HostConfig.CpuQuota}} {{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}";
        let networks =
            "{{range $name, $one := .NetworkSettings.Networks}} {{$name}} {{$one.IPAMConfig}} {{$one.Aliases}}{{end}}";
        let format = format!("{{{{.State.Status}}}} {limits}{networks}");
        self.get(&["container", "inspect", "--format", &format, name])
    }

    fn scenario(&self, place: &Place, scenario: &str) -> Command {
        place.write("test.stress", scenario);
        let mut command = place.command(&["run", "test.stress", "--no-progress"]);
        command.env("DOCKER_HOST", self.host());
        command
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        for list in [["ps", "--all", "--quiet"], ["network", "ls", "--quiet"]] {
            let found = self.ask(&list).map(|answer| String::from_utf8_lossy(&answer.stdout).into_owned());
            for one in found.unwrap_or_default().lines() {
                // A network of the daemon's own cannot be removed, and need not be.
                let what: &[&str] = if list[0] == "ps" { &["rm", "--force", one] } else { &["network", "rm", one] };
                let _ = self.ask(what);
            }
        }
        signal(&self.daemon, "TERM");
        let _ = self.daemon.wait();
    }
}

#[test]
fn faults_of_containers_are_proved_and_taken_back() {
    let Some(docker) = Docker::start() else { return };
    let none: &[&str] = &["--network", "none"];
    for name in ["one", "two", "five", "six", "paused"] {
        docker.run(name, none);
    }
    docker.run("three", &["--network", "none", "--memory", "32m"]);
    docker.run("half", &["--network", "none", "--cpus", "0.5"]);
    docker.run("gone", &["--network", "none", "--rm"]);
    docker.get(&["pause", "paused"]);
    let networks = docker.ask(&["network", "create", "--subnet", "10.213.77.0/24", "back"]).unwrap();
    let networks = networks.status.success();
    if networks {
        docker.run("four", &["--network", "back", "--network-alias", "db", "--ip", "10.213.77.9"]);
    }
    let all = ["one", "two", "three", "half", "five", "six", "gone", "paused"];
    let before = all.map(|name| docker.state(name));
    let started = docker.get(&["container", "inspect", "--format", "{{.State.StartedAt}}", "six"]);
    let place = Place::new();
    let mut faults = r#"  fault still = docker.pause("one") at plateau + 200ms for 2500ms
  fault slow = docker.limit_cpu("two", to: 12.5%) at plateau + 200ms for 2500ms
  fault slower = docker.limit_cpu("half", to: 20%) at plateau + 200ms for 2500ms
  fault tight = docker.limit_memory("three", to: 16MiB) at plateau + 200ms for 2500ms
  fault dead = docker.kill("five") at plateau + 200ms for 2500ms
  fault again = docker.restart("six") at plateau + 200ms
  fault down = docker.stop("one") at plateau + 3500ms for 2s
  fault theirs = docker.pause("paused") at plateau + 3500ms for 1s
  fault removed = docker.kill("gone") at plateau + 3500ms for 1s
  fault endless = docker.limit_memory("two", to: 16MiB) at plateau + 3500ms for 1s
  fault looser = docker.limit_cpu("half", to: 60%) at plateau + 3500ms for 1s
  fault least = docker.limit_cpu("two", to: 0%) at plateau + 3500ms for 1s
  fault other = docker.kill("it's; \"none\" $(id)") at plateau + 3500ms for 1s
"#
    .to_owned();
    if networks {
        faults.push_str("  fault cut = docker.disconnect(\"four\", \"back\") at plateau + 200ms for 2500ms\n");
    }
    let connected = networks.then(|| docker.state("four"));
    let ran = place.ended(docker.scenario(&place, &hurt("docker", "6s", &faults)).output().unwrap());
    has(
        &ran,
        &[
            ("still", "shown: its proof held: one is paused"),
            ("slow", "shown: its proof held: two is limited to 12% of a core"),
            ("slower", "shown: its proof held: half is limited to 20% of a core"),
            ("tight", "shown: its proof held: three is limited to 16777216 bytes"),
            ("dead", "shown: its proof held: five is exited"),
            ("again", "shown: its proof held: six is running, started at "),
            ("down", "shown: its proof held: one is exited"),
            ("theirs", "the container paused is paused, not running"),
            ("removed", "the container gone is removed when it ends"),
            ("endless", "the container two has no limit to go back to"),
            ("looser", "the container half is limited to 50% of a core already"),
            ("least", "1% of a core is the least"),
            ("other", "No such container: it's; \"none\" $(id)"),
        ],
    );
    if let Some(connected) = connected {
        has(&ran, &[("cut", "shown: its proof held: four is not in back")]);
        let known = ["db", "10.213.77.9"].iter().all(|word| connected.contains(word));
        // What was put back has an empty map where there was none.
        let plain = |state: &str| state.replace("{10.213.77.9  []}", "").replace("map[]", "");
        assert!(known && plain(&docker.state("four")) == plain(&connected), "{connected}\n{}", docker.state("four"));
    }
    // Of one without a limit there is none again, by a quota of -1.
    let after = all.map(|name| docker.state(name).replace(" -1 ", " 0 "));
    assert_eq!(after, before.map(|state| state.replace(" -1 ", " 0 ")));
    assert_ne!(docker.get(&["container", "inspect", "--format", "{{.State.StartedAt}}", "six"]), started);
    a_daemon_that_does_nothing_is_seen(&docker);
    a_run_that_is_killed_leaves_containers_as_they_were(&docker);
}

/// A `docker` that says it has paused a container, and has not.
fn a_daemon_that_does_nothing_is_seen(docker: &Docker) {
    let place = Place::new();
    let real = program(&["docker"]).unwrap();
    let lies = format!("#!/bin/sh\ncase $1 in pause) echo \"$2\" ;; *) exec {} \"$@\" ;; esac\n", real.display());
    stand_in(&place, "docker", &lies);
    let scenario = hurt("docker", "2s", "  fault still = docker.pause(\"one\") at plateau + 200ms for 1s");
    let ran = docker.scenario(&place, &scenario).env("PATH", path(&place)).output().unwrap();
    let ran = place.ended(ran);
    has(&ran, &[("still", "unproven: its proof never held: `the proof of docker.pause` failed: exit status: 1")]);
    assert!(came(&ran, "still").contains("one is running") && matches!(ran.code, 4 | 5), "{}{}", ran.out, ran.err);
}

fn a_run_that_is_killed_leaves_containers_as_they_were(docker: &Docker) {
    let place = Place::new();
    let faults = "  fault still = docker.pause(\"one\") at plateau + 200ms for 60s\n  fault dead = docker.kill(\"five\") at plateau + 200ms for 60s";
    let mut run = docker.scenario(&place, &hurt("docker", "70s", faults));
    let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let states = || ["one", "five"].map(|name| docker.state(name).split(' ').next().unwrap_or_default().to_owned());
    wait_until("both are in force", Duration::from_secs(20), || states() == ["paused", "exited"]);
    signal(&run, "KILL");
    run.wait().unwrap();
    wait_until("both are taken back", Duration::from_secs(20), || states() == ["running", "running"]);
}

/// A script that is found before the program of its name.
fn stand_in(place: &Place, name: &str, script: &str) {
    std::fs::create_dir_all(place.path().join("bin")).unwrap();
    let file = place.write(&format!("bin/{name}"), script);
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(file, executable).unwrap();
}

fn path(place: &Place) -> std::ffi::OsString {
    let own = place.path().join("bin");
    let rest = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths([own].into_iter().chain(std::env::split_paths(&rest))).unwrap()
}

/// A `kubectl` with a cluster of files beside it. What it is asked of an object is read by the real one where that is installed, of a document as
/// Kubernetes 1.32 and Chaos Mesh 2.7 have it.
const KUBECTL: &str = r#"#!/bin/sh
cluster=${0%/*}/cluster
printf '%s\n' "$*" >> "$cluster/calls"
for word; do
  case $word in --output=*) output=${word#--output=} ;; *.chaos-mesh.org/*) object=${word#*/} ;; esac
done
asked() {
  if [ -n "$REAL_KUBECTL" ]; then
    "$REAL_KUBECTL" annotate --local --filename="$1" asked=now --output="$output"
  else
    printf %s "$2"
  fi
}
case " $*" in
  *" get pods --selector=app=shop "*) cat "$cluster/pods" ;;
  *" get pods "*) ;;
  *" delete pods --selector=app=shop "*) printf 'uid-3\nuid-4\n' > "$cluster/pods"; echo 'pod "shop-1" deleted' ;;
  *" get deployment/shop "*)
    replicas=$(cat "$cluster/replicas")
    status=$replicas
    [ "$replicas" != 0 ] || status=
    printf '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"shop"},"spec":{"replicas":%s,"selector":{"matchLabels":{"app":"shop"}},"template":{}},"status":{%s}}' \
      "$replicas" "${status:+"\"replicas\":$status"}" > "$cluster/deployment.json"
    case $output in *status*) known="$replicas $status" ;; *) known=$replicas ;; esac
    asked "$cluster/deployment.json" "$known" ;;
  *" scale deployment/shop --replicas="*) echo "${*##*--replicas=}" > "$cluster/replicas"; echo 'deployment.apps/shop scaled' ;;
  *" create --filename=-")
    manifest=$(cat)
    name=$(printf %s "$manifest" | sed 's/.*"name":"\([^"]*\)".*/\1/')
    printf %s "$manifest" > "$cluster/$name.json"
    echo "networkchaos.chaos-mesh.org/$name created" ;;
  *" get "*.chaos-mesh.org/*)
    [ -e "$cluster/$object.json" ] || { echo "Error from server (NotFound): \"$object\" not found" >&2; exit 1; }
    injected=False
    [ ! -e "$cluster/$object.asked" ] || injected=True
    touch "$cluster/$object.asked"
    selected=True
    ! grep -q '"app":"nobody"' "$cluster/$object.json" || selected=False injected=False
    sed "s/}\$/,\"status\":{\"conditions\":[{\"type\":\"AllInjected\",\"status\":\"$injected\"},{\"type\":\"Paused\",\"status\":\"False\"},{\"type\":\"Selected\",\"status\":\"$selected\"},{\"type\":\"AllRecovered\",\"status\":\"False\"}]}}/" \
      "$cluster/$object.json" > "$cluster/$object.told"
    asked "$cluster/$object.told" "AllInjected=$injected Paused=False Selected=$selected AllRecovered=False " ;;
  *" delete "*.chaos-mesh.org/*) mkdir -p "$cluster/over"; [ ! -e "$cluster/$object.json" ] || mv "$cluster/$object.json" "$cluster/over/" ;;
  *) echo "error: unknown command \"$*\"" >&2; exit 1 ;;
esac
"#;

/// Where the stand-in keeps its cluster.
fn cluster(place: &Place) -> PathBuf {
    stand_in(place, "kubectl", KUBECTL);
    let cluster = place.path().join("bin/cluster");
    std::fs::create_dir_all(&cluster).unwrap();
    std::fs::write(cluster.join("pods"), "uid-1\nuid-2\n").unwrap();
    std::fs::write(cluster.join("replicas"), "3\n").unwrap();
    cluster
}

fn in_cluster(place: &Place, scenario: &str) -> Command {
    place.write("test.stress", scenario);
    let mut command = place.command(&["run", "test.stress", "--no-progress"]);
    let real = program(&["kubectl"]).map(|path| path.display().to_string()).unwrap_or_default();
    command.env("PATH", path(place)).env("REAL_KUBECTL", real);
    command
}

fn files(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let all = std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = all.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    found.sort();
    found
}

#[test]
fn faults_of_a_cluster_are_proved_and_taken_back() {
    let place = Place::new();
    let cluster = cluster(&place);
    let faults = r#"  fault gone = kubernetes.delete_pods("app=shop", namespace: "shop") at plateau + 200ms
  fault nobody = kubernetes.delete_pods("app=nobody") at plateau + 200ms
  fault none = kubernetes.scale_to_zero("deployment/shop", context: "test") at plateau + 300ms for 3s
  fault slow = kubernetes.latency("app=shop,tier=web", 1500ms, namespace: "shop") at plateau + 500ms for 3s
  fault lossy = kubernetes.loss("app=shop", share: 2.5%, context: "test") at plateau + 700ms for 3s
  fault dead = kubernetes.pod_failure("app=nobody") at plateau + 900ms for 3s
  fault wrong = kubernetes.pod_failure("app=\"x\"") at plateau + 900ms for 3s"#;
    let ran = place.ended(in_cluster(&place, &hurt("kubernetes", "5s", faults)).output().unwrap());
    has(
        &ran,
        &[
            ("gone", "shown: its proof held: 0 of 2 pods are still there"),
            ("nobody", "no pod in default has the labels app=nobody"),
            ("none", "shown: its proof held: deployment/shop has 0 replicas, and should have 0"),
            ("slow", "shown: its proof held: Chaos Mesh says AllInjected=True Paused=False Selected=True"),
            ("lossy", "shown: its proof held: Chaos Mesh says AllInjected=True"),
            ("dead", "unproven: its proof never held: `the proof of kubernetes.pod_failure` failed"),
            ("wrong", "is none of labels such as app=shop,tier=web"),
        ],
    );
    assert!(came(&ran, "dead").contains("Selected=False"));
    assert_eq!(std::fs::read_to_string(cluster.join("replicas")).unwrap(), "3\n");
    let made = files(&cluster.join("over"), ".json");
    assert!(made.len() == 3 && files(&cluster, "app=.json").is_empty(), "{made:?}");
    let manifest = |name: &str| {
        let path = made.iter().find(|path| path.to_string_lossy().ends_with(&format!("-{name}.json"))).unwrap();
        serde_json::from_slice::<serde_json::Value>(&std::fs::read(path).unwrap()).unwrap()
    };
    let slow = manifest("slow");
    assert_eq!(
        slow["spec"],
        serde_json::json!({ "action": "delay", "mode": "all", "selector": { "namespaces": ["shop"], "labelSelectors": { "app": "shop",
            "tier": "web" } }, "delay": { "latency": "1500ms", "jitter": "0ms", "correlation": "0" } })
    );
    let name = slow["metadata"]["name"].as_str().unwrap();
    let run = place.runs()[0].file_name().unwrap().to_string_lossy().to_lowercase();
    assert_eq!(name, format!("stressc-{run}-slow"));
    assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
    assert_eq!(manifest("lossy")["spec"]["loss"], serde_json::json!({ "loss": "2.5", "correlation": "0" }));
    assert_eq!(manifest("dead")["kind"], "PodChaos");
    let calls = std::fs::read_to_string(cluster.join("calls")).unwrap();
    let wanted = [
        "--namespace=shop delete pods --selector=app=shop --timeout=50s",
        "--context=test --namespace=default scale deployment/shop --replicas=0",
        "--context=test --namespace=default scale deployment/shop --replicas=3",
        &format!("--namespace=shop delete networkchaos.chaos-mesh.org/{name} --ignore-not-found --timeout=50s"),
    ];
    let at =
        wanted.map(|call| calls.lines().position(|line| line == call).unwrap_or_else(|| panic!("{call}:\n{calls}")));
    assert!(at[1] < at[2], "{calls}");
}

#[test]
fn a_run_that_is_killed_leaves_a_cluster_as_it_was() {
    let place = Place::new();
    let cluster = cluster(&place);
    let faults = "  fault none = kubernetes.scale_to_zero(\"deployment/shop\") at plateau + 200ms for 60s\n  fault slow = kubernetes.latency(\"app=shop\", 1s) at plateau + 200ms for 60s";
    let mut run = in_cluster(&place, &hurt("kubernetes", "70s", faults));
    let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let replicas = || std::fs::read_to_string(cluster.join("replicas")).unwrap();
    wait_until("both are in force", Duration::from_secs(20), || {
        replicas() == "0\n" && !files(&cluster, "-slow.json").is_empty()
    });
    signal(&run, "KILL");
    run.wait().unwrap();
    wait_until("both are taken back", Duration::from_secs(20), || {
        replicas() == "3\n"
            && files(&cluster, "-slow.json").is_empty()
            && !files(&cluster.join("over"), ".json").is_empty()
    });
}

#[test]
fn a_plan_tells_a_template_by_its_name_and_a_script_by_its_beginning() {
    let place = Place::new();
    let faults = "  fault slow = docker.limit_cpu(\"db\", to: 20%) at plateau + 200ms for 1s\n  fault long = command('''\n    echo one\n    echo two\n    ''') at plateau + 2s";
    place.write("test.stress", &hurt("docker", "9s", faults));
    let plan = place.call(&["plan", "test.stress"]);
    for line in
        ["docker.limit_cpu: container db, cores 0.2, quota 20000", "command: echo one …, then nothing is undone"]
    {
        assert!(plan.out.contains(line), "{}", plan.out);
    }
}

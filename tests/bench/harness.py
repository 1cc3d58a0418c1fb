"""What the rows of `run` are made of: servers, load generators, and measurements of their processes."""

import json
import os
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "bench"
BUILT = ROOT / "target" / "bench"

HOW_TO_GET = {
    "floor": "a C compiler named gcc or cc",
    "wrk": "apt install wrk, or https://github.com/wg/wrk",
    "wrk2": "build https://github.com/giltene/wrk2 and name its program wrk2",
    "oha": "cargo install oha --locked",
    "hey": "apt install hey, or go install github.com/rakyll/hey@latest",
    "k6": "go install go.k6.io/k6@latest, or https://k6.io",
    "curl": "apt install curl",
    "pgbench": "apt install postgresql-contrib, or the client package of PostgreSQL",
}

K6 = """import http from 'k6/http';
export const options = {discardResponseBodies: true, summaryTrendStats: ['med', 'p(99)', 'max'], scenarios: {a: %s}};
export default function () { http.get('%s'); }
"""


PACKAGE = """[package]
name = "{name}"
version = "0.0.0"
edition = "2024"

[[bin]]
name = "{name}"
path = "{path}"

[dependencies]
{needs}

[workspace]
"""

NEEDS = {
    "server": 'tokio = { version = "1.54", features = ["rt", "net", "time", "io-util", "macros"] }',
    "handshakes": """rustls = { version = "0.23", default-features = false, features = ["ring", "std", "tls12"] }
rcgen = { version = "0.14", default-features = false, features = ["crypto", "pem", "ring"] }""",
}


class CannotRun(Exception):
    """Why a row cannot be measured."""


def quiet(command, **more):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more).stdout


def pinned(cpus):
    """What a child does before it becomes another program: it stays on these processors."""

    def pin():
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, cpus)

    return pin


class Tools:
    """Every program that a row may need, and the words about those that are missing."""

    def __init__(self, options):
        self.options = options
        self.directory = Path(tempfile.mkdtemp(prefix="bench."))
        path = os.environ.get("PATH", "")
        self.path = os.pathsep.join([*options.peers_in, path])
        BUILT.mkdir(parents=True, exist_ok=True)
        self.stressc = self.build_stressc()
        self.server = self.build("server")
        self.programs = {"floor": self.build_floor()}
        for name in HOW_TO_GET:
            if name != "floor":
                self.programs[name] = shutil.which(name, path=self.path)

    def close(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    def build_stressc(self):
        if given := os.environ.get("STRESSC"):
            return given
        self.cargo("--bin", "stressc")
        return str(ROOT / "target" / "release" / "stressc")

    def build(self, name):
        # A package of its own: as a bench of this one it would want all of it built once more, with the features of the tests.
        package = BUILT / name
        package.mkdir(exist_ok=True)
        (package / "Cargo.toml").write_text(PACKAGE.format(name=name, path=HERE / f"{name}.rs", needs=NEEDS[name]))
        self.cargo("--manifest-path", str(package / "Cargo.toml"), "--target-dir", str(package / "target"))
        return str(package / "target" / "release" / name)

    def cargo(self, *arguments):
        command = ["cargo", "build", "--release", *arguments]
        print("$", *command, file=sys.stderr)
        try:
            return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout
        except (OSError, subprocess.CalledProcessError) as error:
            raise CannotRun(f"cargo could not build: {error}") from error

    def build_floor(self):
        compiler = shutil.which("gcc") or shutil.which("cc")
        if not compiler:
            return None
        program = BUILT / "floor"
        source = HERE / "floor.c"
        if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
            quiet([compiler, "-O2", "-o", str(program), str(source)])
        return str(program)

    def has(self, name):
        wanted = self.options.peers
        return self.programs.get(name) and (wanted is None or name in wanted)

    def missing(self, names):
        return [name for name in names if not self.programs.get(name)]


# Servers.


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def get(url):
    with urllib.request.urlopen(url) as page:
        return page.read().decode()


class Server:
    """A server on the server's processor, that counts what it is asked."""

    def __init__(self, tools, command, port):
        self.port, self.url = port, f"http://127.0.0.1:{port}"
        pin = pinned(tools.options.server_cpus)
        self.log = open(tools.directory / "server.log", "wb")
        self.process = subprocess.Popen(command, preexec_fn=pin, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise CannotRun(f"{command[0]} does not answer on port {port}")

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.log.close()


class Own(Server):
    """`server.rs`, which also notes arrivals and can stall."""

    name = "tests/bench/server.rs"

    def __init__(self, tools):
        port = free_port()
        super().__init__(tools, [tools.server, f"127.0.0.1:{port}"], port)

    def count(self):
        return int(get(self.url + "/ctl/count"))

    def reset(self):
        get(self.url + "/ctl/reset")

    def arrivals(self):
        return sorted(int(line) for line in get(self.url + "/ctl/arrivals").split())


class Nginx(Server):
    """nginx with prepared answers, which counts by its status page; over TLS where it has a certificate."""

    name = "nginx"

    def __init__(self, tools, program, tls=None):
        port, self.status = free_port(), free_port()
        listen, more = f"127.0.0.1:{port} backlog=4096", ""
        if tls:
            listen += " ssl"
            more = f"ssl_certificate {tls}/server.pem; ssl_certificate_key {tls}/server.key; ssl_session_tickets off;"
        place = tools.directory
        folders = " ".join(f"{kind}_temp_path {place}/{kind};" for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
        configuration = place / "nginx.conf"
        json_page = "default_type application/json; return 200"
        configuration.write_text(
            f"""worker_processes 1; daemon off; pid {place}/nginx.pid; error_log {place}/nginx.err warn;
events {{ worker_connections 15000; }}
http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; {folders}
  server {{ listen {listen}; {more}
    location / {{ return 200 "ok"; }}
    location = /items {{ {json_page} '[{{"id": "17", "price": 4}}, {{"id": "18", "price": 7}}]'; }}
    location /items/ {{ {json_page} '{{"id": "17", "price": 4}}'; }}
    location = /orders {{ {json_page} '{{"id": "17", "price": 4}}'; }} }}
  server {{ listen 127.0.0.1:{self.status}; location / {{ stub_status; }} }} }}
"""
        )
        super().__init__(tools, [program, "-c", str(configuration), "-e", f"{place}/nginx.err"], port)
        if tls:
            self.url = f"https://127.0.0.1:{port}"

    def count(self):
        # Its third line is: accepted handled requests. The page itself is one of the requests.
        seen = int(get(f"http://127.0.0.1:{self.status}/").splitlines()[2].split()[2])
        self.pages = getattr(self, "pages", 0) + 1
        return seen - self.pages


class Postgres(Server):
    """A cluster of its own, which counts its transactions."""

    name = "PostgreSQL"

    def __init__(self, tools):
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: int(one.parts[4]))
        initdb = str(found[-1]) if found else shutil.which("initdb", path=tools.path)
        if not initdb:
            raise CannotRun("PostgreSQL is not installed: initdb was not found")
        # It refuses to be root.
        as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        place = Path(tempfile.mkdtemp(prefix="bench.pg."))
        if as_user:
            shutil.chown(place, "postgres")
        self.place, port = place, free_port()
        quiet([*as_user, initdb, "-D", str(place / "data"), "-U", "bench", "--auth=trust"], cwd="/")
        server = str(Path(initdb).parent / "postgres")
        settings = [f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={place}", "fsync=off"]
        super().__init__(tools, [*as_user, server, "-D", str(place / "data"), *(part for one in settings for part in ["-c", one])], port)
        self.url = f"postgres://bench@127.0.0.1:{port}/postgres"

    def close(self):
        super().close()
        shutil.rmtree(self.place, ignore_errors=True)


def fast_server(tools):
    """nginx where it is installed, since it costs the least beside what is measured; else our own."""
    program = nginx_of(tools)
    return Nginx(tools, program) if program else Own(tools)


def nginx_of(tools):
    return shutil.which("nginx", path=tools.path + os.pathsep + "/usr/sbin")


def tls_server(tools):
    """nginx over TLS, and the program of rustls alone, which has made its certificate."""
    program = nginx_of(tools)
    if not program:
        raise CannotRun("nginx was not found; it speaks TLS here (apt install nginx-light)")
    alone = tools.build("handshakes")
    quiet([alone, "make", str(tools.directory)])
    shutil.copy(HERE / "tls.stress", tools.directory)
    return Nginx(tools, program, tls=tools.directory), alone


# Load generators.


def command(tools, name, server, *, path="/", connections=64, seconds=8, rate=None, row=None, more=()):
    """The command line of a generator: of a closed load, or of an open one where a rate is given."""
    url = server.url + path
    program = tools.programs.get(name)
    if name == "stressc":
        return stressc(tools, row, server, *more)
    if name == "floor":
        line = [program, "127.0.0.1", str(server.port), path, str(connections), str(seconds)]
        return line + ([str(rate)] if rate else [])
    if name == "wrk":
        return [program, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "--latency", url]
    if name == "wrk2":
        return [program, "-t1", f"-c{connections}", f"-d{seconds}s", f"-R{rate}", "--latency", url]
    if name == "oha":
        # Who signed for a server of a measurement nobody knows.
        insecure = ["--insecure"] if url.startswith("https:") else []
        return [program, "--no-tui", *insecure, "-c", str(connections), "-z", f"{seconds}s", *(["-q", str(rate)] if rate else []), url]
    if name == "hey":
        # Its rate is that of each of its workers.
        return [program, "-z", f"{seconds}s", "-c", str(connections), *(["-q", str(rate / connections)] if rate else []), url]
    if name == "k6":
        if rate:
            load = f"{{executor: 'constant-arrival-rate', rate: {rate}, timeUnit: '1s', duration: '{seconds}s', preAllocatedVUs: {connections}}}"
        else:
            load = f"{{executor: 'constant-vus', vus: {connections}, duration: '{seconds}s'}}"
        script = tools.directory / "k6.js"
        script.write_text(K6 % (load, url))
        return [program, "run", "-q", "--no-usage-report", "--address", "", str(script)]
    raise AssertionError(name)


def stressc(tools, row, server, *more):
    record = tools.directory / "record"
    shutil.rmtree(record, ignore_errors=True)
    # What files lie beside is where they are made.
    file, _, scenario = row.partition(":")
    file = tools.directory / f"{file}.stress" if scenario else HERE / f"{file}.stress"
    line = [tools.stressc, "run", f"{file}:{scenario}" if scenario else str(file), "--no-progress", "--record", str(record), "--set", f'to="{server.url}"']
    return line + [part for setting in more for part in (["--set", setting] if "=" in setting else setting.split())]


def result(tools):
    """`run.json` of the last run."""
    runs = sorted((tools.directory / "record" / ".stress" / "runs").iterdir())
    return json.loads((runs[-1] / "run.json").read_text())


class Measured:
    """One process from its start to its end. CPU is that of it and of its children that ended."""

    def __init__(self, tools, line, server=None, watch=False):
        before = server.count() if server else 0
        out = tools.directory / "out"
        self.memory = []
        with open(out, "wb") as file:
            start = time.monotonic()
            process = subprocess.Popen(
                line, preexec_fn=pinned(tools.options.client_cpus), stdin=subprocess.DEVNULL, stdout=file, stderr=file, cwd=tools.directory
            )
            ended = threading.Event()
            watcher = threading.Thread(target=self.watch, args=(process.pid, ended, start)) if watch else None
            if watcher:
                watcher.start()
            _, status, used = os.wait4(process.pid, 0)
            self.wall = time.monotonic() - start
            ended.set()
            if watcher:
                watcher.join()
            process.returncode = os.waitstatus_to_exitcode(status)
        self.cpu = used.ru_utime + used.ru_stime
        self.code = process.returncode
        self.out = out.read_text(errors="replace")
        self.requests = server.count() - before if server else 0
        # stressc judges its run, and says 4 or 5 of numbers that it does not trust.
        if self.code not in (0, 1, 4, 5):
            raise CannotRun(f"{' '.join(line)} ended with {self.code}:\n{self.out[-800:]}")

    def watch(self, pid, ended, start):
        while not ended.wait(0.1):
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                return
            if found := re.search(r"VmRSS:\s+(\d+)", status):
                self.memory.append((time.monotonic() - start, int(found[1])))

    @property
    def peak(self):
        """KiB."""
        return max((kib for _, kib in self.memory), default=0)

    @property
    def cpu_us(self):
        return self.cpu * 1e6 / max(self.requests, 1)


def more_descriptors():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


# Tables.


def spread(values, digits):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def table(head, lines):
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for line in lines:
        print("| " + " | ".join(line) + " |")
    print()


def quantile(values, share):
    return values[min(len(values) - 1, int(share * len(values)))]

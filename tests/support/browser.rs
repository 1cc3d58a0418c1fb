//! A Chromium without a window, driven by chromedriver over the WebDriver protocol.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    /// Of its profile.
    _directory: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends the Chromium too.
        if !self.session.is_empty() {
            let _ = self.ask("DELETE", "", None);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// One of the test's own, unless it is missing; then the test is left out.
pub fn browser() -> Option<Browser> {
    let found =
        super::program(&["chromedriver"]).zip(super::program(&["chromium", "chromium-browser", "google-chrome"]));
    if found.is_none() {
        super::left_out::left_out("chromium is missing (apt-get install chromium chromium-driver)");
    }
    let (driver, chromium) = found?;
    Some(Browser::start(&driver, &chromium))
}

impl Browser {
    fn start(driver: &Path, chromium: &Path) -> Browser {
        let directory = tempfile::tempdir().unwrap();
        let mut driver = Command::new(driver)
            .arg("--port=0")
            .env("TMPDIR", directory.path())
            .env("HOME", directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap());
        let mut told = String::new();
        let port = loop {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).unwrap() > 0, "chromedriver ended: {told}");
            told.push_str(&line);
            if let Some((_, rest)) = line.split_once("started successfully on port ") {
                break rest.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
            }
        };
        // What it says later is read so that it can go on.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        let mut browser = Browser { driver, port, session: String::new(), _directory: directory };
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--window-size=1280,900",
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": chromium, "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        } } });
        let session = http(port, "POST", "/session", Some(&wanted));
        browser.session = session["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {session}")).to_owned();
        browser
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        http(self.port, method, &format!("/session/{}{path}", self.session), body)
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.ask("POST", path, Some(body));
        assert!(answer.get("error").is_none(), "{path} {body}: {answer}");
        answer
    }

    pub fn open(&self, page: &Path) {
        self.post("/url", &json!({ "url": format!("file://{}", page.display()) }));
    }

    /// What the body of a function in the page returns.
    pub fn script(&self, body: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": body, "args": [] }))
    }

    /// What the body of a function in the page gives to its last argument, sooner or later.
    pub fn script_later(&self, body: &str) -> Value {
        self.post("/execute/async", &json!({ "script": body, "args": [] }))
    }

    /// The same as [`Browser::script`], as a text.
    pub fn text(&self, body: &str) -> String {
        let value = self.script(body);
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    }

    /// A command of the DevTools protocol.
    pub fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.post("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    pub fn is_as_wide_as(&self, width: u64) {
        let metrics = json!({ "width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
    }

    pub fn prefers(&self, scheme: &str) {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", &features);
    }

    /// What the console got since it was last asked: errors, warnings, refusals of the content policy.
    pub fn console(&self) -> Vec<String> {
        self.log("browser").iter().map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The addresses that were asked for since this was last asked.
    pub fn requests(&self) -> Vec<String> {
        let told = self.log("performance");
        let events = told.iter().filter_map(|entry| serde_json::from_str::<Value>(entry["message"].as_str()?).ok());
        let sent = events.filter(|event| event["message"]["method"] == "Network.requestWillBeSent");
        sent.map(|event| event["message"]["params"]["request"]["url"].as_str().unwrap_or_default().to_owned()).collect()
    }

    fn log(&self, kind: &str) -> Vec<Value> {
        self.post("/se/log", &json!({ "type": kind })).as_array().cloned().unwrap_or_default()
    }

    /// Presses the mouse at the first of these places of the window, and lets it go at the last.
    pub fn drags(&self, places: &[(f64, f64)]) {
        let moves = |(x, y): &(f64, f64)| json!({ "type": "pointerMove", "duration": 20, "x": x.round() as i64, "y": y.round() as i64 });
        let mut actions = vec![moves(&places[0]), json!({ "type": "pointerDown", "button": 0 })];
        actions.extend(places[1..].iter().map(moves));
        actions.push(json!({ "type": "pointerUp", "button": 0 }));
        self.acts(
            &json!({ "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" }, "actions": actions }),
        );
    }

    pub fn clicks_twice(&self, (x, y): (f64, f64)) {
        let (down, up) = (json!({ "type": "pointerDown", "button": 0 }), json!({ "type": "pointerUp", "button": 0 }));
        let to = json!({ "type": "pointerMove", "duration": 0, "x": x.round() as i64, "y": y.round() as i64 });
        let actions = [to, down.clone(), up.clone(), down, up];
        self.acts(
            &json!({ "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" }, "actions": actions }),
        );
    }

    pub fn presses(&self, key: &str) {
        let actions = json!([{ "type": "keyDown", "value": key }, { "type": "keyUp", "value": key }]);
        self.acts(&json!({ "type": "key", "id": "keys", "actions": actions }));
    }

    fn acts(&self, input: &Value) {
        self.post("/actions", &json!({ "actions": [input] }));
    }
}

/// The value of an answer.
fn http(port: u16, method: &str, path: &str, body: Option<&Value>) -> Value {
    let body = body.map_or_else(String::new, Value::to_string);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).unwrap();
    let mut answer = Vec::new();
    // It may keep the connection open for a moment: the length says where the answer ends.
    let mut part = [0; 1 << 16];
    loop {
        let text = String::from_utf8_lossy(&answer);
        if let Some((head, rest)) = text.split_once("\r\n\r\n") {
            let length = head.to_ascii_lowercase();
            let length = length.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            if length.is_some_and(|length: usize| rest.len() >= length) {
                let answer: Value =
                    serde_json::from_str(rest).unwrap_or_else(|error| panic!("{method} {path}: {error}: {rest}"));
                return answer["value"].clone();
            }
        }
        let read = stream.read(&mut part).unwrap();
        assert!(read > 0, "{method} {path}: the connection ended after {} bytes", answer.len());
        answer.extend_from_slice(&part[..read]);
    }
}

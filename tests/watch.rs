//! `stressc watch` looks again on every save, of the file and of all that it rests on.

use crate::support::{Place, wait_until};
use std::io::Read;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A watching process with everything that it has said so far.
struct Watching {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Watching {
    fn start(place: &Place, arguments: &[&str]) -> Watching {
        let mut child = place.spawn(arguments);
        let said = Arc::new(Mutex::new(String::new()));
        let out = child.stdout.take().map(|s| Box::new(s) as Box<dyn Read + Send>);
        let err = child.stderr.take().map(|s| Box::new(s) as Box<dyn Read + Send>);
        for mut stream in [out, err].into_iter().flatten() {
            let said = said.clone();
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(count) = stream.read(&mut buffer)
                    && count > 0
                {
                    said.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..count]));
                }
            });
        }
        Watching { child, said }
    }

    /// Waits until something is said, and forgets what was said before it.
    fn says(&self, text: &str) {
        wait_until(text, Duration::from_secs(20), || {
            let mut said = self.said.lock().unwrap();
            let found = said.find(text);
            found.iter().for_each(|at| {
                said.drain(..at + text.len());
            });
            found.is_some()
        });
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const MAIN: &str = "\
use \"./parts/shapes.stress\" as shapes
scenario s {
  service shop = demo()
  target api = http(shop.url)
  flow f on api {
    get \"/products\" as list
  }
  load main of f {
    include shapes.flat(10/s)
  }
  expect error_rate(main) < 1%
}
";

fn shape(length: &str) -> String {
    format!("shape flat(level: Level) {{\n  hold level for {length} as flat\n}}\n")
}

#[test]
fn a_save_of_anything_that_is_used_is_seen() {
    let place = Place::new();
    std::fs::create_dir(place.path().join("parts")).unwrap();
    place.write("main.stress", MAIN);
    let watching = Watching::start(&place, &["watch", "main.stress"]);
    // What is missing is waited for.
    watching.says("there is no file `parts/shapes.stress`");
    place.write("parts/shapes.stress", &shape("5s"));
    watching.says("0s–5s");
    place.write("parts/shapes.stress", &shape("7s"));
    watching.says("0s–7s");
    // As editors do it: a new file in the place of the old one.
    place.write("parts/new", &shape("9 s"));
    std::fs::rename(place.path().join("parts/new"), place.path().join("parts/shapes.stress")).unwrap();
    watching.says("write `9s`");
    place.write("parts/shapes.stress", &shape("9s"));
    watching.says("0s–9s");
    place.write("main.stress", &MAIN.replace("10/s", "20/s"));
    watching.says("20/s");
    // What does not concern it is not looked at.
    let before = watching.said.lock().unwrap().len();
    place.write("parts/other.stress", "nothing");
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(watching.said.lock().unwrap().len(), before);
}

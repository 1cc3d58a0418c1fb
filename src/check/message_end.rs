//! Options of targets that are of some protocols alone, and where a message of TCP ends.

use super::builtins;
use super::program::{MessageEnd, Protocol, Target};
use super::scope::FrameId;
use super::session::ScenarioChecker;
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::Entry;

/// So many bytes may a number have that says how long a message is.
const PREFIXES: [f64; 4] = [1.0, 2.0, 4.0, 8.0];

impl<'a> ScenarioChecker<'a, '_> {
    /// Refuses an option that means nothing to the protocol of a target; says whether it is one.
    pub(super) fn is_of_others(&mut self, entry: &'a Entry, protocol: Protocol, frame: FrameId) -> bool {
        let label = entry.label.text.as_str();
        let known = || builtins::options_of("target").map(|option| option.name);
        let of_target = || known().filter(|name| !protocol.has_no_use_for(name));
        if !known().any(|name| name == label) && !protocol.is_database() {
            self.eval(&entry.value, frame);
            let message = format!("there is no option `{label}` here");
            let problem = Diagnostic::new(Code::E0205, message, entry.label.span, "no such option");
            self.push(problem.did_you_mean(entry.label.span, label, of_target()));
            return true;
        }
        if !protocol.has_no_use_for(label) {
            return false;
        }
        // A policy of connections is no value.
        if label != "connections" {
            self.eval(&entry.value, frame);
        }
        let own = of_target().map(|name| format!("`{name}:`")).collect::<Vec<_>>().join(", ");
        let (message, help) = match (protocol, label) {
            (Protocol::Http, _) => {
                (format!("`{label}:` is of `tcp(…)`"), "leave it out: HTTP says itself where a message ends".to_owned())
            }
            (Protocol::Websocket, "connections") => (
                "each `connect` opens a connection of its own".to_owned(),
                "leave it out: the connection ends with the block of the `connect`".to_owned(),
            ),
            (Protocol::Websocket, _) => (format!("`{label}:` is not of `websocket(…)`"), format!("choose from {own}")),
            (Protocol::Tcp, _) => (format!("`{label}:` is not of `tcp(…)`"), format!("choose from {own}")),
            (_, _) => (format!("`{label}:` is of `tcp(…)`"), "leave it out".to_owned()),
        };
        self.push(Diagnostic::new(Code::E0205, message, entry.label.span, "not of this target").help(help));
        true
    }

    pub(super) fn message_end(&mut self, entry: &'a Entry, target: &mut Target, frame: FrameId) {
        let Some(value) = self.option(entry, "target", frame) else { return };
        let end = match entry.label.text.as_str() {
            "delimiter" => {
                let Some(text) = self.constant_text(Some(&(value, &entry.value))) else { return };
                if text.is_empty() || text.len() > 64 {
                    self.out_of_range(entry.value.span, "a delimiter has 1 to 64 bytes");
                    return;
                }
                MessageEnd::Delimiter(text)
            }
            _ => match value.number() {
                Some(bytes) if PREFIXES.contains(&bytes) => MessageEnd::Prefix(bytes as u8),
                Some(_) => {
                    self.out_of_range(entry.value.span, "the length of a message has 1, 2, 4 or 8 bytes");
                    return;
                }
                None => return,
            },
        };
        if target.message_end.is_some() {
            let message = "a message ends at a delimiter or after its length";
            let problem = Diagnostic::new(Code::E0205, message, entry.label.span, "both");
            self.push(problem.help("keep one of `delimiter:` and `prefix:`"));
        }
        target.message_end = Some(end);
    }
}

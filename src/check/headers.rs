//! Headers of requests: those of one request, and those that a flow gives to all that follow.

use super::meaning::{Meaning, placed};
use super::program::Text;
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::types::Type;
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::Entry;

/// A header that later requests to a target have.
#[derive(Debug, Clone)]
pub(super) struct FlowHeader {
    target: usize,
    name: String,
    text: Text,
}

impl<'a> ScenarioChecker<'a, '_> {
    /// What `headers:` says, as names and texts. A null stands for a header that is left out.
    pub(super) fn headers(&mut self, entry: &'a Entry, frame: FrameId) -> Vec<(String, Text)> {
        let value = self.eval(&entry.value, frame);
        let Meaning::Object(fields) = &value else {
            if !value.is_unknown() {
                let problem = Diagnostic::new(Code::E0301, "headers are an object", entry.value.span, "not `{ … }`");
                self.push(problem.help("write `headers: { \"Accept\": \"text/html\" }`"));
            }
            return Vec::new();
        };
        let mut headers = Vec::new();
        for (label, value, place) in placed(fields, &entry.value) {
            let kinds = [Type::Text, Type::Secret, Type::Number, Type::Count, Type::Json];
            let value = self.fit(value.clone(), place.span, &kinds);
            if matches!(value, Meaning::Null) && label.text.eq_ignore_ascii_case("host") {
                self.out_of_range(label.span, "a request always says which host it is for");
                continue;
            }
            headers.extend(self.header(label, &value, place.span));
        }
        headers
    }

    /// `headers:` among the steps of a flow: from there on, for requests to the flow's own target, as far as its names reach.
    pub(super) fn flow_headers(&mut self, entry: &'a Entry, frame: FrameId) {
        let headers = self.headers(entry, frame);
        let target = match self.flow.as_ref().and_then(|flow| flow.target.as_ref()) {
            Some(Meaning::Part(Type::Http | Type::WebSocket, target)) => *target,
            Some(other) if other.is_unknown() || other.is_wrong() => return,
            Some(other) => {
                let message = format!("the target of this flow is {}, which has no headers", other.kind().a());
                let problem = Diagnostic::new(Code::E0207, message, entry.label.span, "headers are of HTTP");
                self.push(problem.help("write them in the requests that go to another target"));
                return;
            }
            None if self.refused_target || self.is_lost(frame) => return,
            None => {
                let message = "these headers are for a target that the flow does not name";
                let problem = Diagnostic::new(Code::E0307, message, entry.label.span, "sent where?");
                self.push(problem.help("write `flow NAME on TARGET { … }`"));
                return;
            }
        };
        let Some(flow) = &mut self.flow else { return };
        for (name, text) in headers {
            flow.headers.retain(|own| own.target != target || !own.name.eq_ignore_ascii_case(&name));
            flow.headers.push(FlowHeader { target, name, text });
        }
    }

    /// Those that a request to a target has in addition to its own.
    pub(super) fn headers_of_flow(&self, target: usize, own: &[(String, Text)]) -> Vec<(String, Text)> {
        let all = self.flow.iter().flat_map(|flow| &flow.headers);
        let of_target = all.filter(|header| header.target == target);
        let others = of_target.filter(|header| !own.iter().any(|(name, _)| name.eq_ignore_ascii_case(&header.name)));
        others.map(|header| (header.name.clone(), header.text.clone())).collect()
    }
}

//! Whether two runs did the same: a hash over what a plan does, ignoring addresses, shares, spelling, and the limits of the
//! machine.

use super::{AlertFacts, Ceiling, CeilingFrom, Piece, Plan, ServiceKind, Share};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub fn fingerprint(plan: &Plan) -> String {
    let mut same = plan.clone();
    same.fingerprint.clear();
    // Where the file is found from here is no part of what is done.
    let beside = |path: &mut String| {
        let above = plan.file.rsplit_once('/').map(|(directory, _)| format!("{directory}/"));
        if let Some(own) = above.and_then(|above| path.strip_prefix(&above).map(str::to_owned)) {
            *path = own;
        }
    };
    for service in &mut same.services {
        service.dir.iter_mut().for_each(beside);
        if let ServiceKind::Process { program, .. } = &mut service.kind
            && let Some(Piece::Literal(path)) = program.first_mut()
        {
            beside(path);
        }
    }
    same.file.clear();
    same.doc = None;
    same.profile = None;
    same.params.clear();
    // Who is allowed to do it, and how much of it.
    same.allowed.clear();
    same.share = Share::WHOLE;
    // What is known of alerts is of those who look on.
    same.alert_sources.iter_mut().for_each(|source| source.facts = AlertFacts::default());
    // By what this machine brings a fault about, and by which name a file calls a template.
    same.faults.iter_mut().for_each(|fault| (fault.by, fault.template) = (None, None));
    for load in &mut same.loads {
        if load.ceiling.from != CeilingFrom::Scenario {
            load.ceiling = Ceiling { in_flight: 0, from: CeilingFrom::Machine };
        }
    }
    hashed(serde_json::to_value(&same).expect("a plan is plain data"))
}

/// Of one part of a plan: what it does, without how it was written.
pub fn part(value: Value) -> String {
    let mut hash = hashed(value);
    hash.truncate(16);
    hash
}

fn hashed(mut value: Value) -> String {
    forget_writing(&mut value);
    let bytes = serde_json::to_vec(&value).expect("a value is plain data");
    crate::base::hex(&Sha256::digest(&bytes))
}

/// Takes out lines and the texts as which conditions were written, wherever they stand.
fn forget_writing(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("line");
            if fields.contains_key("condition") || fields.contains_key("subject") {
                fields.remove("text");
            }
            // They are made of what is there.
            if fields.contains_key("unit") {
                fields.remove("key");
                fields.remove("of");
            }
            fields.values_mut().for_each(forget_writing);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_writing),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

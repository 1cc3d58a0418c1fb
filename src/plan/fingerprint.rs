//! Whether two runs did the same: a hash over what a plan does, without where, by whose share, and how much this
//! machine can hold.

use super::{Ceiling, CeilingFrom, Plan, Share};
use sha2::{Digest, Sha256};

pub fn fingerprint(plan: &Plan) -> String {
    let mut same = plan.clone();
    same.fingerprint.clear();
    same.file.clear();
    same.doc = None;
    same.share = Share::WHOLE;
    for load in &mut same.loads {
        if load.ceiling.from != CeilingFrom::Scenario {
            load.ceiling = Ceiling { in_flight: 0, from: CeilingFrom::Machine };
        }
    }
    for expectation in &mut same.expectations {
        expectation.line = 0;
    }
    for flow in &mut same.flows {
        for step in &mut flow.steps {
            if let super::Step::Request(request) = step {
                request.line = 0;
            }
        }
    }
    let bytes = serde_json::to_vec(&same).expect("a plan is plain data");
    Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

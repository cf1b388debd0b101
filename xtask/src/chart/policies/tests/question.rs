//! Questions and answers of these tests in a file, so that Kubernetes' own code is asked the same.

use super::*;
use std::fs::File;
use std::io::Write as _;

/// The variable that names the file, to which one a line is added.
const KEPT: &str = "LAPWING_POLICY_QUESTIONS";

/// Keeps one, where the variable is set. What is read is `question` in `xtask/admission/read.go`.
pub fn keep(policy: &Value, request: &Value, rights: &[&str], answer: &Answer, recorded: &str) {
    let Some(path) = std::env::var_os(KEPT) else {
        return;
    };
    let has = |set: &Vec<Value>| set.iter().any(|one| std::ptr::eq(one, policy));
    let set = RENDERED.iter().position(has).expect("one of a set");
    let (answer, why) = match answer {
        Answer::Unasked => ("unasked", ""),
        Answer::Allowed(_) => ("allowed", ""),
        Answer::Denied(why) => ("denied", why.as_str()),
    };
    let thread = std::thread::current();
    let test = thread.name().unwrap_or_default().rsplit("::").next();
    let question = json!({
        "test": test, "set": set, "policy": policy["metadata"]["name"], "request": request,
        "rights": rights, "answer": answer, "recorded": recorded, "why": why,
    });
    // All at once, as tests run beside each other.
    let line = format!("{question}\n");
    let file = File::options().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(line.as_bytes()))
        .unwrap();
}

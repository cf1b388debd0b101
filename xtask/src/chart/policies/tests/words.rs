//! Words that are none.

use super::*;

#[test]
fn a_word_that_is_none_is_written_by_nobody() {
    for set in [Set::Plain, Set::Monitor] {
        let policy = policy(set, NAMESPACES);
        for word in ["monitr", "Monitor", "of", "learn.", "0"] {
            let object = namespace(Some(word), json!({}));
            let requests = [None, Some("monitor"), Some("off"), Some("lern")]
                .map(|from| change(from, Some(word), json!({})));
            let made = write("CREATE", "ann", Value::Null, object);
            for request in requests.iter().chain([&made]) {
                let why = ask(policy, request, LOOSEN).denied();
                let wanted = "of the namespace shop is one of monitor, learn, off, and not ";
                assert!(why.contains(wanted) && why.ends_with(word), "{why}");
            }
            // One from before the policy keeps nobody from other changes, nor from taking it away.
            let request = change(Some(word), Some(word), json!({"a": "b"}));
            assert_eq!(ask(policy, &request, &[]), Answer::Unasked);
            ask(policy, &change(Some(word), None, json!({})), LOOSEN).allowed();
        }
    }
}

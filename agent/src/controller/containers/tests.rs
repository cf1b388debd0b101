use super::*;
use crate::controller::tests::stage::traced;

const DIGEST: &str = "sha256:1234567890";

fn question(namespaces: &[&str]) -> Question {
    let names: Vec<_> = namespaces.iter().map(|&name| name.to_owned()).collect();
    Question {
        digits: Digits::parse("12345678").unwrap(),
        namespaces: Namespaces::new(&names),
    }
}

fn told(containers: Vec<TracedContainer>) -> Result<Answer, Refusal> {
    Ok(Answer {
        containers,
        more: 0,
    })
}

/// As one does that does not know the question's field.
#[test]
fn an_agent_that_tells_all_is_looked_through() {
    let all = vec![
        traced("a", "shop", DIGEST),
        traced("b", "shop", "sha256:99999999"),
        traced("c", "pay", DIGEST),
        traced("d", "shop", ""),
        traced("e", "pay", ""),
        TracedContainer::default(),
    ];
    let ids = |namespaces: &[&str]| {
        let question = question(namespaces);
        let mut found = Found::default();
        found.take(&question, "n1", told(all.clone()));
        let response = found.response(&question);
        assert!(response.containers.iter().all(|it| it.node == "n1"));
        let ids = response.containers.into_iter();
        let ids: Vec<_> = ids.map(|it| it.container.unwrap().id).collect();
        let without: u64 = response.missing.iter().map(|it| it.containers).sum();
        (ids.join(""), without)
    };
    // Of what has no workload only who sees all is told.
    assert_eq!(ids(&["*"]), ("ac".to_owned(), 3));
    assert_eq!(ids(&["shop"]), ("a".to_owned(), 1));
    assert_eq!(ids(&[]), (String::new(), 0));
}

#[test]
fn nodes_that_tell_much_leave_room_for_others() {
    let question = question(&["*"]);
    let mut found = Found::default();
    let large = TracedContainer {
        asked_by: "x".repeat(100_000),
        ..traced("a", "shop", DIGEST)
    };
    for number in 0..20 {
        let all = vec![large.clone(); 40];
        found.take(&question, &format!("n{number:02}"), told(all));
    }
    found.take(&question, "honest", told(vec![large]));
    let response = found.response(&question);
    assert!(response.encoded_len() < ROOM + (1 << 20));
    let of = |node: &str| {
        response
            .containers
            .iter()
            .filter(|it| it.node == node)
            .count()
    };
    assert_eq!((of("n00"), of("honest")), (20, 1));
    let cut: u64 = response.missing.iter().map(|it| it.containers).sum();
    assert_eq!(response.containers.len() as u64 + cut, 801);
}

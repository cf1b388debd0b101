//! The coverage estimate is worth what `docs/how-lapwing-learns.md` says of it.

#[path = "../examples/coverage/figures.rs"]
mod figures;
#[path = "../examples/coverage/simulate.rs"]
mod simulate;

use figures::{Figures, page, picture, table};
use simulate::{HOUR, Scenario};
use std::fs;
use std::path::Path;

/// One run of all, because a run takes seconds.
#[test]
fn estimates_are_close_where_samples_are_alike_and_careful_where_not() {
    let all = Scenario::ALL.map(Figures::of);
    let [zipf, bursty, nightly, startup] = &all;

    // Independent samples, a long tail: close to the truth, and never over long before it.
    assert!(
        zipf.error(6) < 0.03 && zipf.error(24) < 0.015,
        "{} {}",
        zipf.error(6),
        zipf.error(24)
    );
    assert!(zipf.bias(24).abs() < 0.01, "{}", zipf.bias(24));
    assert!(
        zipf.worst().is_none_or(|worst| worst > 0.97),
        "{:?}",
        zipf.worst()
    );

    // Samples that are not: where the paper's estimate says all is known, this one is careful.
    assert!(
        bursty.plain_bias(1) > 0.3,
        "the bursts fool nobody: {}",
        bursty.plain_bias(1)
    );
    assert!(
        bursty.bias(1) < 0.05 && bursty.bias(6) < 0.05,
        "{} {}",
        bursty.bias(1),
        bursty.bias(6)
    );
    assert!(
        bursty.worst().is_none_or(|worst| worst > 0.9),
        "{:?}",
        bursty.worst()
    );

    // Nothing tells of a job that has not run. Its hour is among those that were not seen.
    assert!(nightly.ends().len() == nightly.courses.len());
    for course in &nightly.courses {
        let end = course.iter().find(|point| point.complete).unwrap();
        assert!(
            end.truth < 0.99 && end.hours_unseen & 1 << 2 != 0,
            "{end:?}"
        );
        let after = course.last().unwrap();
        assert!(after.truth > 0.999 && after.hours_unseen == 0, "{after:?}");
    }

    // A heavy start needs one restart, and no days.
    let ends = startup.ends();
    assert_eq!(ends.len(), startup.courses.len());
    assert!(ends.iter().all(|slots| *slots <= 2 * HOUR), "{ends:?}");
    assert!(
        startup.worst().is_some_and(|worst| worst > 0.98),
        "{:?}",
        startup.worst()
    );

    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let read = |name| fs::read_to_string(docs.join(name)).unwrap_or_default();
    let remedy = "run `cargo run --release -p lapwing-profile --example coverage`";
    let old = read("how-lapwing-learns.md");
    assert!(
        page(&old, &table(&all)).as_ref() == Some(&old),
        "the table is stale: {remedy}"
    );
    assert!(
        picture(&all) == read("coverage.svg"),
        "the picture is stale: {remedy}"
    );
}

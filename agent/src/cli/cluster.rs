//! Profiles that the cluster holds, in the text of `lapwing status`.

use lapwing_profile::text::visible;
use lapwing_proto::v1::get_status_response::ClusterProfiles;
use lapwing_proto::v1::get_status_response::identity::source::State;
use std::io::{self, Write};

pub(super) fn time(seconds: Option<i64>) -> String {
    let at = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    at.map_or_else(|| "never".to_owned(), |at| at.to_string())
}

/// How many are in force and since when, and what is wrong with which.
pub fn write_cluster(out: &mut impl Write, profiles: &ClusterProfiles) -> io::Result<()> {
    let since = time(profiles.since.as_ref().map(|at| at.seconds));
    let url = visible(&profiles.url);
    match profiles.state() {
        State::Unspecified => writeln!(
            out,
            "BehaviorProfiles of the cluster were not asked for yet"
        )?,
        State::Connected => writeln!(
            out,
            "{} BehaviorProfiles are watched at {url} since {since}, heard of at {}",
            profiles.objects,
            time(profiles.heard_time.as_ref().map(|at| at.seconds))
        )?,
        State::Retrying | State::Absent | State::Unsuitable => writeln!(
            out,
            "BehaviorProfiles cannot be had since {since}: what was known then stays in force ({} of them)",
            profiles.objects
        )?,
    }
    match profiles.in_force {
        0 => writeln!(out, "  in force for no workload of this node")?,
        many => writeln!(
            out,
            "  in force for {many} workloads of this node, the last since {}",
            time(profiles.changed_time.as_ref().map(|at| at.seconds))
        )?,
    }
    if !profiles.last_error.is_empty() {
        let when = match profiles.state() {
            State::Connected => "last trouble",
            State::Unspecified | State::Retrying | State::Absent | State::Unsuitable => "now",
        };
        writeln!(
            out,
            "  {url} ({when}): {}{}",
            visible(&profiles.last_error),
            hint(&profiles.last_error)
        )?;
    }
    if profiles.gave_way > 0 {
        writeln!(
            out,
            "  {} that were deleted and stayed in force, as they were signed, are in force no longer",
            profiles.gave_way
        )?;
    }
    for trouble in &profiles.troubles {
        let what = match trouble.text.contains("stays in force") {
            true => "is not obeyed as it is now, an older version is in force",
            false => "is not obeyed",
        };
        writeln!(
            out,
            "  {} {what}: {}",
            visible(&trouble.object),
            visible(&trouble.text)
        )?;
    }
    let more = (profiles.refused as usize).saturating_sub(profiles.troubles.len());
    match more {
        0 => Ok(()),
        more => writeln!(out, "  and {more} more are not"),
    }
}

/// What to do about a refusal of the API.
fn hint(error: &str) -> &'static str {
    match error.split(' ').next() {
        Some("404") => {
            "; the cluster has no such resource: apply deploy/kubernetes-crds.yaml (`crds.create` of the chart)"
        }
        Some("403") => "; the agent may not list and watch them: give it the chart's ClusterRole",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_proto::Timestamp;
    use lapwing_proto::v1::get_status_response::cluster_profiles::Trouble;

    fn text(profiles: &ClusterProfiles) -> String {
        let mut out = Vec::new();
        write_cluster(&mut out, profiles).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_in_force_and_what_is_not_is_told() {
        let at = |seconds| Some(Timestamp { seconds, nanos: 0 });
        let mut profiles = ClusterProfiles {
            state: State::Connected.into(),
            url: "https://10.96.0.1".to_owned(),
            since: at(0),
            heard_time: at(60),
            objects: 12,
            in_force: 3,
            changed_time: at(30),
            refused: 4,
            gave_way: 2,
            troubles: vec![Trouble {
                object: "shop/web".to_owned(),
                text: "nobody\u{1b} signed it".to_owned(),
            }],
            ..ClusterProfiles::default()
        };
        for part in [
            "12 BehaviorProfiles are watched at https://10.96.0.1 since 1970-01-01T00:00:00Z, heard of at 1970-01-01T00:01:00Z",
            "in force for 3 workloads of this node, the last since 1970-01-01T00:00:30Z",
            "shop/web is not obeyed: nobody\\x1b signed it",
            "and 3 more are not",
            "2 that were deleted and stayed in force, as they were signed, are in force no longer",
        ] {
            assert!(
                text(&profiles).contains(part),
                "{part}: {}",
                text(&profiles)
            );
        }
        profiles.troubles[0]
            .text
            .push_str("; what it said before stays in force");
        let older = "shop/web is not obeyed as it is now, an older version is in force: nobody";
        assert!(text(&profiles).contains(older), "{}", text(&profiles));
        profiles.state = State::Retrying.into();
        profiles.last_error = "404 Not Found: the server could not find it".to_owned();
        for part in ["stays in force (12 of them)", "(now): 404", "crds.create"] {
            assert!(
                text(&profiles).contains(part),
                "{part}: {}",
                text(&profiles)
            );
        }
        profiles.last_error = "403 Forbidden".to_owned();
        assert!(text(&profiles).contains("ClusterRole"));
        let text = text(&ClusterProfiles::default());
        assert!(
            text.contains("not asked for yet") && text.contains("for no workload"),
            "{text}"
        );
    }
}

//! What namespaces ask for, in the text of `lapwing status`.

use super::cluster::time;
use super::text::table;
use lapwing_profile::text::visible;
use lapwing_proto::v1::get_status_response::ClusterModes;
use lapwing_proto::v1::get_status_response::identity::source::State;
use std::io::{self, Write};

/// Which namespaces of this node ask for what, how many containers are off, and what is not obeyed.
pub fn write_modes(out: &mut impl Write, modes: &ClusterModes) -> io::Result<()> {
    let since = time(modes.since.as_ref().map(|at| at.seconds));
    let url = visible(&modes.url);
    match modes.state() {
        State::Unspecified => writeln!(
            out,
            "what namespaces ask for was not asked of the cluster yet ({} labels are known from before)",
            modes.known
        )?,
        State::Connected => writeln!(
            out,
            "{} namespaces have the label lapwing.dev/mode, watched at {url} since {since}, heard of at {}",
            modes.known,
            time(modes.heard_time.as_ref().map(|at| at.seconds))
        )?,
        State::Retrying | State::Absent | State::Unsuitable => writeln!(
            out,
            "what namespaces ask for cannot be had since {since}: what they asked for then goes on counting ({} of them)",
            modes.known
        )?,
    }
    match modes.off {
        0 => writeln!(out, "  no container of this node is off")?,
        off => writeln!(
            out,
            "  OFF: of {off} containers of this node nothing is learned or reported; {} of their records were dropped",
            modes.dropped
        )?,
    }
    if !modes.last_error.is_empty() {
        let when = match modes.state() {
            State::Connected => "last trouble",
            State::Unspecified | State::Retrying | State::Absent | State::Unsuitable => "now",
        };
        let hint = match modes.last_error.starts_with("403") {
            true => {
                "; the agent may not list and watch namespaces: give it the chart's ClusterRole"
            }
            false => "",
        };
        writeln!(
            out,
            "  {url} ({when}): {}{hint}",
            visible(&modes.last_error)
        )?;
    }
    if modes.refused > 0 {
        writeln!(
            out,
            "  {} labels found no room and ask for nothing",
            modes.refused
        )?;
    }
    for note in &modes.notes {
        writeln!(out, "  {}", visible(&note.text))?;
    }
    match (modes.told as usize).saturating_sub(modes.notes.len()) {
        0 => {}
        more => writeln!(out, "  and {more} more that loosen or are not obeyed")?,
    }
    if modes.namespaces.is_empty() {
        return Ok(());
    }
    let rows: Vec<Vec<String>> = { modes.namespaces.iter() }
        .map(|one| {
            vec![
                visible(&one.name).into_owned(),
                visible(&one.label).into_owned(),
                one.containers.to_string(),
                one.off.to_string(),
                one.by_pods.to_string(),
                one.configured.to_string(),
            ]
        })
        .collect();
    let header = [
        "NAMESPACE",
        "ASKS FOR",
        "CONTAINERS HERE",
        "OFF",
        "TIGHTER BY POD",
        "NOT BY LABEL",
    ];
    table(out, &header, &rows)?;
    match (modes.here as usize).saturating_sub(modes.namespaces.len()) {
        0 => Ok(()),
        more => writeln!(out, "and {more} more namespaces"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_proto::Timestamp;
    use lapwing_proto::v1::get_status_response::cluster_modes::{Namespace, Note};

    fn text(modes: &ClusterModes) -> String {
        let mut out = Vec::new();
        write_modes(&mut out, modes).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn which_namespaces_are_off_and_what_is_not_obeyed_is_told() {
        let at = |seconds| Some(Timestamp { seconds, nanos: 0 });
        let mut modes = ClusterModes {
            state: State::Connected.into(),
            url: "https://10.96.0.1".to_owned(),
            since: at(0),
            heard_time: at(60),
            known: 9,
            refused: 2,
            here: 3,
            namespaces: vec![Namespace {
                name: "shop".to_owned(),
                label: "off\u{1b}".to_owned(),
                containers: 5,
                off: 3,
                by_pods: 1,
                configured: 1,
            }],
            off: 3,
            dropped: 1_234,
            told: 3,
            notes: vec![Note {
                text: "the namespace shop: its label is \u{1b}".to_owned(),
            }],
            ..ClusterModes::default()
        };
        let told = text(&modes);
        for part in [
            "9 namespaces have the label lapwing.dev/mode, watched at https://10.96.0.1 since 1970-01-01T00:00:00Z, \
             heard of at 1970-01-01T00:01:00Z",
            "OFF: of 3 containers of this node nothing is learned or reported; 1234 of their records were dropped",
            "2 labels found no room",
            "  the namespace shop: its label is \\x1b\n",
            "and 2 more that loosen or are not obeyed",
            "NAMESPACE  ASKS FOR  CONTAINERS HERE  OFF  TIGHTER BY POD  NOT BY LABEL",
            "shop       off\\x1b   5                3    1               1",
            "and 2 more namespaces",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
        modes.state = State::Retrying.into();
        modes.last_error = "403 Forbidden".to_owned();
        let told = text(&modes);
        for part in ["goes on counting (9 of them)", "(now): 403", "ClusterRole"] {
            assert!(told.contains(part), "{part}: {told}");
        }
        let told = text(&ClusterModes::default());
        let nothing = "not asked of the cluster yet (0 labels are known from before)";
        assert!(
            told.contains(nothing) && told.contains("no container"),
            "{told}"
        );
    }
}

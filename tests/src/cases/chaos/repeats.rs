//! Which reports may come again, and how often.
//!
//! A stream that begins at the leader of the one before goes on after its last cursor. It owes the client nothing
//! more, unless that one did, and then nothing comes twice. Another leader asks the agents again for what the
//! client may not have, beside what is new, and for as long as it is younger than `relay.forgetAfter` for all of
//! it: its cursors say that it owes. See docs/kubernetes.md, Cursors.

use anyhow::{Context as _, Result, ensure};
use std::collections::BTreeMap;
use std::fmt::Debug;

/// One stream of a client, as its cursors say.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Who gave it out: another one for each leader, and each time that one leads.
    leader: String,
    /// Whether it began with something owed, and whether it ended so.
    begun_owing: bool,
    ended_owing: bool,
}

impl Stream {
    /// One that begins with an item with this cursor.
    pub fn begin(cursor: &str) -> Result<Self> {
        let (leader, is_owing) = read(cursor)?;
        Ok(Self {
            leader: leader.to_owned(),
            begun_owing: is_owing,
            ended_owing: is_owing,
        })
    }

    /// It goes on with an item with this cursor.
    pub fn go_on(&mut self, cursor: &str) -> Result<()> {
        let (leader, is_owing) = read(cursor)?;
        ensure!(
            leader == self.leader,
            "a stream of {} goes on with {cursor}",
            self.leader
        );
        ensure!(
            self.begun_owing || !is_owing,
            "a stream that owed nothing owes at {cursor}"
        );
        self.ended_owing = is_owing;
        Ok(())
    }
}

/// The leader in a cursor, and whether something is owed.
fn read(cursor: &str) -> Result<(&str, bool)> {
    let (place, marks) = cursor.split_once('_').context("a cursor without marks")?;
    let leader = place
        .split('-')
        .next()
        .context("a cursor without a leader")?;
    Ok((leader, marks.starts_with('o')))
}

/// Checks what came again: items, each with the number of its stream, in their order. In one stream each may come
/// `most` times. Answers with how often something came that had come before.
pub fn check<K: Ord + Clone + Debug>(
    streams: &[Stream],
    items: impl Iterator<Item = (usize, K)>,
    most: impl Fn(&K) -> usize,
) -> Result<usize> {
    for (number, pair) in streams.windows(2).enumerate() {
        let (before, stream) = (&pair[0], &pair[1]);
        let goes_on = before.leader == stream.leader && !before.ended_owing;
        ensure!(
            !(goes_on && stream.begun_owing),
            "stream {} goes on after one of the same leader that owed nothing, and owes: {before:?}, {stream:?}",
            number + 1
        );
    }
    let mut times: BTreeMap<K, BTreeMap<usize, usize>> = BTreeMap::new();
    let mut repeats = 0;
    for (number, key) in items {
        let stream = streams.get(number).context("an item of no stream")?;
        let of_it = times.entry(key.clone()).or_default();
        let is_again = !of_it.is_empty();
        let many = of_it.entry(number).or_default();
        *many += 1;
        ensure!(
            stream.begun_owing || !is_again,
            "{key:?} came again in stream {number}, which owed nothing: {stream:?}"
        );
        ensure!(
            *many <= most(&key),
            "{key:?} came {many} times in stream {number}"
        );
        repeats += usize::from(is_again);
    }
    Ok(repeats)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams(cursors: &[&[&str]]) -> Result<Vec<Stream>> {
        let one = |cursors: &&[&str]| {
            let mut stream = Stream::begin(cursors[0])?;
            cursors[1..].iter().try_for_each(|it| stream.go_on(it))?;
            Ok(stream)
        };
        cursors.iter().map(one).collect()
    }

    #[test]
    fn what_is_not_owed_comes_once() {
        let all = streams(&[
            &["a-1-9_3e8", "a-2-9_3e8"],
            &["a-3-9_3e8"],
            &["b.7-1-9_o3e8", "b.7-2-9_3e8"],
            &["b.7-3-9_3e8"],
        ])
        .unwrap();
        let found = |items: &[(usize, u8)]| check(&all, items.iter().copied(), |_| 2);
        assert_eq!(
            found(&[(0, 1), (0, 2), (1, 3), (2, 1), (2, 3), (3, 4)]).unwrap(),
            2
        );
        assert_eq!(found(&[(2, 1), (2, 1)]).unwrap(), 1);
        // In one stream, in the next of the same leader, too often, and of no stream.
        assert!(found(&[(0, 1), (0, 1)]).is_err());
        assert!(found(&[(0, 1), (1, 1)]).is_err());
        assert!(found(&[(2, 1), (3, 1)]).is_err());
        assert!(found(&[(2, 1), (2, 1), (2, 1)]).is_err());
        assert!(found(&[(4, 1)]).is_err());
    }

    #[test]
    fn a_leader_owes_no_more_than_it_says() {
        let check = |all: &[Stream]| check(all, [].into_iter(), |_: &u8| 1);
        let goes_on = streams(&[&["a-1-9_o1"], &["a-2-9_o1"], &["b-1-9_o1"]]).unwrap();
        assert_eq!(check(&goes_on).unwrap(), 0);
        let begins_again = streams(&[&["a-1-9_1"], &["a-2-9_o1"]]).unwrap();
        assert!(check(&begins_again).is_err());
        assert!(streams(&[&["a-1-9_1", "a-2-9_o1"]]).is_err());
        assert!(streams(&[&["a-1-9_1", "b-2-9_1"]]).is_err());
        assert!(streams(&[&["a-1-9"]]).is_err());
    }
}

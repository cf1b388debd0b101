//! The list of objects of one kind, in one answer or in parts.
//!
//! What a server has in its memory comes in one answer, if that is neither too long nor too late. Else it comes in
//! parts, and a part that is too long or too late is asked for again with half as many objects, after a wait, down to one
//! object; what comes with ease lets them grow again. Of one object that cannot be had alone the name is asked for, and
//! the list goes on behind it: whoever may write objects in one namespace does not keep the list from its end.
//! Where not even the name comes in time, or there are many of these, it is the API that is slow, and all of it is for
//! later.
//!
//! What counts against [`LIST_MAX`] is what is kept of the objects: answers are dropped as soon as they are read.

use super::api::{ANSWER_MAX, Failure};
use super::object::{List, Named};
use super::watch::{Backoff, Follower, escaped};
use bytes::Bytes;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Most that is kept of a list until it is whole, in bytes.
const LIST_MAX: usize = 128 << 20;
/// Objects that may be left out, each because it cannot be had: where there are more it is not they.
const LEFT_OUT_MAX: u64 = 16;
/// An answer that has less, and came within this time, lets the next have twice as many objects.
const EASY: usize = ANSWER_MAX / 4;
const QUICK: Duration = Duration::from_secs(1);

/// Most easy answers that it takes until the next has more objects: a place in a list is forgotten after some minutes.
const TAKES_MAX: u32 = 64;

/// How new a list has to be.
pub enum From {
    /// As a server has it in memory, however old.
    Any,
    /// The same, from this place in history on.
    Place(String),
    /// As all servers agree upon.
    Agreed,
}

/// What was listed.
pub struct Listed<Item> {
    pub items: Vec<Item>,
    /// Objects that could not be had, and are not among them.
    pub left_out: u64,
    /// The place in history at which that was so.
    pub place: String,
}

/// One list, on its way.
struct Listing<'a, F: Follower> {
    follower: &'a F,
    from: &'a From,
    /// Objects in one answer.
    page: &'a mut usize,
    /// Where it goes on; empty at the begin.
    more: String,
    backoff: Backoff,
    /// Easy answers until the next has twice as many objects, and how many that takes: twice as many each time that
    /// one was too much, up to [`TAKES_MAX`].
    until: u32,
    takes: u32,
}

/// Lists all of them, in answers of `page` objects where they do not come in one.
pub async fn list<F: Follower>(
    follower: &F,
    from: &From,
    page: &mut usize,
) -> Result<Listed<F::Item>, Failure> {
    let url = follower.api().connect().await?;
    follower.health().found(url);
    let mut listing = Listing {
        follower,
        from,
        page,
        more: String::new(),
        backoff: Backoff::new(),
        until: 1,
        takes: 1,
    };
    let what = F::WHAT;
    let (mut items, mut left_out) = (Vec::new(), 0);
    let (mut many, mut room) = (0, LIST_MAX);
    loop {
        let (body, is_had) = listing.next().await?;
        let list: List<'_> = serde_json::from_slice(&body)
            .map_err(|error| Failure::new(format!("the list of {what}: {error}")))?;
        let objects = list.items.unwrap_or_default();
        many += objects.len().max(1);
        if is_had {
            for object in objects {
                let Some(item) = follower.read(object) else {
                    continue;
                };
                let size = follower.kept(object, &item);
                room = room.checked_sub(size).ok_or_else(|| {
                    let limit = LIST_MAX >> 20;
                    let text =
                        format!("what is kept of the list of {what} is more than {limit} MiB");
                    Failure::new(text)
                })?;
                items.push(item);
            }
        } else {
            left_out += 1;
            if left_out > LEFT_OUT_MAX {
                let text = format!("more than {LEFT_OUT_MAX} of the {what} cannot be had");
                return Err(Failure::new(text));
            }
        }
        listing.more = list.metadata.more;
        if listing.more.is_empty() {
            return Ok(Listed {
                items,
                left_out,
                place: list.metadata.resource_version,
            });
        }
        if many >= F::OBJECTS_MAX {
            let limit = F::OBJECTS_MAX;
            let text = format!("the list of {what} has more than {limit} of them");
            return Err(Failure::new(text));
        }
    }
}

impl<F: Follower> Listing<'_, F> {
    /// What comes next; or, and then `false`, the name of the one object that cannot be had.
    async fn next(&mut self) -> Result<(Bytes, bool), Failure> {
        let is_whole = self.more.is_empty() && !matches!(self.from, From::Agreed);
        loop {
            let target = self.target(*self.page);
            let begun = Instant::now();
            let failure = match self.follower.api().list(&target).await {
                Ok(body) => {
                    self.backoff = Backoff::new();
                    if body.len() < EASY && begun.elapsed() < QUICK {
                        self.grow();
                    }
                    return Ok((body, true));
                }
                Err(failure) => failure,
            };
            if is_whole || !(failure.is_long || failure.is_late) {
                return Err(failure);
            }
            self.follower.health().note(&failure);
            if *self.page == 1 {
                return Ok((self.leave_out(&failure).await?, false));
            }
            *self.page /= 2;
            self.takes = (self.takes * 2).min(TAKES_MAX);
            self.until = self.takes;
            sleep(self.backoff.next(failure.after)).await;
        }
    }

    fn grow(&mut self) {
        self.until -= 1;
        if self.until == 0 {
            *self.page = (*self.page * 2).min(F::PAGE);
            self.until = self.takes;
        }
    }

    /// Says which object cannot be had, and why. Answers with its metadata, and where the list goes on.
    async fn leave_out(&self, failure: &Failure) -> Result<Bytes, Failure> {
        let target = self.target(1);
        let body = self.follower.api().list_names(&target).await?;
        let (what, why) = (F::WHAT, &failure.text);
        let list: List<'_> = serde_json::from_slice(&body)
            .map_err(|error| Failure::new(format!("the names of {what}: {error}")))?;
        for object in list.items.unwrap_or_default() {
            let named = serde_json::from_str::<Named>(object.get()).unwrap_or_default();
            let text = format!("{named} of the {what} is left out, it cannot be had: {why}");
            tracing::warn!("{text}");
            self.follower.health().note(&Failure::new(text));
        }
        Ok(body)
    }

    fn target(&self, page: usize) -> String {
        let mut target = self.follower.target();
        target.push_str(&match self.from {
            _ if !self.more.is_empty() => {
                format!("&limit={page}&continue={}", escaped(&self.more))
            }
            From::Any => format!("&limit={page}&resourceVersion=0"),
            // With a limit it is not answered from memory.
            From::Place(place) => format!(
                "&resourceVersion={}&resourceVersionMatch=NotOlderThan",
                escaped(place)
            ),
            From::Agreed => format!("&limit={page}"),
        });
        target
    }
}

//! What is to be written, when, and what became of it.

use super::board::Board;
use super::object::{self, Written};
use super::one::{Failing, One, Promotion};
use crate::kubernetes::api::Failure;
use lapwing_profile::collected::Judged;
use lapwing_profile::collected::object::{Phase, Status};
use lapwing_profile::workload::Workload;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Longest wait for an object that is not taken, or a BehaviorProfile that cannot be made.
pub const WAIT_MAX: Duration = Duration::from_secs(600);
/// How long a write that succeeded says that the API takes what is written.
const LATELY: Duration = Duration::from_secs(60);

/// What to write of a workload.
#[derive(Clone, Debug)]
pub struct Due {
    /// All that the object is to say.
    pub status: Status,
    /// What is remembered of that.
    pub written: Written,
    /// Whether there is an object.
    pub exists: bool,
    /// Whether it is ready for a person now, and was not before.
    pub becomes_ready: bool,
    /// Whether a node went that told of it.
    parted: bool,
}

impl Board {
    /// Workloads of which something is to be written now, first what was not tried for longest.
    pub fn waiting(&self) -> Vec<Arc<Workload>> {
        let state = self.lock();
        let now = Instant::now();
        let is_due = |one: &One| {
            let Some(since) = one.dirty else { return false };
            let pause = match one.may_be_news {
                true => self.rules.interval,
                false => self.rules.evidence,
            };
            let wait = one.failing.as_ref().map_or(pause, |it| it.wait.max(pause));
            match one.tried {
                Some(tried) => now.duration_since(tried) >= wait,
                // The first of a workload waits for others that come with it.
                None => {
                    now.duration_since(since) >= self.rules.interval.min(Duration::from_secs(2))
                }
            }
        };
        let due = state.all.iter().filter(|(_, one)| is_due(one));
        let mut due: Vec<_> = due.map(|(key, one)| (one.tried, Arc::clone(key))).collect();
        drop(state);
        due.sort_by_key(|(tried, _)| *tried);
        due.into_iter().map(|(_, workload)| workload).collect()
    }

    /// What is to be written of a workload, at `now` in nanoseconds since the Unix epoch; `None` where it is no
    /// news after all.
    pub fn due(&self, workload: &Workload, now: i64) -> Option<Due> {
        let (snapshot, before, tried, since, parted) = {
            let mut state = self.lock();
            let one = state.all.get_mut(workload)?;
            // What comes from now on is another time's.
            one.may_be_news = false;
            let (since, parted) = (one.dirty.take(), std::mem::take(&mut one.parted));
            (
                one.snapshot(),
                one.written.clone(),
                one.tried,
                since,
                parted,
            )
        };
        let judged = snapshot.judge(&self.rules.terms);
        let before = before.as_deref();
        let status = object::status(&snapshot, &judged, before, self.rules.promotes, now);
        let uid = before.map_or("", |before| &before.uid);
        let written = Written::of(&status, uid);
        if before.is_some_and(|before| before.says_the_same(&written)) {
            return None;
        }
        let is_news = before.is_none_or(|before| before.is_news(&written));
        let waited = tried.is_none_or(|tried| tried.elapsed() >= self.rules.evidence);
        let mut state = self.lock();
        let one = state.all.get_mut(workload)?;
        // What nobody will tell again is not left for later.
        if !is_news && !waited && !parted {
            one.dirty = since.or(one.dirty);
            return None;
        }
        one.tried = Some(Instant::now());
        let was_learning = before.is_none_or(|before| before.phase == Phase::Learning);
        Some(Due {
            exists: before.is_some(),
            becomes_ready: was_learning && status.phase == Phase::Ready,
            written,
            status,
            parted,
        })
    }

    /// It was written, and made for that where there was none.
    pub fn wrote(&self, workload: &Workload, written: Written, is_made: bool) {
        let mut state = self.lock();
        state.wrote = Some(Instant::now());
        // One that ends lets what is there be changed still.
        if is_made {
            state.gone.remove(&workload.namespace);
        }
        if let Some(one) = state.all.get_mut(workload) {
            one.written = Some(Arc::new(written));
            one.failing = None;
        }
    }

    /// Whether something was written a moment ago.
    pub fn wrote_lately(&self) -> bool {
        let wrote = self.lock().wrote;
        wrote.is_some_and(|at| at.elapsed() < LATELY)
    }

    /// It was not; `exists` says whether there is an object still. It is tried again after the interval, and
    /// after twice as long each time, up to `most`. Answers whether what is said of it is news.
    pub fn failed(
        &self,
        workload: &Workload,
        due: &Due,
        exists: bool,
        text: &str,
        most: Duration,
    ) -> bool {
        let mut state = self.lock();
        let Some(one) = state.all.get_mut(workload) else {
            return false;
        };
        if !exists {
            one.written = None;
        }
        one.parted |= due.parted;
        one.touch(true);
        let times = [self.rules.interval, most];
        let (failing, is_news) = Failing::again(one.failing.as_ref(), text, times);
        one.failing = Some(failing);
        is_news
    }

    /// It was not, as its namespace ends or is gone, and its object with it. If it runs nowhere it is forgotten; else it
    /// is tried again as after a failure, until it does. In a namespace that is gone nothing runs, whatever agents said
    /// last: that an instance ended they tell with the next change of its profile, and there is none. Answers which, and
    /// whether what is said of it is news.
    pub fn lost_namespace(&self, workload: &Workload, due: &Due, why: &Failure) -> (bool, bool) {
        let mut state = self.lock();
        state.gone.put(&workload.namespace);
        let runs = state.all.get(workload).is_some_and(One::runs);
        if !runs || why.is_without_namespace() {
            state.forget(workload);
            return (true, true);
        }
        drop(state);
        let is_news = self.failed(workload, due, due.exists, &why.text, WAIT_MAX);
        let mut state = self.lock();
        let one = state.all.get_mut(workload);
        if let Some(failing) = one.and_then(|one| one.failing.as_mut()) {
            failing.is_of_namespace = true;
        }
        (false, is_news)
    }

    /// Workloads of which a BehaviorProfile is to be made without a person, so many at most: those that are
    /// ready, and never had one.
    pub fn to_promote(&self, most: usize) -> Vec<Arc<Workload>> {
        let state = self.lock();
        let is_due = |one: &One| match &one.promotion {
            Promotion::Untried => true,
            Promotion::Failed(failing, at) => at.elapsed() >= failing.wait,
            Promotion::Over => false,
        };
        let is_ready = |one: &One| {
            let written = one.written.as_ref();
            one.beside.promoted.is_none()
                && written.is_some_and(|it| it.phase == Phase::Ready && !it.was_promoted())
        };
        let due = { state.all.iter() }.filter(|(_, one)| is_ready(one) && is_due(one));
        due.take(most).map(|(key, _)| Arc::clone(key)).collect()
    }

    /// What one of these comes to, and the uid of its object; `None` where it is not ready any more.
    pub fn ready(&self, workload: &Workload) -> Option<(Judged, String)> {
        let (snapshot, uid) = {
            let state = self.lock();
            let one = state.all.get(workload)?;
            let uid = one.written.as_ref().map(|written| written.uid.clone());
            (one.snapshot(), uid.unwrap_or_default())
        };
        let judged = snapshot.judge(&self.rules.terms);
        judged.is_complete().then_some((judged, uid))
    }

    /// Its BehaviorProfile was made, or never will be.
    pub fn is_over(&self, workload: &Workload) {
        if let Some(one) = self.lock().all.get_mut(workload) {
            one.promotion = Promotion::Over;
        }
    }

    /// It could not be made now. Answers whether what is said of it is news.
    pub fn not_promoted(&self, workload: &Workload, text: &str) -> bool {
        let mut state = self.lock();
        let Some(one) = state.all.get_mut(workload) else {
            return false;
        };
        let before = match &one.promotion {
            Promotion::Failed(failing, _) => Some(failing),
            Promotion::Untried | Promotion::Over => None,
        };
        let times = [self.rules.interval, WAIT_MAX];
        let (failing, is_news) = Failing::again(before, text, times);
        one.promotion = Promotion::Failed(failing, Instant::now());
        is_news
    }

    /// Workloads that were seen nowhere for as long as they are kept.
    pub fn expired(&self, now: i64) -> Vec<Arc<Workload>> {
        let state = self.lock();
        let until = now.saturating_sub(self.rules.keep);
        let runs_nowhere = |one: &One| one.running.values().all(|instances| *instances == 0);
        let old = |one: &One| one.collected.last_seen().is_some_and(|last| last < until);
        let expired = { state.all.iter() }.filter(|(_, one)| runs_nowhere(one) && old(one));
        expired.map(|(workload, _)| Arc::clone(workload)).collect()
    }
}

//! Which of the replicas leads: who holds a Lease of the cluster.
//!
//! The rules are those of Kubernetes' own controllers. Who holds the Lease renews it; another may take it
//! when it was not renewed for as long as its holder said. Clocks of two hosts are never compared: that
//! time is counted by the own clock, from when the last change of the Lease was *seen*, so that a clock
//! that is wrong makes nobody lead early. The holder counts from before it asked to renew, and gives up
//! after `deadline`, which is less than `duration`: so it has stopped when another may begin, also where
//! the API does not answer. Where replicas have different settings, as while they are changed, whoever waits does so
//! for the longer of its own time and the one that the holder said. (The clock of a node that sleeps stands still, so a
//! holder there leads until it has renewed it in vain once it is awake.) Two that take it at once do so by the same `resourceVersion`, and the API
//! refuses one (409). An orderly end gives it free at once.
//!
//! One that is not there may have been deleted under its holder, and that somebody made one and it was deleted
//! again is not seen between two looks. So whoever misses it makes it without a holder, and takes it when nobody
//! wrote to it for as long as any other, which is how long the first start takes; its holder writes itself into
//! it within `retry`. A longer time that a holder said before counts for it too; a replica that began after the Lease
//! was gone, and has a shorter one, has not heard of it.
//!
//! The holder's text says where it is reached, for the others pass connections on. Beside it the Lease has
//! a note of the leader's, which the next one finds: what must outlast it and is small. It costs no write
//! more than the renewals.

pub mod untaken;

use self::untaken::Untaken;
use crate::jitter::{chance, jitter};
use crate::kubernetes::api::{Api, Failure};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Where the note is.
const NOTE: &str = "lapwing.dev/leader-note";
/// What is in a Lease that was given free, for its duration in seconds.
const GIVEN_FREE: u64 = 1;
/// Longest note that is written, in bytes: all annotations together may have 256 KiB.
pub const NOTE_MAX: usize = 128 << 10;

/// How the Lease is held.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// How long one that is not renewed counts, in whole seconds.
    pub duration: Duration,
    /// How long the holder leads without having renewed it.
    pub deadline: Duration,
    /// Time between two looks or renewals.
    pub retry: Duration,
}

/// Who holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The replica.
    pub name: String,
    /// Where others reach it; none where it said so.
    pub address: Option<SocketAddr>,
    /// Tells one start of it from the next.
    nonce: String,
}

impl Holder {
    /// This replica, from now on.
    #[must_use]
    pub fn begin(name: &str, address: Option<SocketAddr>) -> Self {
        let name = name.replace(
            |letter: char| letter.is_whitespace() || letter.is_control(),
            "-",
        );
        Self {
            name,
            address,
            nonce: format!("{:08x}{:08x}", chance(), chance()),
        }
    }

    fn text(&self) -> String {
        let address = self
            .address
            .map_or_else(|| "-".to_owned(), |at| at.to_string());
        format!("{} {address} {}", self.name, self.nonce)
    }

    /// Somebody's word, which need not be one of ours.
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let (name, address, nonce) = (parts.next()?, parts.next(), parts.next());
        (!name.is_empty()).then(|| Self {
            name: name.to_owned(),
            address: address.and_then(|text| text.parse().ok()),
            nonce: nonce.unwrap_or_default().to_owned(),
        })
    }
}

/// What was seen of the Lease last.
#[derive(Clone, Debug, Default)]
struct Seen {
    object: Value,
    /// When it was another one than before, by the own clock.
    changed: Option<Instant>,
    /// The time that its last holder said.
    said: Option<u64>,
    /// When the last write to it was asked for that made it, or left it, the own.
    renewed: Option<Instant>,
}

impl Seen {
    fn spec(&self, key: &str) -> &Value {
        &self.object["spec"][key]
    }

    fn holder(&self) -> &str {
        self.spec("holderIdentity").as_str().unwrap_or_default()
    }

    fn note(&self) -> &str {
        let note = &self.object["metadata"]["annotations"][NOTE];
        note.as_str().unwrap_or_default()
    }

    /// As the holder says, in bounds, and no less than here: anybody may have written it. One that was made anew,
    /// without a holder, may be of a replica that did not hear the last holder's time.
    fn duration(&self, own: Duration) -> Duration {
        let said = self.spec("leaseDurationSeconds").as_u64();
        let before = self.said.filter(|_| self.holder().is_empty());
        Self::longer(said.max(before), own)
    }

    /// The same where there is none, as its last holder said.
    fn duration_anew(&self, own: Duration) -> Duration {
        Self::longer(self.said, own)
    }

    fn longer(said: Option<u64>, own: Duration) -> Duration {
        let said = Duration::from_secs(said.unwrap_or_default().min(3600));
        said.max(own)
    }

    fn take(&mut self, object: Value) {
        // Whatever was written to it shows that its holder lives, or that it is another.
        let is_same =
            object["metadata"]["resourceVersion"] == self.object["metadata"]["resourceVersion"];
        if !is_same || self.changed.is_none() {
            self.changed = Some(Instant::now());
        }
        self.object = object;
        if !self.holder().is_empty() {
            self.said = self.spec("leaseDurationSeconds").as_u64();
        }
    }

    /// Whether its holder gave it free, or it is the own still. One without a holder may have lost it by other
    /// hands than its holder's.
    fn is_free(&self, own: &str) -> bool {
        let was_held = !self.spec("acquireTime").is_null();
        let is_given = self.spec("leaseDurationSeconds") == GIVEN_FREE && was_held;
        is_given && self.holder().is_empty() || self.holder() == own
    }
}

/// One who leads, or waits to.
pub struct Elector {
    api: Arc<Api>,
    terms: Terms,
    own: Holder,
    seen: Mutex<Seen>,
    note: Mutex<Note>,
}

/// The note, which of them it is, and which was written last.
#[derive(Debug, Default)]
struct Note {
    text: String,
    number: u64,
    written: u64,
}

impl std::fmt::Debug for Elector {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Elector")
            .field("own", &self.own)
            .finish_non_exhaustive()
    }
}

impl Elector {
    /// Of a Lease that was not looked at yet.
    #[must_use]
    pub fn new(api: Arc<Api>, terms: Terms, own: Holder) -> Self {
        Self {
            api,
            terms,
            own,
            seen: Mutex::default(),
            note: Mutex::default(),
        }
    }

    /// How the Lease is held.
    #[must_use]
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Who leads, as far as is known here, if anybody does.
    #[must_use]
    pub fn holder(&self) -> Option<Holder> {
        let seen = self.seen();
        Holder::read(seen.holder())
    }

    /// Whether that is another one than this replica.
    #[must_use]
    pub fn is_other(&self, holder: &Holder) -> bool {
        *holder != self.own
    }

    /// What the next leader is to find; written with the next renewal. Answers with its number; none where it is
    /// too long, and what was said before stays.
    pub fn set_note(&self, text: String) -> Option<u64> {
        if text.len() > NOTE_MAX {
            return None;
        }
        let mut note = self.note();
        if text != note.text {
            note.text = text;
            note.number += 1;
        }
        Some(note.number)
    }

    /// Whether a note, or a later one, is in the Lease.
    #[must_use]
    pub fn is_written(&self, number: u64) -> bool {
        self.note().written >= number
    }

    fn note(&self) -> MutexGuard<'_, Note> {
        self.note.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn folder(&self) -> String {
        let namespace = &self.terms.namespace;
        format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases")
    }

    fn path(&self) -> String {
        format!("{}/{}", self.folder(), self.terms.name)
    }

    /// Waits until this replica leads. Answers with the note of who led before.
    pub async fn lead(&self) -> String {
        let mut untaken = Untaken::default();
        loop {
            match self.try_take().await {
                Ok(Some(note)) => return note,
                Ok(None) => untaken = Untaken::default(),
                Err(failure) => {
                    if untaken.is_due(&failure, Instant::now(), self.terms.duration) {
                        let hint = match failure.status {
                            403 if !failure.is_of_namespace => {
                                ": give the controller the chart's Role"
                            }
                            _ => "",
                        };
                        let error = &failure.text;
                        tracing::warn!(error, "the Lease cannot be had{hint}");
                    }
                    // What it is reached with may be another now.
                    let _ = self.api.connect().await;
                }
            }
            sleep(jitter(self.terms.retry, chance())).await;
        }
    }

    /// Renews it until that fails for too long, or somebody else has it. Says why.
    pub async fn hold(&self) -> String {
        let mut good = self.seen().renewed.unwrap_or_else(Instant::now);
        let mut last = String::new();
        loop {
            // So long at the most: the next try must have its time before the end.
            let left = self.terms.deadline.saturating_sub(good.elapsed());
            if left.is_zero() {
                let limit = self.terms.deadline.as_millis();
                return format!("the Lease was not renewed for {limit} ms: {last}");
            }
            sleep(jitter(self.terms.retry, chance()).min(left)).await;
            let begun = Instant::now();
            let left = self.terms.deadline.saturating_sub(good.elapsed());
            match tokio::time::timeout(left, self.renew()).await {
                Ok(Ok(true)) => good = begun,
                Ok(Ok(false)) => {
                    let holder = self.seen().holder().to_owned();
                    let name = holder.split(' ').next().unwrap_or_default();
                    return format!("`{name}` has the Lease");
                }
                Ok(Err(failure)) => last = failure.text,
                Err(_) if last.is_empty() => last = "no answer".to_owned(),
                Err(_) => {}
            }
        }
    }

    /// Gives it free, if it is still the own.
    pub async fn release(&self) {
        let seen = self.seen().clone();
        if seen.holder() != self.own.text() {
            return;
        }
        if let Err(failure) = self.replace(seen.object, "", GIVEN_FREE).await {
            tracing::debug!("the Lease was not given free: {}", failure.text);
        }
    }

    /// Fills in the rest of a Lease. Answers with the number of the note in it.
    fn write_into(&self, object: &mut Value, holder: &str, seconds: u64) -> u64 {
        let note = self.note();
        well_formed(object);
        object["metadata"]["annotations"][NOTE] = json!(note.text);
        let number = note.number;
        drop(note);
        object["spec"]["holderIdentity"] = json!(holder);
        object["spec"]["leaseDurationSeconds"] = json!(seconds);
        object["spec"]["renewTime"] = json!(micro_time());
        number
    }

    /// It was written with the note of this number, as was asked then.
    fn wrote(&self, object: Value, number: u64, begun: Instant) {
        let mut seen = self.seen();
        seen.take(object);
        seen.renewed = Some(begun);
        drop(seen);
        let mut note = self.note();
        note.written = note.written.max(number);
    }

    /// Writes it with this holder, if nobody else wrote to it.
    async fn replace(&self, mut object: Value, holder: &str, seconds: u64) -> Result<(), Failure> {
        let number = self.write_into(&mut object, holder, seconds);
        let object = object.to_string().into_bytes();
        let begun = Instant::now();
        let answer = self.api.replace(&self.path(), object).await?;
        self.wrote(parse(&answer)?, number, begun);
        Ok(())
    }

    /// Makes it, as the own or without a holder; says whether nobody else did before.
    async fn create(&self, is_own: bool) -> Result<bool, Failure> {
        let (namespace, name) = (&self.terms.namespace, &self.terms.name);
        let own = self.terms.duration;
        let seconds = match is_own {
            true => own,
            false => self.seen().duration_anew(own),
        };
        let seconds = seconds.as_secs();
        let mut object = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": name, "namespace": namespace, "annotations": {}},
            "spec": {"leaseDurationSeconds": seconds, "leaseTransitions": 0},
        });
        let number = is_own.then(|| {
            object["spec"]["acquireTime"] = json!(micro_time());
            self.write_into(&mut object, &self.own.text(), seconds)
        });
        let object = object.to_string().into_bytes();
        let begun = Instant::now();
        match self.api.create(&self.folder(), object).await {
            Ok(answer) => {
                let answer = parse(&answer)?;
                match number {
                    Some(number) => self.wrote(answer, number, begun),
                    None => self.seen().take(answer),
                }
                Ok(true)
            }
            Err(failure) if failure.is_conflict() => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    async fn look(&self) -> Result<bool, Failure> {
        match self.api.get(&self.path()).await {
            Ok(answer) => {
                self.seen().take(parse(&answer)?);
                Ok(true)
            }
            Err(failure) if failure.is_missing() => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Takes it if it is free. Answers with the note in it then.
    async fn try_take(&self) -> Result<Option<String>, Failure> {
        let is_first = self.seen().changed.is_none();
        if is_first {
            self.api.connect().await?;
        }
        let seconds = self.terms.duration.as_secs();
        let own = self.own.text();
        if !self.look().await? {
            self.create(false).await?;
            return Ok(None);
        }
        let mut seen = self.seen().clone();
        let quiet = seen
            .changed
            .map_or(Duration::ZERO, |changed| changed.elapsed());
        if !seen.is_free(&own) && quiet < seen.duration(self.terms.duration) {
            return Ok(None);
        }
        let note = seen.note().to_owned();
        // One that is too long is none of ours.
        let _ = self.set_note(note.clone());
        let transitions = seen.spec("leaseTransitions").as_u64().unwrap_or_default();
        // The first to have it takes it from nobody.
        let is_first = seen.spec("acquireTime").is_null() && seen.holder().is_empty();
        let transitions = transitions.saturating_add(u64::from(!is_first)) & 0x7fff_ffff;
        well_formed(&mut seen.object);
        seen.object["spec"]["leaseTransitions"] = json!(transitions);
        seen.object["spec"]["acquireTime"] = json!(micro_time());
        match self.replace(seen.object, &own, seconds).await {
            Ok(()) => Ok(Some(note)),
            // Somebody else was faster.
            Err(failure) if failure.is_conflict() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Whether it is still the own.
    async fn renew(&self) -> Result<bool, Failure> {
        let seconds = self.terms.duration.as_secs();
        let own = self.own.text();
        let object = self.seen().object.clone();
        match self.replace(object, &own, seconds).await {
            Ok(()) => return Ok(true),
            Err(failure) if !failure.is_conflict() && !failure.is_missing() => {
                let _ = self.api.connect().await;
                return Err(failure);
            }
            Err(_) => {}
        }
        // Somebody wrote to it: another leader, a person who labelled it, or who made it anew.
        if !self.look().await? && self.create(true).await? {
            return Ok(true);
        }
        let mut object = self.seen().object.clone();
        match self.seen().holder() {
            "" => {
                well_formed(&mut object);
                object["spec"]["acquireTime"] = json!(micro_time());
            }
            holder if holder == own => {}
            _ => return Ok(false),
        }
        self.replace(object, &own, seconds).await.map(|()| true)
    }
}

fn parse(answer: &[u8]) -> Result<Value, Failure> {
    let read: Result<Value, _> = serde_json::from_slice(answer);
    match read {
        Ok(object) if object["metadata"].is_object() => Ok(object),
        Ok(_) => Err(Failure::new("the Lease has no metadata")),
        Err(error) => Err(Failure::new(format!("the Lease: {error}"))),
    }
}

/// Has it what is written into, whoever made it.
fn well_formed(object: &mut Value) {
    for path in ["/metadata/annotations", "/spec"] {
        if let Some(part) = object.pointer_mut(path)
            && !part.is_object()
        {
            *part = json!({});
        }
    }
}

/// Now, as a `MicroTime` of the API: always six digits.
pub(super) fn micro_time() -> String {
    let now = jiff::Timestamp::from_nanosecond(i128::from(crate::clock::now()));
    format!("{:.6}", now.unwrap_or_default())
}

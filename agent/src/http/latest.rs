//! The latest counters: asked for once a second at most, however many ask.
//!
//! The pipeline answers between two batches of records. Whoever reaches the address could keep it
//! busy with answers instead, so those that ask within a second of each other get the same one, and
//! what is costly of the status is left out. A pipeline that does not answer has one question at a
//! time to answer when it comes back.

use crate::api::control::Ended;
use crate::api::inquiry::Inquiry;
use lapwing_proto::v1::GetStatusResponse;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

/// How old an answer may be.
const FRESH: Duration = Duration::from_secs(1);
/// How long the pipeline may take: less than the patience of probes.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// Why there is no status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// The pipeline did not answer in time.
    Late,
    /// The agent ends.
    Ended,
}

/// A status, or why there is none.
pub type Answer = Result<Arc<GetStatusResponse>, Silence>;

/// An answer, and when it was made; no two are made at once.
#[derive(Clone, Debug)]
pub struct Made {
    pub at: Instant,
    pub answer: Answer,
}

/// A question under way, whose answer says when it came.
type Asking = JoinHandle<(Instant, Result<GetStatusResponse, Ended>)>;

#[derive(Default)]
struct Held {
    last: Option<Made>,
    asking: Option<Asking>,
}

/// Who asks, and what was said last.
pub struct Latest {
    inquiry: Inquiry,
    held: Mutex<Held>,
}

impl Latest {
    pub fn new(inquiry: Inquiry) -> Self {
        Self {
            inquiry,
            held: Mutex::default(),
        }
    }

    /// What is known, at most a second old.
    pub async fn look(&self) -> Made {
        let mut held = self.held.lock().await;
        if let Some(last) = &held.last
            && last.at.elapsed() < FRESH
        {
            return last.clone();
        }
        let until = Instant::now() + PATIENCE;
        let made = loop {
            let inquiry = &self.inquiry;
            let asking = held.asking.get_or_insert_with(|| {
                let inquiry = inquiry.clone();
                tokio::spawn(async move {
                    let told = inquiry.counters().await;
                    (Instant::now(), told)
                })
            });
            let Ok(told) = timeout_at(until, asking).await else {
                // It may still come, for who asks next.
                break Made {
                    at: Instant::now(),
                    answer: Err(Silence::Late),
                };
            };
            held.asking = None;
            match told {
                // To a question of long ago: how it was then.
                Ok((at, Ok(_))) if at.elapsed() >= FRESH => {}
                Ok((at, Ok(status))) => {
                    let answer = Ok(Arc::new(status));
                    break Made { at, answer };
                }
                Ok((_, Err(Ended))) | Err(_) => {
                    break Made {
                        at: Instant::now(),
                        answer: Err(Silence::Ended),
                    };
                }
            }
        };
        held.last = Some(made.clone());
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::control::{Control, Request};
    use crate::feed::{Feed, Limits};
    use crate::sink::Sinks;
    use std::sync::mpsc::Receiver;

    fn open(folder: &std::path::Path) -> (Latest, Receiver<Request>) {
        let (control, requests) = Control::new(Arc::new(|| ()));
        let limits = Limits {
            items: 1,
            bytes: 1 << 20,
        };
        let sinks = Sinks::none(folder, Arc::new(Feed::new(limits, 1))).unwrap();
        (
            Latest::new(Inquiry::new(control, Arc::new(sinks), None)),
            requests,
        )
    }

    fn answer(request: Request, records: u64) {
        let Request::Counters(reply) = request else {
            panic!("another question")
        };
        let status = GetStatusResponse {
            records,
            ..GetStatusResponse::default()
        };
        reply.send(status).unwrap();
    }

    /// A look that makes the pipeline answer.
    async fn asked(latest: &Latest, requests: &Receiver<Request>, records: u64) -> Answer {
        let pipeline = async {
            loop {
                if let Ok(request) = requests.try_recv() {
                    return answer(request, records);
                }
                // Time does not pass while there is something to do.
                tokio::task::yield_now().await;
            }
        };
        tokio::join!(latest.look(), pipeline).0.answer
    }

    #[tokio::test(start_paused = true)]
    async fn many_that_ask_are_one_question() {
        let folder = tempfile::tempdir().unwrap();
        let (latest, requests) = open(folder.path());
        assert_eq!(asked(&latest, &requests, 1).await.unwrap().records, 1);
        let at = latest.look().await.at;
        for _ in 0..100 {
            let made = latest.look().await;
            assert_eq!((made.answer.unwrap().records, made.at), (1, at));
        }
        assert!(requests.try_recv().is_err(), "it is asked again");
        tokio::time::sleep(FRESH).await;
        let answer = asked(&latest, &requests, 2).await.unwrap();
        assert_eq!(answer.records, 2, "another second");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_does_not_answer_is_asked_once() {
        let folder = tempfile::tempdir().unwrap();
        let (latest, requests) = open(folder.path());
        for _ in 0..5 {
            assert_eq!(latest.look().await.answer, Err(Silence::Late));
            tokio::time::sleep(FRESH).await;
        }
        answer(requests.recv().unwrap(), 7);
        assert_eq!(latest.look().await.answer.unwrap().records, 7);
        assert!(requests.try_recv().is_err(), "a question waits besides");
        drop(requests);
        tokio::time::sleep(FRESH).await;
        assert_eq!(latest.look().await.answer, Err(Silence::Ended));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_came_long_ago_is_not_taken_for_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let (latest, requests) = open(folder.path());
        assert_eq!(latest.look().await.answer, Err(Silence::Late));
        answer(requests.recv().unwrap(), 7);
        tokio::time::sleep(FRESH * 10).await;
        assert_eq!(asked(&latest, &requests, 8).await.unwrap().records, 8);
        assert!(requests.try_recv().is_err(), "a question waits besides");
    }
}

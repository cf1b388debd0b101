//! The latest status: asked for once a second at most, however many ask.
//!
//! The pipeline answers between two batches of records. Whoever reaches the address could keep it
//! busy with answers instead, so those that ask within a second of each other get the same one. A
//! pipeline that does not answer has one question at a time to answer when it comes back.

use crate::api::control::Ended;
use crate::api::inquiry::Inquiry;
use lapwing_proto::v1::GetStatusResponse;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

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

#[derive(Default)]
struct Held {
    last: Option<(Instant, Answer)>,
    asking: Option<JoinHandle<Result<GetStatusResponse, Ended>>>,
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
    pub async fn look(&self) -> Answer {
        let mut held = self.held.lock().await;
        if let Some((at, answer)) = &held.last
            && at.elapsed() < FRESH
        {
            return answer.clone();
        }
        let inquiry = &self.inquiry;
        let asking = held.asking.get_or_insert_with(|| {
            let inquiry = inquiry.clone();
            tokio::spawn(async move { inquiry.ask().await })
        });
        let answer = match timeout(PATIENCE, asking).await {
            Ok(told) => {
                held.asking = None;
                match told {
                    Ok(Ok(status)) => Ok(Arc::new(status)),
                    Ok(Err(Ended)) | Err(_) => Err(Silence::Ended),
                }
            }
            // It may still come, for who asks next.
            Err(_) => Err(Silence::Late),
        };
        held.last = Some((Instant::now(), answer.clone()));
        answer
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
        let Request::Status(reply) = request else {
            panic!("another question")
        };
        let status = GetStatusResponse {
            records,
            ..GetStatusResponse::default()
        };
        reply.send(status).unwrap();
    }

    #[tokio::test]
    async fn many_that_ask_are_one_question() {
        let folder = tempfile::tempdir().unwrap();
        let (latest, requests) = open(folder.path());
        let pipeline = std::thread::spawn(move || {
            let mut count = 0;
            for request in requests {
                count += 1;
                answer(request, count);
            }
            count
        });
        for _ in 0..100 {
            assert_eq!(latest.look().await.unwrap().records, 1);
        }
        tokio::time::sleep(FRESH).await;
        assert_eq!(latest.look().await.unwrap().records, 2, "another second");
        drop(latest);
        assert_eq!(pipeline.join().unwrap(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_does_not_answer_is_asked_once() {
        let folder = tempfile::tempdir().unwrap();
        let (latest, requests) = open(folder.path());
        for _ in 0..5 {
            assert_eq!(latest.look().await, Err(Silence::Late));
            tokio::time::sleep(FRESH).await;
        }
        answer(requests.recv().unwrap(), 7);
        assert_eq!(latest.look().await.unwrap().records, 7);
        assert!(requests.try_recv().is_err(), "a question waits besides");
        drop(requests);
        tokio::time::sleep(FRESH).await;
        assert_eq!(latest.look().await, Err(Silence::Ended));
    }
}

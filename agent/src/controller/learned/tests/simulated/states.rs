//! What simulated nodes make of BehaviorProfiles: each obeys those of its workloads, a little after they are there.

use super::workload_of;
use lapwing_proto::v1::behavior_profile_state::Verdict;
use lapwing_proto::v1::{BehaviorProfileState, FollowBehaviorProfilesResponse};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tonic::Status;

/// Objects of one message, as agents have it.
const ONCE: usize = 64;

/// The generations of all objects, by the numbers of their workloads.
pub type Obeyed = Arc<Vec<i64>>;

/// The object of a workload: its name and its uid.
pub fn object_of(number: usize) -> (String, String) {
    (format!("w{number}"), format!("profile-{number}"))
}

/// What one node makes of them.
#[derive(Clone)]
pub struct States {
    pub numbers: Vec<usize>,
    pub obeyed: watch::Receiver<Obeyed>,
    pub stood: Arc<AtomicUsize>,
    /// How long after the first one it hears of them.
    pub later: Duration,
}

fn state(number: usize, generation: i64) -> BehaviorProfileState {
    let (name, uid) = object_of(number);
    BehaviorProfileState {
        namespace: workload_of(number).namespace,
        name,
        uid,
        generation,
        verdict: Verdict::InForce.into(),
        instances: 1,
        ..BehaviorProfileState::default()
    }
}

impl States {
    /// All of it, then what is another, and that it lives between.
    pub async fn tell(
        mut self,
        interval: Duration,
        sender: mpsc::Sender<Result<FollowBehaviorProfilesResponse, Status>>,
    ) {
        let mut told = Obeyed::default();
        loop {
            let all = Arc::clone(&self.obeyed.borrow_and_update());
            let numbers = self.numbers.iter().copied();
            let news = numbers.filter(|number| all.get(*number) != told.get(*number));
            let news = news.map(|number| state(number, all[number]));
            let mut news: Vec<BehaviorProfileState> = news.collect();
            loop {
                let profiles: Vec<_> = news.drain(..news.len().min(ONCE)).collect();
                self.stood.fetch_add(profiles.len(), Ordering::Relaxed);
                let whole = news.is_empty();
                let message = FollowBehaviorProfilesResponse {
                    profiles,
                    gone: Vec::new(),
                    whole,
                };
                if sender.send(Ok(message)).await.is_err() {
                    return;
                }
                if whole {
                    break;
                }
            }
            told = all;
            match timeout(interval, self.obeyed.changed()).await {
                Ok(Ok(())) => sleep(self.later).await,
                // It lives.
                Err(_) => {}
                Ok(Err(_)) => return,
            }
        }
    }
}

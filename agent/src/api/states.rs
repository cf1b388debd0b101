//! Following what this node makes of the cluster's BehaviorProfiles: for the controller, which writes it beside each.
//!
//! All there is to say of one is short, and nothing has to be remembered between two connections: a client gets all of
//! it once, and then what became another.

use super::control::{Control, Ended, Request};
use super::reach::Namespaces;
use lapwing_proto::v1::{
    BehaviorProfileState as State, FollowBehaviorProfilesRequest,
    FollowBehaviorProfilesResponse as Response, Workload,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{Instant, sleep};
use tonic::Status;

/// Time after which it is told that the agent lives, unless the client says so.
const INTERVAL: u32 = 10;
/// Longest that may be wanted.
const INTERVAL_MAX: u32 = 3_600;
/// Clients that follow at a time.
const FOLLOWERS_MAX: usize = 8;
/// How often it is looked for news.
const LOOK: Duration = Duration::from_secs(1);
/// Objects of one message.
const ONCE: usize = 64;

/// Who follows.
pub(super) struct Followers(Arc<Semaphore>);

impl Default for Followers {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(FOLLOWERS_MAX)))
    }
}

impl Followers {
    /// Follows, until the client or the agent ends.
    pub(super) fn follow(
        &self,
        control: Control,
        namespaces: Namespaces,
        request: FollowBehaviorProfilesRequest,
        mut ending: watch::Receiver<bool>,
    ) -> Result<mpsc::Receiver<Result<Response, Status>>, Status> {
        let interval = match request.interval_seconds {
            0 => INTERVAL,
            given @ 1..=INTERVAL_MAX => given,
            given => {
                return Err(Status::invalid_argument(format!(
                    "an interval of {given} seconds is longer than an hour ({INTERVAL_MAX})"
                )));
            }
        };
        let interval = Duration::from_secs(interval.into());
        let turn = Arc::clone(&self.0).try_acquire_owned().map_err(|_| {
            Status::resource_exhausted(format!(
                "{FOLLOWERS_MAX} clients follow BehaviorProfiles: one controller for a cluster is enough"
            ))
        })?;
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            let follow = run(&control, &namespaces, interval, &sender);
            tokio::select! {
                _ = follow => {}
                () = sender.closed() => {}
                _ = ending.wait_for(|ending| *ending) => {}
            }
            drop(turn);
        });
        Ok(receiver)
    }
}

fn may_see(namespaces: &Namespaces, state: &State) -> bool {
    namespaces.has(Some(&Workload {
        namespace: state.namespace.clone(),
        ..Workload::default()
    }))
}

async fn run(
    control: &Control,
    namespaces: &Namespaces,
    interval: Duration,
    sender: &mpsc::Sender<Result<Response, Status>>,
) -> Result<(), Ended> {
    let mut told: BTreeMap<String, State> = BTreeMap::new();
    let mut spoke: Option<Instant> = None;
    loop {
        let mut all = control.ask(Request::States).await?;
        all.retain(|_, state| may_see(namespaces, state));
        let news = all
            .iter()
            .filter(|(uid, state)| told.get(*uid) != Some(*state));
        let mut news: Vec<State> = news.map(|(_, state)| state.clone()).collect();
        let gone = told.keys().filter(|uid| !all.contains_key(*uid));
        let mut gone: Vec<String> = gone.cloned().collect();
        let is_due = spoke.is_none_or(|at| at.elapsed() >= interval);
        if is_due || !news.is_empty() || !gone.is_empty() {
            loop {
                let profiles: Vec<State> = news.drain(..news.len().min(ONCE)).collect();
                let left = gone.drain(..gone.len().min(ONCE)).collect();
                let whole = news.is_empty() && gone.is_empty();
                let message = Response {
                    profiles,
                    gone: left,
                    whole,
                };
                if sender.send(Ok(message)).await.is_err() {
                    return Ok(());
                }
                if whole {
                    break;
                }
            }
            spoke = Some(Instant::now());
        }
        told = all;
        sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_proto::v1::behavior_profile_state::Verdict;
    use std::sync::Mutex;

    type Known = Arc<Mutex<BTreeMap<String, State>>>;

    fn state(number: usize, generation: i64) -> (String, State) {
        let uid = format!("u{number:03}");
        let state = State {
            namespace: if number.is_multiple_of(2) {
                "shop"
            } else {
                "bank"
            }
            .to_owned(),
            name: format!("p{number}"),
            uid: uid.clone(),
            generation,
            verdict: Verdict::InForce.into(),
            instances: 1,
            ..State::default()
        };
        (uid, state)
    }

    fn serve(known: &Known) -> Control {
        let (control, requests) = Control::new(Arc::new(|| ()));
        let known = Arc::clone(known);
        std::thread::spawn(move || {
            for request in requests {
                match request {
                    Request::States(reply) => drop(reply.send(known.lock().unwrap().clone())),
                    _ => unreachable!(),
                }
            }
        });
        control
    }

    struct Client {
        items: mpsc::Receiver<Result<Response, Status>>,
        _ending: watch::Sender<bool>,
    }

    fn follow(followers: &Followers, known: &Known, of: &[&str]) -> Result<Client, Status> {
        let (ending, is_ending) = watch::channel(false);
        let of: Vec<String> = of.iter().map(|it| (*it).to_owned()).collect();
        let request = FollowBehaviorProfilesRequest {
            interval_seconds: 5,
        };
        let items = followers.follow(serve(known), Namespaces::new(&of), request, is_ending)?;
        Ok(Client {
            items,
            _ending: ending,
        })
    }

    impl Client {
        async fn next(&mut self) -> Response {
            self.items.recv().await.unwrap().unwrap()
        }
    }

    #[tokio::test]
    async fn all_is_told_once_in_small_messages_and_then_what_is_news() {
        let known = Known::default();
        known
            .lock()
            .unwrap()
            .extend((0..150).map(|number| state(number, 1)));
        let followers = Followers::default();
        let mut client = follow(&followers, &known, &["*"]).unwrap();
        let mut uids = Vec::new();
        for (many, whole) in [(64, false), (64, false), (22, true)] {
            let next = client.next().await;
            assert_eq!((next.profiles.len(), next.whole), (many, whole));
            uids.extend(next.profiles.into_iter().map(|one| one.uid));
        }
        assert_eq!(uids.len(), known.lock().unwrap().len());
        // One stands otherwise, and one is of no concern any more.
        known.lock().unwrap().extend([state(3, 2)]);
        known.lock().unwrap().remove("u004");
        let next = client.next().await;
        assert_eq!(next.profiles, [state(3, 2).1]);
        assert_eq!((next.gone, next.whole), (vec!["u004".to_owned()], true));
        // Nothing is, and it lives.
        assert_eq!(
            client.next().await,
            Response {
                whole: true,
                ..Response::default()
            }
        );
        // Who may see one namespace sees that.
        let mut shop = follow(&followers, &known, &["shop"]).unwrap();
        let mut seen = Vec::new();
        loop {
            let next = shop.next().await;
            seen.extend(next.profiles);
            if next.whole {
                break;
            }
        }
        assert_eq!(seen.len(), 74);
        assert!(seen.iter().all(|one| one.namespace == "shop"));
    }

    #[tokio::test]
    async fn who_wants_too_much_is_refused() {
        let (known, followers) = (Known::default(), Followers::default());
        let (_ending, is_ending) = watch::channel(false);
        let long = FollowBehaviorProfilesRequest {
            interval_seconds: INTERVAL_MAX + 1,
        };
        let refused = followers.follow(serve(&known), Namespaces::All, long, is_ending);
        assert_eq!(refused.unwrap_err().code(), tonic::Code::InvalidArgument);
        let mut all: Vec<Client> = (0..FOLLOWERS_MAX)
            .map(|_| follow(&followers, &known, &["*"]).unwrap())
            .collect();
        let Err(refused) = follow(&followers, &known, &["*"]) else {
            panic!("one more follows")
        };
        assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
        all.pop();
        while follow(&followers, &known, &["*"]).is_err() {
            tokio::task::yield_now().await;
        }
    }
}

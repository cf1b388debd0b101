//! The other end: takes questions, asks the sources, and replies.

use super::pods::{Fact, Pods};
use super::source::{Said, Source};
use super::{Answer, Board, Question, Reply};
use crate::container::INSTANCES_MAX;
use crate::container::layout::Runtime;
use crate::container::workload::Details;
use lapwing_proto::v1::get_status_response::identity::source::State;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

/// Questions that are put to the runtimes at a time.
const AT_ONCE: usize = 4;
/// A container may be met a moment before its runtime will speak of it, and a sandbox some more:
/// pauses between looks, doubled from this; after so many nobody needs to wait, and after so many
/// nobody knows it.
const PAUSE: Duration = Duration::from_millis(50);
const SOON: u32 = 3;
const TRIES: u32 = 8;
/// And where a runtime does not answer, until it is left for when one is back; the first is also how
/// long one that was not tried yet is waited for.
const TROUBLE: Duration = Duration::from_millis(500);
const TROUBLE_TRIES: u32 = 10;
/// Longest wait for a runtime that went, as for its upgrade.
const AWAY: Duration = Duration::from_secs(600);
/// How long it is listened for what the API of the cluster says of a pod, after records went on.
const LINGER: Duration = Duration::from_secs(60);

/// The part of the records' wait that is left for the runtime's answer to reach them.
const MARGIN: u32 = 8;

/// Asks.
pub struct Resolver {
    questions: Receiver<Question>,
    replies: Sender<Reply>,
    board: Arc<Board>,
    wake: Arc<dyn Fn() + Send + Sync>,
    /// How often one that does not answer is tried.
    pub(super) tries: u32,
    /// How long records wait.
    wait: Duration,
}

/// What all sources together say.
enum Word {
    Said(Box<Said>),
    Silence(Silence),
}

/// Why they say nothing.
#[derive(Clone, Copy)]
enum Silence {
    Unknown,
    Trouble,
}

/// What one question needs.
#[derive(Clone)]
pub(super) struct Desk {
    board: Arc<Board>,
    replies: Sender<Reply>,
    wake: Arc<dyn Fn() + Send + Sync>,
    turns: Arc<Semaphore>,
    changed: watch::Receiver<u64>,
    tries: u32,
    wait: Duration,
    /// [`Board::began`] before the last try.
    began: u64,
}

impl Resolver {
    pub(super) const fn new(
        questions: Receiver<Question>,
        replies: Sender<Reply>,
        board: Arc<Board>,
        wake: Arc<dyn Fn() + Send + Sync>,
        wait: Duration,
    ) -> Self {
        Self {
            questions,
            replies,
            board,
            wake,
            tries: TROUBLE_TRIES,
            wait,
        }
    }

    /// Where questions are dealt with, where this tells of all news.
    pub(super) fn desk(&self, changed: watch::Receiver<u64>) -> Desk {
        Desk {
            board: Arc::clone(&self.board),
            replies: self.replies.clone(),
            wake: Arc::clone(&self.wake),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            changed,
            tries: self.tries,
            wait: self.wait,
            began: self.board.began(),
        }
    }

    /// Works until the pipeline's end is dropped; dropping it ends all that it began.
    pub async fn run(mut self) {
        let (changes, changed) = watch::channel(0);
        let mut watchers = JoinSet::new();
        let sources = &self.board.sources;
        for source in sources {
            watchers.spawn(Arc::clone(source).watch(changes.clone()));
        }
        if let Some(pods) = &self.board.pods {
            watchers.spawn(Arc::clone(pods).watch(changes.clone()));
        }
        let mut looks = changed.clone();
        let mut began = 0;
        let desk = self.desk(changed);
        let mut open = JoinSet::new();
        loop {
            let has_room = open.len() < INSTANCES_MAX;
            tokio::select! {
                question = self.questions.recv(), if has_room => match question {
                    Some(question) => drop(open.spawn(desk.clone().deal_with(question))),
                    None => return,
                },
                Some(_) = open.join_next(), if !open.is_empty() => {}
                Ok(()) = looks.changed() => {
                    let before = std::mem::replace(&mut began, desk.board.began());
                    if began != before {
                        desk.call_back();
                    }
                }
            }
        }
    }
}

impl Desk {
    async fn deal_with(mut self, question: Question) {
        if let Some(pods) = &self.board.pods {
            pods.seen(&question);
        }
        let answer = match self.find(&question).await {
            // Nobody says anything now.
            answer @ (Answer::Later | Answer::Open | Answer::Nothing | Answer::Away) => {
                let told = self.board.remembered(&question, None);
                told.map_or(answer, |told| Answer::Said(Box::new(told.0), told.1))
            }
            answer @ Answer::Said(..) => answer,
        };
        let counter = match &answer {
            Answer::Said(..) => &self.board.told,
            Answer::Later | Answer::Open | Answer::Nothing | Answer::Away => &self.board.unknown,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.board.waiting.fetch_sub(1, Ordering::Relaxed);
        if let (Answer::Said(details, runtime), Some(pods)) = (&answer, &self.board.pods)
            && details.in_pod.is_some()
            && !details.is_told_before()
        {
            pods.count();
            pods.keep(&question, details, *runtime);
        }
        let is_open = match &answer {
            Answer::Away => true,
            // Nobody said whose its pod is.
            Answer::Said(details, _) => {
                let is_half_told = details.in_pod.is_none() || details.is_told_before();
                self.board.pods.is_some() && !details.pod.is_empty() && is_half_told
            }
            Answer::Later | Answer::Open | Answer::Nothing => false,
        };
        self.reply(question, answer);
        // One that came back meanwhile was told of before there was anything to ask it anew.
        if is_open && self.board.began() != self.began {
            self.call_back();
        }
    }

    /// Has asked anew what nobody answered for.
    fn call_back(&self) {
        self.board.back.store(true, Ordering::Release);
        (self.wake)();
    }

    fn reply(&self, question: Question, answer: Answer) {
        // The agent is ending if there is nobody.
        if self.replies.send(Reply { question, answer }).is_ok() {
            (self.wake)();
        }
    }

    async fn find(&mut self, question: &Question) -> Answer {
        let begun = Instant::now();
        let (mut unknown, mut trouble) = (0, 0);
        let mut is_waited_for = true;
        loop {
            for source in &self.board.sources {
                source.look_now();
            }
            // Whoever was not tried yet will be at once; one that hangs keeps nobody from the others.
            let board = Arc::clone(&self.board);
            let tried = self.changed.wait_for(|_| board.is_tried());
            let is_closed = matches!(timeout(TROUBLE, tried).await, Ok(Err(_)));
            debug_assert!(
                !is_closed,
                "there is a sender for as long as there are questions"
            );
            self.began = self.board.began();
            let silence = match self.ask_all(&question.id).await {
                Word::Said(said) => return self.with_pod(question, *said, begun).await,
                Word::Silence(silence) => silence,
            };
            if let Some(said) = board.in_pod(&question.id, None) {
                return Answer::Said(Box::new(said.0), said.1);
            }
            if is_waited_for && let Some(told) = board.remembered(question, None) {
                is_waited_for = false;
                self.reply(question.clone(), Answer::Said(Box::new(told.0), told.1));
            }
            let pause = match silence {
                Silence::Unknown if board.hears_of_pods() => {
                    unknown += 1;
                    PAUSE * (1 << unknown.min(TRIES))
                }
                Silence::Unknown | Silence::Trouble => {
                    trouble += 1;
                    TROUBLE * (1 << trouble.min(TROUBLE_TRIES))
                }
            };
            // By now all of the pod's that was there before it was asked for too. A runtime that answers knows more.
            let is_time = match self.board.answers_itself() {
                true => unknown >= TRIES,
                false => unknown >= SOON,
            };
            if is_time && let Some(said) = board.sandbox(question) {
                return self.with_pod(question, said, begun).await;
            }
            if unknown >= TRIES {
                return self.at_last(question, Answer::Nothing).await;
            }
            if trouble >= self.tries {
                return self.at_last(question, Answer::Away).await;
            }
            // What it was before is refuted, and whose it is now may not be known for long.
            if unknown == SOON && self.board.is_unowned(question) {
                self.reply(question.clone(), Answer::Open);
            }
            // What the API alone will say comes some time after the container began.
            let is_late = unknown >= SOON && self.board.answers_itself();
            if is_waited_for && (is_late || trouble > 0 || !self.board.may_answer()) {
                is_waited_for = false;
                self.reply(question.clone(), Answer::Later);
            }
            let known = self
                .changed
                .wait_for(|_| board.in_pod(&question.id, None).is_some());
            if let Ok(Err(_)) = timeout(pause.min(super::source::LAST), known).await {
                return Answer::Away;
            }
            // A runtime that is not there may start after the agent, and one that went come back.
            let back = self.changed.wait_for(|_| board.answers());
            if timeout(AWAY, back).await.is_err() {
                return Answer::Away;
            }
        }
    }

    /// What there is to say when it was asked for long: whose the pod is, if that alone is missing.
    async fn at_last(&mut self, question: &Question, answer: Answer) -> Answer {
        let board = Arc::clone(&self.board);
        if !board.is_open(question, None) {
            return answer;
        }
        self.owned(question, None, Some(|| Answer::Open)).await;
        match board.in_pod(&question.id, None) {
            Some(said) => Answer::Said(Box::new(said.0), said.1),
            // Whoever is back is asked anew.
            None => Answer::Away,
        }
    }

    /// What a runtime said, with what the API of the cluster says of it, if that comes. The question
    /// was begun with then: records wait since, or later, and what the runtime said is to reach them.
    pub(super) async fn with_pod(
        &mut self,
        question: &Question,
        said: Said,
        begun: Instant,
    ) -> Answer {
        let board = Arc::clone(&self.board);
        let answer = |said: Said| Answer::Said(Box::new(said.0), said.1);
        let Some(pods) = board.pods.as_ref().filter(|_| !said.0.pod.is_empty()) else {
            return answer(said);
        };
        let id = &question.id;
        let remembered = || pods.remembered(question, Some(&said.0));
        let is_known = remembered().is_some();
        let heard = (self.changed).wait_for(|_| is_known || pods.has_said(id, Some(&said.0)));
        let _ = timeout_at(begun + self.wait - self.wait / MARGIN, heard).await;
        if let Some(whole) = board.in_pod(id, Some(&said)) {
            return answer(whole);
        }
        // By which commands it is entered is known before it is known whose it is.
        let known = || {
            let (mut details, runtime) = said.clone();
            if let Some((told, _)) = remembered() {
                return (details.completed(&told), runtime);
            }
            if let Fact::Open(commands) = pods.fact(id, Some(&details)) {
                details.commands = commands;
            }
            (details, runtime)
        };
        if !pods.may_answer() {
            return answer(known());
        }
        // Records go on with what is known.
        self.reply(question.clone(), answer(known()));
        let is_refuted = || is_known && remembered().is_none();
        let heard = (self.changed).wait_for(|_| is_refuted() || pods.has_said(id, Some(&said.0)));
        let _ = timeout(LINGER, heard).await;
        // Whose a pod is that was told of comes some time.
        let anew = is_known.then_some(|| answer(known()));
        self.owned(question, Some(&said.0), anew).await;
        answer(board.in_pod(id, Some(&said)).unwrap_or_else(known))
    }

    /// Waits until it is known whose a pod is, or nobody will say. What an agent before this one was told may be
    /// refuted until then: this is replied as soon as nothing is remembered.
    async fn owned(
        &mut self,
        question: &Question,
        said: Option<&Details>,
        anew: Option<impl Fn() -> Answer>,
    ) {
        let board = Arc::clone(&self.board);
        let began = self.began;
        let is_over = |_: &u64| !board.is_open(question, said) || board.began() != began;
        if let Some(anew) = anew {
            let is_refuted = || board.remembered(question, said).is_none();
            let refuted = (self.changed).wait_for(|count| is_over(count) || is_refuted());
            if refuted.await.is_ok_and(|count| !is_over(&count)) {
                self.reply(question.clone(), anew());
            }
        }
        let _ = self.changed.wait_for(is_over).await;
    }

    /// The first source that knows it has the word.
    async fn ask_all(&self, id: &str) -> Word {
        let mut silence = Silence::Unknown;
        for source in &self.board.sources {
            match source.state() {
                State::Absent | State::Unsuitable => continue,
                State::Retrying | State::Unspecified => {
                    silence = Silence::Trouble;
                    continue;
                }
                State::Connected => {}
            }
            // It is never closed.
            let turn = self.turns.acquire().await;
            let answer = source.ask(id).await;
            drop(turn);
            match answer {
                Ok(Some(said)) => return Word::Said(Box::new(said)),
                Ok(None) => {}
                Err(()) => silence = Silence::Trouble,
            }
        }
        Word::Silence(silence)
    }
}

impl Board {
    /// Whether all were tried.
    fn is_tried(&self) -> bool {
        let is_tried = |source: &Arc<Source>| source.state() != State::Unspecified;
        let has_pods = |pods: &Arc<Pods>| pods.state() != State::Unspecified;
        self.sources.iter().all(is_tried) && self.pods.iter().all(has_pods)
    }

    /// How often any began to answer.
    fn began(&self) -> u64 {
        let pods = self.pods.iter().map(|pods| pods.began());
        self.sources
            .iter()
            .map(|source| source.began())
            .chain(pods)
            .sum()
    }

    /// Whether a runtime answers.
    fn answers_itself(&self) -> bool {
        let answers = |source: &Arc<Source>| source.state() == State::Connected;
        self.sources.iter().any(answers)
    }

    /// Whether somebody answers.
    fn answers(&self) -> bool {
        let has_pods = |pods: &Arc<Pods>| pods.state() == State::Connected;
        self.answers_itself() || self.pods.iter().any(has_pods)
    }

    /// Whether somebody may answer soon.
    pub(super) fn may_answer(&self) -> bool {
        self.sources.iter().any(|source| source.may_answer())
            || self.pods.iter().any(|pods| pods.may_answer())
    }

    /// Whether the API of the cluster would know of a new pod, if there is one to ask.
    fn hears_of_pods(&self) -> bool {
        let is_heard = |pods: &Arc<Pods>| match pods.state() {
            State::Unspecified | State::Retrying => false,
            State::Connected | State::Absent | State::Unsuitable => true,
        };
        self.pods.iter().all(is_heard)
    }

    /// What the API of the cluster told an agent before this one of a container, and nobody since.
    fn remembered(&self, question: &Question, said: Option<&Details>) -> Option<Said> {
        self.pods.as_ref()?.remembered(question, said)
    }

    /// A sandbox of which no runtime tells, by what the API of the cluster tells of its pod.
    fn sandbox(&self, question: &Question) -> Option<Said> {
        let details = self.pods.as_ref()?.sandbox(question)?;
        Some((details, Runtime::Unknown))
    }

    /// Whether the API of the cluster may say yet whose a container is.
    fn is_open(&self, question: &Question, said: Option<&Details>) -> bool {
        let is_open = |pods: &Arc<Pods>| {
            pods.is_open(&question.id, said)
                || pods.may_answer() && pods.remembered(question, said).is_some()
        };
        self.pods.as_ref().is_some_and(is_open)
    }

    /// Whether the API of the cluster has the container's pod and does not say yet whose it is, nor did before.
    fn is_unowned(&self, question: &Question) -> bool {
        self.is_open(question, None) && self.remembered(question, None).is_none()
    }

    /// What the API of the cluster says, with what a runtime said.
    fn in_pod(&self, id: &str, said: Option<&Said>) -> Option<Said> {
        let pods = self.pods.as_ref()?;
        match pods.fact(id, said.map(|said| &said.0)) {
            Fact::Known(told, runtime) => Some(match said {
                Some((said, runtime)) => (said.clone().completed(&told), *runtime),
                None => (*told, runtime),
            }),
            Fact::Open(_) | Fact::Unknown => None,
        }
    }
}

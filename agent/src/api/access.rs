//! Who may do what: one table from methods to verbs, and one place that looks at it.
//!
//! The check is a layer around all services, before a request is read. What the table does not
//! have nobody but who has the Unix socket may call, so a method that is forgotten here is closed,
//! not open; and a test fails for it. Namespaces are looked at where a request's subject is known,
//! see [`super::reach`].

use super::reach::Namespaces;
use crate::config::Verb;
use lapwing_profile::text::canonical;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Service, http};

/// The identity of who connects where nobody is asked.
pub const ANONYMOUS: &str = "anonymous";

/// What is answered of a method that the table does not have, as one of a later version.
pub const NO_METHOD: &str = "is no method that clients over TCP may call";

/// What a method needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// An identity that an entry of the configuration names.
    Known,
    /// And this verb of it.
    Verb(Verb),
    /// And that for all namespaces: what it does concerns the node.
    WholeNode(Verb),
}

/// Every method that is served, as its path, and what it needs.
pub const METHODS: &[(&str, Need)] = &[
    ("/lapwing.v1.Agent/Watch", Need::Verb(Verb::Read)),
    ("/lapwing.v1.Agent/Ack", Need::Verb(Verb::Read)),
    ("/lapwing.v1.Agent/GetStatus", Need::Verb(Verb::Read)),
    ("/lapwing.v1.Agent/ListContainers", Need::Verb(Verb::Read)),
    ("/lapwing.v1.Agent/ListProfiles", Need::Verb(Verb::Read)),
    ("/lapwing.v1.Agent/GetProfile", Need::Verb(Verb::Read)),
    ("/lapwing.v1.Agent/GetInventory", Need::Verb(Verb::Read)),
    ("/lapwing.v1.Agent/ReplayProfile", Need::Verb(Verb::Read)),
    ("/lapwing.v1.Agent/FollowLearned", Need::Verb(Verb::Read)),
    (
        "/lapwing.v1.Agent/FollowBehaviorProfiles",
        Need::Verb(Verb::Read),
    ),
    (
        "/lapwing.v1.Agent/PromoteProfile",
        Need::Verb(Verb::Operate),
    ),
    ("/lapwing.v1.Agent/DemoteProfile", Need::Verb(Verb::Operate)),
    ("/lapwing.v1.Agent/DecideEntries", Need::Verb(Verb::Operate)),
    ("/lapwing.v1.Agent/ImportProfile", Need::Verb(Verb::Operate)),
    ("/lapwing.v1.Agent/TestSink", Need::WholeNode(Verb::Operate)),
    (
        "/lapwing.v1.Agent/ForgetConsumer",
        Need::Verb(Verb::Operate),
    ),
    ("/grpc.health.v1.Health/Check", Need::Known),
    ("/grpc.health.v1.Health/Watch", Need::Known),
    (
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        Need::Known,
    ),
];

/// What a client may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    read: bool,
    operate: bool,
    namespaces: Namespaces,
}

impl Rights {
    /// As an entry of the configuration says.
    #[must_use]
    pub fn new(verbs: &[Verb], namespaces: &[String]) -> Self {
        Self {
            read: verbs.contains(&Verb::Read),
            operate: verbs.contains(&Verb::Operate),
            namespaces: Namespaces::new(namespaces),
        }
    }

    const fn has(&self, verb: Verb) -> bool {
        match verb {
            Verb::Read => self.read,
            Verb::Operate => self.operate,
        }
    }
}

/// Who calls.
#[derive(Clone, Debug)]
pub enum Caller {
    /// Whoever may open the Unix socket: its permissions are the check.
    Local,
    /// A client over TCP.
    Remote(Arc<Remote>),
}

/// A client over TCP.
#[derive(Debug)]
pub struct Remote {
    /// The identity by which it is known, or [`ANONYMOUS`].
    pub identity: String,
    /// What it may do; `None` where no entry of the configuration names it.
    pub rights: Option<Rights>,
}

impl Caller {
    /// Who sent a request.
    ///
    /// # Errors
    /// When that is not known, which no connection allows.
    pub fn of<T>(request: &tonic::Request<T>) -> Result<Self, Status> {
        let caller = request.extensions().get::<Self>();
        caller.cloned().ok_or_else(nobody)
    }

    /// What it may see and decide of.
    #[must_use]
    pub fn namespaces(&self) -> Namespaces {
        match self {
            Self::Local => Namespaces::All,
            Self::Remote(remote) => match &remote.rights {
                Some(rights) => rights.namespaces.clone(),
                None => Namespaces::new(&[]),
            },
        }
    }

    /// The identity of a client over TCP.
    #[must_use]
    pub fn identity(&self) -> Option<&str> {
        match self {
            Self::Local => None,
            Self::Remote(remote) => Some(&remote.identity),
        }
    }

    fn may(&self, path: &str) -> Result<(), Status> {
        let Self::Remote(remote) = self else {
            return Ok(());
        };
        let identity = canonical(remote.identity.as_bytes());
        let denied = |why: String| Err(Status::permission_denied(why));
        let Some(rights) = &remote.rights else {
            return denied(format!(
                "`{identity}` is no client of this agent: name it in `listen.clients` of the agent's \
                 configuration"
            ));
        };
        let needed = METHODS.iter().find(|(method, _)| *method == path);
        let Some((_, need)) = needed else {
            return denied(format!("`{}` {NO_METHOD}", canonical(path.as_bytes())));
        };
        let method = path.rsplit('/').next().unwrap_or(path);
        let (verb, whole) = match *need {
            Need::Known => return Ok(()),
            Need::Verb(verb) => (verb, false),
            Need::WholeNode(verb) => (verb, true),
        };
        let word = match verb {
            Verb::Read => "read",
            Verb::Operate => "operate",
        };
        if !rights.has(verb) {
            return denied(format!(
                "`{identity}` may not call {method}: its entry in `listen.clients` of the agent's \
                 configuration lacks the verb `{word}`"
            ));
        }
        if whole && rights.namespaces != Namespaces::All {
            return denied(format!(
                "`{identity}` may not call {method}, which concerns the whole node: its entry in \
                 `listen.clients` of the agent's configuration lacks the namespace `*`"
            ));
        }
        Ok(())
    }
}

fn nobody() -> Status {
    Status::internal("it is not known who calls")
}

/// A service behind the check.
#[derive(Clone)]
pub(super) struct Guarded<S> {
    inner: S,
    denied: Arc<AtomicU64>,
}

impl<S> Guarded<S> {
    /// Puts the check before a service; `denied` counts what it does not let pass.
    pub(super) const fn new(inner: S, denied: Arc<AtomicU64>) -> Self {
        Self { inner, denied }
    }
}

type Answer = Result<http::Response<Body>, Infallible>;

impl<S> Service<http::Request<Body>> for Guarded<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let caller = request.extensions().get::<Caller>();
        let path = request.uri().path();
        let may = caller.map_or_else(|| Err(nobody()), |caller| caller.may(path));
        match may {
            Ok(()) => Box::pin(self.inner.call(request)),
            Err(status) => {
                self.denied.fetch_add(1, Ordering::Relaxed);
                tracing::debug!("denied: {}", status.message());
                Box::pin(async move { Ok(status.into_http()) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;
    use prost_types::FileDescriptorSet;
    use std::collections::BTreeSet;

    /// Every method of every service that the agent serves, as reflection tells it.
    fn served() -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for bytes in [
            lapwing_proto::DESCRIPTORS,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        ] {
            for file in FileDescriptorSet::decode(bytes).unwrap().file {
                for service in &file.service {
                    for method in &service.method {
                        let (package, service) = (file.package(), service.name());
                        found.insert(format!("/{package}.{service}/{}", method.name()));
                    }
                }
            }
        }
        found
    }

    #[test]
    fn every_method_stands_in_the_table_once() {
        let table: Vec<_> = METHODS.iter().map(|(path, _)| (*path).to_owned()).collect();
        let unique: BTreeSet<_> = table.iter().cloned().collect();
        assert_eq!(table.len(), unique.len());
        assert_eq!(unique, served());
    }

    fn client(verbs: &[Verb], namespaces: &[&str]) -> Caller {
        let namespaces: Vec<_> = namespaces.iter().map(|&name| name.to_owned()).collect();
        Caller::Remote(Arc::new(Remote {
            identity: "spiffe://e.org/a".to_owned(),
            rights: (!verbs.is_empty()).then(|| Rights::new(verbs, &namespaces)),
        }))
    }

    #[test]
    fn each_client_may_what_its_verbs_say() {
        let (read, operate) = (Verb::Read, Verb::Operate);
        for (path, need) in METHODS {
            let decides = *need == Need::Verb(operate) || *need == Need::WholeNode(operate);
            let whole = matches!(need, Need::WholeNode(_));
            let known = *need == Need::Known;
            for (caller, may) in [
                (Caller::Local, true),
                (client(&[], &[]), false),
                (client(&[read], &["*"]), !decides),
                (client(&[operate], &["*"]), decides || known),
                (client(&[read, operate], &["*"]), true),
                (client(&[read, operate], &["shop"]), !whole),
            ] {
                let answer = caller.may(path);
                assert_eq!(answer.is_ok(), may, "{path} {caller:?}");
                if let Err(status) = answer {
                    assert_eq!(status.code(), tonic::Code::PermissionDenied);
                    assert!(status.message().contains("spiffe://e.org/a"), "{status}");
                    assert!(status.message().contains("listen.clients"), "{status}");
                }
            }
        }
        let unknown = client(&[read, operate], &["*"]).may("/lapwing.v2.Agent/Erase");
        assert_eq!(unknown.unwrap_err().code(), tonic::Code::PermissionDenied);
    }
}

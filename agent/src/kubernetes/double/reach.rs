//! Ways to it.

use super::Cluster;
use crate::kubernetes::api::Reach;
use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::Request;
use kube::client::Body;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

impl Cluster {
    /// The way to it, without a network.
    pub fn reach(&self) -> Reach {
        let cluster = self.clone();
        Arc::new(move || {
            let cluster = cluster.clone();
            Box::pin(async move {
                let service = tower::service_fn(move |request| cluster.clone().exchange(request));
                let client = kube::Client::new(service, "default");
                Ok((client, "https://cluster.test".to_owned()))
            })
        })
    }

    /// The same for one who is cut off while `cut` is set: then nothing comes through, and no word of it.
    pub fn reach_unless(&self, cut: &Arc<AtomicBool>) -> Reach {
        let (cluster, cut) = (self.clone(), Arc::clone(cut));
        Arc::new(move || {
            let (cluster, cut) = (cluster.clone(), Arc::clone(&cut));
            Box::pin(async move {
                let service = tower::service_fn(move |request| {
                    let (cluster, cut) = (cluster.clone(), Arc::clone(&cut));
                    async move {
                        if cut.load(Ordering::Acquire) {
                            std::future::pending::<()>().await;
                        }
                        cluster.exchange(request).await
                    }
                });
                let client = kube::Client::new(service, "default");
                Ok((client, "https://cluster.test".to_owned()))
            })
        })
    }

    /// The same, but custom resources are at this server. What that is asked is asked here too.
    pub fn reach_beside(&self, served: &kube::Client) -> Reach {
        let (cluster, served) = (self.clone(), served.clone());
        Arc::new(move || {
            let (cluster, served) = (cluster.clone(), served.clone());
            Box::pin(async move {
                let service = tower::service_fn(move |request: Request<Body>| {
                    let (cluster, served) = (cluster.clone(), served.clone());
                    async move {
                        if !request.uri().path().starts_with("/apis/lapwing.dev/") {
                            let answer = cluster.exchange(request).await?;
                            return Ok(answer.map(either));
                        }
                        let target = request.uri().to_string();
                        cluster.state().requests.push(target);
                        let answer = served.send(request).await;
                        answer
                            .map(|answer| answer.map(either))
                            .map_err(|error| error.to_string())
                    }
                });
                let client = kube::Client::new(service, "default");
                Ok((client, "https://cluster.test".to_owned()))
            })
        })
    }
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// What either says.
fn either<B>(body: B) -> UnsyncBoxBody<Bytes, Failed>
where
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Failed>,
{
    body.map_err(Into::into).boxed_unsync()
}

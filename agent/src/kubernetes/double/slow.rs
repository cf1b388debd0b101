//! Lists of large objects, and such as come slowly, or not to their end.

use super::{Answer, Cluster, plain};
use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use hyper::Response;
use hyper::body::Frame;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How lists come.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    /// What each object has besides, as JSON.
    pub besides: Option<Arc<str>>,
    /// In frames of so many bytes, each after this time; else all at once.
    pub frames: Option<(usize, Duration)>,
    /// A list that is longer stops after half of these bytes.
    pub most: Option<usize>,
    /// One with the object of this uid, and what it says, stops in the middle.
    pub stuck: Option<String>,
    /// Nothing but names comes.
    pub names_alone: bool,
}

impl Cluster {
    /// From now on lists come so.
    pub fn pace(&self, pace: Pace) {
        self.state().pace = pace;
    }
}

impl Pace {
    /// The list of these objects, or of their names.
    pub fn list(self, metadata: &Value, items: &[&Value], of_names: bool) -> Answer {
        if of_names {
            let names = items.iter().map(|item| {
                let of = &item["metadata"];
                json!({"metadata": {"name": of["name"], "namespace": of["namespace"], "uid": of["uid"]}})
            });
            let names: Vec<Value> = names.collect();
            let kind = "PartialObjectMetadataList";
            let list = json!({"kind": kind, "metadata": metadata, "items": names});
            return plain(200, list.to_string());
        }
        let mut text = String::from("{\"apiVersion\":\"v1\",\"items\":[");
        for (number, item) in items.iter().enumerate() {
            if number > 0 {
                text.push(',');
            }
            let item = item.to_string();
            match &self.besides {
                Some(besides) => {
                    text.push_str("{\"besides\":");
                    text.push_str(besides);
                    text.push(',');
                    text.push_str(&item[1..]);
                }
                None => text.push_str(&item),
            }
        }
        text.push_str("],\"kind\":\"List\",\"metadata\":");
        text.push_str(&metadata.to_string());
        text.push('}');
        let is_stuck = { items.iter() }.any(|item| {
            self.stuck.is_some() && item["metadata"]["uid"].as_str() == self.stuck.as_deref()
        });
        let stop = match self.most {
            _ if is_stuck || self.names_alone && !items.is_empty() => Some(text.len() / 2),
            Some(most) if text.len() > most => Some(most / 2),
            _ => None,
        };
        if stop.is_none() && self.frames.is_none() {
            return plain(200, text);
        }
        let (size, every) = self.frames.unwrap_or((usize::MAX, Duration::ZERO));
        let (frames, stream) = mpsc::channel(1);
        tokio::spawn(async move {
            let part = &text.as_bytes()[..stop.unwrap_or(text.len())];
            for frame in part.chunks(size) {
                tokio::time::sleep(every).await;
                let frame = Frame::data(Bytes::copy_from_slice(frame));
                if frames.send(Ok::<_, std::io::Error>(frame)).await.is_err() {
                    return;
                }
            }
            if stop.is_some() {
                frames.closed().await;
            }
        });
        let stream = tokio_stream::wrappers::ReceiverStream::new(stream);
        Response::new(BodyExt::boxed(StreamBody::new(stream)))
    }
}

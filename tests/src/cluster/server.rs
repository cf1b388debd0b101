//! An API of a cluster, as a process that can be killed: lists, watches, conflicts, server-side apply and
//! the status subresource, over HTTP on loopback, of whatever kinds of objects there are.
//!
//! Of an object a field manager owns its `spec` or its `status`, whole, where the real one knows who owns which
//! field: what one applies is what the part is then, and another who applies something else to it without `force`
//! is refused.
//!
//! It knows no kinds and checks none: what the real one says of an object that makes no sense is not asked here.
//! History is kept for ever, except where it is told to have none from before its start; who then goes on with
//! a watch is answered 410, as by a server whose memory of the past is gone.

use super::store::{Step, Store};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::io::{BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Time between two looks for a change.
const LOOK: Duration = Duration::from_millis(20);
/// Longest request that is read, in bytes: what etcd stores.
const BODY_MAX: usize = 1_572_864;
/// The age of what nobody gave one.
const CREATED: &str = "2026-01-01T00:00:00Z";

/// Serves the objects of a file.
#[derive(clap::Args)]
pub struct Args {
    /// Where to listen.
    #[arg(long)]
    listen: SocketAddr,
    /// The file.
    #[arg(long)]
    store: PathBuf,
    /// Whether it remembers nothing of the time before its start.
    #[arg(long)]
    forgetful: bool,
}

struct Server {
    store: Mutex<Store>,
    /// What is older is forgotten.
    oldest: u64,
}

/// What is asked for.
struct Request {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    body: Vec<u8>,
}

/// Serves until it is killed.
pub fn run(args: &Args) -> Result<()> {
    let store = Store::open(&args.store)?;
    let oldest = match args.forgetful {
        true => store.version(),
        false => 0,
    };
    let listener = TcpListener::bind(args.listen)
        .with_context(|| format!("cannot listen on {}", args.listen))?;
    let server = Arc::new(Server {
        store: Mutex::new(store),
        oldest,
    });
    for stream in listener.incoming().flatten() {
        let server = Arc::clone(&server);
        // A client that went away needs no answer.
        std::thread::spawn(move || server.serve(stream).is_ok());
    }
    Ok(())
}

impl Request {
    fn read(input: &mut impl std::io::BufRead) -> Result<Self> {
        let (mut line, mut length) = (String::new(), 0);
        input.read_line(&mut line)?;
        let mut words = line.split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let target = words.next().context("no target")?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pairs = { query.split('&') }.filter_map(|pair| pair.split_once('='));
        let query = pairs.map(|(key, value)| (key.to_owned(), plain(value)));
        let (path, query) = (path.to_owned(), query.collect());
        loop {
            let mut header = String::new();
            if input.read_line(&mut header)? <= 2 {
                break;
            }
            if let Some((name, value)) = header.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        anyhow::ensure!(length <= BODY_MAX, "a request of {length} bytes");
        let mut body = vec![0; length];
        input.read_exact(&mut body)?;
        Ok(Self {
            method,
            path,
            query,
            body,
        })
    }

    fn value(&self, key: &str) -> Option<&str> {
        let mut found = self.query.iter().filter(|(name, _)| name == key);
        found.next().map(|(_, value)| value.as_str())
    }

    /// Whether an object is in the list that is asked for.
    fn wants(&self, path: &str, object: &Value) -> bool {
        let is_here = match path.rsplit_once('/') {
            Some((folder, _)) if folder == self.path => true,
            // Of all namespaces.
            Some((folder, _)) => {
                let all = self.path.rsplit_once('/');
                all.is_some_and(|(group, plural)| {
                    let rest = folder.strip_prefix(group);
                    rest.and_then(|rest| rest.strip_prefix("/namespaces/"))
                        .and_then(|rest| rest.split_once('/'))
                        .is_some_and(|(_, kind)| kind == plural)
                })
            }
            None => false,
        };
        let labels = &object["metadata"]["labels"];
        let has = |label: &str| match label.split_once('=') {
            Some((key, value)) => labels[key] == value,
            None => !labels[label].is_null(),
        };
        let field = |text: &str| match text.split_once('=') {
            Some(("spec.nodeName", node)) => object["spec"]["nodeName"] == node,
            _ => false,
        };
        let all = |key: &str, is: &dyn Fn(&str) -> bool| {
            (self.value(key)).is_none_or(|text| text.split(',').all(is))
        };
        is_here && all("labelSelector", &has) && all("fieldSelector", &field)
    }
}

/// A value of a query.
fn plain(text: &str) -> String {
    let mut parts = text.split('%');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.get(..2).map(|hex| u8::from_str_radix(hex, 16)) {
            Some(Ok(byte)) => {
                plain.push(char::from(byte));
                plain.push_str(&part[2..]);
            }
            _ => plain.push_str(part),
        }
    }
    plain
}

/// An answer: a status, and what it says.
type Answer = (u16, Value);

fn refusal(status: u16, why: &str) -> Answer {
    let said = json!({"kind": "Status", "code": status, "message": why});
    (status, said)
}

impl Server {
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One request of a connection; it is closed afterwards.
    fn serve(&self, mut stream: TcpStream) -> Result<()> {
        let request = Request::read(&mut BufReader::new(stream.try_clone()?))?;
        if request.method == "GET" && request.value("watch") == Some("true") {
            return self.watch(&request, &mut stream);
        }
        let (status, said) = match request.method.as_str() {
            "GET" => self.read(&request),
            _ => self.write(&request)?,
        };
        let said = said.to_string();
        let (length, close) = (said.len(), "connection: close");
        write!(
            stream,
            "HTTP/1.1 {status} .\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{close}\r\n\r\n{said}"
        )?;
        Ok(())
    }

    fn read(&self, request: &Request) -> Answer {
        let store = self.store();
        if let Some(object) = store.get(&request.path) {
            return (200, object.clone());
        }
        if !is_list(&request.path) {
            return refusal(404, "there is no such object");
        }
        let here = |(path, object): &(&String, &Value)| request.wants(path, object);
        let items: Vec<&Value> = store.all().filter(here).map(|(_, it)| it).collect();
        let metadata = json!({"resourceVersion": store.version().to_string()});
        let list = json!({"kind": "List", "metadata": metadata, "items": items});
        (200, list)
    }

    fn watch(&self, request: &Request, stream: &mut TcpStream) -> Result<()> {
        let mut place: u64 = request.value("resourceVersion").unwrap_or("0").parse()?;
        let seconds = request.value("timeoutSeconds").unwrap_or("300").parse()?;
        let end = Instant::now() + Duration::from_secs(seconds);
        stream.write_all(b"HTTP/1.1 200 .\r\nconnection: close\r\n\r\n")?;
        if place < self.oldest {
            let (_, gone) = refusal(410, "too old resource version");
            return Ok(writeln!(
                stream,
                "{}",
                json!({"type": "ERROR", "object": gone})
            )?);
        }
        while Instant::now() < end {
            let due: Vec<Step> = self.store().since(place).to_vec();
            for step in due {
                place = step.version;
                if request.wants(&step.path, &step.object) {
                    let step = json!({"type": step.kind, "object": step.object});
                    stream.write_all(format!("{step}\n").as_bytes())?;
                }
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    fn write(&self, request: &Request) -> Result<Answer> {
        let mut store = self.store();
        if request.method == "DELETE" {
            return Ok(match store.delete(&request.path) {
                Ok(()) => (200, json!({"kind": "Status", "status": "Success"})),
                Err(error) => refusal(404, &error.to_string()),
            });
        }
        let Ok(mut object) = serde_json::from_slice::<Value>(&request.body) else {
            return Ok(refusal(400, "this is no object"));
        };
        let version = store.version();
        let had = |path: &str| store.get(path).cloned();
        let path = match request.method.as_str() {
            "POST" => {
                let metadata = &mut object["metadata"];
                if let Some(stem) = metadata["generateName"].as_str() {
                    metadata["name"] = json!(format!("{stem}{version}"));
                }
                let Some(name) = metadata["name"].as_str() else {
                    return Ok(refusal(422, "it has no name"));
                };
                let path = format!("{}/{name}", request.path);
                if had(&path).is_some() {
                    return Ok(refusal(409, "it is there"));
                }
                path
            }
            "PUT" => {
                let Some(had) = had(&request.path) else {
                    return Ok(refusal(404, "there is no such object"));
                };
                let said = &object["metadata"]["resourceVersion"];
                if !said.is_null() && *said != had["metadata"]["resourceVersion"] {
                    return Ok(refusal(409, "it was changed meanwhile"));
                }
                object["metadata"]["uid"] = had["metadata"]["uid"].clone();
                request.path.clone()
            }
            "PATCH" => {
                let of_status = request.path.strip_suffix("/status");
                let path = of_status.unwrap_or(&request.path);
                let part = of_status.map_or("spec", |_| "status");
                let Some(manager) = request.value("fieldManager") else {
                    return Ok(refusal(400, "fieldManager is required for apply"));
                };
                let mut whole = match had(path) {
                    None if of_status.is_some() => {
                        return Ok(refusal(404, "there is no such object"));
                    }
                    None => object.clone(),
                    Some(had) => had,
                };
                let is_forced = request.value("force") == Some("true");
                let is_same = whole[part] == object[part];
                let others = owners(&whole, part).filter(|owner| *owner != manager);
                if let Some(other) = others.last()
                    && !is_forced
                    && !is_same
                {
                    let why = format!("Apply failed with a conflict with {other:?}: .{part}");
                    return Ok(refusal(409, &why));
                }
                own(&mut whole, part, manager, is_same);
                whole[part] = object[part].clone();
                object = whole;
                path.to_owned()
            }
            _ => return Ok(refusal(405, "no such method")),
        };
        if object["metadata"]["creationTimestamp"].is_null() {
            object["metadata"]["creationTimestamp"] = json!(CREATED);
        }
        Ok((200, store.put(&path, object)?))
    }
}

/// Whether an entry of managed fields is about a part of the object.
fn is_of(entry: &Value, part: &str) -> bool {
    !entry["fieldsV1"][format!("f:{part}")].is_null()
}

/// The field managers that own a part of an object.
fn owners<'o>(object: &'o Value, part: &str) -> impl Iterator<Item = &'o str> {
    let entries = object["metadata"]["managedFields"].as_array();
    let of_part = entries
        .into_iter()
        .flatten()
        .filter(move |it| is_of(it, part));
    of_part.filter_map(|entry| entry["manager"].as_str())
}

/// Has a manager own a part of an object, with who else does where they agree.
fn own(object: &mut Value, part: &str, manager: &str, they_agree: bool) {
    let fields = &mut object["metadata"]["managedFields"];
    let mut entries = fields.as_array().cloned().unwrap_or_default();
    let is_own = |entry: &Value| entry["manager"] == manager;
    entries.retain(|entry| !is_of(entry, part) || they_agree && !is_own(entry));
    let subresource = if part == "status" { part } else { "" };
    entries.push(json!({
        "manager": manager, "operation": "Apply", "subresource": subresource,
        "fieldsType": "FieldsV1", "fieldsV1": {format!("f:{part}"): {}},
    }));
    *fields = json!(entries);
}

/// Whether a path is that of a list: of a kind, in a namespace or in all.
fn is_list(path: &str) -> bool {
    let rest = { path.strip_prefix("/api/v1/") }
        .or_else(|| path.strip_prefix("/apis/")?.splitn(3, '/').nth(2));
    rest.is_some_and(|rest| rest.split('/').count() % 2 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, target: &str, body: &Value) -> Request {
        let body = body.to_string();
        let length = body.len();
        let text = format!("{method} {target} HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{body}");
        Request::read(&mut text.as_bytes()).unwrap()
    }

    fn open(path: &std::path::Path) -> Server {
        Server {
            store: Mutex::new(Store::open(path).unwrap()),
            oldest: 0,
        }
    }

    const LIST: &str = "/apis/x.dev/v1/namespaces/shop/things";

    #[test]
    fn what_was_answered_outlives_a_kill_and_what_was_cut_short_does_not() {
        let folder = std::env::temp_dir().join(format!("lapwing-store-{}", std::process::id()));
        let _ = std::fs::remove_file(&folder);
        let server = open(&folder);
        let made = request("POST", LIST, &json!({"metadata": {"name": "a"}, "spec": 1}));
        let (status, made) = server.write(&made).unwrap();
        assert_eq!(status, 200);
        drop(server);
        let mut file = File::options().append(true).open(&folder).unwrap();
        file.write_all(b"{\"path\":\"/apis/x").unwrap();
        let server = open(&folder);
        let asked = request("GET", &format!("{LIST}/a"), &Value::Null);
        assert_eq!(server.read(&asked), (200, made.clone()));
        let all = request("GET", "/apis/x.dev/v1/things?pretty=false", &Value::Null);
        assert_eq!(server.read(&all).1["items"], json!([made]));
        // Whoever has an older one may not write it.
        let mut other = made.clone();
        other["spec"] = json!(2);
        let put = request("PUT", &format!("{LIST}/a"), &other);
        assert_eq!(server.write(&put).unwrap().0, 200);
        assert_eq!(server.write(&put).unwrap().0, 409);
        std::fs::remove_file(folder).unwrap();
    }

    #[test]
    fn who_applies_owns_and_others_are_refused() {
        let folder = std::env::temp_dir().join(format!("lapwing-apply-{}", std::process::id()));
        let _ = std::fs::remove_file(&folder);
        let server = open(&folder);
        let apply = |target: &str, body: Value| {
            let target = format!("{LIST}/a{target}");
            server.write(&request("PATCH", &target, &body)).unwrap()
        };
        let object = |part: &str, value: u8| json!({"metadata": {"name": "a"}, part: {"x": value}});
        assert_eq!(apply("", object("spec", 1)).0, 400);
        assert_eq!(
            apply("/status?fieldManager=one", object("status", 1)).0,
            404
        );
        assert_eq!(apply("?fieldManager=one", object("spec", 1)).0, 200);
        let (status, why) = apply("?fieldManager=two", object("spec", 2));
        assert_eq!(status, 409);
        assert!(
            why["message"].as_str().unwrap().contains("\"one\""),
            "{why}"
        );
        // Both own what they agree on, and each part has owners of its own.
        assert_eq!(apply("?fieldManager=two", object("spec", 1)).0, 200);
        assert_eq!(apply("?fieldManager=one", object("spec", 2)).0, 409);
        assert_eq!(
            apply("/status?fieldManager=two", object("status", 5)).0,
            200
        );
        assert_eq!(
            apply("?fieldManager=one&force=false", object("spec", 2)).0,
            409
        );
        let (status, made) = apply("?fieldManager=one&force=true", object("spec", 2));
        assert_eq!((status, &made["spec"]["x"]), (200, &json!(2)));
        assert_eq!(made["status"]["x"], 5);
        assert_eq!(owners(&made, "spec").collect::<Vec<_>>(), ["one"]);
        assert_eq!(owners(&made, "status").collect::<Vec<_>>(), ["two"]);
        assert_eq!(apply("?fieldManager=two", object("spec", 3)).0, 409);
        assert_eq!(apply("?fieldManager=one", object("spec", 3)).0, 200);
        std::fs::remove_file(folder).unwrap();
    }

    #[test]
    fn selectors_are_obeyed() {
        let pod = json!({"metadata": {"labels": {"a/b": "c"}}, "spec": {"nodeName": "n1"}});
        let path = "/api/v1/namespaces/shop/pods/web";
        for (target, is_wanted) in [
            ("/api/v1/pods", true),
            ("/api/v1/pods?fieldSelector=spec.nodeName%3Dn1", true),
            ("/api/v1/pods?fieldSelector=spec.nodeName%3Dn2", false),
            ("/api/v1/namespaces/shop/pods?labelSelector=a%2Fb%3Dc", true),
            (
                "/api/v1/namespaces/shop/pods?labelSelector=a%2Fb%3Dd",
                false,
            ),
            ("/api/v1/namespaces/pay/pods", false),
            ("/api/v1/nodes", false),
        ] {
            let request = request("GET", target, &Value::Null);
            assert_eq!(request.wants(path, &pod), is_wanted, "{target}");
        }
    }

    use std::fs::File;
}

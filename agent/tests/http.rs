//! Probes and metrics as they are served: what is answered, and what a client cannot do.

use lapwing_agent::api::control::{Control, Request};
use lapwing_agent::api::inquiry::Inquiry;
use lapwing_agent::config;
use lapwing_agent::feed::{Feed, Limits};
use lapwing_agent::http::Http;
use lapwing_agent::kernel::sensor::ESSENTIAL;
use lapwing_agent::pipeline::Pulse;
use lapwing_agent::sink::Sinks;
use lapwing_proto::v1::GetStatusResponse;
use lapwing_proto::v1::get_status_response::Hook;
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::Instant;

struct Served {
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Served {
    /// With what stands for the pipeline.
    fn start(pipeline: impl FnOnce(Receiver<Request>) + Send + 'static) -> Self {
        Self::configured(true, pipeline)
    }

    fn configured(
        metrics: bool,
        pipeline: impl FnOnce(Receiver<Request>) + Send + 'static,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits {
            items: 1,
            bytes: 1 << 20,
        };
        let feed = Arc::new(Feed::new(limits, 1));
        let sinks = Sinks::none(folder.path(), feed).unwrap();
        let (control, requests) = Control::new(Arc::new(|| ()));
        std::thread::spawn(move || pipeline(requests));
        let config = config::Http {
            address: "127.0.0.1:0".to_owned(),
            metrics,
        };
        let http = Http::bind(&config, false).unwrap().unwrap();
        let address = http.address().unwrap();
        let inquiry = Inquiry::new(control, Arc::new(sinks), None);
        tokio::spawn(http.serve(inquiry, Pulse::new(), None));
        Self {
            address,
            _folder: folder,
        }
    }

    /// One that is well.
    fn well() -> Self {
        Self::start(|requests| {
            for request in requests {
                if let Request::Counters(reply) = request {
                    let hook = |row: &lapwing_abi::hooks::Row| Hook {
                        row: row.id().to_owned(),
                        tier: "A1".to_owned(),
                        ..Hook::default()
                    };
                    let status = GetStatusResponse {
                        containers: 3,
                        hooks: ESSENTIAL.iter().map(hook).collect(),
                        ..GetStatusResponse::default()
                    };
                    drop(reply.send(status));
                }
            }
        })
    }

    /// One that holds what it is asked, and answers nothing.
    fn silent() -> Self {
        Self::start(|requests| {
            let held: Vec<Request> = requests.iter().collect();
            drop(held);
        })
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// All that is answered to these bytes.
    async fn ask(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // It may have heard enough before it is all said.
        let _ = stream.write_all(bytes).await;
        rest(stream).await
    }

    async fn get(&self, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        self.ask(request.as_bytes()).await
    }
}

/// What comes until the end, be it a reset.
async fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

fn is(answer: &str, status: u16) -> bool {
    answer.starts_with(&format!("HTTP/1.1 {status} "))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_is_answered() {
    let served = Served::well();
    for path in ["/livez", "/readyz", "/readyz?verbose"] {
        let answer = served.get(path).await;
        assert!(
            is(&answer, 200) && answer.ends_with("\r\n\r\nok\n"),
            "{path}: {answer}"
        );
        assert!(answer.contains("connection: close"), "{answer}");
    }
    let metrics = served.get("/metrics").await;
    assert!(is(&metrics, 200), "{metrics}");
    assert!(metrics.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    for line in [
        "lapwing_containers 3\n",
        "lapwing_ready 1\n",
        "lapwing_http_refused_total 0\n",
    ] {
        assert!(metrics.contains(line), "{line}");
    }
    let head = served
        .ask(b"HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    assert!(is(&head, 200) && head.ends_with("\r\n\r\n"), "{head}");
    assert!(!head.contains("content-length: 0"), "{head}");
    for path in [
        "/",
        "/metrics/",
        "/livez/../metrics",
        "/%6detrics",
        "/debug/pprof",
    ] {
        assert!(is(&served.get(path).await, 404), "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "X"] {
        let request = format!("{method} /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        let answer = served.ask(request.as_bytes()).await;
        assert!(
            is(&answer, 405) && answer.contains("allow: GET, HEAD\r\n"),
            "{answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_or_no_request_is_not_answered_as_one() {
    let served = Served::well();
    let long = format!(
        "GET /livez HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
        "x".repeat(64 << 10)
    );
    let path = format!(
        "GET /livez?{} HTTP/1.1\r\nHost: a\r\n\r\n",
        "x".repeat(64 << 10)
    );
    let headers = format!("GET /livez HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(100));
    for request in [
        long.as_bytes(),
        path.as_bytes(),
        headers.as_bytes(),
        b"\0\xff\r\n\r\n",
        b"GET /livez\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let answer = served.ask(request).await;
        assert!(!is(&answer, 200), "{answer}");
    }
    // A body is not waited for, and a second request on the same connection not answered.
    let body = b"GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nx";
    assert!(is(&served.ask(body).await, 200));
    let two = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\nGET /livez HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(served.ask(two).await.matches("HTTP/1.1").count(), 1);
    assert!(is(&served.get("/livez").await, 200), "it goes on");
}

/// Time passes as soon as there is nothing else to do.
#[tokio::test(start_paused = true)]
async fn who_takes_too_long_is_let_go() {
    let served = Served::well();
    for said in ["", "GET /livez HT", "GET /livez HTTP/1.1\r\nHost: a\r\n"] {
        let begun = Instant::now();
        let answer = served.ask(said.as_bytes()).await;
        assert!(!is(&answer, 200), "{answer}");
        assert!(
            begun.elapsed() <= Duration::from_secs(6),
            "{:?}",
            begun.elapsed()
        );
    }
    // One letter a second is not enough either.
    let begun = Instant::now();
    let mut stream = served.connect().await;
    while stream.write_all(b"x").await.is_ok() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "it is still listened to"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_client_cannot_keep_the_probes_out() {
    let served = Served::well();
    let mut held = Vec::new();
    for count in 0..200 {
        let mut idle = served.connect().await;
        if count % 2 == 0 {
            // It may be closed already, which is as well.
            let _ = idle.write_all(b"GET /livez HT").await;
        }
        held.push(idle);
    }
    // The kubelet's come from the same address.
    for path in ["/livez", "/readyz"] {
        let answer = served.get(path).await;
        assert!(is(&answer, 200), "{path}: {answer}");
    }
    let other = TcpSocket::new_v4().unwrap();
    other.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other = other.connect(served.address).await.unwrap();
    other
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let answer = rest(other).await;
    assert!(is(&answer, 200), "{answer}");
    // How many had gone by themselves is a matter of time.
    let let_go = "lapwing_http_refused_total ";
    assert!(
        answer.contains(let_go) && !answer.contains(&format!("{let_go}0\n")),
        "{answer}"
    );
    drop(held);
}

/// Nor by asking and leaving the answer.
#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_the_pipeline_keeps_no_probe_out() {
    let served = Served::silent();
    let mut held = Vec::new();
    for _ in 0..40 {
        let mut asks = served.connect().await;
        let _ = asks
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
            .await;
        held.push(asks);
    }
    assert!(is(&served.get("/livez").await, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_pipeline_keeps_nobody_waiting() {
    let served = Served::silent();
    let (ready, metrics) = tokio::join!(served.get("/readyz"), served.get("/metrics"));
    assert!(
        is(&ready, 503) && ready.ends_with("did not say how it is within 2 s.\n"),
        "{ready}"
    );
    assert!(
        is(&metrics, 200) && metrics.contains("lapwing_ready 0\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("process_cpu_seconds_total ") && !metrics.contains("lapwing_containers")
    );
    assert!(is(&served.get("/livez").await, 200));
    // That these are answers is the proof: a connection that takes ten seconds is closed without.
}

/// By a figure that differs each time it is read.
#[tokio::test(flavor = "multi_thread")]
async fn many_scrapes_are_rendered_once_a_second() {
    let served = Served::well();
    let begun = Instant::now();
    let mut seen = HashSet::new();
    for _ in 0..50 {
        let metrics = served.get("/metrics").await;
        let quiet = { metrics.lines() }.find(|line| line.starts_with("lapwing_pipeline_quiet"));
        seen.insert(quiet.unwrap().to_owned());
    }
    let most = begun.elapsed().as_secs() as usize + 1;
    assert!(seen.len() <= most, "{} in {most} s", seen.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_may_be_left_out() {
    let served = Served::configured(false, drop);
    assert!(is(&served.get("/livez").await, 200));
    let answer = served.get("/metrics").await;
    assert!(
        is(&answer, 404) && answer.contains("`http.metrics`"),
        "{answer}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_ends_is_not_ready() {
    let served = Served::start(drop);
    let ready = served.get("/readyz").await;
    assert!(
        is(&ready, 503) && ready.ends_with("the agent is ending.\n"),
        "{ready}"
    );
}

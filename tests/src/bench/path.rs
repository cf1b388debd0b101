//! The path in user space: how many records a second one core takes.
//!
//! Records as the kernel programs write them, made beforehand, go through the same
//! calls as in `lapwing_agent::pipeline`: decode, attribute to a container, judge by its
//! profile, offer what is to be told to the log. The rings and the maps are left out, because
//! the kernel's side of them is measured elsewhere; a container is known by the files that
//! Docker would have left.

use super::Args;
use super::figure::{figure, least};
use crate::session::{Session, check_interrupt};
use anyhow::{Result, bail, ensure};
use lapwing_abi::ABI_VERSION;
use lapwing_abi::decode::Record;
use lapwing_abi::ids::{Kind, Mount, Operation, Origin, Phase};
use lapwing_abi::record::{HEADER_LEN, Header};
use lapwing_agent::clock::{self, Clock};
use lapwing_agent::config::StartMode;
use lapwing_agent::container::hierarchy::Hierarchy;
use lapwing_agent::container::{Act, Options, Registry, Resolution};
use lapwing_agent::feed::{Feed, Limits};
use lapwing_agent::judge::store::Store;
use lapwing_agent::judge::{Judge, Scene, sighting};
use lapwing_agent::process::Images;
use serde_json::json;
use std::fs;
use std::mem::offset_of;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

const CGROUP: u64 = 5;
/// Different records in a set: what a busy container does.
const DIFFERENT: usize = 1_000;

/// A record, by the layout of its header.
fn record(index: usize, set: &str) -> Result<Vec<u8>> {
    let mut bytes = vec![0; HEADER_LEN];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(offset_of!(Header, abi), &[ABI_VERSION]);
    put(offset_of!(Header, phase), &[Phase::Main.raw()]);
    put(offset_of!(Header, time), &clock::since_boot().to_le_bytes());
    put(offset_of!(Header, cgroup), &CGROUP.to_le_bytes());
    put(offset_of!(Header, exec), &1_u64.to_le_bytes());
    put(offset_of!(Header, pid), &77_u32.to_le_bytes());
    // Eight files, a program and a peer in ten; names lie first, their folders after them.
    let sections = match index % 10 {
        0 => {
            put(offset_of!(Header, kind), &[Kind::Exec.raw()]);
            put(offset_of!(Header, origin), &[Origin::Image.raw()]);
            let image = 2 + index as u64;
            put(offset_of!(Header, exec), &image.to_le_bytes());
            let path = format!("{set}-{index}\0bin\0usr\0");
            let name = format!("/usr/bin/{set}-{index}");
            let args = format!("{name}\0--some\0arguments\0");
            vec![path, name, args, "srv\0".to_owned()]
        }
        1 => {
            put(offset_of!(Header, kind), &[Kind::Egress.raw()]);
            put(offset_of!(Header, protocol), &[6]);
            put(offset_of!(Header, family), &[4]);
            put(offset_of!(Header, port), &443_u16.to_le_bytes());
            let low = (index / 10) as u8;
            let set = set.bytes().fold(0, |sum: u8, byte| sum.wrapping_add(byte));
            put(offset_of!(Header, address), &[10, 9, set, low]);
            Vec::new()
        }
        _ => {
            put(offset_of!(Header, kind), &[Kind::File.raw()]);
            put(offset_of!(Header, operation), &[Operation::OpenWrite.raw()]);
            put(offset_of!(Header, mount), &[Mount::Image.raw()]);
            vec![format!("{set}-{index}.dat\0cache\0service\0lib\0var\0")]
        }
    };
    for (index, section) in sections.iter().enumerate() {
        let len = u16::try_from(section.len())?;
        put(offset_of!(Header, sections) + 2 * index, &len.to_le_bytes());
    }
    bytes.extend(sections.concat().into_bytes());
    ensure!(
        Record::decode(&bytes).is_ok(),
        "a made record does not decode: {:?}",
        Record::decode(&bytes)
    );
    Ok(bytes)
}

fn set(name: &str) -> Result<Vec<Vec<u8>>> {
    (0..DIFFERENT).map(|index| record(index, name)).collect()
}

/// How far a record is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It is read.
    Decode,
    /// It is known whose it is.
    Attribute,
    /// It is a behaviour, with its texts.
    See,
    /// It is compared, counted, and told if it is news.
    Judge,
}

struct Line {
    registry: Registry,
    images: Images,
    judge: Judge,
    feed: Feed,
    clock: Clock,
}

impl Line {
    fn new(folder: &Path) -> Result<Self> {
        let options = Options {
            cluster: "c1".into(),
            scope: Vec::new(),
            host: false,
            host_root: folder.to_path_buf(),
            runc_roots: Vec::new(),
            share: usize::MAX,
        };
        let hierarchy = Hierarchy {
            root: folder.join("cgroup"),
            controller: None,
            id: 0,
            unified: None,
            namespace: String::new(),
        };
        let id = "ab".repeat(32);
        let files = folder.join("var/lib/docker/containers").join(&id);
        fs::create_dir_all(&files)?;
        let details = r#"{"Name":"/web","Config":{"Image":"team/web:1"}}"#;
        fs::write(files.join("config.v2.json"), details)?;
        let mut registry = Registry::new(options, hierarchy);
        registry.met(CGROUP, 1, &format!("/docker/{id}"), 0);
        let store = Store::open(&folder.join("state"))?;
        let judge = Judge::open(store, "c1", "n1", StartMode::Learn, Arc::new(|| ()))?;
        let limits = Limits {
            items: 16_384,
            bytes: 8 << 20,
        };
        Ok(Self {
            registry,
            images: Images::default(),
            judge,
            feed: Feed::new(limits, clock::now()),
            clock: Clock::read(),
        })
    }

    /// One record, as the pipeline takes it, up to a stage. Answers how much there was to tell of it.
    fn take(&mut self, bytes: &[u8], last: Stage) -> Result<usize> {
        let Ok(record) = Record::decode(bytes) else {
            bail!("a record does not decode");
        };
        if last == Stage::Decode {
            std::hint::black_box(&record);
            return Ok(0);
        }
        let now = clock::since_boot();
        if let Some(image) = sighting::image(&record) {
            self.images.insert(record.header.exec, image);
        }
        let cgroup = record.header.cgroup;
        let act = Act {
            cgroup,
            pid: record.header.pid,
            foreign_root: false,
            behaviour: true,
        };
        self.registry.acted(act, now);
        let Resolution::Instance(instance) = self.registry.resolve(cgroup) else {
            bail!("the container is not known");
        };
        if last == Stage::Attribute {
            std::hint::black_box(instance);
            return Ok(0);
        }
        if last == Stage::See {
            let image = self.images.get(record.header.exec);
            std::hint::black_box(sighting::seen(&record, image));
            return Ok(0);
        }
        let scene = Scene {
            instance,
            images: &self.images,
            clock: self.clock,
            last_gap: 0,
            names: &[],
        };
        let (at, items) = self.judge.take(&record, scene);
        let told = items.len();
        for item in items {
            self.feed.publish(at, item);
        }
        Ok(told)
    }

    /// Takes a set so often; answers nanoseconds for each record, and how much was told.
    fn time(&mut self, records: &[Vec<u8>], rounds: u32, last: Stage) -> Result<(f64, usize)> {
        let start = Instant::now();
        let mut told = 0;
        for _ in 0..rounds {
            for bytes in records {
                told += self.take(bytes, last)?;
            }
        }
        let each = start.elapsed().as_nanos() as f64;
        Ok((each / f64::from(rounds) / records.len() as f64, told))
    }
}

/// Measures and prints.
pub fn run(session: &Session, args: &Args) -> Result<()> {
    let mut line = Line::new(&session.folder("path")?)?;
    let known = set("known")?;
    let (_, told) = line.time(&known, 1, Stage::Judge)?;
    ensure!(told == DIFFERENT, "{DIFFERENT} were news, {told} were told");
    // Short rounds, of which the best was disturbed least.
    let (repeats, sets) = if args.quick { (3, 4) } else { (5, 15) };
    let (mut of_known, mut of_news) = (Vec::new(), Vec::new());
    let (mut decoded, mut attributed, mut as_seen) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..sets {
        check_interrupt()?;
        let (each, told) = line.time(&known, repeats, Stage::Judge)?;
        ensure!(told == 0, "{told} known behaviours were told of");
        of_known.push(each);
        decoded.push(line.time(&known, repeats, Stage::Decode)?.0);
        attributed.push(line.time(&known, repeats, Stage::Attribute)?.0);
        as_seen.push(line.time(&known, repeats, Stage::See)?.0);
        let news = set(&format!("news{round}"))?;
        let (each, told) = line.time(&news, 1, Stage::Judge)?;
        ensure!(told == DIFFERENT, "{DIFFERENT} were news, {told} were told");
        of_news.push(each);
    }
    let stages = [&decoded, &attributed, &as_seen, &of_known];
    let [decode, attribute, see, known] = stages.map(|times| least(times));
    for (stage, nanoseconds) in [
        ("decode", decode),
        ("attribute", attribute - decode),
        ("see", see - attribute),
        ("judge", known - see),
    ] {
        let detail = json!({"rounds": sets, "different": DIFFERENT});
        figure(&format!("path-stage.{stage}"), nanoseconds, "ns", &detail);
    }
    for (name, values) in [("known", of_known), ("news", of_news)] {
        let best = least(&values);
        let detail = json!({"nanoseconds": best, "rounds": values.len(), "different": DIFFERENT});
        figure(&format!("path.{name}"), 1e9 / best, "records/s", &detail);
    }
    Ok(())
}

//! The clients: a process of its own in the network of the container, and in no container.
//!
//! It is the same program as the tests, started as `lapwing-tests load`. What it does is random
//! in order, names, sizes and pauses, so that no two runs are alike.

use super::wire::{Postgresql, Redis, http};
use crate::session::{patience, set_patience};
use anyhow::{Result, ensure};
use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

/// How long a program may take until it answers, and Redis until it is at rest.
fn start() -> Duration {
    2 * patience()
}

/// Which client a program has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Load {
    Nginx,
    Postgresql,
    Redis,
    /// Cached answers and uploads.
    Http,
    /// None: the program fetches, from a server that is started beside it.
    Repository,
}

/// Options of the command.
#[derive(clap::Args)]
pub struct LoadArgs {
    client: Load,
    port: u16,
    seconds: u64,
    /// How long an answer may take, in seconds.
    patience: u32,
}

/// Random numbers, other ones in each run.
struct Random(u64);

impl Random {
    fn new() -> Self {
        Self(RandomState::new().hash_one(std::process::id()) | 1)
    }

    /// A number below `limit`.
    fn below(&mut self, limit: u64) -> u64 {
        // Marsaglia's xorshift64.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    /// A word of letters.
    fn word(&mut self) -> String {
        let len = 4 + self.below(6);
        (0..len)
            .map(|_| char::from(b'a' + self.below(26) as u8))
            .collect()
    }

    fn bytes(&mut self, limit: u64) -> Vec<u8> {
        let len = 1 + self.below(limit);
        (0..len).map(|_| self.below(256) as u8).collect()
    }
}

/// Runs a client until its time is up, and prints how much it did.
pub fn main(args: &LoadArgs) -> Result<()> {
    set_patience(args.patience);
    let mut random = Random::new();
    let port = args.port;
    let end = Instant::now() + Duration::from_secs(args.seconds);
    let done = match args.client {
        Load::Nginx => repeat(end, &mut random, 60, |random| nginx(port, random))?,
        Load::Http => repeat(end, &mut random, 80, |random| cached(port, random))?,
        Load::Redis => redis(port, end, &mut random)?,
        Load::Postgresql => {
            first(|| Postgresql::connect(port, "wait"))?;
            repeat(end, &mut random, 60, |random| tables(port, random))?
        }
        Load::Repository => 0,
    };
    println!("{done}");
    Ok(())
}

/// Tries until a server is there.
fn first<T>(mut connect: impl FnMut() -> Result<T>) -> Result<T> {
    let end = Instant::now() + start();
    loop {
        match connect() {
            Err(error) if Instant::now() >= end => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
            Ok(value) => return Ok(value),
        }
    }
}

/// Does something again and again, with pauses of up to so many milliseconds.
fn repeat(
    end: Instant,
    random: &mut Random,
    pause: u64,
    mut act: impl FnMut(&mut Random) -> Result<()>,
) -> Result<u64> {
    first(|| act(random))?;
    let mut done = 1;
    while Instant::now() < end {
        act(random)?;
        done += 1;
        std::thread::sleep(Duration::from_millis(random.below(pause)));
    }
    Ok(done)
}

fn nginx(port: u16, random: &mut Random) -> Result<()> {
    let query = format!("/?q={}", random.word());
    let (method, path, body, slow) = match random.below(8) {
        0 => ("POST", "/upload", random.bytes(200_000), false),
        1 => ("GET", "/report", Vec::new(), true),
        2 => {
            let path = format!("/{}", random.word());
            let status = http(port, "GET", &path, &[], false)?;
            ensure!(status == 404, "GET {path}: status {status}");
            return Ok(());
        }
        3 => ("GET", "/big", Vec::new(), false),
        _ => ("GET", &*query, Vec::new(), false),
    };
    let status = http(port, method, path, &body, slow)?;
    ensure!(status < 300, "{method} {path}: status {status}");
    Ok(())
}

fn cached(port: u16, random: &mut Random) -> Result<()> {
    match random.below(4) {
        0 => http(port, "POST", "/", &random.bytes(30_000), false)?,
        1 => http(
            port,
            "GET",
            &format!("/page/{}", random.below(20)),
            &[],
            false,
        )?,
        _ => http(port, "GET", &format!("/page/{}", random.word()), &[], false)?,
    };
    Ok(())
}

/// How many keys are written between two times that Redis writes its files anew.
const KEYS: u64 = 10;
/// How many times it does so at least, however slow the machine is: each way to do it leaves names
/// that are learned as a pattern only when there are enough of them.
const SAVES: u64 = 60;

/// Writes keys, and has Redis write its files anew by each of its ways in turn. A save that is cut
/// off, as one is by an end in its midst, leaves other names than one that ends: none is.
fn redis(port: u16, end: Instant, random: &mut Random) -> Result<u64> {
    let mut redis = first(|| Redis::connect(port))?;
    first(|| redis.call(&["PING"]).and_then(|answer| accepted(&answer)))?;
    let mut done = 0;
    let mut saves = 0;
    while Instant::now() < end || saves < SAVES {
        let way = match saves % 20 {
            19 => "FLUSHALL",
            even if even % 2 == 0 => "BGSAVE",
            _ => "BGREWRITEAOF",
        };
        at_rest(&mut redis)?;
        // One that Redis began by itself meanwhile will do as well.
        redis.call(&[way])?;
        at_rest(&mut redis)?;
        saves += 1;
        for _ in 0..KEYS {
            keys(&mut redis, random)?;
            std::thread::sleep(Duration::from_millis(random.below(20)));
        }
        done += 1 + KEYS;
    }
    for setting in [["save", ""], ["auto-aof-rewrite-percentage", "0"]] {
        accepted(&redis.call(&["CONFIG", "SET", setting[0], setting[1]])?)?;
    }
    at_rest(&mut redis)?;
    Ok(done)
}

fn keys(redis: &mut Redis, random: &mut Random) -> Result<()> {
    let key = format!("{}:{}", random.word(), random.below(1000));
    let value = "v".repeat(1 + random.below(3000) as usize);
    let answer = match random.below(10) {
        0..=1 => redis.call(&["RPUSH", "list", &value])?,
        2 => redis.call(&["EXPIRE", &key, "1"])?,
        _ => redis.call(&["SET", &key, &value])?,
    };
    accepted(&answer)
}

fn accepted(answer: &str) -> Result<()> {
    ensure!(!answer.starts_with('-'), "Redis says {answer}");
    Ok(())
}

/// Waits until no child of Redis writes a file, and none is waited for: it looks at its children as
/// often as `hz` of its configuration says.
fn at_rest(redis: &mut Redis) -> Result<()> {
    const BUSY: [&str; 4] = [
        "rdb_bgsave_in_progress:1",
        "aof_rewrite_in_progress:1",
        "aof_rewrite_scheduled:1",
        "loading:1",
    ];
    let end = Instant::now() + start();
    loop {
        let info = redis.bulk(&["INFO", "persistence"])?;
        let Some(busy) = info.lines().find(|line| BUSY.contains(line)) else {
            return Ok(());
        };
        ensure!(Instant::now() < end, "Redis stays busy: {busy}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn tables(port: u16, random: &mut Random) -> Result<()> {
    let mut session = Postgresql::connect(port, &random.word())?;
    let table = format!("{}_{}", random.word(), random.below(1_000_000));
    let rows = 200 + random.below(8_000);
    session.run(&format!(
        "create table {table} (id serial primary key, name text, at timestamptz default now())"
    ))?;
    session.run(&format!(
        "insert into {table} (name) select md5(random()::text) from generate_series(1, {rows})"
    ))?;
    for _ in 0..random.below(4) {
        let mut statements = String::new();
        match random.below(7) {
            0 => write!(
                statements,
                "update {table} set name = reverse(name) where id % 3 = 0"
            )?,
            1 => write!(
                statements,
                "select count(*) from (select * from {table} order by name) s"
            )?,
            2 => write!(statements, "vacuum {table}")?,
            3 => write!(
                statements,
                "create temporary table t as select * from {table}; drop table t"
            )?,
            4 => write!(
                statements,
                "create index on {table} (name); analyze {table}"
            )?,
            5 => write!(statements, "checkpoint")?,
            _ => write!(statements, "truncate {table}")?,
        }
        session.run(&statements)?;
    }
    if random.below(3) > 0 {
        session.run(&format!("drop table {table}"))?;
    }
    if random.below(20) == 0 {
        session.run("select pg_switch_wal()")?;
    }
    Ok(())
}

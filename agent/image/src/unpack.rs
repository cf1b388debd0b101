//! The bytes of a layer: read, checked and unpacked beside the thread that looks at them.

use crate::error::{Error, Limits};
use crate::layout::{Blob, digest_text};
use crate::store::Part;
use crate::tarball::Forward;
use flate2::bufread::MultiGzDecoder;
use lapwing_profile::text::canonical;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use sha2::{Digest as _, Sha256};
use std::io::{self, BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Bytes that go from one thread to the other at once.
const CHUNK: usize = 256 << 10;
/// Chunks that wait.
const WAITING: usize = 8;

/// Sizes of a layer that was read.
pub(crate) struct Sizes {
    /// In the store.
    pub packed: u64,
    /// As a tar.
    pub unpacked: u64,
}

/// A reader that counts and hashes what is read.
struct Hashed<R> {
    reader: R,
    sum: Sha256,
    count: u64,
}

impl<R> Hashed<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            sum: Sha256::new(),
            count: 0,
        }
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(into)?;
        self.sum.update(&into[..count]);
        self.count += count as u64;
        Ok(count)
    }
}

/// Frames of zstd, one after another; those to be passed over (zstd:chunked has such) say nothing.
struct Frames<R> {
    reader: R,
    decoder: FrameDecoder,
    within: bool,
}

impl<R: BufRead> Frames<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            decoder: FrameDecoder::new(),
            within: false,
        }
    }

    /// Begins a frame, unless it is one to be passed over.
    fn begin(&mut self) -> io::Result<()> {
        match self.decoder.reset(&mut self.reader) {
            Ok(()) => self.within = true,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                let length = u64::from(length);
                let passed = io::copy(&mut self.reader.by_ref().take(length), &mut io::sink())?;
                if passed < length {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Err(error) => return Err(damaged(&error)),
        }
        Ok(())
    }
}

fn damaged(error: &impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("damaged zstd: {error}"))
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.within {
                if self.reader.fill_buf()?.is_empty() {
                    return Ok(0);
                }
                self.begin()?;
                continue;
            }
            let count = self.decoder.read(into)?;
            if count > 0 || into.is_empty() {
                return Ok(count);
            }
            if self.decoder.is_finished() {
                self.within = false;
                continue;
            }
            let some = BlockDecodingStrategy::UptoBlocks(1);
            (self.decoder.decode_blocks(&mut self.reader, some))
                .map_err(|error| damaged(&error))?;
        }
    }
}

/// A stream of no more bytes than are left of all layers.
struct Bounded<'a, R> {
    reader: R,
    left: &'a mut u64,
    limits: Limits,
    what: &'a str,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(into)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => *self.left = left,
            None => {
                return Err(io::Error::other(Error::Limit {
                    what: self.what.to_owned(),
                    limit: self.limits.bytes >> 20,
                    of: "MiB of layers, unpacked",
                    option: Limits::BYTES_OPTION,
                }));
            }
        }
        Ok(count)
    }
}

/// What the other thread reads.
pub(crate) struct Stream {
    chunks: Receiver<Vec<u8>>,
    chunk: Vec<u8>,
    at: usize,
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.chunk.len() {
            // It ends where the sender ended, which says by itself how.
            let Ok(chunk) = self.chunks.recv() else {
                return Ok(0);
            };
            (self.chunk, self.at) = (chunk, 0);
        }
        let count = into.len().min(self.chunk.len() - self.at);
        into[..count].copy_from_slice(&self.chunk[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

impl Forward for Stream {}

fn send(mut from: impl Read, to: &SyncSender<Vec<u8>>) -> io::Result<()> {
    loop {
        let mut chunk = Vec::with_capacity(CHUNK);
        from.by_ref().take(CHUNK as u64).read_to_end(&mut chunk)?;
        // Nobody reads on: the other thread says why.
        if chunk.is_empty() || to.send(chunk).is_err() {
            return Ok(());
        }
    }
}

fn check(what: &str, said: Option<&String>, sum: Sha256) -> Result<(), Error> {
    let found = digest_text(&sum.finalize());
    match said {
        Some(said) if *said != found => Err(Error::Digest {
            what: what.to_owned(),
            said: said.clone(),
            found,
        }),
        _ => Ok(()),
    }
}

fn produce(
    blob: &Blob,
    part: Part,
    limits: Limits,
    left: &mut u64,
    to: &SyncSender<Vec<u8>>,
) -> Result<Sizes, Error> {
    let what = canonical(blob.name.as_bytes());
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            Error::format(&what, canonical(error.to_string().as_bytes()))
        }
        _ => Error::io(&what, error),
    };
    let mut packed = BufReader::with_capacity(CHUNK, Hashed::new(part));
    let magic = packed.fill_buf().map_err(failed)?;
    let is_gzip = magic.starts_with(&[0x1f, 0x8b]);
    let is_zstd = magic.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
        || matches!(magic, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]);
    let (sum, count) = {
        let reader: Box<dyn Read + '_> = match (is_gzip, is_zstd) {
            (true, _) => Box::new(MultiGzDecoder::new(&mut packed)),
            (_, true) => Box::new(Frames::new(&mut packed)),
            _ => Box::new(&mut packed),
        };
        let mut unpacked = Hashed::new(Bounded {
            reader,
            left,
            limits,
            what: &what,
        });
        send(&mut unpacked, to).map_err(failed)?;
        (unpacked.sum, unpacked.count)
    };
    io::copy(&mut packed, &mut io::sink()).map_err(failed)?;
    let packed = packed.into_inner();
    check(&what, blob.digest.as_ref(), packed.sum)?;
    check(&format!("{what}, unpacked"), blob.diff_id.as_ref(), sum)?;
    Ok(Sizes {
        packed: packed.count,
        unpacked: count,
    })
}

/// Reads a layer: unpacks it on a thread of its own, and lets `look` see the bytes. What is wrong with
/// the bytes is said before what `look` says of them, for it follows.
pub(crate) fn layer(
    blob: &Blob,
    part: Part,
    limits: Limits,
    left: &mut u64,
    look: impl FnOnce(&mut Stream) -> Result<(), Error>,
) -> Result<Sizes, Error> {
    let what = canonical(blob.name.as_bytes());
    let (to, chunks) = sync_channel(WAITING);
    std::thread::scope(|scope| {
        let producer = scope.spawn(move || produce(blob, part, limits, left, &to));
        let mut stream = Stream {
            chunks,
            chunk: Vec::new(),
            at: 0,
        };
        let looked = look(&mut stream).and_then(|()| {
            // What lies behind the end of the tar counts for the digest.
            let rest = io::copy(&mut stream, &mut io::sink());
            rest.map(drop).map_err(|error| Error::io(&what, error))
        });
        let ended_early = looked.is_err();
        drop(stream);
        let produced = producer
            .join()
            .unwrap_or_else(|_| Err(Error::format(&what, "the thread that unpacks it ended")));
        match (looked, produced) {
            // It was not let end, so its digest says nothing.
            (Err(looked), Err(Error::Digest { .. }) | Ok(_)) if ended_early => Err(looked),
            (_, Err(produced)) => Err(produced),
            (looked, Ok(sizes)) => looked.map(|()| sizes),
        }
    })
}

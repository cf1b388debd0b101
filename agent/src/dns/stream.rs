//! Messages out of one direction of a TCP connection (RFC 7766): each behind its length.
//!
//! A segment is used when it is its turn; what came before its turn waits, in a few places. The
//! first copy of a byte counts. Of a long message only the beginning is kept, and the rest is
//! passed over by its length. So is what is missing of a segment that the kernel cut: where the
//! message ends is known from its length, and the next segment says where it stands. What cannot
//! be bridged so ends the stream: to look for the next length anywhere else would be a guess.

use std::mem;

/// How much of a message is kept, in bytes. Answers that only fit TCP have some thousand.
const MESSAGE: usize = 4096;
/// How many segments may wait for their turn.
const WAITING: usize = 4;
/// How many bytes may wait.
const WAITING_BYTES: usize = 8192;
/// The length before each message, in bytes.
const LENGTH: usize = 2;

/// The stream went on where it cannot be followed.
#[derive(Debug, PartialEq, Eq)]
pub struct Gap;

struct Segment {
    sequence: u32,
    bytes: Vec<u8>,
    cut: bool,
}

/// One direction of a connection.
pub struct Stream {
    /// Sequence number of its first byte.
    first: u32,
    /// Sequence number of the byte whose turn it is.
    next: u32,
    /// What there is of the message being read, with its length before it.
    message: Vec<u8>,
    /// How many bytes more belong to a message that was handed on already.
    pass: u32,
    waiting: Vec<Segment>,
    /// When it was last used, time since boot in nanoseconds.
    pub last: u64,
}

impl Stream {
    /// A stream whose first byte has this sequence number.
    #[must_use]
    pub fn new(first: u32, now: u64) -> Self {
        Self {
            first,
            next: first,
            message: Vec::new(),
            pass: 0,
            waiting: Vec::new(),
            last: now,
        }
    }

    /// Whether it began there: a SYN that is sent once more does not begin another.
    #[must_use]
    pub fn began(&self, first: u32) -> bool {
        self.first == first
    }

    /// Takes a segment and hands on the messages that are there with it, and for each whether its
    /// end is missing.
    ///
    /// # Errors
    /// [`Gap`] when the stream cannot be followed further.
    pub fn push(
        &mut self,
        sequence: u32,
        bytes: &[u8],
        cut: bool,
        mut hand_on: impl FnMut(&[u8], bool),
    ) -> Result<(), Gap> {
        if !self.reached(sequence) {
            let held: usize = self.waiting.iter().map(|segment| segment.bytes.len()).sum();
            if self.waiting.len() == WAITING || held + bytes.len() > WAITING_BYTES {
                return Err(Gap);
            }
            self.waiting.push(Segment {
                sequence,
                bytes: bytes.to_vec(),
                cut,
            });
            return Ok(());
        }
        self.take(sequence, bytes, cut, &mut hand_on)?;
        while let Some(index) = self
            .waiting
            .iter()
            .position(|segment| self.reached(segment.sequence))
        {
            let segment = self.waiting.swap_remove(index);
            self.take(segment.sequence, &segment.bytes, segment.cut, &mut hand_on)?;
        }
        Ok(())
    }

    /// Whether nothing that is wanted is missing before this sequence number.
    fn reached(&self, sequence: u32) -> bool {
        let ahead = sequence.wrapping_sub(self.next);
        // Sequence numbers go round (RFC 9293, section 3.4): the nearer side is meant.
        ahead > u32::MAX / 2 || ahead <= self.pass
    }

    fn take(
        &mut self,
        sequence: u32,
        bytes: &[u8],
        cut: bool,
        hand_on: &mut impl FnMut(&[u8], bool),
    ) -> Result<(), Gap> {
        let ahead = sequence.wrapping_sub(self.next);
        let bytes = if ahead > u32::MAX / 2 {
            let behind = self.next.wrapping_sub(sequence) as usize;
            match bytes.get(behind..) {
                Some(news) => news,
                // Nothing of it is new. If it is cut, what is missing may be; the gap shows then.
                None => return Ok(()),
            }
        } else {
            // A hole in what is passed over anyway.
            self.pass -= ahead;
            self.next = sequence;
            bytes
        };
        self.next = self.next.wrapping_add(bytes.len() as u32);
        self.read(bytes, hand_on);
        if cut { self.read_cut(hand_on) } else { Ok(()) }
    }

    fn read(&mut self, mut bytes: &[u8], hand_on: &mut impl FnMut(&[u8], bool)) {
        while !bytes.is_empty() {
            let passed = bytes.len().min(self.pass as usize);
            self.pass -= passed as u32;
            bytes = &bytes[passed..];
            let wanted = self.wanted();
            let (head, tail) = bytes.split_at(bytes.len().min(wanted - self.message.len()));
            self.message.extend_from_slice(head);
            bytes = tail;
            // The length may just have become known.
            let wanted = self.wanted();
            if self.message.len() == wanted && wanted > LENGTH {
                self.finish(hand_on);
            } else if self.length() == Some(0) {
                self.message.clear();
            }
        }
    }

    /// The length of the message being read, once it is there.
    fn length(&self) -> Option<usize> {
        let bytes = self.message.first_chunk::<LENGTH>()?;
        Some(usize::from(u16::from_be_bytes(*bytes)))
    }

    /// How many bytes are kept of the message being read, with its length.
    fn wanted(&self) -> usize {
        LENGTH + self.length().unwrap_or(0).min(MESSAGE)
    }

    /// Hands on what there is of the message, and passes over the rest.
    fn finish(&mut self, hand_on: &mut impl FnMut(&[u8], bool)) {
        let message = mem::take(&mut self.message);
        let length = message
            .first_chunk::<LENGTH>()
            .map_or(0, |bytes| usize::from(u16::from_be_bytes(*bytes)));
        let body = &message[LENGTH..];
        let missing = length - body.len();
        hand_on(body, missing > 0);
        self.pass = missing as u32;
    }

    /// The rest of the segment is not there, however long it is.
    fn read_cut(&mut self, hand_on: &mut impl FnMut(&[u8], bool)) -> Result<(), Gap> {
        if self.pass > 0 {
            return Ok(());
        }
        if self.length().is_none() {
            return Err(Gap);
        }
        self.finish(hand_on);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn framed(messages: &[Vec<u8>]) -> Vec<u8> {
        messages
            .iter()
            .flat_map(|message| {
                let mut out = (message.len() as u16).to_be_bytes().to_vec();
                out.extend(message);
                out
            })
            .collect()
    }

    struct Collected {
        stream: Stream,
        messages: Vec<(Vec<u8>, bool)>,
    }

    impl Collected {
        fn new(first: u32) -> Self {
            Self {
                stream: Stream::new(first, 0),
                messages: vec![],
            }
        }
        fn push(&mut self, sequence: u32, bytes: &[u8], cut: bool) -> Result<(), Gap> {
            self.stream.push(sequence, bytes, cut, |message, cut| {
                self.messages.push((message.to_vec(), cut));
            })
        }
    }

    fn whole(messages: &[Vec<u8>]) -> Vec<(Vec<u8>, bool)> {
        messages
            .iter()
            .filter(|message| !message.is_empty())
            .map(|message| (message.clone(), false))
            .collect()
    }

    #[test]
    fn messages_split_at_every_byte_come_out_whole() {
        let messages = [b"first".to_vec(), vec![], b"second one".to_vec()];
        let bytes = framed(&messages);
        // Near the end of the sequence numbers, so that they go round inside.
        for first in [1, u32::MAX - 7] {
            for at in 0..=bytes.len() {
                let mut whole_stream = Collected::new(first);
                whole_stream.push(first, &bytes[..at], false).unwrap();
                let rest = first.wrapping_add(at as u32);
                whole_stream.push(rest, &bytes[at..], false).unwrap();
                assert_eq!(whole_stream.messages, whole(&messages), "at {at}");
                // And the other way round.
                let mut turned = Collected::new(first);
                turned.push(rest, &bytes[at..], false).unwrap();
                turned.push(first, &bytes[..at], false).unwrap();
                assert_eq!(turned.messages, whole(&messages), "turned at {at}");
            }
            let mut single = Collected::new(first);
            for (index, byte) in bytes.iter().enumerate() {
                let sequence = first.wrapping_add(index as u32);
                single.push(sequence, &[*byte], false).unwrap();
                // Sent once more.
                single.push(sequence, b"?", false).unwrap();
            }
            assert_eq!(single.messages, whole(&messages));
        }
    }

    #[test]
    fn the_first_copy_of_a_byte_counts() {
        let mut stream = Collected::new(0);
        stream.push(0, b"\0\x04ab", false).unwrap();
        stream.push(2, b"xycd", false).unwrap();
        assert_eq!(stream.messages, [(b"abcd".to_vec(), false)]);
    }

    #[test]
    fn a_cut_segment_costs_the_end_of_its_message_and_no_more() {
        let messages = [vec![7; 3000], b"next".to_vec()];
        let bytes = framed(&messages);
        let mut stream = Collected::new(10);
        stream.push(10, &bytes[..1500], true).unwrap();
        assert_eq!(stream.messages, [(vec![7; 1498], true)]);
        // The segment had 2,900 bytes; the next one begins in the same message.
        stream.push(2910, &bytes[2900..], false).unwrap();
        assert_eq!(stream.messages[1..], [(b"next".to_vec(), false)]);
    }

    #[test]
    fn what_cannot_be_bridged_ends_the_stream() {
        // The length itself is cut.
        assert_eq!(Collected::new(0).push(0, b"\0", true), Err(Gap));
        // Another message began where nothing is known.
        assert_eq!(Collected::new(0).push(0, b"\0\x01a", true), Err(Gap));
        // What is missing never comes.
        let mut stream = Collected::new(0);
        for index in 0..WAITING as u32 {
            stream.push(10 + index, b"a", false).unwrap();
        }
        assert_eq!(stream.push(20, b"a", false), Err(Gap));
        assert_eq!(
            Collected::new(0).push(1, &[0; WAITING_BYTES + 1], false),
            Err(Gap)
        );
    }

    #[test]
    fn of_a_long_message_the_beginning_is_kept() {
        let messages = [vec![1; 60_000], b"next".to_vec()];
        let bytes = framed(&messages);
        let mut stream = Collected::new(0);
        for (index, chunk) in bytes.chunks(1400).enumerate() {
            stream.push(index as u32 * 1400, chunk, false).unwrap();
        }
        assert_eq!(
            stream.messages,
            [(vec![1; MESSAGE], true), (b"next".to_vec(), false)]
        );
    }

    proptest! {
        #[test]
        fn any_cuts_and_copies_give_the_same_messages(
            messages in vec(vec(any::<u8>(), 0..80), 0..6),
            first in any::<u32>(),
            cuts in vec(0..400usize, 0..6),
            swap in any::<bool>(),
        ) {
            let bytes = framed(&messages);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|at| at.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut pieces: Vec<_> = cuts.windows(2).map(|w| w[0]..w[1]).collect();
            if swap && pieces.len() > 2 {
                pieces.swap(0, 1);
            }
            let mut stream = Collected::new(first);
            for piece in pieces {
                // Each with a copy of what came before it.
                let from = piece.start.saturating_sub(3);
                prop_assert!(stream.push(first.wrapping_add(from as u32), &bytes[from..piece.end], false).is_ok());
            }
            prop_assert_eq!(stream.messages, whole(&messages));
        }

        #[test]
        fn any_segments_stay_within_bounds(
            segments in vec((0..3000u32, vec(any::<u8>(), 0..200), any::<bool>()), 0..40),
        ) {
            let mut stream = Stream::new(0, 0);
            for (sequence, bytes, cut) in segments {
                let mut longest = 0;
                let result = stream.push(sequence, &bytes, cut, |message, _| longest = longest.max(message.len()));
                prop_assert!(longest <= MESSAGE);
                prop_assert!(stream.message.len() <= MESSAGE + LENGTH);
                prop_assert!(stream.waiting.len() <= WAITING);
                if result.is_err() {
                    break;
                }
            }
        }
    }
}

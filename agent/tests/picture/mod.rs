//! Pictures as browsers write them: PNG (W3C, third edition) of eight bits for each of three or four
//! channels, not interlaced.

use flate2::read::ZlibDecoder;
use std::io::Read;

/// The colours of a picture.
pub struct Picture {
    width: usize,
    height: usize,
    channels: usize,
    /// Row after row.
    bytes: Vec<u8>,
}

impl Picture {
    /// Reads one, and panics at what is none or is of another form.
    pub fn read(png: &[u8]) -> Self {
        let mut rest = png.strip_prefix(b"\x89PNG\r\n\x1a\n").expect("a PNG");
        let (mut head, mut data) = (None, Vec::new());
        while let Some((length, more)) = rest.split_first_chunk::<4>() {
            let length = u32::from_be_bytes(*length) as usize;
            let (kind, body) = (&more[..4], &more[4..4 + length]);
            match kind {
                b"IHDR" => head = Some(body),
                b"IDAT" => data.extend_from_slice(body),
                _ => {}
            }
            // Behind it is its checksum.
            rest = &more[8 + length..];
        }
        let head = head.expect("a head");
        let side = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().unwrap()) as usize;
        let (width, height) = (side(0), side(4));
        let channels = match head[8..] {
            [8, 2, 0, 0, 0] => 3,
            [8, 6, 0, 0, 0] => 4,
            ref other => panic!("depth, colours and filters of another form: {other:?}"),
        };
        let line = width * channels;
        let mut filtered = Vec::new();
        let mut unpacked = ZlibDecoder::new(&data[..]).take(((line + 1) * height) as u64);
        unpacked.read_to_end(&mut filtered).unwrap();
        assert_eq!(filtered.len(), (line + 1) * height);
        let mut bytes = Vec::with_capacity(line * height);
        let mut above = vec![0; line];
        for row in filtered.chunks_exact(line + 1) {
            let mut row = row.to_vec();
            let filter = row.remove(0);
            unfilter(filter, channels, &mut row, &above);
            bytes.extend_from_slice(&row);
            above = row;
        }
        Self {
            width,
            height,
            channels,
            bytes,
        }
    }

    /// The colour at a place, without how opaque it is; panics outside.
    pub fn at(&self, x: f64, y: f64) -> [u8; 3] {
        let (x, y) = (x as usize, y as usize);
        assert!(x < self.width && y < self.height, "{x} {y} is outside");
        let at = (y * self.width + x) * self.channels;
        self.bytes[at..at + 3].try_into().unwrap()
    }
}

/// A row as it was before its filter, which each byte has what is left of it, above it and both.
fn unfilter(filter: u8, channels: usize, row: &mut [u8], above: &[u8]) {
    for at in 0..row.len() {
        let before = at.checked_sub(channels);
        let left = before.map_or(0, |it| row[it]);
        let corner = before.map_or(0, |it| above[it]);
        let up = above[at];
        let guess = match filter {
            0 => 0,
            1 => left,
            2 => up,
            3 => left.midpoint(up),
            4 => paeth(left, up, corner),
            other => panic!("no filter {other}"),
        };
        row[at] = row[at].wrapping_add(guess);
    }
}

/// The neighbour that is nearest to what the slope of all three says.
fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let slope = i16::from(left) + i16::from(up) - i16::from(corner);
    [left, up, corner]
        .into_iter()
        .min_by_key(|it| (slope - i16::from(*it)).abs())
        .unwrap_or_default()
}

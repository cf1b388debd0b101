//! The map of an image as a drawing: a row for each layer as high as its share, in it packages, in these
//! folders, and these split by use.
//!
//! Areas are in proportion to bytes throughout: nothing is padded, and borders are drawn over the boxes,
//! within what they are of, of which they leave more than half.
//! The boxes of packages are laid out as Bruls, Huizing and van Wijk describe it (*Squarified Treemaps*,
//! 2000): rows are filled for as long as that makes their boxes less oblong.

use super::escape::Text;
use crate::cli::image_text::size;
use lapwing_image::inventory::Split;
use lapwing_image::map::Area;
use std::fmt::Write;

/// Units of the drawing; a unit is a pixel where there is room for all of it.
pub(super) const WIDTH: f64 = 1200.0;
/// See [`WIDTH`].
pub(super) const HEIGHT: f64 = 640.0;
/// What is left of the rows, for the names of layers.
const GUTTER: f64 = 96.0;
/// A letter at most, and a line.
const LETTER: f64 = 6.4;
const LINE: f64 = 13.0;
/// Borders of a layer, of a package and around a box at most, on each side.
const LAYER_EDGE: f64 = 2.5;
const PACKAGE_EDGE: f64 = 1.0;
const BOX_EDGE: f64 = 0.5;
/// The part of the shorter side that a border takes at most, on each side.
const EDGE_PART: f64 = 0.125;
/// Letters of the longest name that is written onto a box.
const LETTERS_MAX: usize = 60;

/// A box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Boxes for values that are none of them 0, the largest first, in their order.
pub(super) fn squarify(values: &[f64], within: Rect) -> Vec<Rect> {
    let mut left = within;
    let mut rest = values;
    let mut total: f64 = values.iter().sum();
    let mut all = Vec::with_capacity(values.len());
    while !rest.is_empty() {
        let side = left.width.min(left.height);
        // Units of area for each of value.
        let scale = left.width * left.height / total;
        let (mut count, mut sum, mut worst) = (0, 0.0, f64::INFINITY);
        for value in rest {
            let next = sum + value;
            let depth = next * scale / side;
            let (most, least) = (rest[0] * scale / depth, value * scale / depth);
            let oblong = (most / depth).max(depth / least);
            if count > 0 && oblong > worst {
                break;
            }
            (count, sum, worst) = (count + 1, next, oblong);
        }
        let depth = sum * scale / side;
        let is_column = left.width >= left.height;
        let mut at = 0.0;
        for value in &rest[..count] {
            let length = side * value / sum;
            all.push(match is_column {
                true => Rect {
                    x: left.x,
                    y: left.y + at,
                    width: depth,
                    height: length,
                },
                false => Rect {
                    x: left.x + at,
                    y: left.y,
                    width: length,
                    height: depth,
                },
            });
            at += length;
        }
        match is_column {
            true => (left.x, left.width) = (left.x + depth, (left.width - depth).max(0.0)),
            false => (left.y, left.height) = (left.y + depth, (left.height - depth).max(0.0)),
        }
        rest = &rest[count..];
        total -= sum;
    }
    all
}

/// Boxes side by side along the longer side.
fn slices(values: &[f64], within: Rect) -> Vec<Rect> {
    let total: f64 = values.iter().sum();
    let mut at = 0.0;
    let mut all = Vec::new();
    for value in values {
        let share = value / total;
        let mut one = within;
        match within.width >= within.height {
            true => (one.x, one.width) = (within.x + at * within.width, share * within.width),
            false => (one.y, one.height) = (within.y + at * within.height, share * within.height),
        }
        at += share;
        all.push(one);
    }
    all
}

/// Bytes by use: its class, in words, how many.
pub(super) fn parts(files: &Split) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
    [
        ("u", "used", files.used.bytes),
        ("n", "not seen to be used", files.not_seen.bytes),
        ("k", "unknown", files.unknown.bytes),
    ]
    .into_iter()
    .filter(|(.., bytes)| *bytes > 0)
}

/// What a box says when one points at it.
fn told(files: &Split) -> String {
    let parts: Vec<String> = parts(files)
        .map(|(_, words, bytes)| format!("{} {words}", size(bytes)))
        .collect();
    parts.join(", ")
}

/// How high the row of a layer is.
fn height_of(layer: &Area, map: &Area) -> f64 {
    HEIGHT * layer.bytes() as f64 / map.bytes().max(1) as f64
}

/// Layers whose rows have no room for a name, from the top.
pub(super) fn thin(map: &Area) -> impl Iterator<Item = &Area> {
    let is_thin = |layer: &&Area| height_of(layer, map) < LINE;
    map.areas.iter().filter(is_thin)
}

/// The whole drawing, as SVG.
pub(super) fn draw(map: &Area) -> String {
    let mut out = String::new();
    let _ = write!(
        out,
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"group\" aria-labelledby=\"map-title\" direction=\"ltr\">\
         <title id=\"map-title\">The image by layers, packages and folders; each box is as large as its bytes</title>\
         <defs>\
         <pattern id=\"hatch\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
         <path class=\"n0\" d=\"M0 0h7v7h-7z\"/><path class=\"n1\" d=\"M0 0h1.6v7h-1.6z\"/></pattern>\
         <pattern id=\"dots\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">\
         <path class=\"k0\" d=\"M0 0h8v8h-8z\"/><path class=\"k1\" d=\"M3 3h1.6v1.6h-1.6z\"/></pattern>\
         </defs>"
    );
    let mut y = 0.0;
    for layer in &map.areas {
        let height = height_of(layer, map);
        let row = Rect {
            x: GUTTER,
            y,
            width: WIDTH - GUTTER,
            height,
        };
        row_of(&mut out, layer, row);
        y += height;
    }
    out + "</svg>"
}

fn row_of(out: &mut String, layer: &Area, row: Rect) {
    let _ = write!(
        out,
        "<g class=\"layer\"><title>{}: {}</title>",
        Text(&layer.name),
        told(&layer.files)
    );
    if row.height >= LINE {
        let middle = row.y + row.height / 2.0;
        let lines = if row.height >= 2.0 * LINE { 2.0 } else { 1.0 };
        let first = middle - LINE * (lines / 2.0 - 0.75);
        label(out, "gutter", 2.0, first, &layer.name, GUTTER);
        if lines > 1.0 {
            label(
                out,
                "gutter small",
                2.0,
                first + LINE,
                &size(layer.bytes()),
                GUTTER,
            );
        }
    } else {
        // Points at the layer, which has no name there.
        let place = Rect {
            x: 0.0,
            width: GUTTER,
            ..row
        };
        let _ = write!(
            out,
            "<rect class=\"g\" {}><title>{}: {}</title></rect>",
            geometry(place),
            Text(&layer.name),
            told(&layer.files)
        );
    }
    let values: Vec<f64> = layer.areas.iter().map(|area| area.bytes() as f64).collect();
    for (package, place) in layer.areas.iter().zip(squarify(&values, row)) {
        package_of(out, package, place);
    }
    border(out, "l", row, LAYER_EDGE);
    out.push_str("</g>");
}

fn package_of(out: &mut String, package: &Area, place: Rect) {
    let _ = write!(
        out,
        "<g class=\"package\"><title>{}: {}</title>",
        Text(&package.name),
        told(&package.files)
    );
    let is_named = place.height >= LINE + 3.0 && place.width >= 5.0 * LETTER;
    if package.areas.is_empty() {
        boxes(out, &package.files, &package.name, place);
    }
    let values: Vec<f64> = { package.areas.iter() }
        .map(|area| area.bytes() as f64)
        .collect();
    let places = squarify(&values, place);
    for (folder, at) in package.areas.iter().zip(&places) {
        boxes(out, &folder.files, &folder.name, *at);
    }
    for (folder, at) in package.areas.iter().zip(&places) {
        // The first line is the package's where both begin.
        let lines = if (at.x, at.y) == (place.x, place.y) {
            2.0
        } else {
            1.0
        };
        let is_below = is_named && at.y - place.y < 1.0 && at.x < place.x + width(&package.name);
        let lines = if is_below { 2.0 } else { lines };
        if places.len() > 1 && at.height >= lines * LINE + 3.0 && at.width >= 8.0 * LETTER {
            label(
                out,
                "folder",
                at.x + 4.0,
                at.y + lines * LINE - 1.0,
                &folder.name,
                at.width,
            );
        }
    }
    if is_named {
        label(
            out,
            "name",
            place.x + 4.0,
            place.y + LINE - 1.0,
            &package.name,
            place.width,
        );
    }
    border(out, "p", place, PACKAGE_EDGE);
    out.push_str("</g>");
}

fn boxes(out: &mut String, files: &Split, name: &str, place: Rect) {
    let all: Vec<_> = parts(files).collect();
    let values: Vec<f64> = all.iter().map(|(.., bytes)| *bytes as f64).collect();
    for ((class, words, bytes), at) in all.iter().zip(slices(&values, place)) {
        // It lies on the edge, half of it outside; the style sheet has it otherwise.
        let edge = 2.0 * EDGE_PART * at.width.min(at.height);
        let edge = match edge < BOX_EDGE {
            true => format!(" stroke-width=\"{edge:.4}\""),
            false => String::new(),
        };
        let _ = write!(
            out,
            "<rect class=\"{class}\"{edge} data-bytes=\"{bytes}\" {}><title>{}: {} {words}</title></rect>",
            geometry(at),
            Text(name),
            size(*bytes)
        );
    }
}

fn geometry(at: Rect) -> String {
    format!(
        "x=\"{:.3}\" y=\"{:.3}\" width=\"{:.3}\" height=\"{:.3}\"",
        at.x, at.y, at.width, at.height
    )
}

/// A border that lies within: what is beside may be thinner than it is.
fn border(out: &mut String, class: &str, at: Rect, most: f64) {
    let edge = most.min(at.width.min(at.height) * EDGE_PART);
    let line = Rect {
        x: at.x + edge / 2.0,
        y: at.y + edge / 2.0,
        width: at.width - edge,
        height: at.height - edge,
    };
    let _ = write!(
        out,
        "<rect class=\"{class}\" stroke-width=\"{edge:.4}\" {}/>",
        geometry(line)
    );
}

fn width(text: &str) -> f64 {
    text.chars().count().min(LETTERS_MAX) as f64 * LETTER
}

fn label(out: &mut String, class: &str, x: f64, y: f64, text: &str, room: f64) {
    let letters = ((room - 8.0) / LETTER).max(0.0) as usize;
    let letters = letters.min(LETTERS_MAX);
    let mut shown: String = text.chars().take(letters).collect();
    if shown.len() < text.len() {
        shown.pop();
        shown.push('\u{2026}');
    }
    let _ = write!(
        out,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" aria-hidden=\"true\">{}</text>",
        Text(&shown)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Rect = Rect {
        x: 10.0,
        y: 20.0,
        width: 600.0,
        height: 400.0,
    };

    #[test]
    fn boxes_have_their_share_lie_within_and_do_not_overlap() {
        // What the authors of the layout show, and values far apart.
        for values in [
            &[6.0, 6.0, 4.0, 3.0, 2.0, 2.0, 1.0][..],
            &[1e12, 1e6, 3.0, 1.0, 1.0],
            &[1.0],
            &[5.0; 333],
        ] {
            let all = squarify(values, WHOLE);
            assert_eq!(all.len(), values.len());
            let total: f64 = values.iter().sum();
            for (value, at) in values.iter().zip(&all) {
                let share = at.width * at.height / (WHOLE.width * WHOLE.height);
                assert!(
                    (share / (value / total) - 1.0).abs() < 1e-3,
                    "{value}: {at:?}"
                );
                assert!(at.x >= WHOLE.x - 1e-6 && at.x + at.width <= WHOLE.x + WHOLE.width + 1e-6);
                assert!(
                    at.y >= WHOLE.y - 1e-6 && at.y + at.height <= WHOLE.y + WHOLE.height + 1e-6
                );
            }
            for (number, one) in all.iter().enumerate() {
                for other in &all[number + 1..] {
                    let along = (one.x + one.width).min(other.x + other.width) - one.x.max(other.x);
                    let down =
                        (one.y + one.height).min(other.y + other.height) - one.y.max(other.y);
                    assert!(along < 1e-6 || down < 1e-6, "{one:?} {other:?}");
                }
            }
        }
        assert!(squarify(&[], WHOLE).is_empty());
    }

    #[test]
    fn boxes_are_no_strips_where_they_need_not_be() {
        let all = squarify(&[6.0, 6.0, 4.0, 3.0, 2.0, 2.0, 1.0], WHOLE);
        for at in all {
            let oblong = (at.width / at.height).max(at.height / at.width);
            assert!(oblong < 3.0, "{at:?}");
        }
    }

    fn layers(bytes: &[u64]) -> Area {
        let area = |name: &str, bytes, areas| {
            let mut files = Split::default();
            files.used.count = 1;
            files.used.bytes = bytes;
            Area {
                name: name.to_owned(),
                files,
                areas,
            }
        };
        let all = bytes.iter().map(|bytes| {
            let package = area("web", *bytes, Vec::new());
            area("layer", *bytes, vec![package])
        });
        area("", bytes.iter().sum(), all.collect())
    }

    /// The rows from top to bottom that borders leave of boxes, and how high these are.
    fn left(drawing: &str) -> Vec<(f64, f64)> {
        let of = |class: &str| -> Vec<(f64, f64, f64)> {
            let start = format!("<rect class=\"{class}\" ");
            let tags = drawing.split(&start).skip(1);
            tags.map(|tag| {
                let number = |name: &str| {
                    let rest = tag.split_once(&format!("{name}=\"")).unwrap().1;
                    rest[..rest.find('"').unwrap()].parse::<f64>().unwrap()
                };
                let edge = match class {
                    "u" => 0.0,
                    _ => number("stroke-width"),
                };
                (number(" y"), number(" height"), edge)
            })
            .collect()
        };
        let borders: Vec<_> = of("l").into_iter().chain(of("p")).collect();
        of("u")
            .iter()
            .map(|(top, height, _)| {
                let middle = top + height / 2.0;
                let (mut from, mut to) = (*top, top + height);
                for (y, high, edge) in &borders {
                    for line in [*y, y + high] {
                        let (over, under) = (line - edge / 2.0, line + edge / 2.0);
                        assert!(over > middle || under < middle, "{line} {edge} on {middle}");
                        if under < middle && under > from {
                            from = under;
                        }
                        if over > middle && over < to {
                            to = over;
                        }
                    }
                }
                (to - from, *height)
            })
            .collect()
    }

    #[test]
    fn each_layer_that_has_no_room_for_its_name_is_told_beside_its_row() {
        let map = layers(&[1_000_000_000, 10_000_000, 500_000_000, 1]);
        let drawing = draw(&map);
        let beside = "<rect class=\"g\" x=\"0.000\"";
        assert_eq!(drawing.matches(beside).count(), 2);
        assert!(
            drawing.contains("<title>layer: 10.0 MB used</title>"),
            "{drawing}"
        );
        let bytes: Vec<u64> = thin(&map).map(Area::bytes).collect();
        assert_eq!(bytes, [10_000_000, 1]);
        assert_eq!(thin(&layers(&[7])).count(), 0);
    }

    #[test]
    fn borders_leave_more_than_half_of_each_layer() {
        let mut thin = vec![1_500_000_000];
        thin.extend([10_000_000, 1_500_000_000, 10_000_000]);
        for bytes in [&[1_000_000; 128][..], &[5; 500], &thin, &[7]] {
            let all = left(&draw(&layers(bytes)));
            assert_eq!(all.len(), bytes.len());
            for (left, of) in all {
                // Places are written in thousandths.
                assert!(left > of / 2.0 - 0.004, "{left} of {of}");
            }
        }
    }
}

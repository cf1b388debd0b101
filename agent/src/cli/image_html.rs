//! What is said of an image as one page for a browser.
//!
//! It has all that it needs: no script, no font, no picture, and a policy that would let none be loaded. The
//! policy allows one style sheet, by its digest, so that nothing that came from the image could add another
//! if it were taken for markup; and all text is escaped ([`escape`]).

mod base;
mod escape;
mod tables;
mod treemap;

use super::image_text::{evidence, files, from_container, size};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use escape::Text;
use lapwing_image::map::Area;
use lapwing_image::report::Report;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::io;

const STYLE: &str = include_str!("image_html/style.css");

/// The whole page. Errors are those of writing into memory.
pub(super) fn page(report: &Report, map: &Area) -> io::Result<String> {
    let name = report.name.as_deref().unwrap_or("an image without a name");
    let digest = STANDARD.encode(Sha256::digest(STYLE));
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\" dir=\"ltr\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{digest}'; \
         base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta name=\"generator\" content=\"lapwing {}\">\n\
         <title>{}: what of it is used</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#savings\">To what can be saved</a>\n",
        env!("CARGO_PKG_VERSION"),
        Text(name),
    );
    heading(&mut out, report, name);
    rests(&mut out, &evidence(report)?);
    drawing(&mut out, map);
    out.push_str("<div class=\"pair\">\n");
    tables::savings(&mut out, &report.savings);
    tables::score(&mut out, &report.score);
    out.push_str("</div>\n");
    base::write(&mut out, &report.base);
    if let Some(split) = &report.vulnerabilities {
        tables::vulnerabilities(&mut out, split);
    }
    tables::layers(&mut out, report);
    tables::packages(&mut out, report);
    tables::notable(&mut out, report);
    tables::notes(&mut out, report);
    out.push_str("</body>\n</html>\n");
    Ok(out)
}

fn heading(out: &mut String, report: &Report, name: &str) {
    let id = report.told_id();
    let system = report.system.as_ref();
    let system = system
        .map(|it| format!(", {}", Text(it)))
        .unwrap_or_default();
    let container = { report.container.iter() }
        .flat_map(from_container)
        .map(|text| format!("<br>{}", Text(&text)))
        .collect::<String>();
    let _ = write!(
        out,
        "<header>\n<h1>{}</h1>\n<p class=\"soft\">{}{system}<br><code>{}</code>{container}</p>\n<ul class=\"facts\">\n",
        Text(name),
        Text(&report.platform),
        Text(id),
    );
    let sum = &report.size;
    let score = format!("{} of {}", report.score.points, report.score.of);
    for (figure, of) in [
        (
            size(sum.visible),
            format!("seen by a container, in {}", files(sum.files)),
        ),
        (
            size(sum.bytes),
            format!("in {} layers", report.layers.len()),
        ),
        (
            size(report.waste.hidden),
            "hidden by later layers".to_owned(),
        ),
        (report.packages.len().to_string(), "packages".to_owned()),
        (
            report.secrets.count().to_string(),
            "likely secrets".to_owned(),
        ),
        (score, "hardening score".to_owned()),
    ] {
        let _ = writeln!(
            out,
            "<li><b>{figure}</b><span class=\"soft\">{of}</span></li>"
        );
    }
    out.push_str("</ul>\n<nav aria-label=\"Parts of this page\"><ul>");
    for (id, title) in [
        ("evidence", "What it rests on"),
        ("map", "Map"),
        ("savings", "What can be saved"),
        ("score", "Hardening"),
        ("base", "A smaller base"),
        ("layers", "Layers"),
        ("packages", "Packages"),
        ("notable", "Worth a look"),
        ("notes", "Notes"),
    ] {
        let _ = write!(out, "<li><a href=\"#{id}\">{title}</a></li>");
    }
    out.push_str("</ul></nav>\n</header>\n<main>\n");
}

fn rests(out: &mut String, lines: &[String]) {
    out.push_str("<section id=\"evidence\">\n<h2>What it rests on</h2>\n<ul class=\"plain\">\n");
    if lines.is_empty() {
        out.push_str(
            "<li class=\"warn\">No profile (--profile) and no inventory of use (--use) was given: of each file it is \
             unknown whether it is used.</li>\n",
        );
    }
    for line in lines {
        let is_warning = ["INCOMPLETE", "incomplete", "!"]
            .iter()
            .any(|start| line.starts_with(start));
        let class = if is_warning { " class=\"warn\"" } else { "" };
        let line = line.strip_prefix("! ").unwrap_or(line);
        let _ = writeln!(out, "<li{class}>{}</li>", Text(line));
    }
    out.push_str("</ul>\n</section>\n");
}

/// Layers that the legend names at most.
const THIN_MAX: usize = 40;

fn drawing(out: &mut String, map: &Area) {
    let sums = [
        ("u", "used", map.files.used),
        ("n", "not seen to be used", map.files.not_seen),
        ("k", "unknown", map.files.unknown),
    ];
    out.push_str(
        "<section id=\"map\">\n<h2>Where the bytes are</h2>\n<p class=\"soft small\">A row is a layer, a box with a wide edge \
         a package, in it folders; areas are bytes. Point at a box for its name.</p>\n<ul class=\"plain legend\">\n",
    );
    for (class, words, sum) in sums {
        let _ = writeln!(
            out,
            "<li><svg viewBox=\"0 0 26 16\" aria-hidden=\"true\"><path class=\"{class}\" d=\"M0 0h26v16h-26z\"/></svg>{words}: \
             <b>{}</b> in {}</li>",
            size(sum.bytes),
            files(sum.count)
        );
    }
    let count = treemap::thin(map).count();
    if count > 0 {
        let first: Vec<String> = treemap::thin(map)
            .take(THIN_MAX)
            .map(|layer| format!("{} ({})", Text(&layer.name), size(layer.bytes())))
            .collect();
        let more = match count - first.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let _ = writeln!(
            out,
            "<li><svg viewBox=\"0 0 26 16\" aria-hidden=\"true\"><path class=\"g\" d=\"M0 0h26v16h-26z\"/></svg>\
             rows too thin for a name, from the top: {}{more}</li>",
            first.join(", ")
        );
    }
    let _ = write!(
        out,
        "</ul>\n<figure tabindex=\"0\" aria-label=\"Map of the image\">{}</figure>\n</section>\n",
        treemap::draw(map)
    );
}

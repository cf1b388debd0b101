//! What stands beside the map.

use super::escape::Text;
use super::treemap::parts;
use crate::cli::image_text::{files, sbom, size};
use lapwing_image::inventory::{Split, Verdict};
use lapwing_image::map::Use;
use lapwing_image::report::{First, Layer, Package, Report, Saving};
use lapwing_image::score::Score;
use lapwing_image::vulnerabilities::{Finding, Vulnerabilities};
use std::fmt::Write;

/// Rows of one table.
const ROWS_MAX: usize = 200;
/// Names of one list.
pub(super) const NAMES_MAX: usize = 12;

pub(super) fn begin(out: &mut String, id: &str, title: &str) {
    let _ = write!(out, "<section id=\"{id}\">\n<h2>{title}</h2>\n");
}

fn table(out: &mut String, titles: &[(&str, &str)]) {
    out.push_str("<div class=\"wide\"><table><thead><tr>");
    for (class, title) in titles {
        let _ = write!(out, "<th scope=\"col\" class=\"{class}\">{title}</th>");
    }
    out.push_str("</tr></thead><tbody>\n");
}

fn end_table(out: &mut String, more: u64) {
    out.push_str("</tbody></table></div>\n");
    if more > 0 {
        let _ = writeln!(out, "<p class=\"soft small\">and {more} more (-o json)</p>");
    }
}

/// A bar of files by use.
fn bar(files: Option<&Split>) -> String {
    let Some(files) = files else {
        return "<td class=\"bar\"></td>".to_owned();
    };
    let total = parts(files)
        .map(|(.., bytes)| bytes as f64)
        .sum::<f64>()
        .max(1.0);
    let (mut at, mut out, mut words) = (0.0, String::new(), Vec::new());
    for (class, what, bytes) in parts(files) {
        let width = 100.0 * bytes as f64 / total;
        let _ = write!(
            out,
            "<rect class=\"{class}\" x=\"{at:.2}\" y=\"0\" width=\"{width:.2}\" height=\"10\"/>"
        );
        at += width;
        words.push(format!("{} {what}", size(bytes)));
    }
    let words = words.join(", ");
    format!(
        "<td class=\"bar\"><svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{words}\">\
         <title>{words}</title>{out}</svg></td>"
    )
}

/// Savings with what to do.
pub(super) fn savings(out: &mut String, all: &[Saving]) {
    begin(out, "savings", "What can be saved");
    if all.is_empty() {
        out.push_str("<p>Nothing of 10 kB or more was found.</p>\n</section>\n");
        return;
    }
    table(out, &[("num", "Size"), ("", "Of what, and how")]);
    for one in all.iter().take(ROWS_MAX) {
        let _ = writeln!(
            out,
            "<tr><td class=\"num\"><b>{}</b></td><td>{}<br><span class=\"soft\">{}</span></td></tr>",
            size(one.bytes),
            Text(&one.what),
            Text(&one.remedy)
        );
    }
    end_table(out, all.len().saturating_sub(ROWS_MAX) as u64);
    out.push_str("<p class=\"soft small\">They overlap: do not add them up.</p>\n</section>\n");
}

/// The parts of the score.
pub(super) fn score(out: &mut String, score: &Score) {
    let title = format!("Hardening: {} of {}", score.points, score.of);
    begin(out, "score", &title);
    out.push_str("<dl>\n");
    for part in &score.parts {
        let (class, has, why) = match part.is_met {
            true => ("", part.points, String::new()),
            false => (
                " class=\"no\"",
                0,
                format!("<br><span class=\"soft small\">{}</span>", Text(part.why)),
            ),
        };
        let _ = writeln!(
            out,
            "<dt{class}>{has} of {}: {}</dt><dd>{}{why}</dd>",
            part.points,
            Text(part.part),
            Text(&part.found)
        );
    }
    out.push_str("</dl>\n</section>\n");
}

/// A report of vulnerabilities, split by what ran and was used.
pub(super) fn vulnerabilities(out: &mut String, split: &Vulnerabilities) {
    begin(out, "vulnerabilities", "Vulnerabilities by what was used");
    let of = match split.same_image {
        Some(true) => "",
        Some(false) => "<p class=\"warn\">The report is of another image than this one.</p>\n",
        None => "<p class=\"warn\">Of which image the report is is not known.</p>\n",
    };
    let _ = writeln!(
        out,
        "{of}<p>By {}; {}.</p>",
        split.scanner,
        Text(split.caution)
    );
    let titles = [
        ("", "Severity"),
        ("num", "Ran or used"),
        ("num", "Not seen"),
        ("num", "Unknown"),
    ];
    table(out, &titles);
    for one in &split.severities {
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td></tr>",
            one.severity.word(),
            one.ran,
            one.not_seen,
            one.unknown
        );
    }
    end_table(out, 0);
    let parts: [(&str, &First<Finding>); 3] = [
        ("Its package ran or was used", &split.ran),
        ("Present, not seen in use", &split.not_seen),
        ("Unknown", &split.unknown),
    ];
    for (title, all) in parts.into_iter().filter(|(_, all)| !all.is_empty()) {
        let _ = write!(
            out,
            "<details><summary>{title}: {}</summary>\n<ul class=\"plain\">\n",
            all.count()
        );
        for one in all.first.iter().take(ROWS_MAX) {
            let _ = writeln!(
                out,
                "<li>{} <b>{}</b> {} {} <span class=\"soft\">{}</span></li>",
                one.severity.word(),
                Text(&one.id),
                Text(&one.package),
                Text(&one.version),
                Text(one.why)
            );
        }
        out.push_str("</ul></details>\n");
    }
    out.push_str("</section>\n");
}

/// Layers with what made them.
pub(super) fn layers(out: &mut String, report: &Report) {
    begin(out, "layers", "Layers");
    let titles = [
        ("num", "Layer"),
        ("num", "Size"),
        ("num", "Files"),
        ("num", "Hidden"),
        ("bar", "In use"),
        ("", "Made by"),
    ];
    table(out, &titles);
    for (number, layer) in report.layers.iter().enumerate().take(ROWS_MAX) {
        let files = report.used.as_ref().and_then(|of| of.layers.get(number));
        let _ = writeln!(
            out,
            "<tr><td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td>{}\
             <td><code>{}</code></td></tr>",
            layer.number,
            size(layer.bytes),
            layer.files,
            size(layer.hidden),
            bar(files.map(|of| &of.files)),
            Text(made(layer))
        );
    }
    end_table(out, report.layers.len().saturating_sub(ROWS_MAX) as u64);
    out.push_str("</section>\n");
}

/// What made a layer; of a container's where it lies.
fn made(layer: &Layer) -> &str {
    let made = layer.command.as_deref();
    made.or(layer.folder.as_deref()).unwrap_or("-")
}

/// In a few words what is known of a package.
const fn verdict(package: &Package) -> &'static str {
    match (package.known_use(), package.in_use) {
        (Use::Used, Some(Verdict::Used)) => "used",
        (Use::Used, _) => "ran",
        (Use::NotSeen, Some(_)) => "not seen to be used",
        (Use::NotSeen, None) => "not seen to run",
        (Use::Unknown, _) => "unknown",
    }
}

/// Packages, the largest first.
pub(super) fn packages(out: &mut String, report: &Report) {
    begin(out, "packages", "Packages, the largest first");
    let titles = [
        ("", "Package"),
        ("", "Version"),
        ("", "Kind"),
        ("num", "Size"),
        ("num", "Files"),
        ("", "Use"),
        ("bar", "By bytes"),
    ];
    table(out, &titles);
    for package in report.packages.iter().take(ROWS_MAX) {
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td>{}</td>{}</tr>",
            Text(&package.name),
            Text(&package.version),
            package.kind,
            size(package.bytes),
            package.files,
            verdict(package),
            bar(package.by_use.as_ref())
        );
    }
    end_table(out, report.packages.len().saturating_sub(ROWS_MAX) as u64);
    if let Some(of) = &report.sbom {
        let _ = writeln!(out, "<p class=\"soft\">{}</p>", Text(&sbom(of)));
    }
    for text in &report.packages_not_read {
        let _ = writeln!(out, "<p class=\"warn\">{}</p>", Text(text));
    }
    out.push_str("</section>\n");
}

fn names<T>(out: &mut String, title: &str, all: &First<T>, name: impl Fn(&T) -> String) {
    let _ = write!(out, "<dt>{title}: {}</dt><dd>", all.count());
    for (number, one) in all.first.iter().take(NAMES_MAX).enumerate() {
        let comma = if number > 0 { ", " } else { "" };
        let _ = write!(out, "{comma}<code>{}</code>", Text(&name(one)));
    }
    match all.count().saturating_sub(NAMES_MAX as u64) {
        0 => {}
        more => {
            let _ = write!(out, " and {more} more");
        }
    }
    out.push_str("</dd>\n");
}

/// Programs, folders and secrets.
pub(super) fn notable(out: &mut String, report: &Report) {
    begin(out, "notable", "Worth a look");
    out.push_str("<dl>\n");
    let notable = &report.notable;
    names(out, "Likely secrets", &report.secrets, |one| {
        format!("{}: {}", one.place, one.kind)
    });
    names(out, "Shells", &notable.shells, |one| one.path.clone());
    names(out, "Package managers", &notable.package_managers, |one| {
        one.path.clone()
    });
    names(out, "Compilers", &notable.compilers, |one| one.path.clone());
    names(out, "Set-id programs", &notable.set_id, |one| {
        format!("{} {}", one.mode, one.path)
    });
    names(
        out,
        "Files with capabilities",
        &notable.file_capabilities,
        |one| format!("{} {}", one.path, one.capabilities.join(",")),
    );
    names(
        out,
        "Folders that everybody may write to",
        &notable.world_writable,
        String::clone,
    );
    out.push_str("</dl>\n");
    if report.not_searched > 0 {
        let _ = writeln!(
            out,
            "<p class=\"soft small\">Not searched for secrets to their end: {}.</p>",
            files(report.not_searched)
        );
    }
    out.push_str("</section>\n");
}

/// What was left out, and how to read it all.
pub(super) fn notes(out: &mut String, report: &Report) {
    begin(out, "notes", "Notes");
    let _ = writeln!(out, "<p>It runs as: {}.</p>\n<ul>", Text(&report.user));
    for note in report.notes.iter().take(ROWS_MAX) {
        let _ = writeln!(out, "<li>{}</li>", Text(note));
    }
    out.push_str(
        "</ul>\n<p class=\"soft small\">Not seen to be used does not mean unused: see what it rests on. Of long lists the \
         beginning is here, and all of it in -o json.</p>\n</section>\n</main>\n",
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_image::report::Execution;

    #[test]
    fn what_ran_is_not_called_unseen_though_the_inventory_lacks_it() {
        let told = |in_use, execution| {
            verdict(&Package {
                kind: "deb",
                name: String::new(),
                version: String::new(),
                bytes: 0,
                files: 0,
                libraries: 0,
                within: None,
                execution,
                architecture: None,
                by_sbom: false,
                purl: None,
                in_use,
                by_use: None,
            })
        };
        use Execution::{NotSeenToRun, Ran};
        assert_eq!(told(Some(Verdict::NotSeen), Some(Ran)), "ran");
        assert_eq!(told(Some(Verdict::Unknown), Some(Ran)), "ran");
        assert_eq!(told(None, Some(Ran)), "ran");
        assert_eq!(told(Some(Verdict::Used), Some(NotSeenToRun)), "used");
        assert_eq!(told(Some(Verdict::NotSeen), None), "not seen to be used");
        assert_eq!(told(Some(Verdict::Unknown), Some(NotSeenToRun)), "unknown");
        assert_eq!(told(None, Some(NotSeenToRun)), "not seen to run");
        assert_eq!(told(None, None), "unknown");
    }
}

//! How hardened an image is.

use super::{dim, head, line};
use lapwing_image::score::Score;
use std::io::{Result, Write};

/// Each part, and why it is one where it is missing.
pub(super) fn write(out: &mut impl Write, score: &Score) -> Result<()> {
    let sum = format!("{} of {}", score.points, score.of);
    head(out, "hardening score", &sum)?;
    for part in &score.parts {
        let has = if part.is_met { part.points } else { 0 };
        let text = format!(
            "{has:>2} of {:>2}  {}: {}",
            part.points, part.part, part.found
        );
        line(out, 2, &text)?;
        if !part.is_met {
            dim(out, 12, part.why)?;
        }
    }
    Ok(())
}

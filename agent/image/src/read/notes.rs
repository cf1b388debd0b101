//! What is told of how an image was read.

use super::{Contents, Odd};
use crate::counted;

impl Contents {
    /// What was left out, and what is odd.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let mut note = |odd: &Odd, what: &str| {
            if odd.count > 0 {
                notes.push(format!("{} {what}: {}", odd.count, odd.first.join(", ")));
            }
        };
        for (why, odd) in &self.refused {
            note(odd, &format!("left out, {}", why.text()));
        }
        note(
            &self.unknown,
            "left out, entries of a kind that no runtime unpacks",
        );
        note(
            &self.absolute,
            "names that begin with a slash, taken as below the root",
        );
        note(
            &self.linked,
            "hard links tell of packages by their names and were not read, so packages are incomplete",
        );
        note(
            &self.unlinked,
            "programs, libraries and scripts of which it is not known how they are started: there are too many",
        );
        note(
            &self.upward,
            "names with `..`, which no usual tool writes: each takes away the name before it and none \
             leads above the root, as containerd unpacks them",
        );
        for (odd, what) in self.aside.all() {
            note(odd, what);
        }
        if self.devices > 0 {
            notes.push(format!(
                "{}, which a container may use only as far as its runtime lets it",
                counted(self.devices, "device file")
            ));
        }
        if self.captured.refused_count > 0 {
            notes.push(format!(
                "{} of packages not read, being too large together, so packages are incomplete: {}",
                counted(self.captured.refused_count, "file"),
                self.captured.refused.join(", ")
            ));
        }
        if let Some(why) = &self.captured.room.failed {
            notes.push(format!(
                "databases of RPM of more than 1 MiB go to a temporary file, which there was none for: {why}; give \
                 them room with TMPDIR, or those above 16 MiB are not read"
            ));
        }
        notes
    }
}

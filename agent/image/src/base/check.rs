//! What has to be looked at before a smaller base is relied on.

use super::needs::Needs;
use super::{Kind, Known, Requirement};
use crate::counted;
use crate::run::Run;

/// What has to be looked at.
pub(super) fn of(known: &Known<'_>, needs: &Needs, kind: Kind) -> Vec<String> {
    let has = |what: Requirement| needs.all.iter().any(|one| one.requirement == what);
    let mut all = vec![format!(
        "users: the image's is {}; a smaller base has others in /etc/passwd (distroless: root, nobody, and nonroot \
         with 65532), and a user named there that it lacks keeps containers from starting",
        known.user
    )];
    let mut say = |text: &str| all.push(text.to_owned());
    if has(Requirement::Certificates) {
        say("certificates: of your own beside the public ones have to be brought along");
    } else {
        say(
            "certificates: none were seen to be read, and connections with TLS that were not made while it was observed \
             need them",
        );
    }
    if !has(Requirement::TimeZones) {
        say("time zones: none were seen to be read, and local times need them");
    }
    let has_temporary = kind >= Kind::Static && kind != Kind::Musl;
    match (has(Requirement::Temporary), has_temporary) {
        (true, true) => {}
        (true, false) => say(
            "temporary files: they were made or read, and such a base has no /tmp: make one that all may write to (mode 1777), \
             or mount one",
        ),
        (false, true) => say("temporary files: none were seen to be made or read"),
        (false, false) => say(
            "temporary files: none were seen to be made or read, and such a base has no /tmp for those that are made",
        ),
    }
    if let Some(first) = needs.statically.first.first() {
        say(&format!(
            "static programs: {} are in use ({first}), and one that is built with glibc still loads libraries by name for NSS \
             (users and names of hosts), iconv and dlopen, of the very glibc that it was built with: these are seen only where \
             they were used",
            needs.statically.count()
        ));
    }
    if needs.has_static_go {
        say(
            "static programs of Go: they look users and names of hosts up by themselves, in /etc/passwd, /etc/hosts and \
             /etc/resolv.conf, and load libraries by name only where they were built to",
        );
    }
    if !needs.languages.is_empty() && kind < Kind::Runtime {
        let all: Vec<&str> = needs.languages.iter().map(|it| it.word()).collect();
        say(&format!(
            "runtimes: such a base has none, so that of {} is brought along, and the folders of its modules are needed as well, \
             also those that were not seen in use",
            all.join(", ")
        ));
    }
    for loader in &needs.odd_loaders {
        say(&format!(
            "loader: {loader} is not where bases have one: it has to be brought along, or programs built for another"
        ));
    }
    if let Some(program) = &needs.configured {
        say(&format!(
            "program: the image's configuration names {program}, which was not seen to be executed: it counts as if it was"
        ));
    }
    if kind >= Kind::Musl {
        let of = match (needs.by_name.count(), needs.by_name.first.first()) {
            (count, Some(first)) if !needs.is_unsure => format!(
                "{count} libraries were used that no program names, so they are loaded by name (dlopen), as those of \
                 NSS are: {first}; look for others of the kind"
            ),
            _ => "libraries that are loaded by name (dlopen), as those of NSS for users and names of hosts, are seen only \
                  where they were used"
                .to_owned(),
        };
        say(&format!("libraries: {of}"));
        say(
            "versions: a libc, OpenSSL or runtime in the base that is older than the one that programs were built for \
             does not do",
        );
    }
    if needs.has_locale {
        say(
            "locale: locales or character sets were read, which smaller bases leave out; most have C.UTF-8 alone",
        );
    } else {
        say("locale: none was seen to be read; LANG and LC_ALL of the image may ask for one");
    }
    if needs.languages.len() > 1 {
        let all: Vec<&str> = needs.languages.iter().map(|it| it.word()).collect();
        say(&format!(
            "runtimes: several are in use ({}), and a base of one language has no other's",
            all.join(", ")
        ));
    }
    if has(Requirement::Glibc) {
        say(
            "Alpine and other bases of musl are no replacement: what is linked with glibc does not run there unless it \
             is built anew",
        );
    }
    if has(Requirement::Musl) {
        say(
            "bases of glibc (Debian's, distroless, Wolfi's) are no replacement: what is linked with musl does not run \
             there unless it is built anew or brings musl's loader",
        );
    }
    if needs.is_unsure {
        say(
            "programs: which libraries some need was not read, or what they name is not in the image, so no base without a \
             libc is told",
        );
    }
    if known.how.is_none() {
        say(
            "files: a profile has what was executed, and not what was read: certificates, time zones, users and \
             libraries that are loaded by name are unknown. An inventory (--use) has them",
        );
    }
    for shell in &needs.opened {
        say(&format!(
            "shell: {shell} was opened, and not seen to be executed"
        ));
    }
    if kind < Kind::Slim && { known.layout.run() }.is_some_and(Run::has_shell_check) {
        say("health check: that of the image is a command of a shell, which such a base lacks");
    }
    if kind < Kind::Slim {
        say(
            "people: nobody can open a shell in such a container, for which there is `kubectl debug` or `docker debug`",
        );
    }
    let missing = known.used.map_or(0, |used| used.missing.count());
    if missing > 0 {
        say(&format!(
            "what is not in this image: {} used that it lacks, and what these need is not known",
            counted(missing, "file")
        ));
    }
    all
}

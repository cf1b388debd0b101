//! What an act is: the words that do it, and the report that must come of it.
//!
//! Everything here can be written in a constant, so that the table is data:
//! the runner, the list of names and the documentation all read it.

use crate::cases::common::IDS;
use crate::container::Spec;
use crate::expect::Want;
use crate::puppet::{Puppet, TRIGGER};
use anyhow::{Context as _, Result};
use lapwing_abi::hooks::Row;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

/// A set of tiers of hooks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tiers(u8);

impl Tiers {
    /// Tracepoints and socket programs, the same on every kernel.
    pub const BASE: Self = Self(1);
    /// Trampolines.
    pub const A1: Self = Self(2);
    /// Kprobes.
    pub const A2: Self = Self(4);
    /// The exit of system calls.
    pub const B: Self = Self(8);
    /// Both tiers that look into functions of the kernel.
    pub const A: Self = Self::A1.and(Self::A2);
    /// All tiers but the base, which is for rows of its own.
    pub const ALL: Self = Self::A.and(Self::B);

    const NAMES: [(Self, &'static str); 4] = [
        (Self::BASE, "base"),
        (Self::A1, "A1"),
        (Self::A2, "A2"),
        (Self::B, "B"),
    ];

    /// Together with others.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the tier of this name is among them.
    pub fn has(self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// Their names, as the agent prints them.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES
            .into_iter()
            .filter(move |(tier, _)| self.0 & tier.0 != 0)
            .map(|(_, name)| name)
    }
}

/// What a field must hold.
#[allow(
    dead_code,
    reason = "the vocabulary of the table: no act may need a word at the moment"
)]
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Is {
    /// This text; may be empty.
    Text(&'static str),
    /// These texts.
    Texts(&'static [&'static str]),
    /// This number.
    Number(i64),
    /// This truth.
    Flag(bool),
    /// A text that is not empty.
    SomeText,
    /// A number above nought.
    Count,
    /// A text that holds this.
    Holds(&'static str),
    /// A text that starts with this.
    Starts(&'static str),
    /// Nothing.
    Absent,
}

impl Is {
    /// As the judge of reports takes it.
    pub fn want(self) -> Want {
        match self {
            Self::Text(text) => Want::Is(text.into()),
            Self::Texts(texts) => Want::Is(texts.to_vec().into()),
            Self::Number(number) => Want::Is(number.into()),
            Self::Flag(flag) => Want::Is(flag.into()),
            Self::SomeText => Want::Text,
            Self::Count => Want::Count,
            Self::Holds(text) => Want::Holds(text.to_owned()),
            Self::Starts(text) => Want::Starts(text.to_owned()),
            Self::Absent => Want::Absent,
        }
    }
}

/// A field by its whole name (`file.path`), and what it must hold.
pub type Field = (&'static str, Is);

/// As many fields as the part of a report has that says what happened.
const FIELDS: usize = 8;

/// One report.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Report {
    /// The rule.
    pub rule: &'static str,
    /// Its severity.
    pub severity: &'static str,
    /// The part that says what happened (`exec`, `file`, ...); all other parts must be absent.
    pub section: &'static str,
    /// Which process does it.
    pub actor: Actor,
    fields: [Option<Field>; FIELDS],
}

impl Report {
    /// A report of a rule, with the fields that tell what happened.
    pub const fn new<const N: usize>(
        rule: &'static str,
        severity: &'static str,
        section: &'static str,
        fields: [Field; N],
    ) -> Self {
        let mut all = [None; FIELDS];
        let mut index = 0;
        while index < N {
            all[index] = Some(fields[index]);
            index += 1;
        }
        Self {
            rule,
            severity,
            section,
            actor: Actor::Told,
            fields: all,
        }
    }

    /// By another process than the one that was told.
    pub const fn by(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }

    /// Its fields.
    pub fn fields(&self) -> impl Iterator<Item = Field> {
        self.fields.into_iter().flatten()
    }

    /// With another value of a field, or with one more, by its place in [`Self::new`].
    pub const fn with(mut self, index: usize, field: Field) -> Self {
        self.fields[index] = Some(field);
        self
    }
}

/// What must be there before the act.
#[allow(
    dead_code,
    reason = "the vocabulary of the table: no act may need a word at the moment"
)]
#[derive(Clone, Copy, Debug)]
pub enum Prepare {
    /// A file that every user can write.
    File(&'static str),
    /// A folder that every user can write in.
    Folder(&'static str),
    /// One more name of the trigger.
    Trigger(&'static str),
    /// A copy of the trigger, on whatever file system.
    Copy(&'static str),
    /// A symbolic link: what it says, and where it is.
    Symlink(&'static str, &'static str),
    /// A file that can be executed: its text, and where it is.
    Script(&'static str, &'static str),
    /// Anything else.
    By(fn(&Puppet<'_>) -> Result<()>),
}

impl Prepare {
    /// Makes it, from outside but where the container sees it: below its mounts.
    pub fn make(self, puppet: &Puppet<'_>) -> Result<()> {
        let root = format!("/proc/{}/root", puppet.pid()?);
        let at = |path: &str| format!("{root}{path}");
        let open_up = |path: &str| fs::set_permissions(at(path), mode(0o777));
        match self {
            Self::File(path) => fs::write(at(path), "x").and_then(|()| open_up(path)),
            Self::Folder(path) => fs::create_dir_all(at(path)).and_then(|()| open_up(path)),
            Self::Trigger(path) => fs::hard_link(at(TRIGGER), at(path)),
            Self::Copy(path) => fs::copy(at(TRIGGER), at(path)).map(drop),
            Self::Symlink(target, path) => symlink(target, at(path)),
            Self::Script(text, path) => {
                fs::write(at(path), text).and_then(|()| fs::set_permissions(at(path), mode(0o755)))
            }
            Self::By(make) => return make(puppet),
        }
        .with_context(|| format!("cannot make {self:?} from outside"))
    }
}

fn mode(bits: u32) -> fs::Permissions {
    fs::Permissions::from_mode(bits)
}

/// A kind of container. Acts that name the same one share a container.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Its name, which is also the workload's.
    pub name: &'static str,
    /// What it has beyond the plain one.
    pub spec: fn(Spec) -> Spec,
}

/// The container of most acts.
pub const PLAIN: Shape = Shape {
    name: "plain",
    spec: |spec| spec,
};
/// Its root and its volume are overlays.
pub const OVERLAY: Shape = Shape {
    name: "overlay",
    spec: Spec::overlay,
};

/// Which process does it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Actor {
    /// The one that was told.
    Told,
    /// A child of it that runs no program of its own.
    Fork,
    /// A child of it that runs another program.
    Child,
    /// The one that was told, once it has become another program than the trigger.
    Become,
}

/// One thing done in a container, and what must be reported of it.
#[derive(Clone, Copy)]
pub struct Act {
    /// Area, row and variant, as `file.chmod.fchmodat`; the names of its tests end with it.
    pub id: &'static str,
    /// The row that reports it.
    pub row: Row,
    /// The technique in words, for the documentation.
    pub what: &'static str,
    /// Which tiers can see it.
    pub tiers: Tiers,
    /// What must be there before.
    pub prepare: &'static [Prepare],
    /// Its container.
    pub shape: Shape,
    /// The program that runs, if it is not the trigger under its own name: path and name.
    pub program: Option<(&'static str, &'static str)>,
    /// The words after `hold`: see `trigger/`.
    pub words: &'static [&'static str],
    /// The working directory.
    pub cwd: &'static str,
    /// The user and group.
    pub ids: (u32, u32),
    /// What must be reported, exactly once.
    pub report: Report,
    /// What must be reported besides, exactly once each.
    pub also: &'static [Report],
    /// What must be reported besides on some tiers only, exactly once each.
    pub also_on: &'static [(Tiers, &'static [Report])],
    /// Fields of the process, or any others of the first report, that are not as they are usually.
    pub fields: &'static [Field],
    /// Fields of the first report that are not the same on every tier.
    pub per_tier: &'static [(Tiers, &'static [Field])],
}

#[allow(
    dead_code,
    reason = "the vocabulary of the table: no act may need a word at the moment"
)]
impl Act {
    /// An act of the trigger as an ordinary user in the plain container.
    pub const fn new(
        id: &'static str,
        row: Row,
        tiers: Tiers,
        what: &'static str,
        words: &'static [&'static str],
        report: Report,
    ) -> Self {
        Self {
            id,
            row,
            what,
            tiers,
            prepare: &[],
            shape: PLAIN,
            program: None,
            words,
            cwd: "/",
            ids: IDS,
            report,
            also: &[],
            also_on: &[],
            fields: &[],
            per_tier: &[],
        }
    }

    /// Only these tiers can see it.
    pub const fn tiers(mut self, tiers: Tiers) -> Self {
        self.tiers = tiers;
        self
    }

    /// After this has been made.
    pub const fn after(mut self, prepare: &'static [Prepare]) -> Self {
        self.prepare = prepare;
        self
    }

    /// In another kind of container.
    pub const fn inside(mut self, shape: Shape) -> Self {
        self.shape = shape;
        self
    }

    /// By another program, under a name; it must be a trigger too.
    pub const fn program(mut self, path: &'static str, name: &'static str) -> Self {
        self.program = Some((path, name));
        self
    }

    /// In a working directory.
    pub const fn cwd(mut self, cwd: &'static str) -> Self {
        self.cwd = cwd;
        self
    }

    /// As root, with the capabilities of the container.
    pub const fn root(mut self) -> Self {
        self.ids = (0, 0);
        self
    }

    /// By a child of the process that was told, which runs no program of its own.
    pub const fn by_fork(mut self) -> Self {
        self.report.actor = Actor::Fork;
        self
    }

    /// By a child of the process that was told, which runs another program.
    pub const fn by_child(mut self) -> Self {
        self.report.actor = Actor::Child;
        self
    }

    /// By the process that was told, after it has become another program.
    pub const fn becoming(mut self) -> Self {
        self.report.actor = Actor::Become;
        self
    }

    /// With another severity or rule.
    pub const fn rule(mut self, rule: &'static str, severity: &'static str) -> Self {
        self.report.rule = rule;
        self.report.severity = severity;
        self
    }

    /// Which gives more than one report.
    pub const fn also(mut self, reports: &'static [Report]) -> Self {
        self.also = reports;
        self
    }

    /// Which gives more than one report on some tiers.
    pub const fn also_on(mut self, reports: &'static [(Tiers, &'static [Report])]) -> Self {
        self.also_on = reports;
        self
    }

    /// With fields that are not as they are usually.
    pub const fn fields(mut self, fields: &'static [Field]) -> Self {
        self.fields = fields;
        self
    }

    /// With fields that are not the same on every tier.
    pub const fn per_tier(mut self, fields: &'static [(Tiers, &'static [Field])]) -> Self {
        self.per_tier = fields;
        self
    }

    /// With another value of a field of the report, by its place in [`Report::new`].
    pub const fn field(mut self, index: usize, field: Field) -> Self {
        self.report = self.report.with(index, field);
        self
    }
}

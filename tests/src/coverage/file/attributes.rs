//! Length, mode, owner and extended attributes.

use super::{RIGHTS, file};
use crate::coverage::act::{Act, Is, Prepare, Shape};
use crate::puppet::Puppet;
use anyhow::{Context, Result};
use lapwing_abi::hooks::Row;
use rustix::fs::{XattrFlags, setxattr};

/// The same rights on an overlay, whose upper layer gets the attribute too.
const LAYERS: Shape = Shape {
    name: "layers",
    spec: |spec| (RIGHTS.spec)(spec).overlay(),
};

/// Gives a file capabilities, which are none.
fn capable(puppet: &Puppet<'_>) -> Result<()> {
    let path = format!("/proc/{}/root/data/removexattr", puppet.pid()?);
    let value: Vec<u8> = [0x0200_0000u32, 0, 0, 0, 0]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect();
    setxattr(path, "security.capability", &value, XattrFlags::empty()).context("setxattr")
}

/// Every act of this kind.
pub const ACTS: &[Act] = &[
    file(
        "file.truncate",
        Row::FileTruncate,
        "truncate(2)",
        &["truncate", "/data/truncate"],
        "TRUNCATE",
        "/data/truncate",
    )
    .after(&[Prepare::File("/data/truncate")])
    .by_name(),
    file(
        "file.chmod",
        Row::FileChmod,
        "chmod(2) to a program that runs as its owner",
        &["chmod", "/data/chmod"],
        "CHMOD",
        "/data/chmod",
    )
    .after(&[Prepare::File("/data/chmod")])
    .by_name()
    .root()
    .rule("file.unknown", "HIGH")
    .fields(&[
        ("file.mode", Is::Text("4711")),
        ("file.setId", Is::Text("USER")),
        ("attack.0", Is::Text("T1548.001")),
    ]),
    file(
        "file.chmod.fchmod",
        Row::FileChmod,
        "fchmod(2)",
        &["fchmod", "/data/fchmod"],
        "CHMOD",
        "/data/fchmod",
    )
    .after(&[Prepare::File("/data/fchmod")])
    .root()
    .fields(&[("file.mode", Is::Text("640"))]),
    file(
        "file.chmod.fchmodat",
        Row::FileChmod,
        "fchmodat(2)",
        &["fchmodat", "/data", "fchmodat"],
        "CHMOD",
        "/data/fchmodat",
    )
    .after(&[Prepare::File("/data/fchmodat")])
    .by_name()
    .root()
    .fields(&[("file.mode", Is::Text("600"))]),
    file(
        "file.chmod.fchmodat2",
        Row::FileChmod,
        "fchmodat2(2) of an open file itself",
        &["fchmodat2", "/data/fchmodat2"],
        "CHMOD",
        "/data/fchmodat2",
    )
    .after(&[Prepare::File("/data/fchmodat2")])
    .root()
    .fields(&[("file.mode", Is::Text("444"))]),
    file(
        "file.chown",
        Row::FileChown,
        "chown(2)",
        &["chown", "/data/chown"],
        "CHOWN",
        "/data/chown",
    )
    .after(&[Prepare::File("/data/chown")])
    .by_name()
    .root(),
    file(
        "file.chown.lchown",
        Row::FileChown,
        "lchown(2) of a symbolic link",
        &["lchown", "/data/lchown"],
        "CHOWN",
        "/data/lchown",
    )
    .after(&[Prepare::Symlink("nowhere", "/data/lchown")])
    .by_name()
    .root(),
    file(
        "file.chown.fchown",
        Row::FileChown,
        "fchown(2)",
        &["fchown", "/data/fchown"],
        "CHOWN",
        "/data/fchown",
    )
    .after(&[Prepare::File("/data/fchown")])
    .root(),
    file(
        "file.chown.fchownat",
        Row::FileChown,
        "fchownat(2) of an open file itself",
        &["fchownat", "/data/fchownat"],
        "CHOWN",
        "/data/fchownat",
    )
    .after(&[Prepare::File("/data/fchownat")])
    .root(),
    file(
        "file.setxattr",
        Row::FileSetxattr,
        "setxattr(2) of the capabilities of a program",
        &["setxattr", "path", "/data/setxattr", "security.capability"],
        "SETXATTR",
        "/data/setxattr",
    )
    .to("security.capability")
    .after(&[Prepare::File("/data/setxattr")])
    .by_name()
    .inside(RIGHTS)
    .root()
    .rule("file.unknown", "HIGH")
    .fields(&[("attack.0", Is::Text("T1548.001"))]),
    file(
        "file.setxattr.fsetxattr",
        Row::FileSetxattr,
        "fsetxattr(2)",
        &["setxattr", "file", "/data/fsetxattr", "security.capability"],
        "SETXATTR",
        "/data/fsetxattr",
    )
    .to("security.capability")
    .after(&[Prepare::File("/data/fsetxattr")])
    .inside(RIGHTS)
    .root()
    .rule("file.unknown", "HIGH")
    .fields(&[("attack.0", Is::Text("T1548.001"))]),
    file(
        "file.setxattr.overlay",
        Row::FileSetxattr,
        "on an overlay, once",
        &["setxattr", "path", "/data/overlay", "security.capability"],
        "SETXATTR",
        "/data/overlay",
    )
    .to("security.capability")
    .after(&[Prepare::File("/data/overlay")])
    .by_name()
    .inside(LAYERS)
    .root()
    .rule("file.unknown", "HIGH")
    .fields(&[("attack.0", Is::Text("T1548.001"))]),
    file(
        "file.setxattr.user",
        Row::FileSetxattr,
        "lsetxattr(2) of an attribute of users",
        &["setxattr", "link", "/data/user", "user.lapwing"],
        "SETXATTR",
        "/data/user",
    )
    .to("user.lapwing")
    .after(&[Prepare::File("/data/user")])
    .by_name(),
    file(
        "file.removexattr",
        Row::FileRemovexattr,
        "removexattr(2)",
        &[
            "removexattr",
            "path",
            "/data/removexattr",
            "security.capability",
        ],
        "SETXATTR",
        "/data/removexattr",
    )
    .to("security.capability")
    .after(&[Prepare::File("/data/removexattr"), Prepare::By(capable)])
    .by_name()
    .inside(RIGHTS)
    .root()
    .rule("file.unknown", "HIGH")
    .fields(&[("attack.0", Is::Text("T1548.001"))]),
    file(
        "file.setxattr.acl",
        Row::FileSetAcl,
        "setxattr(2) of an access control list",
        &["setxattr", "path", "/data/acl", "system.posix_acl_access"],
        "SETXATTR",
        "/data/acl",
    )
    .to("system.posix_acl_access")
    .after(&[Prepare::File("/data/acl")])
    .by_name()
    .root(),
    file(
        "file.removexattr.acl",
        Row::FileRemoveAcl,
        "removexattr(2) of an access control list",
        &[
            "removexattr",
            "path",
            "/data/no-acl",
            "system.posix_acl_access",
        ],
        "SETXATTR",
        "/data/no-acl",
    )
    .to("system.posix_acl_access")
    .after(&[Prepare::File("/data/no-acl")])
    .by_name()
    .root(),
];

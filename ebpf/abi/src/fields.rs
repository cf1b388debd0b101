//! The kernel struct fields that programs read.
//!
//! One table: the agent looks each field up in the running kernel's BTF, by
//! name and through anonymous members, and gives the offsets to the programs as
//! the frozen array `OFFSETS`, indexed by [`Field`]. A field that a kernel lacks
//! is [`MISSING`], and disables exactly the hooks whose row needs it.

/// The offset of a field that the kernel does not have.
pub const MISSING: u32 = u32::MAX;

/// How a field's number is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Byte offset of the first of these members that the struct has.
    Member(&'static str, &'static [&'static str]),
    /// Size of the struct in bytes.
    Size(&'static str),
    /// Place of a parameter among those of a function, counted from 0: kernels have put others
    /// in front of it.
    Parameter(&'static str, &'static str),
    /// Number of parameters of a function: where a trampoline finds the result.
    Parameters(&'static str),
}

macro_rules! fields {
    ($($(#[$meta:meta])* $name:ident = $source:expr,)+) => {
        /// A field of a kernel struct.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(usize)]
        pub enum Field { $($(#[$meta])* $name,)+ }

        /// Where each field is found, in the order of [`Field`].
        pub const FIELDS: &[(Field, Source)] = &[$((Field::$name, $source),)+];
    };
}

use Source::{Member, Parameter, Parameters, Size};

fields! {
    /// `task_struct.tgid`
    TaskTgid = Member("task_struct", &["tgid"]),
    /// `task_struct.group_leader`
    TaskGroupLeader = Member("task_struct", &["group_leader"]),
    /// `task_struct.real_parent`
    TaskRealParent = Member("task_struct", &["real_parent"]),
    /// `task_struct.fs`
    TaskFs = Member("task_struct", &["fs"]),
    /// `task_struct.files`
    TaskFiles = Member("task_struct", &["files"]),
    /// `task_struct.mm`
    TaskMm = Member("task_struct", &["mm"]),
    /// `task_struct.cgroups`
    TaskCgroups = Member("task_struct", &["cgroups"]),
    /// `task_struct.signal`
    TaskSignal = Member("task_struct", &["signal"]),
    /// `task_struct.thread_pid`
    TaskThreadPid = Member("task_struct", &["thread_pid"]),
    /// `task_struct.cred`
    TaskCred = Member("task_struct", &["cred"]),
    /// `task_struct.real_cred`: another than `cred` while the kernel acts for itself.
    TaskRealCred = Member("task_struct", &["real_cred"]),
    /// `cred.euid`
    CredEuid = Member("cred", &["euid"]),
    /// `cred.egid`
    CredEgid = Member("cred", &["egid"]),
    /// `cred.cap_effective`: two halves up to Linux 6.2, one word since.
    CredCapabilities = Member("cred", &["cap_effective"]),
    /// Start time since boot; before Linux 5.5 it was `real_start_time`.
    TaskStart = Member("task_struct", &["start_boottime", "real_start_time"]),
    /// `task_struct.thread_info`: says whether a system call is a 32-bit one.
    TaskThreadInfo = Member("task_struct", &["thread_info"]),
    /// `thread_info.status`, x86 only.
    ThreadInfoStatus = Member("thread_info", &["status"]),
    /// `thread_info.flags`
    ThreadInfoFlags = Member("thread_info", &["flags"]),
    /// `signal_struct.live`
    SignalLive = Member("signal_struct", &["live"]),
    /// `pid.level`
    PidLevel = Member("pid", &["level"]),
    /// `pid.numbers`
    PidNumbers = Member("pid", &["numbers"]),
    /// Size of one element of `pid.numbers`.
    UpidSize = Size("upid"),
    /// `upid.nr`
    UpidNr = Member("upid", &["nr"]),
    /// `fs_struct.root`
    FsRoot = Member("fs_struct", &["root"]),
    /// `fs_struct.pwd`
    FsPwd = Member("fs_struct", &["pwd"]),
    /// `path.mnt`
    PathMnt = Member("path", &["mnt"]),
    /// `path.dentry`
    PathDentry = Member("path", &["dentry"]),
    /// `files_struct.fdt`
    FilesFdt = Member("files_struct", &["fdt"]),
    /// `fdtable.fd`
    FdtableFd = Member("fdtable", &["fd"]),
    /// `fdtable.max_fds`
    FdtableMax = Member("fdtable", &["max_fds"]),
    /// `file.f_path`
    FilePath = Member("file", &["f_path", "__f_path"]),
    /// `file.f_mode`
    FileMode = Member("file", &["f_mode"]),
    /// `file.f_flags`
    FileFlags = Member("file", &["f_flags"]),
    /// `dentry.d_seq`: odd while the entry is renamed, another number after it.
    DentrySeq = Member("dentry", &["d_seq"]),
    /// `dentry.d_parent`
    DentryParent = Member("dentry", &["d_parent"]),
    /// `dentry.d_name`
    DentryName = Member("dentry", &["d_name", "__d_name"]),
    /// `dentry.d_inode`
    DentryInode = Member("dentry", &["d_inode"]),
    /// `dentry.d_sb`
    DentrySb = Member("dentry", &["d_sb"]),
    /// Where a short name stands in the entry itself; `d_iname` up to Linux 6.13.
    DentryShortName = Member("dentry", &["d_shortname", "d_iname"]),
    /// `qstr.name`
    QstrName = Member("qstr", &["name"]),
    /// `qstr.len`
    QstrLen = Member("qstr", &["len"]),
    /// `qstr.hash_len`: of a name together with its folder.
    QstrHash = Member("qstr", &["hash_len"]),
    /// `inode.i_ino`
    InodeNumber = Member("inode", &["i_ino"]),
    /// `inode.i_nlink`
    InodeNlink = Member("inode", &["i_nlink", "__i_nlink"]),
    /// Size of `inode`: overlayfs keeps `__upperdentry` right behind it.
    InodeSize = Size("inode"),
    /// `super_block.s_magic`
    SuperMagic = Member("super_block", &["s_magic"]),
    /// `super_block.s_flags`
    SuperFlags = Member("super_block", &["s_flags"]),
    /// `super_block.s_mounts`: a list head; since Linux 6.18 the first mount.
    SuperMounts = Member("super_block", &["s_mounts"]),
    /// `mount.mnt_instance`, the mount's place in that list, up to Linux 6.17.
    MountInstance = Member("mount", &["mnt_instance"]),
    /// What links the mounts of a file system, in either form.
    MountLink = Member("mount", &["mnt_instance", "mnt_next_for_sb"]),
    /// `task_struct.nameidata`: not null while a path is being opened.
    TaskNameidata = Member("task_struct", &["nameidata"]),
    /// Place of `dentry` in `vfs_setxattr`; the name of the attribute follows it.
    SetxattrDentry = Parameter("vfs_setxattr", "dentry"),
    /// Place of `dentry` in `vfs_removexattr`; the name of the attribute follows it.
    RemovexattrDentry = Parameter("vfs_removexattr", "dentry"),
    /// Place of `filp` in `do_truncate`.
    TruncateFile = Parameter("do_truncate", "filp"),
    /// Number of parameters of `do_file_open_root`: 4 on Linux 5.10, 3 since 5.13.
    RootedOpenParameters = Parameters("do_file_open_root"),
    /// `mount.mnt`
    MountMnt = Member("mount", &["mnt"]),
    /// `mount.mnt_parent`
    MountParent = Member("mount", &["mnt_parent"]),
    /// `mount.mnt_mountpoint`
    MountPoint = Member("mount", &["mnt_mountpoint"]),
    /// `mount.mnt_ns`
    MountNamespace = Member("mount", &["mnt_ns"]),
    /// `vfsmount.mnt_root`
    VfsmountRoot = Member("vfsmount", &["mnt_root"]),
    /// `mm_struct.exe_file`
    MmExeFile = Member("mm_struct", &["exe_file"]),
    /// `mm_struct.arg_start`
    MmArgStart = Member("mm_struct", &["arg_start"]),
    /// `mm_struct.arg_end`
    MmArgEnd = Member("mm_struct", &["arg_end"]),
    /// `linux_binprm.filename`
    BprmFilename = Member("linux_binprm", &["filename"]),
    /// `linux_binprm.interp`
    BprmInterp = Member("linux_binprm", &["interp"]),
    /// `inode.i_mode`
    InodeMode = Member("inode", &["i_mode"]),
    /// `file.private_data`: the socket, of a socket's file.
    FilePrivate = Member("file", &["private_data"]),
    /// `socket.sk`
    SocketSk = Member("socket", &["sk"]),
    /// `sock.sk_type`
    SockType = Member("sock", &["sk_type"]),
    /// `sock.sk_protocol`
    SockProtocol = Member("sock", &["sk_protocol"]),
    /// `sock_common.skc_family`: a `sock` begins with it.
    SockFamily = Member("sock_common", &["skc_family"]),
    /// `sock_common.skc_num`: the own port.
    SockPort = Member("sock_common", &["skc_num"]),
    /// `sock_common.skc_rcv_saddr`: the own IPv4 address.
    SockAddress4 = Member("sock_common", &["skc_rcv_saddr"]),
    /// `sock_common.skc_v6_rcv_saddr`: the own IPv6 address.
    SockAddress6 = Member("sock_common", &["skc_v6_rcv_saddr"]),
    /// `unix_sock.path`
    UnixPath = Member("unix_sock", &["path"]),
    /// `unix_sock.addr`
    UnixAddress = Member("unix_sock", &["addr"]),
    /// `unix_sock.peer`
    UnixPeer = Member("unix_sock", &["peer"]),
    /// `unix_address.len`
    UnixAddressLen = Member("unix_address", &["len"]),
    /// `unix_address.name`
    UnixAddressName = Member("unix_address", &["name"]),
    /// `msghdr.msg_name`
    MsgName = Member("msghdr", &["msg_name"]),
    /// `css_set.subsys`
    CssSetSubsys = Member("css_set", &["subsys"]),
    /// `css_set.dfl_cgrp`
    CssSetDefault = Member("css_set", &["dfl_cgrp"]),
    /// `cgroup_subsys_state.cgroup`
    CssCgroup = Member("cgroup_subsys_state", &["cgroup"]),
    /// `cgroup.kn`
    CgroupKn = Member("cgroup", &["kn"]),
    /// `cgroup.root`
    CgroupRoot = Member("cgroup", &["root"]),
    /// `cgroup_root.hierarchy_id`
    CgroupRootHierarchy = Member("cgroup_root", &["hierarchy_id"]),
    /// `kernfs_node.id`
    KernfsId = Member("kernfs_node", &["id"]),
    /// `kernfs_node.parent`; `__parent` since Linux 6.15.
    KernfsParent = Member("kernfs_node", &["parent", "__parent"]),
    /// System call number on x86 (`orig_ax`) and arm64 (`syscallno`).
    RegsSyscall = Member("pt_regs", &["orig_ax", "syscallno"]),
    /// First argument: `di` on x86; on arm64 `orig_x0`, as the result overwrites `x0`.
    RegsArg0 = Member("pt_regs", &["di", "orig_x0"]),
    /// Result, on x86.
    RegsAx = Member("pt_regs", &["ax"]),
    /// First argument of a 32-bit call on x86.
    RegsBx = Member("pt_regs", &["bx"]),
    /// Fourth argument of a function, second of a 32-bit call, on x86.
    RegsCx = Member("pt_regs", &["cx"]),
    /// Sixth argument of a 32-bit call on x86.
    RegsBp = Member("pt_regs", &["bp"]),
    /// Fifth argument on x86.
    RegsR8 = Member("pt_regs", &["r8"]),
    /// Second argument on x86.
    RegsArg1 = Member("pt_regs", &["si"]),
    /// Third argument on x86.
    RegsArg2 = Member("pt_regs", &["dx"]),
    /// Fourth argument on x86.
    RegsArg3 = Member("pt_regs", &["r10"]),
    /// The register array on arm64.
    RegsArray = Member("pt_regs", &["regs", "user_regs"]),
    /// Stack pointer: from the seventh on, arguments of a function are on the stack on x86.
    RegsSp = Member("pt_regs", &["sp"]),
    /// `task_struct.nsproxy`
    TaskNsproxy = Member("task_struct", &["nsproxy"]),
    /// `task_struct.personality`
    TaskPersonality = Member("task_struct", &["personality"]),
    /// `cred.user_ns`
    CredUserNs = Member("cred", &["user_ns"]),
    /// `linux_binprm.file`
    BprmFile = Member("linux_binprm", &["file"]),
    /// `linux_binprm.buf`: the first bytes of the file.
    BprmBuf = Member("linux_binprm", &["buf"]),
    /// `nsproxy.uts_ns`
    NsproxyUts = Member("nsproxy", &["uts_ns"]),
    /// `nsproxy.ipc_ns`
    NsproxyIpc = Member("nsproxy", &["ipc_ns"]),
    /// `nsproxy.mnt_ns`
    NsproxyMount = Member("nsproxy", &["mnt_ns"]),
    /// `mnt_namespace.event`: another number, unlike any before in all namespaces, after each
    /// change of its tree of mounts.
    NamespaceEvent = Member("mnt_namespace", &["event"]),
    /// `nsproxy.pid_ns_for_children`
    NsproxyPid = Member("nsproxy", &["pid_ns_for_children"]),
    /// `nsproxy.net_ns`
    NsproxyNet = Member("nsproxy", &["net_ns"]),
    /// `nsproxy.time_ns_for_children`
    NsproxyTime = Member("nsproxy", &["time_ns_for_children"]),
    /// `nsproxy.cgroup_ns`
    NsproxyCgroup = Member("nsproxy", &["cgroup_ns"]),
    /// `inode.i_private`: the namespace, of a file that stands for one.
    InodePrivate = Member("inode", &["i_private"]),
    /// `ns_common.ns_type`, since Linux 6.18.
    NamespaceType = Member("ns_common", &["ns_type"]),
    /// `ns_common.ops`
    NamespaceOps = Member("ns_common", &["ops"]),
    /// `proc_ns_operations.type`, before Linux 6.18.
    NamespaceOpsType = Member("proc_ns_operations", &["type"]),
    /// `vm_area_struct.vm_file`
    VmaFile = Member("vm_area_struct", &["vm_file"]),
    /// `backing_file.user_path`: what was opened, of a file that overlayfs opened behind it; since
    /// Linux 6.8. Before, it is the file's own path.
    BackingUserPath = Member("backing_file", &["user_path"]),
    /// `vfsmount.mnt_sb`
    VfsmountSuper = Member("vfsmount", &["mnt_sb"]),
    /// `super_block.s_type`
    SuperType = Member("super_block", &["s_type"]),
    /// `file_system_type.name`
    FileSystemName = Member("file_system_type", &["name"]),
    /// `module.name`
    ModuleName = Member("module", &["name"]),
}

/// Number of fields.
pub const FIELD_COUNT: usize = FIELDS.len();

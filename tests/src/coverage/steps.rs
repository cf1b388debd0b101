//! Techniques of several steps, each with the case that proves what becomes of it.
//!
//! What one act in a container can show stands in the tables of acts; what takes an agent that ends,
//! a flood, or two containers stands here.

/// A technique in words, and the name of the case.
pub type Step = (&'static str, &'static str);

/// Areas and their techniques.
pub const STEPS: &[(&str, &[Step])] = &[
    (
        "Programs and processes",
        &[
            (
                "`ld.so ./program`: the program is never executed, only mapped",
                "process.loader",
            ),
            (
                "arguments longer than there is room for are told as far as they go, and marked",
                "process.exec.long-arguments",
            ),
            (
                "the parent is gone: who it was is still told",
                "process.orphan",
            ),
            (
                "a double fork, which gives another parent",
                "lineage.double-fork",
            ),
            (
                "a program that another may execute, executed by this one",
                "lineage.new-parent",
            ),
            (
                "a program that enters from outside: phase `exec`",
                "cgroup.guest-from-outside",
            ),
            (
                "one thing about a program is another: its name, its user, its parent",
                "seen.exec.each-field-is-news",
            ),
            (
                "a program that was changed under its path",
                "keys.another-origin-is-news",
            ),
        ],
    ),
    (
        "Names of peers",
        &[
            (
                "a name does not outlive its answer's time to live and the configured grace, nor what was judged by it",
                "dns.time-to-live",
            ),
            (
                "a name that leads to the node itself excuses nothing",
                "dns.node-address",
            ),
            (
                "what one container was told names nothing for another",
                "dns.another-container",
            ),
            (
                "another container's flood of sockets that talk to port 53: who connected before is seen",
                "dns.crowd-of-sockets",
            ),
        ],
    ),
    (
        "Membership",
        &[
            ("moved to another cgroup from outside", "membership.sticks"),
            (
                "moving itself to a cgroup outside of the container's",
                "membership.escape.cgroup",
            ),
            (
                "a child born in a cgroup outside (CLONE_INTO_CGROUP)",
                "membership.escape.clone-into-cgroup",
            ),
            (
                "the host's root directory taken for its own",
                "membership.escape.root",
            ),
            (
                "files of the same path inside and outside do not excuse one another",
                "membership.escape.excuses-nothing",
            ),
            (
                "a cgroup below its own with the name of another container",
                "membership.forged-name",
            ),
            (
                "a container in a container: namespaces of its own, in a cgroup with the name of one",
                "membership.nested-container",
            ),
            (
                "setns(2) to the network and the mounts of another container, and acts there",
                "membership.namespaces-of-another",
            ),
        ],
    ),
    (
        "Paths",
        &[
            ("a path of 4,095 bytes", "path.longest"),
            ("a path of 100 names", "path.many-names"),
            (
                "a path longer than paths can be: its end, marked",
                "path.too-long",
            ),
            (
                "a path of more names than a walk has steps: its end, marked",
                "path.too-many-names",
            ),
            (
                "a folder moved out of what a mount shows: `detached:`",
                "path.moved-out",
            ),
            (
                "a file opened by its handle whose name and folder nobody has looked up: `detached:/`",
                "path.disconnected",
            ),
            (
                "a folder renamed during the walk: one of its two paths, never a mixture",
                "path.renamed-meanwhile",
            ),
            (
                "a removed file's inode number given to another file",
                "path.inode-reused",
            ),
            (
                "a file with the place in memory of one that was judged lately",
                "seen.others-are-not-recalled",
            ),
            ("names made to break what prints them", "names.files"),
        ],
    ),
    (
        "Floods and losses",
        &[
            (
                "noise in files, and behind it programs, peers and a privileged act",
                "losses.files",
            ),
            (
                "many peers, and behind them the metadata service",
                "losses.connects",
            ),
            (
                "many of what nobody may learn, which draw on a reserve",
                "losses.never-learnable",
            ),
            ("a fork bomb", "losses.forks"),
            (
                "more questions than wait for their answers",
                "losses.questions",
            ),
            (
                "an agent that does not get to run: every record lost is counted by container",
                "losses.agent-that-does-not-run",
            ),
            (
                "more processes than a container's share of the table",
                "losses.tables.processes",
            ),
            (
                "the same, before the agent started",
                "losses.tables.processes-before-the-agent",
            ),
            (
                "more execs that are held back than a container's share: they are sent, and nothing is lost",
                "losses.execs-held-back",
            ),
            (
                "more cgroups than a container's share of the table",
                "losses.tables.cgroups",
            ),
            (
                "the same, before the agent started",
                "losses.cgroups-before-the-agent",
            ),
            (
                "cgroups that come and go while the agent does not run: the ring of these is full",
                "losses.full.lifecycle-ring",
            ),
            (
                "more cgroups on the machine than the table has room for",
                "losses.full.cgroups",
            ),
            (
                "more containers than there are allowances",
                "losses.full.budgets",
            ),
            (
                "a record that is shed leaves nothing that could hide the next",
                "pending.shed-by-budget-is-news",
            ),
        ],
    ),
    (
        "Starts and ends of the agent",
        &[
            (
                "what was opened, connected and run before the agent",
                "start.what-is-held",
            ),
            (
                "hundreds of containers that run, start and end during the start",
                "start.many-containers",
            ),
            (
                "containers that live five milliseconds",
                "start.five-milliseconds",
            ),
            (
                "what was done while no agent ran: a gap, no shorter than that time",
                "start.blind-interval",
            ),
            (
                "an agent replaced by another without a blind moment",
                "start.replace",
            ),
            (
                "an agent that stands by goes on without a blind moment where another one ends, and after one that was killed",
                "start.stand-by",
            ),
            (
                "a new agent's pod loads programs beside the old agent, which tells of no privilege of a container's by that",
                "start.stand-by.in-a-pod",
            ),
            (
                "an agent that cannot read what the one before it stored: it does not take over",
                "start.replace.of-a-newer-version",
            ),
            (
                "the agent killed at any moment: no decision is lost",
                "restart.kill-at-any-moment",
            ),
        ],
    ),
];

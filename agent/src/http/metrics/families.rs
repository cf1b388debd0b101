//! The one table of metrics: what `/metrics` says, and what `docs/metrics.md` is made of.
//!
//! Labels have few values: rules, hooks, sinks, sources, modes. Nothing that a container names, or
//! makes more of, is one.

/// What a scraper takes it for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// It only rises, until the agent starts anew.
    Counter,
    /// It goes up and down.
    Gauge,
}

impl Type {
    /// The word of the text format.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

macro_rules! families {
    ($($variant:ident = $name:literal, $type:ident, [$($label:literal),*], $help:literal, $alert:literal;)+) => {
        /// A metric with its labels.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Family { $(#[doc = $help] $variant,)+ }
        impl Family {
            /// Every one, in order.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];
            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $name,)+ } }
            /// Its type.
            #[must_use]
            pub const fn kind(self) -> Type { match self { $(Self::$variant => Type::$type,)+ } }
            /// The names of its labels, in order.
            #[must_use]
            pub const fn labels(self) -> &'static [&'static str] { match self { $(Self::$variant => &[$($label),*],)+ } }
            /// What it says, in a sentence or two.
            #[must_use]
            pub const fn help(self) -> &'static str { match self { $(Self::$variant => $help,)+ } }
            /// What of it is worth waking somebody; empty for nothing.
            #[must_use]
            pub const fn alert(self) -> &'static str { match self { $(Self::$variant => $alert,)+ } }
        }
    };
}

families! {
    BuildInfo = "lapwing_build_info", Gauge, ["version", "kernel"], "1, with what runs.", "";
    Ready = "lapwing_ready", Gauge, [], "1 if `/readyz` says so, else 0; and 0 of an agent that stands by, which has no other metric.", "0 for some minutes";
    PipelineQuiet = "lapwing_pipeline_quiet_seconds", Gauge, [], "For how long the loop that reads the rings has not moved. `/livez` fails above 30.", "above 10";
    HookAttached = "lapwing_hook_attached", Gauge, ["hook", "tier"], "1 if the hook is attached, by this tier; 0 if it sees nothing on this kernel, with the tier `none`.", "0: part of what containers do is not seen";
    HookEvents = "lapwing_hook_events_total", Counter, ["hook"], "How often a hook fired for a traced process.", "";
    HookRecalled = "lapwing_hook_recalled_total", Counter, ["hook"], "How often of that the kernel side knew the behaviour again at once.", "";
    Records = "lapwing_records_total", Counter, [], "Records read from the kernel: what it could not judge by itself.", "";
    Judged = "lapwing_judged_total", Counter, ["hook", "verdict"], "Behaviours that reached the judge, by the hook that saw them and by what it said: `known`, `learned`, `deviation`, `refused_full` (the profile is full), `unnamed` (of a container without a name nothing is learned). The hook is `agent` for what the agent found out by itself: what ran before it, and what programs from outside their image hold. Each hook that is attached has all five, from 0 on. Repeats that the kernel side counted are in `lapwing_repeats_total` and, by hook, in `lapwing_hook_events_total`.", "`refused_full` rises";
    Repeats = "lapwing_repeats_total", Counter, [], "Repeats of judged behaviours that the kernel side counted and did not send.", "";
    Violations = "lapwing_violations_total", Counter, ["rule", "severity"], "Violations, repeats of one not counted.", "as you would of the reports themselves";
    ViolationsEndedEarly = "lapwing_violations_ended_early_total", Counter, [], "Violations that ended before their time for lack of room: their next occurrence is reported as a new one.", "";
    ViolationsForgotten = "lapwing_violations_forgotten_total", Counter, [], "Ended violations that were forgotten for lack of room: their ids approve nothing any more.", "";
    Lost = "lapwing_lost_total", Counter, ["stage", "reason", "hides"], "What was lost, where (`kernel`, `agent`, `feed`) and why. Where `hides` is `true` behaviours may be missing; else they were told late, twice, or in part.", "rises where `hides` is `true`";
    Profiles = "lapwing_profiles", Gauge, ["mode"], "Profiles of workloads, by how far learning is.", "";
    EntriesPending = "lapwing_profile_entries_pending", Gauge, [], "Entries of all profiles that wait for a person's decision.", "";
    Containers = "lapwing_containers", Gauge, [], "Containers that are traced.", "";
    Processes = "lapwing_processes", Gauge, [], "Processes in the kernel side's tree: each container may have a quarter of what it has room for.", "";
    MapEntries = "lapwing_map_entries", Gauge, ["map"], "Entries of the kernel side's maps that turn away what is new when they are full, as of some ten seconds ago at most: `processes` and `images` (execs that were held back), `cgroups`, of all of which each container may have a quarter; `budgets` (allowances of containers), `lost` (counters of what they lost), `seen` (containers with a map of what was judged), `behaviours` (of such maps the fullest), `calls` (containers whose system calls are recorded; absent where none are). Maps that let go of the oldest instead lose nothing and are not among them.", "above 0.9 of `lapwing_map_entries_max` for 15 minutes";
    MapEntriesMax = "lapwing_map_entries_max", Gauge, ["map"], "Entries that there is room for.", "";
    SeenContainers = "lapwing_seen_containers", Gauge, [], "Containers of which the kernel side holds back what was judged.", "";
    SeenBehaviours = "lapwing_seen_behaviours", Gauge, [], "Their behaviours that are held back.", "";
    SeenBehavioursMax = "lapwing_seen_behaviours_max", Gauge, [], "Behaviours that there is room for of each container.", "";
    SeenRefused = "lapwing_seen_refused_total", Counter, [], "Verdicts that found no room in the kernel: what they are of is sent each time.", "rises for long: it costs CPU";
    RingWaiting = "lapwing_ring_bytes", Gauge, ["ring"], "Bytes that wait to be read in the rings between the kernel and the agent, at most a second before the scrape, also while nobody reads them: `lifecycle` (cgroups), `behaviour`, `uses` (files that containers use).", "";
    RingHighest = "lapwing_ring_highest_bytes", Gauge, ["ring"], "The most that waited when somebody was about to read, in the last one to two minutes: no scrape within a minute of another misses it.", "above 0.4 of `lapwing_ring_size_bytes` for 10 minutes, but for `uses`: changes of files and names that are asked for are turned away from half on";
    RingSize = "lapwing_ring_size_bytes", Gauge, ["ring"], "Size of the rings. What found no room in the first two is `lapwing_lost_total` with the reasons `lifecycle-ring-full` and `behaviour-ring-full`; a use of a file that found none is noted at the next one.", "";
    FeedItems = "lapwing_feed_items_total", Counter, [], "Violations and gaps ever given a number, over starts of the agent, until the log is lost.", "";
    FeedBytes = "lapwing_feed_bytes", Gauge, [], "Bytes of the log on disk.", "";
    FeedSegments = "lapwing_feed_segments", Gauge, [], "Files of the log.", "";
    FeedWritten = "lapwing_feed_written_bytes_total", Counter, [], "Bytes written to the log.", "";
    FeedHealthy = "lapwing_feed_healthy", Gauge, [], "1 while reports are written where they should be, 0 while they cannot be.", "0: reports would not outlast the agent";
    FeedSubscribers = "lapwing_feed_subscribers", Gauge, [], "Clients that follow now.", "";
    FeedConsumers = "lapwing_feed_consumers", Gauge, [], "Clients whose position is kept by a name.", "";
    FeedConsumerBehind = "lapwing_feed_consumer_behind_max", Gauge, [], "Violations and gaps that the slowest of them has not acknowledged.", "";
    SinkState = "lapwing_sink_state", Gauge, ["sink", "state"], "1 for the state that the sink is in: `delivering`, `retrying`, `blocked` (a person has to do something); 0 for the others.", "`blocked`, or `retrying` for long";
    SinkDelivered = "lapwing_sink_delivered_total", Counter, ["sink"], "Reports that the receiver has taken.", "";
    SinkDeliveredBytes = "lapwing_sink_delivered_bytes_total", Counter, ["sink"], "Bytes of them, as they are encoded.", "";
    SinkRetried = "lapwing_sink_retried_total", Counter, ["sink"], "Reports that were to be sent again, each time counted.", "";
    SinkRefused = "lapwing_sink_refused_total", Counter, ["sink", "reason"], "Reports that the receiver refused and that were given up.", "rises";
    SinkBehind = "lapwing_sink_behind", Gauge, ["sink"], "Records of the feed behind the sink's position, wanted by it or not.", "grows for long";
    SinkError = "lapwing_sink_last_error_timestamp_seconds", Gauge, ["sink"], "When something went wrong last, also if it is over; absent if never.", "";
    SinkSuccess = "lapwing_sink_last_delivered_timestamp_seconds", Gauge, ["sink"], "When the receiver took something last; absent if never.", "";
    SourceState = "lapwing_identity_source_state", Gauge, ["protocol", "source", "state"], "1 for the state of who is asked for names of containers: `connected`, `retrying`, `absent`, `unsuitable`; 0 for the others.", "";
    SourceTold = "lapwing_identity_source_told_total", Counter, ["protocol", "source"], "Containers and pods that it told of.", "";
    SourceFailed = "lapwing_identity_source_failed_total", Counter, ["protocol", "source"], "Questions that it did not answer, or not so that it can be believed.", "";
    IdentityAsked = "lapwing_identity_questions_total", Counter, ["answer"], "Questions for containers by what became of them: `told`, `unknown`, or `refused` for lack of room.", "`refused` rises";
    IdentityWaiting = "lapwing_identity_questions_waiting", Gauge, [], "Questions that wait for an answer.", "";
    IdentityLate = "lapwing_identity_late_total", Counter, [], "Containers whose records went out before the answer came.", "";
    WatchSynced = "lapwing_watch_synced", Gauge, ["what"], "1 while these objects of the cluster are watched, else 0, by their resource: of an agent `pods` (of its node), `behaviorprofiles` and `namespaces`; of a controller that leads `pods` (of agents), `behaviorprofiles` and `namespaces`. Absent for what is not asked for.", "0 for long: what is known stays, and what is new is not known";
    WatchHeard = "lapwing_watch_heard_timestamp_seconds", Gauge, ["what"], "When the API of the cluster said something of them last, which it does each minute; absent if never.", "more than 10 minutes ago";
    WatchLeftOut = "lapwing_watch_left_out", Gauge, ["what"], "Those of them that could not be had when they were listed last: what is known of these is older, or nothing. The log names them.", "above 0";
    PodWatchPods = "lapwing_pod_watch_pods", Gauge, [], "Pods of this node that are known.", "";
    PodWatchBefore = "lapwing_pod_watch_told_before", Gauge, [], "Containers whose owners are known from disk, as the API of the cluster told before the agent started, until it tells anew.", "above 0 for long: the API is away since the agent started";
    ProfilesGaveWay = "lapwing_cluster_profiles_gave_way_total", Counter, [], "BehaviorProfiles that were deleted and stayed in force, as they were signed, and gave way since: to others that needed their room, or with their namespace. Absent where BehaviorProfiles are not watched.", "rises: the log says which, and `runs_here` whether a container is without one by that";
    ListenerListens = "lapwing_api_listening", Gauge, [], "1 while the API listens over TCP, 0 while it waits for files of certificates; absent where it is not to.", "0 for some minutes: `lapwing status` says which files";
    ListenerConnections = "lapwing_api_connections", Gauge, [], "Connections to the API over TCP.", "";
    ListenerRefused = "lapwing_api_refused_total", Counter, [], "Connections to the API over TCP that were not let in.", "";
    ListenerDenied = "lapwing_api_denied_total", Counter, [], "Calls over TCP that the client had no right to.", "rises: somebody tries";
    ListenerExpiry = "lapwing_api_certificate_expiry_timestamp_seconds", Gauge, [], "Until when the agent's own certificate is valid; absent without TLS.", "less than a week ahead";
    ControllerLeads = "lapwing_controller_leads", Gauge, [], "Of a controller: 1 while this replica leads. The following are of the one that does.", "the sum is 0 for some minutes";
    ControllerAgents = "lapwing_controller_agents", Gauge, ["link"], "Pods of agents by how they are reached: `connected`, `away` (it is tried again), `new`.", "`away` for long";
    ControllerSilent = "lapwing_controller_silent_nodes", Gauge, [], "Nodes that are Ready and whose agents are silent: each is a violation too.", "above 0";
    ControllerRelayed = "lapwing_controller_relayed_total", Counter, [], "Violations and gaps that were relayed, of the agents that there are.", "";
    ControllerLag = "lapwing_controller_lag_seconds", Gauge, [], "How much older, by the agents' clocks, than its arrival was the latest that was heard of the slowest agent that is connected.", "above 60";
    ControllerLost = "lapwing_controller_agents_lost_events", Gauge, [], "Events that the agents that there are lost since they started.", "";
    LearnedProfiles = "lapwing_controller_learned_profiles", Gauge, ["phase"], "Workloads that nodes told of, by the phase of their LearnedProfile: `learning` (what is not written yet too), `ready`, `promoted`.", "";
    LearnedProfilesMax = "lapwing_controller_learned_profiles_max", Gauge, [], "Workloads that there is room for (`learned.workloads`).", "";
    LearnedBytes = "lapwing_controller_learned_bytes", Gauge, [], "Bytes of all that is known of them, as text.", "near `lapwing_controller_learned_max_bytes`";
    LearnedMaxBytes = "lapwing_controller_learned_max_bytes", Gauge, [], "Bytes that there is room for (`learned.bytes`).", "";
    LearnedNodes = "lapwing_controller_learned_nodes", Gauge, [], "Nodes that are connected and told all that they learned.", "less than connected agents for long";
    LearnedReports = "lapwing_controller_learned_reports_total", Counter, [], "Reports of one workload by one node that were taken, since this replica leads.", "";
    LearnedRefused = "lapwing_controller_learned_refused_total", Counter, ["reason"], "Reports that were not: `invalid`, `workloads_full` and `bytes_full` (no room for what that node adds), `profile_full` (none in the profile), `stale` (forgotten for its age), `clock` (of times that are yet to come by the controller's clock).", "`workloads_full`, `bytes_full`, `invalid` or `clock` rises";
    LearnedUnwritten = "lapwing_controller_learned_unwritten", Gauge, [], "Workloads of which something is not written yet; figures alone wait for `learned.evidenceInterval`.", "";
    LearnedFailing = "lapwing_controller_learned_failing", Gauge, [], "LearnedProfiles whose last write failed: it is tried again.", "above 0 for long";
    Standing = "lapwing_controller_profiles", Gauge, ["state"], "BehaviorProfiles by what their status says: `in_force` on all nodes on which their workloads run, `not_in_force` on some of these, refused, or not known to be while nodes are not heard, `not_running` on any that is heard.", "`not_in_force` for long";
    StandingRefused = "lapwing_controller_profiles_refused", Gauge, [], "Those of them that a node refuses: `kubectl get bp -A -o wide` says which, and each why.", "above 0";
    StandingNodes = "lapwing_controller_profiles_nodes", Gauge, [], "Nodes that are connected and told what they make of BehaviorProfiles.", "less than connected agents for long";
    StandingUnwritten = "lapwing_controller_profiles_unwritten", Gauge, [], "BehaviorProfiles whose status may have to be written; counts alone wait for a minute.", "";
    StandingFailing = "lapwing_controller_profiles_failing", Gauge, [], "BehaviorProfiles whose status was not taken when it was written last: it is tried again.", "above 0 for long";
    ApiRequests = "lapwing_controller_api_requests_total", Counter, ["verb", "result"], "Requests to the API of the cluster by verb (`get`, lists too, `watch`, `create`, `update`, `patch`, `delete`) and result: `ok`, `conflict`, `refused` (other 4xx), `failed` (5xx), `unanswered`. Of every replica, as each looks at the Lease.", "`refused`, `failed` or `unanswered` rises for long";
    ApiWritten = "lapwing_controller_api_written_bytes_total", Counter, [], "Bytes of the objects that it was given to write.", "";
    HttpRefused = "lapwing_http_refused_total", Counter, [], "Connections for probes and metrics that were closed to make room for newer ones, or could not be accepted.", "rises: somebody holds many open";
    CpuSeconds = "process_cpu_seconds_total", Counter, [], "CPU time of the agent, in user space and in the kernel. What its programs cost in the kernel is their callers'.", "";
    Memory = "process_resident_memory_bytes", Gauge, [], "Resident memory of the agent. Its maps in the kernel come besides.", "near the limit of the pod";
    OpenFiles = "process_open_fds", Gauge, [], "Open file descriptors.", "near `process_max_fds`";
    MaxFiles = "process_max_fds", Gauge, [], "How many it may have open.", "";
    StartTime = "process_start_time_seconds", Gauge, [], "When the agent started, since the Unix epoch.", "changes often";
}

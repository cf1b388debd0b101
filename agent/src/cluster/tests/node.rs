//! What an agent makes of objects, without what else it does: for tests of who is told.

use super::judged::with_own;
use super::states::running;
use super::*;
use crate::judge::Judge;
use crate::judge::episodes::Moment;
use lapwing_proto::v1::BehaviorProfileState;

/// One that follows what there is.
pub(crate) struct Node {
    followed: Followed,
    judge: Judge,
    _folder: tempfile::TempDir,
}

impl Node {
    /// Of which signatures are wanted, or not. It has a profile of its own for `web` in the namespace `shop`.
    pub(crate) fn begin(reach: Reach, requires: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            followed: begin_at(reach, signatures(requires)),
            judge: with_own(folder.path()),
            _folder: folder,
        }
    }

    /// What it tells of objects by now, where so many containers of `web` run.
    pub(crate) fn states(&mut self, instances: u32) -> BTreeMap<String, BehaviorProfileState> {
        while let Some(news) = self.followed.profiles.next() {
            self.judge.cluster(news, Moment::default());
        }
        let running = running(instances);
        self.followed.profiles.states(&self.judge, &running)
    }
}

/// The object of a workload in the namespace `shop`, as people apply it, which approves of these programs; signed by whom
/// these nodes trust, or by nobody.
pub(crate) fn applied(name: &str, programs: &[&str], is_signed: bool) -> Value {
    let mut of = profile("shop", programs);
    name.clone_into(&mut of.workload.name);
    let mut object = object(name, 1, &of);
    if is_signed {
        object = signed(object, &of);
    }
    let metadata = object["metadata"].as_object_mut().unwrap();
    // The server gives these by itself.
    metadata.retain(|name, _| name != "uid" && name != "creationTimestamp");
    object
}

//! Where profiles come from besides the node's own files: the section `profiles`.

use crate::kubernetes::Access;
use serde::Deserialize;

section! {
    /// Where profiles come from, besides files of the node; why, see [`crate::cluster`].
    Profiles {
        /// How the API of the cluster is reached, whose BehaviorProfiles are obeyed.
        kubernetes "kubernetes": Access = Access::Off,
        /// How it is reached for the labels of namespaces, see [`crate::judge::modes`].
        namespaces "namespaces": Access = Access::Off,
    }
}

//! Reading a report, which is what a node says and no more.

use super::object;
use lapwing_profile::file;
use lapwing_profile::profile::Profile;
use lapwing_profile::workload::Workload;
use lapwing_proto::v1;

/// The profile in a report. Says what is wrong with it.
pub fn read(message: &v1::LearnedProfile) -> Result<Profile, String> {
    if message.yaml.len() > file::TEXT_MAX {
        return Err(format!(
            "its profile has {} bytes, and no profile has more than {}",
            message.yaml.len(),
            file::TEXT_MAX
        ));
    }
    let profile = Profile::from_yaml(&message.yaml).map_err(|error| error.to_string())?;
    let workload = &profile.workload;
    let told = message.workload.as_ref().map(crate::judge::workload_of);
    let own = Workload {
        cluster: String::new(),
        ..workload.clone()
    };
    if told.as_ref() != Some(&own) {
        return Err(format!("its profile is of another workload, {own}"));
    }
    object::check(workload)?;
    Ok(profile)
}

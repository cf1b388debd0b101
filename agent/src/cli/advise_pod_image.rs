//! The image that advice on a pod asks what its mounts would hide, for `lapwing advise pod --image`.

use super::client::Endpoint;
use super::image::{Bounds, Known};
use super::{Failure, advise_image, image_container};
use clap::Args;
use lapwing_image::{Image, Wanted};
use lapwing_profile::profile::Profile;
use std::path::PathBuf;

/// Which image.
#[derive(Args, Debug)]
pub struct PodImage {
    /// The image, as of `lapwing advise image`: a tar of `docker save`, or an OCI layout as a folder or a tar
    ///
    /// Each mount says which files of it would be hidden, and the user that it names is part of what is advised of the
    /// user.
    #[arg(
        long = "image",
        value_name = "PATH",
        conflicts_with = "image_container"
    )]
    image_path: Option<PathBuf>,
    /// Instead, the layers of a container that runs on this node, as of `lapwing advise image --container`
    ///
    /// Needs root on the node, and the agent. The image's user is unknown then.
    #[arg(long, value_name = "CONTAINER")]
    image_container: Option<String>,
    /// Which image, where the file holds several: its name or digest
    #[arg(long, value_name = "NAME", requires = "image_path")]
    image_name: Option<String>,
    /// Which platform, where it is for several [default: this machine's]
    #[arg(long, value_name = "OS/ARCHITECTURE", requires = "image_path")]
    platform: Option<String>,
    /// How much of it is read
    #[command(flatten)]
    bounds: Bounds,
}

/// Reads it, where one is given, with the profile that says whether it learned of it.
pub async fn read(
    endpoint: &Endpoint,
    args: &PodImage,
    profile: &Profile,
) -> Result<Option<Image>, Failure> {
    let known = || Known {
        profile: Some(profile.clone()),
        ..Known::default()
    };
    if let Some(container) = &args.image_container {
        let image = image_container::read(endpoint, container, args.bounds, known()).await;
        return image.map(Some);
    }
    let Some(path) = &args.image_path else {
        return Ok(None);
    };
    let wanted = Wanted {
        name: args.image_name.clone(),
        platform: args.platform.clone(),
    };
    let hint = "--image-container CONTAINER";
    advise_image::saved(wanted, args.bounds, (path, hint), &known())
        .map(Some)
        .map_err(|failure| {
            let place = format!("the image, {}", path.display());
            Failure::new(failure.code, failure.error.context(place))
        })
}

//! Which instance type and which image are meant, and whether one goes with the other.

use crate::catalog::{self, Architecture, Image};
use crate::ecs::instance::TypeLimits;
use crate::ecs::instance_create::Launch;
use crate::error::{ErrorCode, Outcome, Refusal};
use compact_str::CompactString;

/// The type exists: every type of the catalogue is sold in every zone.
pub(crate) fn check_known(instance_type: &str) -> Outcome<()> {
    if catalog::instance_type(instance_type).is_some() {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::InstanceTypeUnknown)
        .field("instance_type")
        .given(instance_type)
        .accepted("a type that DescribeInstanceTypes lists, such as ecs.g7.large"))
}

/// The type of a launch exists and takes so many interfaces.
pub(crate) fn check_type(launch: &Launch) -> Outcome<()> {
    check_known(&launch.instance_type)?;
    let limits = TypeLimits::of(&launch.instance_type);
    let wanted = 1 + launch.secondary.len() as u64;
    if wanted > u64::from(limits.eni) {
        return Err(Refusal::new(ErrorCode::InstanceInterfacesExceeded)
            .field("network_interfaces")
            .detail(format!("{wanted} were wanted; {} takes {}.", launch.instance_type, limits.eni))
            .accepted(format!("at most {}, the primary one included", limits.eni)));
    }
    Ok(())
}

/// The image that is named, or the newest of the family that is named.
pub(crate) fn find_image(launch: &Launch) -> Outcome<&'static Image> {
    let named = |text: &CompactString| text.chars().take(64).collect::<String>();
    let image = match (&launch.image, &launch.image_family) {
        (Some(_), Some(_)) => {
            return Err(Refusal::new(ErrorCode::ImageAndFamily)
                .field("image_family")
                .accepted("one of the two"));
        }
        (None, None) => {
            return Err(Refusal::new(ErrorCode::MissingParameter)
                .field("image_id")
                .detail("Neither an image nor an image family was given.")
                .accepted(catalog::images()[0].id));
        }
        (Some(id), None) => catalog::image(id).ok_or_else(|| {
            Refusal::new(ErrorCode::ImageNotFound)
                .field("image_id")
                .detail(format!("There is no {:?}.", named(id)))
        })?,
        (None, Some(family)) => catalog::newest_of_family(family).ok_or_else(|| {
            Refusal::new(ErrorCode::ImageFamilyNotFound)
                .field("image_family")
                .detail(format!("No image is of {:?}.", named(family)))
        })?,
    };
    let needed = Architecture::of_type(&launch.instance_type);
    if image.architecture != needed {
        return Err(Refusal::new(ErrorCode::ImageArchitecture)
            .field("image_id")
            .detail(format!("{} is for {}.", image.id, image.architecture.text()))
            .accepted(format!("an image for {}", needed.text())));
    }
    Ok(image)
}

//! The catalogue on the native wire: zones, instance types and images. Regions are in `account.rs`.

use super::context::{Context, Path, Query};
use super::operations::{Operations, routes};
use crate::page::{DEFAULT_PAGE, MAX_PAGE, Page};
use crate::problem::Problem;
use crate::refusals::Refusals;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::ErrorCode as E;
use sim_core::catalog::{self, Architecture, Image, InstanceType, family};
use sim_core::{Refusal, RegionId};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    ("list_all_zones", &[E::RegionNotFound]),
    ("list_instance_types", &[E::InvalidParameter]),
    ("get_instance_type", &[E::InstanceTypeUnlisted]),
    ("list_images", &[E::InvalidParameter]),
    ("get_image", &[E::ImageUnlisted]),
];

/// The operations.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(list_all_zones))
        .routes(routes!(list_instance_types))
        .routes(routes!(get_instance_type))
        .routes(routes!(list_images))
        .routes(routes!(get_image))
}

/// A zone.
#[derive(Serialize, ToSchema)]
pub struct ZoneBody {
    /// Its id.
    #[schema(example = "cn-hangzhou-k")]
    id: String,
    /// Its English name.
    #[schema(example = "Hangzhou Zone K")]
    name: String,
    /// Its region.
    #[schema(example = "cn-hangzhou")]
    region_id: String,
}

/// Which zones to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ZoneFilter {
    /// Only zones of this region; those of all regions if absent.
    #[param(example = "cn-hangzhou")]
    region_id: Option<String>,
}

/// List the zones of all regions or of one.
#[utoipa::path(get, path = "/v1/zones", tag = "Region", params(ZoneFilter),
    responses((status = 200, description = "All zones, by region.", body = Page<ZoneBody>)))]
async fn list_all_zones(ctx: Context, Query(filter): Query<ZoneFilter>) -> Result<Response, Problem> {
    ctx.show(|w, _| {
        let regions = match &filter.region_id {
            None => sim_core::region::regions(w),
            Some(id) => {
                let region = RegionId::from(id.as_str());
                sim_core::region::check(w, &region)?;
                vec![region]
            }
        };
        let of = |region: RegionId| {
            sim_core::region::zones(w, &region).into_iter().map(move |zone| ZoneBody {
                name: sim_core::region::zone_name(&region, &zone),
                id: zone.to_string(),
                region_id: region.to_string(),
            })
        };
        Ok(Page { items: regions.into_iter().flat_map(of).collect(), next_page_token: None })
    })
    .await
}

/// A page of a list that is kept in order of its ids, which are its cursors.
fn page<R, T>(
    items: impl Iterator<Item = R>,
    size: Option<u32>,
    token: Option<&str>,
    id: impl Fn(&R) -> &'static str,
    show: impl Fn(&R) -> T,
) -> Result<Page<T>, Problem> {
    let size = size.unwrap_or(DEFAULT_PAGE);
    if !(1..=MAX_PAGE).contains(&size) {
        return Err(Problem::parameter("page_size", format!("page_size is {size}."), "1 to 1000"));
    }
    let mut rest = items.skip_while(|item| token.is_some_and(|token| id(item) <= token)).peekable();
    let page: Vec<R> = std::iter::from_fn(|| rest.next()).take(size as usize).collect();
    let next = page.last().map(|last| id(last).to_owned()).filter(|_| rest.peek().is_some());
    Ok(Page { items: page.iter().map(show).collect(), next_page_token: next })
}

fn issued(known: bool) -> Result<(), Problem> {
    if known {
        return Ok(());
    }
    Err(Refusal::new(E::InvalidParameter)
        .field("page_token")
        .detail("page_token was not issued by this list.")
        .accepted("next_page_token of the page before")
        .into())
}

/// A processor architecture.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArchitectureBody {
    /// 64-bit x86.
    #[serde(rename = "x86_64")]
    X86,
    /// 64-bit ARM.
    Arm64,
}

impl From<Architecture> for ArchitectureBody {
    fn from(architecture: Architecture) -> ArchitectureBody {
        match architecture {
            Architecture::X86 => ArchitectureBody::X86,
            Architecture::Arm64 => ArchitectureBody::Arm64,
        }
    }
}

/// An instance type and what it allows on the network.
#[derive(Serialize, ToSchema)]
pub struct InstanceTypeBody {
    /// Its id.
    #[schema(example = "ecs.g7.xlarge")]
    id: &'static str,
    /// Its family.
    #[schema(example = "ecs.g7")]
    family: &'static str,
    /// What the family is made for.
    #[schema(example = "General-purpose")]
    category: &'static str,
    /// The processors' architecture.
    architecture: ArchitectureBody,
    /// Virtual CPUs.
    #[schema(example = 4)]
    vcpus: u16,
    /// Memory in MiB.
    #[schema(example = 16384)]
    memory_mib: u32,
    /// Network interfaces at most, the primary one included.
    #[schema(example = 4)]
    max_network_interfaces: u16,
    /// Network interfaces at most when members of trunks count too.
    #[schema(example = 4)]
    max_network_interfaces_with_members: u16,
    /// IPv4 addresses of one interface at most, the primary one included.
    #[schema(example = 15)]
    max_ipv4_per_interface: u16,
    /// IPv6 addresses of one interface at most.
    #[schema(example = 15)]
    max_ipv6_per_interface: u16,
    /// Whether it takes a trunk interface.
    trunk: bool,
}

fn show_type(t: &InstanceType) -> InstanceTypeBody {
    InstanceTypeBody {
        id: t.id,
        family: t.family(),
        category: family::category(t.family()),
        architecture: Architecture::of_type(t.id).into(),
        vcpus: t.vcpus,
        memory_mib: t.memory_mib,
        max_network_interfaces: t.eni_quantity,
        max_network_interfaces_with_members: t.eni_total,
        max_ipv4_per_interface: t.ipv4_per_eni,
        max_ipv6_per_interface: t.ipv6_per_eni,
        trunk: t.trunk,
    }
}

/// Which instance types to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct InstanceTypeFilter {
    /// Only this family.
    #[param(example = "ecs.g7")]
    family: Option<String>,
    /// Only this architecture.
    architecture: Option<ArchitectureBody>,
    /// Only types with as many virtual CPUs or more.
    #[param(maximum = 65535, example = 4)]
    min_vcpus: Option<u16>,
    /// Only types with as much memory or more, in MiB.
    #[param(example = 16384)]
    min_memory_mib: Option<u32>,
    /// Only types that take as many network interfaces or more.
    #[param(maximum = 65535, example = 4)]
    min_network_interfaces: Option<u16>,
    /// Only types that take a trunk interface, or only the others.
    trunk: Option<bool>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List instance types in order of their ids.
#[utoipa::path(get, path = "/v1/instance-types", tag = "Instance type", params(InstanceTypeFilter),
    responses((status = 200, description = "A page of instance types.", body = Page<InstanceTypeBody>)))]
async fn list_instance_types(ctx: Context, Query(f): Query<InstanceTypeFilter>) -> Result<Response, Problem> {
    let token = f.page_token.as_deref();
    issued(token.is_none_or(|token| catalog::instance_type(token).is_some()))?;
    let wanted = catalog::instance_types().iter().filter(|t| {
        f.family.as_ref().is_none_or(|family| t.family() == family)
            && f.architecture.is_none_or(|wanted| wanted == Architecture::of_type(t.id).into())
            && f.min_vcpus.is_none_or(|least| t.vcpus >= least)
            && f.min_memory_mib.is_none_or(|least| t.memory_mib >= least)
            && f.min_network_interfaces.is_none_or(|least| t.eni_quantity >= least)
            && f.trunk.is_none_or(|wanted| t.trunk == wanted)
    });
    let page = page(wanted, f.page_size, token, |t| t.id, |t| show_type(t))?;
    ctx.show(|_, _| Ok(page)).await
}

/// Show an instance type.
#[utoipa::path(get, path = "/v1/instance-types/{instance_type}", tag = "Instance type",
    params(("instance_type" = String, Path, description = "The instance type, such as ecs.g7.xlarge.")),
    responses((status = 200, description = "The instance type.", body = InstanceTypeBody)))]
async fn get_instance_type(ctx: Context, Path(id): Path<String>) -> Result<Response, Problem> {
    let found = catalog::instance_type(&id).ok_or_else(|| {
        Refusal::new(E::InstanceTypeUnlisted)
            .field("instance_type")
            .detail(format!("{id:?} was asked for."))
            .accepted("one of GET /v1/instance-types")
    })?;
    ctx.show(|_, _| Ok(show_type(found))).await
}

/// A system image.
#[derive(Serialize, ToSchema)]
pub struct ImageBody {
    /// Its id.
    #[schema(example = "ubuntu_22_04_x64_20G_alibase_20240710.vhd")]
    id: &'static str,
    /// Its family, of which the image with the greatest id is the newest.
    #[schema(example = "acs:ubuntu_22_04_x64")]
    family: &'static str,
    /// The operating system.
    #[schema(example = "Ubuntu 22.04 64 bit")]
    os_name: &'static str,
    /// linux or windows.
    #[schema(example = "linux")]
    os_type: &'static str,
    /// The processor it runs on.
    architecture: ArchitectureBody,
    /// The smallest system disk, in GiB.
    #[schema(example = 20)]
    size_gib: u16,
}

fn show_image(image: &Image) -> ImageBody {
    ImageBody {
        id: image.id,
        family: image.family,
        os_name: image.os_name,
        os_type: image.os.text(),
        architecture: image.architecture.into(),
        size_gib: image.size_gib,
    }
}

/// Which images to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ImageFilter {
    /// Only this family.
    #[param(example = "acs:ubuntu_22_04_x64")]
    family: Option<String>,
    /// Only this sort of operating system: linux or windows.
    #[param(example = "linux")]
    os_type: Option<String>,
    /// Only this architecture.
    architecture: Option<ArchitectureBody>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List system images in order of their ids.
#[utoipa::path(get, path = "/v1/images", tag = "Image", params(ImageFilter),
    responses((status = 200, description = "A page of images.", body = Page<ImageBody>)))]
async fn list_images(ctx: Context, Query(f): Query<ImageFilter>) -> Result<Response, Problem> {
    let token = f.page_token.as_deref();
    issued(token.is_none_or(|token| catalog::image(token).is_some()))?;
    let wanted = catalog::images().iter().filter(|i| {
        f.family.as_ref().is_none_or(|family| i.family == family)
            && f.os_type.as_ref().is_none_or(|os| i.os.text() == os)
            && f.architecture.is_none_or(|wanted| wanted == i.architecture.into())
    });
    let page = page(wanted, f.page_size, token, |i| i.id, |i| show_image(i))?;
    ctx.show(|_, _| Ok(page)).await
}

/// Show a system image.
#[utoipa::path(get, path = "/v1/images/{image_id}", tag = "Image",
    params(("image_id" = String, Path, description = "The image.")),
    responses((status = 200, description = "The image.", body = ImageBody)))]
async fn get_image(ctx: Context, Path(id): Path<String>) -> Result<Response, Problem> {
    let found = catalog::image(&id).ok_or_else(|| {
        Refusal::new(E::ImageUnlisted)
            .field("image_id")
            .detail(format!("{id:?} was asked for."))
            .accepted("one of GET /v1/images")
    })?;
    ctx.show(|_, _| Ok(show_image(found))).await
}

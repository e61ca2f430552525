//! The mechanical check of requests: a table of single cases, and properties over every described action.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sim_api::catalogue::{self, Kind, Param, Rule, UnknownParam, Violation};

const VPC: &str = "2016-04-28";
const ECS: &str = "2014-05-26";

/// `"A=1 B=2"` as parameters.
fn pairs(text: &str) -> BTreeMap<String, String> {
    let pair = |word: &str| {
        let (name, value) = word.split_once('=').expect("Name=value");
        (name.to_owned(), value.to_owned())
    };
    text.split_whitespace().map(pair).collect()
}

/// `Vpc CreateVpc` with the parameters of `text`.
fn validate(action: &str, text: &str) -> Result<Vec<UnknownParam>, Violation> {
    let (product, name) = action.split_once(' ').expect("Product Action");
    let product = catalogue::products().iter().find(|known| known.name == product).expect(action);
    catalogue::lookup(product.version, name).expect(action).validate(&pairs(text))
}

/// The lines of a table without its comments.
fn rows(table: &str) -> impl Iterator<Item = &str> {
    table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The cells of a line; those that are left out at its end are empty.
fn cells<const N: usize>(line: &str) -> [&str; N] {
    let mut cells = line.split('|').map(str::trim);
    let row = std::array::from_fn(|_| cells.next().unwrap_or(""));
    assert_eq!(cells.next(), None, "{line}");
    row
}

/// Action | request
const PASSING: &str = r#"
Vpc CreateVpc | RegionId=cn-hangzhou CidrBlock=10.0.0.0/8 Tag.1.Key=a Tag.1.Value= Tag.2.Key=b
# Sent by the SDKs with every request.
Vpc DescribeVpcs | RegionId=r Format=JSON Version=2016-04-28 SignatureType= OwnerId=1 x-acs-version=v X-Acs-Date=d
# Empty values are absent values, whatever the kind.
Nlb ListLoadBalancers | NextToken= MaxResults= RegionId=r
Vpc DescribeVpcs | RegionId=r PageSize= IsDefault=
# Python writes its own truth values.
Vpc DescribeVpcs | RegionId=r IsDefault=True DryRun=FALSE
Vpc DescribeVpcs | RegionId=r PageSize=50 PageNumber=1
# Elements may be sparse and in any order.
Ecs CreateNetworkInterface | RegionId=r VSwitchId=v SecurityGroupIds.7=sg-1 SecurityGroupIds.16=sg-2
Ecs DescribeInstances | RegionId=r InstanceIds=["i-1","i-2"] AdditionalAttributes.1=META
# A JSON body arrives already cut into numbered names.
Ecs DescribeInstances | RegionId=r InstanceIds.1=i-1 InstanceIds.2=i-2
Ecs DescribeInstances | RegionId=r InstanceIds=[]
# Ids alone stand for the objects that they name, as the action was documented first.
Slb RemoveBackendServers | LoadBalancerId=l BackendServers=["i-1",{"ServerId":"i-2","Weight":100},null]
Slb RemoveBackendServers | LoadBalancerId=l BackendServers.1=i-1 BackendServers.2.ServerId=i-2
Ecs DescribeInstances | RegionId=r Filter.1.Key=CreationStartTime Filter.1.Value=2017
Ecs DescribeInstanceTypes | CpuArchitecture=x86 NvmeSupport=supported InstanceCategory=Newest
Ecs RunInstances | RegionId=r SystemDisk.Size=40 DataDisk.1.Size=20 NetworkInterface.1.SecurityGroupIds.1=sg
Ecs AuthorizeSecurityGroup | RegionId=r SecurityGroupId=sg Permissions.1.IpProtocol=tcp Permissions.1.PortRange=1/2
Vpc CreateRouteEntries | RegionId=r RouteEntries.1.RouteTableId=t RouteEntries.1.DstCidrBlock=c RouteEntries.1.NextHop=h RouteEntries.1.NextHopType=Instance
# What the controllers send against the published ranges.
Slb CreateLoadBalancer | RegionId=r Bandwidth=-1
Slb AddVServerGroupBackendServers | RegionId=r VServerGroupId=g BackendServers=[{"ServerId":"i","Port":80,"Weight":"100"}]
Nlb CreateLoadBalancer | AddressType=Internet VpcId=v ZoneMappings.1.VSwitchId=a ZoneMappings.1.ZoneId=z ZoneMappings.2.VSwitchId=b ZoneMappings.2.ZoneId=y DeletionProtectionConfig.Enabled=true
Nlb CreateListener | ListenerProtocol=TCP ListenerPort=80 LoadBalancerId=l ServerGroupId=s ProxyProtocolV2Config={"Ppv2VpcIdEnabled":true}
Sts GetCallerIdentity
"#;

#[test]
fn requests_that_pass() {
    for line in rows(PASSING) {
        let [action, request] = cells(line);
        assert_eq!(validate(action, request), Ok(vec![]), "{line}");
    }
}

/// Action | request | parameter, rule, code, status | what it takes
const REFUSED: &str = r#"
# Missing: the parameter's own documented code, the action's, or the convention.
Vpc CreateVSwitch | RegionId=r ZoneId=z | VpcId Missing MissingParam.vpcId 400 | a text that is not empty
Vpc CreateVSwitch | RegionId=r VpcId=v | ZoneId Missing MissingParameter 400 | a text that is not empty
Vpc CreateVSwitch | RegionId=r VpcId= ZoneId=z | VpcId Missing MissingParam.vpcId 400 | a text that is not empty
Vpc DeleteVpc | RegionId=r | VpcId Missing MissingVpcId 400 | a text that is not empty
Vpc DescribeVpcs | PageSize=99 | RegionId Missing MissingRegionId 400 | a text that is not empty
Ecs DeleteSecurityGroup | SecurityGroupId=sg | RegionId Missing MissingParameter.RegionId 400 | a text that is not empty
Ecs DeleteNetworkInterface | RegionId=r | NetworkInterfaceId Missing MissingParameter 400 | a text that is not empty
Vpc CreateRouteEntries | RegionId=r RouteEntries=x | RouteEntries Missing MissingRouteEntries 400 | a list of at most 50 elements, sent as RouteEntries.1.Description, RouteEntries.2.Description
Vpc CreateRouteEntries | RegionId=r RouteEntries.1.RouteTableId=t RouteEntries.1.NextHop=h RouteEntries.1.NextHopType=t | RouteEntries.1.DstCidrBlock Missing MissingDstCidrBlock 400 | a text that is not empty
Nlb CreateListener | ListenerPort=80 LoadBalancerId=l | ListenerProtocol Missing MissingParam.ListenerProtocol 400 | a text that is not empty
# Kinds.
Vpc DescribeVpcs | RegionId=r PageSize=ten | PageSize Kind InvalidParameter 400 | an integer from 1 to 50
Vpc DescribeVpcs | RegionId=r PageSize=+5 | PageSize Kind InvalidParameter 400 | an integer from 1 to 50
Vpc DescribeVpcs | RegionId=r PageSize=1.0 | PageSize Kind InvalidParameter 400 | an integer from 1 to 50
Vpc DescribeVpcs | RegionId=r IsDefault=yes | IsDefault Kind InvalidParameter 400 | true or false
Vpc CreateVpc | RegionId=r EnableIpv6=1 | EnableIpv6 Kind IllegalParam.EnableIpv6 400 | true or false
Ecs AssignPrivateIpAddresses | RegionId=r NetworkInterfaceId=e SecondaryPrivateIpAddressCount=x | SecondaryPrivateIpAddressCount Kind InvalidSecondaryPrivateIpAddressCount.Malformed 400 | an integer of at least 1
Ecs CreateInstance | RegionId=r InstanceType=t SystemDisk.Size=x | SystemDisk.Size Kind InvalidParameter 400 | an integer from -2147483648 to 2147483647
Ecs DescribeInstances | RegionId=r InstanceIds=i-1,i-2 | InstanceIds Kind InvalidParameter 400 | a JSON array of at most 100 elements, for example ["a","b"]
Ecs DescribeInstances | RegionId=r InstanceIds={"a":"b"} | InstanceIds Kind InvalidParameter 400 | a JSON array of at most 100 elements, for example ["a","b"]
Ecs DescribeInstances | RegionId=r InstanceIds=[["i-1"]] | InstanceIds Kind InvalidParameter 400 | a JSON array of at most 100 elements, for example ["a","b"]
Slb AddVServerGroupBackendServers | RegionId=r VServerGroupId=g BackendServers=["i-1"] | BackendServers Kind BackendServersMalformed 400 | a JSON array, for example [{"ServerId":"value"}]
Slb RemoveVServerGroupBackendServers | RegionId=r VServerGroupId=g BackendServers=["i-1"] | BackendServers Kind BackendServersMalformed 400 | a JSON array, for example [{"ServerId":"value"}]
Slb RemoveBackendServers | LoadBalancerId=l BackendServers=[["i-1"]] | BackendServers Kind BackendServersMalformed 400 | a JSON array, for example [{"ServerId":"value"}]
Nlb CreateListener | ListenerProtocol=TCP ListenerPort=80 LoadBalancerId=l ProxyProtocolV2Config={"Ppv2VpcIdEnabled":"maybe"} | ProxyProtocolV2Config Kind IllegalParam 400 | a JSON object
Nlb CreateListener | ListenerProtocol=TCP ListenerPort=80 LoadBalancerId=l ProxyProtocolV2Config={"ppv2vpcidenabled":"maybe"} | ProxyProtocolV2Config Kind IllegalParam 400 | a JSON object
Ecs DescribeInstanceTypes | MinimumMemorySize=nan | MinimumMemorySize Kind InvalidParameter 400 | a decimal number
Ecs DescribeInstanceTypes | MinimumMemorySize=1e3 | MinimumMemorySize Kind InvalidParameter 400 | a decimal number
# Ranges.
Vpc DescribeVpcs | RegionId=r PageSize=0 | PageSize Range InvalidParameter 400 | an integer from 1 to 50
Vpc DescribeVpcs | RegionId=r PageSize=51 | PageSize Range InvalidParameter 400 | an integer from 1 to 50
Vpc DescribeVpcs | RegionId=r PageNumber=0 | PageNumber Range InvalidParameter 400 | an integer of at least 1
Vpc DescribeRouteEntryList | RegionId=r RouteTableId=t MaxResult=501 | MaxResult Range InvalidParameter 400 | an integer from 1 to 500
Ecs RunInstances | RegionId=r Amount=1001 | Amount Range InvalidParam.Amount 403 | an integer from 1 to 1000
Ecs RunInstances | RegionId=r SpotPriceLimit=-0.5 | SpotPriceLimit Range InvalidSpotPriceLimit 400 | a decimal number from 0 to 999999
Vpc CreateVpc | RegionId=r Ipv4CidrMask=2147483648 | Ipv4CidrMask Kind IllegalParam.Ipv4CidrMask 400 | an integer from -2147483648 to 2147483647
Ecs AssignPrivateIpAddresses | RegionId=r NetworkInterfaceId=e SecondaryPrivateIpAddressCount=0 | SecondaryPrivateIpAddressCount Range InvalidSecondaryPrivateIpAddressCount.Malformed 400 | an integer of at least 1
# Choices.
Ecs DescribeRegions | AcceptLanguage=la | AcceptLanguage OneOf InvalidAcceptLanguage.NotFound 404 | one of zh-CN, en-US, ja
Ecs DescribeRegions | InstanceChargeType=Free | InstanceChargeType OneOf Invalid.InstanceChargeType 403 | one of PrePaid, PostPaid
Ecs DescribeZones | RegionId=r SpotStrategy=Free | SpotStrategy OneOf InvalidSpotStrategy 400 | one of NoSpot, SpotWithPriceLimit, SpotAsPriceGo
Ecs DescribeAvailableResource | RegionId=r DestinationResource=Moon | DestinationResource OneOf Invalid.DestinationResource 404 | one of Zone, IoOptimized, InstanceType, Network, ddh, SystemDisk, DataDisk
Ecs DescribeImages | RegionId=r ImageOwnerAlias=me | ImageOwnerAlias OneOf InvalidImageOwnerAlias.ValueNotSupported 400 | one of system, self, others, marketplace
Ecs DescribeInstanceTypes | CpuArchitecture=sparc | CpuArchitecture OneOf InvalidParameter 400 | one of X86, ARM
Ecs DescribeInstanceTypes | CpuArchitectures.1=ARM CpuArchitectures.2=sparc | CpuArchitectures.2 OneOf InvalidParameter 400 | one of X86, ARM
Nlb CreateListener | ListenerProtocol=TCP ListenerPort=80 LoadBalancerId=l AlpnPolicy=http2only | AlpnPolicy OneOf IllegalParam 400 | one of HTTP1Only, HTTP2Only, HTTP2Preferred, HTTP2Optional
# Element numbers.
Vpc CreateVpc | RegionId=r Tag.0.Key=a | Tag Index InvalidParameter 400 | element numbers from 1 to 1000 without leading zeros
Vpc CreateVpc | RegionId=r Tag.01.Key=a | Tag Index InvalidParameter 400 | element numbers from 1 to 1000 without leading zeros
Vpc CreateVpc | RegionId=r Tag.1001.Key=a | Tag Index InvalidParameter 400 | element numbers from 1 to 1000 without leading zeros
Vpc CreateVpc | RegionId=r Tag.99999999999999999999.Key=a | Tag Index InvalidParameter 400 | element numbers from 1 to 1000 without leading zeros
# Missing comes before values, and both go in the order of the names.
Vpc DescribeRouteEntryList | RegionId=r MaxResult=501 | RouteTableId Missing MissingRouteTableId 400 | a text that is not empty
Vpc DescribeVpcs | RegionId=r PageSize=0 PageNumber=0 IsDefault=no | IsDefault Kind InvalidParameter 400 | true or false
"#;

#[test]
fn requests_that_are_refused() {
    for line in rows(REFUSED) {
        let [action, request, expected, accepted] = cells(line);
        let violation = validate(action, request).expect_err(line);
        let seen =
            format!("{} {:?} {} {}", violation.param, violation.rule, violation.code, violation.status);
        assert_eq!((seen.as_str(), violation.accepted.as_str()), (expected, accepted), "{line}");
        assert!(violation.message.contains(&violation.param), "{violation}");
    }
}

#[test]
fn lists_have_their_documented_lengths() {
    let tags = |count: usize| {
        (1..=count)
            .map(|n| (format!("Tag.{n}.Key"), "k".to_owned()))
            .chain([("RegionId".to_owned(), "r".to_owned())])
            .collect()
    };
    let spec = catalogue::lookup(VPC, "DescribeVpcs").unwrap();
    assert_eq!(spec.validate(&tags(20)), Ok(vec![]));
    let violation = spec.validate(&tags(21)).unwrap_err();
    assert_eq!((violation.rule, violation.param.as_str()), (Rule::MaxItems, "Tag"));
    assert_eq!(violation.accepted, "a list of at most 20 elements, sent as Tag.1.Key, Tag.2.Key");

    let ids = |count: usize| {
        let text = serde_json::to_string(&vec!["i-1"; count]).unwrap();
        BTreeMap::from([("RegionId".to_owned(), "r".to_owned()), ("InstanceIds".to_owned(), text)])
    };
    let spec = catalogue::lookup(ECS, "DescribeInstances").unwrap();
    assert_eq!(spec.validate(&ids(100)), Ok(vec![]));
    assert_eq!(spec.validate(&ids(101)).unwrap_err().rule, Rule::MaxItems);
}

/// Action | request | unknown name | hint
const UNKNOWN: &str = r#"
Vpc CreateVpc | RegionId=r Colour=red | Colour
Vpc CreateVpc | RegionId=r cidrBlock=c | cidrBlock | the name is CidrBlock
Vpc CreateVpc | RegionId=r Tag.1.Kei=c | Tag.1.Kei
Vpc CreateVpc | RegionId=r Tag.1.KEY=c | Tag.1.KEY | the name is Tag.1.Key
Vpc CreateVpc | RegionId=r Tag=c | Tag | Tag takes a list, sent as Tag.1.Key, Tag.2.Key
Vpc CreateVpc | RegionId=r Tag.x.Key=c | Tag.x.Key | Tag takes a list, sent as Tag.1.Key, Tag.2.Key
Vpc CreateVpc | RegionId=r CidrBlock.1=c | CidrBlock.1 | CidrBlock takes a single value, sent as CidrBlock
Ecs DescribeNetworkInterfaces | RegionId=r PrivateIpAddress=c | PrivateIpAddress | PrivateIpAddress takes a list of at most 100 elements, sent as PrivateIpAddress.1, PrivateIpAddress.2
"#;

#[test]
fn unknown_names_are_returned_with_what_was_probably_meant() {
    for line in rows(UNKNOWN) {
        let [action, request, name, hint] = cells(line);
        let hint = Some(hint.to_owned()).filter(|hint| !hint.is_empty());
        let expected = UnknownParam { name: name.to_owned(), hint };
        assert_eq!(validate(action, request), Ok(vec![expected]), "{line}");
    }
}

#[test]
fn a_violation_repeats_no_value() {
    let violation = validate("Vpc DescribeVpcs", "RegionId=r IsDefault=hunter2").unwrap_err();
    assert!(!format!("{violation:?}").contains("hunter2"));
}

/// Values for everything that `param` has, under its wire names; only what is required if `all` is false.
fn fill(param: &Param, path: &str, all: bool, out: &mut BTreeMap<String, String>) {
    let number = || param.min.or(param.max).unwrap_or(1).to_string();
    let value = match &param.kind {
        Kind::List(of) => return fill(of, &format!("{path}.1"), all, out),
        Kind::Object(members) => {
            let mut wanted: Vec<&Param> = members.iter().filter(|member| all || member.required).collect();
            if wanted.is_empty() {
                wanted.extend(members.first());
            }
            return wanted
                .into_iter()
                .for_each(|member| fill(member, &format!("{path}.{}", member.name), all, out));
        }
        Kind::Text => param.one_of.first().unwrap_or(&"text").to_string(),
        Kind::Int32 | Kind::Int64 | Kind::Number => number(),
        Kind::Boolean => "true".to_owned(),
        Kind::JsonList(of) if matches!(of.kind, Kind::Object(_)) => "[{}]".to_owned(),
        Kind::JsonList(_) => r#"["text"]"#.to_owned(),
        Kind::JsonObject(_) => "{}".to_owned(),
    };
    out.insert(path.to_owned(), value);
}

#[test]
fn every_action_passes_with_what_it_requires_and_is_refused_without() {
    for spec in catalogue::actions() {
        for all in [false, true] {
            let mut request = BTreeMap::new();
            for param in spec.params.iter().filter(|param| all || param.required) {
                fill(param, param.name, all, &mut request);
            }
            assert_eq!(spec.validate(&request), Ok(vec![]), "{} {request:?}", spec.name);
            for param in spec.params.iter().filter(|param| param.required) {
                let mut less = request.clone();
                let below = format!("{}.", param.name);
                less.retain(|name, _| name != param.name && !name.starts_with(&below));
                let violation = spec.validate(&less).expect_err(spec.name);
                assert_eq!(
                    (violation.param.as_str(), violation.rule),
                    (param.name, Rule::Missing),
                    "{}",
                    spec.name
                );
            }
        }
    }
}

#[test]
fn every_code_that_is_chosen_is_documented_or_the_convention() {
    for spec in catalogue::actions() {
        let violation = spec.validate(&BTreeMap::new());
        for param in spec.params.iter().filter(|param| param.required) {
            let violation = violation.as_ref().expect_err(spec.name);
            let documented = catalogue::documents(spec.version, spec.name, &violation.code);
            assert!(
                documented || violation.code.to_lowercase().starts_with("missing"),
                "{}: {}",
                spec.name,
                violation.code
            );
            assert!((400..=500).contains(&violation.status), "{} {}", spec.name, param.name);
        }
    }
}

proptest! {
    #[test]
    fn any_names_and_values_are_judged_without_a_panic(
        at in any::<prop::sample::Index>(),
        request in prop::collection::btree_map(
            prop_oneof![
                "[A-Za-z0-9.]{0,12}",
                (any::<prop::sample::Index>(), "(\\.[0-9]{1,4})?(\\.[A-Za-z]{1,5})?").prop_map(|(at, rest)| {
                    let names: Vec<&str> = catalogue::lookup(ECS, "RunInstances").unwrap().params.iter().map(|p| p.name).collect();
                    format!("{}{rest}", at.get(&names))
                }),
            ],
            prop_oneof!["\\PC{0,8}", "-?[0-9]{1,20}", Just("[{\"a\":[1,null]}]".to_owned())],
            0..12,
        ),
    ) {
        let specs: Vec<_> = catalogue::actions().collect();
        for spec in [*at.get(&specs), catalogue::lookup(ECS, "RunInstances").unwrap()] {
            let verdict = spec.validate(&request);
            prop_assert_eq!(&verdict, &spec.validate(&request));
            match verdict {
                Ok(unknown) => prop_assert!(unknown.iter().all(|param| request.contains_key(&param.name))),
                Err(violation) => prop_assert!(!violation.accepted.is_empty() && !violation.code.is_empty()),
            }
        }
    }
}

#[test]
fn the_same_names_are_children_however_their_neighbours_sort() {
    // '-' sorts before '.', '/' behind it: children of Tag are found between them.
    let request = pairs("RegionId=r Tag-x=1 Tag.1.Key=k Tag.2.Key=l Tag/x=1 Tagx.1.Key=k");
    let unknown = catalogue::lookup(VPC, "CreateVpc").unwrap().validate(&request).unwrap();
    let names: Vec<&str> = unknown.iter().map(|param| param.name.as_str()).collect();
    assert_eq!(names, ["Tag-x", "Tag/x", "Tagx.1.Key"]);
}

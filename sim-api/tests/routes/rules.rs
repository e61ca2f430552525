//! Each rule on both wires.

use crate::topology::*;
use serde_json::{Value, json};
use sim_api::engine::Advance;
use sim_core::settings::Provisioning;
use sim_core::{ErrorCode as E, Span};

#[tokio::test]
async fn every_rule_of_route_tables_on_both_wires() {
    let mut service = Service::over(world(Provisioning::Instant)).await;
    service.created("custom", CUSTOM).await;
    let s = &service;
    let bind = |table: &str, vswitch: &str| {
        (
            format!("PUT /v1/route-tables/{table}/associations/{vswitch}"),
            format!("AssociateRouteTable RouteTableId={table} VSwitchId={vswitch}"),
        )
    };
    let unbind = |table: &str, vswitch: &str| {
        let (rest, rpc) = bind(table, vswitch);
        (rest.replace("PUT", "DELETE"), rpc.replace("Associate", "Unassociate"))
    };
    let long = "x".repeat(257);
    let pair = |rest: String, rpc: String| (rest, rpc);
    let rows: Vec<(E, (String, String), &str)> = vec![
        (
            E::RouteTableNameMalformed,
            pair(
                format!(r#"POST /v1/route-tables {{"vpc_id":"$vpc","name":"{long}"}}"#),
                format!("CreateRouteTable VpcId=$vpc RouteTableName={long}"),
            ),
            "InvalidParameter.RouteTableName.Malformed 400",
        ),
        (
            E::RouteTableDescriptionMalformed,
            pair(
                format!(r#"PATCH /v1/route-tables/$custom {{"description":"{long}"}}"#),
                format!("ModifyRouteTableAttributes RouteTableId=$custom Description={long}"),
            ),
            "InvalidDescription.Malformed 400",
        ),
        (
            E::RouteTableNotFound,
            pair(
                r#"PATCH /v1/route-tables/vtb-1 {"name":"a"}"#.into(),
                "ModifyRouteTableAttributes RouteTableId=vtb-1 RouteTableName=a".into(),
            ),
            "Abs.InvalidRouteTableId.NotExist 400",
        ),
        (
            E::VpcNotFound,
            pair(r#"POST /v1/route-tables {"vpc_id":"vpc-1"}"#.into(), "CreateRouteTable VpcId=vpc-1".into()),
            "InvalidVpcId.NotFound 404",
        ),
        (
            E::RouteTableIsSystem,
            pair("DELETE /v1/route-tables/$system".into(), "DeleteRouteTable RouteTableId=$system".into()),
            "IncorrectRouteTableType 400",
        ),
        (E::RouteTableNotFound, bind("vtb-1", "$web"), "InvalidRouteTableId.NotFound 404"),
        (E::VSwitchNotFound, bind("$custom", "vsw-1"), "InvalidVSwitchId.NotFound 404"),
        (E::RouteTableOtherVpc, bind("$custom", "$elsewhere"), "Forbidden.NotInSameVpc 404"),
        (
            E::RouteTableSwitchToSystem,
            bind("$system", "$web"),
            "OperationDenied.SwitchToSystemRouteTable 400",
        ),
        (E::RouteTableUnbindSystem, unbind("$system", "$web"), "OperationUnsupported.SystemRouteTable 404"),
        (E::RouteTableNotAssociated, unbind("$custom", "$web"), "InvalidBindingStatus.RouteTable 404"),
        (
            E::VRouterNotFound,
            pair(
                r#"PATCH /v1/vrouters/vrt-1 {"name":"a"}"#.into(),
                "ModifyVRouterAttribute VRouterId=vrt-1 VRouterName=a".into(),
            ),
            "InvalidVRouterId.NotFound 404",
        ),
        (
            E::VRouterNameMalformed,
            pair(
                format!(r#"PATCH /v1/vrouters/$vrouter {{"name":"{long}"}}"#),
                format!("ModifyVRouterAttribute VRouterId=$vrouter VRouterName={long}"),
            ),
            "InvalidVRouterName.Malformed 400",
        ),
        (
            E::VRouterDescriptionMalformed,
            pair(
                format!(r#"PATCH /v1/vrouters/$vrouter {{"description":"{long}"}}"#),
                format!("ModifyVRouterAttribute VRouterId=$vrouter Description={long}"),
            ),
            "InvalidVRouterDescription.Malformed 400",
        ),
    ];
    for (rule, (rest, rpc), provider) in rows {
        s.refused(rule, &rest, &rpc, provider).await;
    }
    let (rest, rpc) = bind("$custom", "$web");
    assert_eq!(s.rest(&rest).await.0, 200);
    s.refused(E::RouteTableAlreadyAssociated, &rest, &rpc, "ResourceAlreadyAssociated.RouteTable 400").await;
    let delete = ("DELETE /v1/route-tables/$custom", "DeleteRouteTable RouteTableId=$custom");
    s.refused(E::RouteTableHasVSwitch, delete.0, delete.1, "IncorrectRouteTableStatus 404").await;
    assert_eq!(s.rest(&unbind("$custom", "$web").0).await.0, 204);
    let (rest, _) = create("$custom", "192.168.0.0/16", "Instance", "$node");
    let (_, made) = s.rest(&rest).await;
    let has_entry = "IncorrectRouteTableStatus.RouteEntryExist 400";
    s.refused(E::RouteTableHasRouteEntry, delete.0, delete.1, has_entry).await;
    let (_, dependents) = s.rest("GET /v1/route-tables/$custom/dependents").await;
    assert_eq!(dependents["dependents"][0]["ids"][0], made["id"]);
    for _ in 0..8 {
        assert_eq!(s.rest(CUSTOM).await.0, 201);
    }
    s.refused(
        E::RouteTableQuotaExceeded,
        CUSTOM,
        "CreateRouteTable VpcId=$vpc",
        "QuotaExceeded.RouteTable 400",
    )
    .await;
    service.stop().await;
}

#[tokio::test]
async fn every_rule_of_route_entries_on_both_wires() {
    let mut service = Service::over(world(Provisioning::Instant)).await;
    service.created("custom", CUSTOM).await;
    let (rest, _) = create("$system", "172.16.0.0/12", "Instance", "$node");
    service.created("route", &rest).await;
    let s = &service;
    let to = |destination: &str| create("$system", destination, "Instance", "$node");
    let hop = |kind: &str, id: &str| create("$system", "192.168.0.0/16", kind, id);
    let hop6 = |id: &str| create("$system", "2001:db8::/32", "NetworkInterface", id);
    let (_, list) = s.rest("GET /v1/route-entries?route_table_id=$system&destination=10.0.1.0/24").await;
    let local = list["items"][0]["id"].as_str().unwrap().to_owned();
    let list = |table: &str, destination: &str, kinds: &[&str], weight: u32| {
        let hops: Vec<Value> = (1..)
            .zip(kinds)
            .map(|(i, kind)| json!({"type": kind, "id": format!("ri-{i}"), "weight": weight}))
            .collect();
        let body = json!({"route_table_id": table, "destination": destination, "next_hops": hops});
        let mut rpc = format!("CreateRouteEntry RouteTableId={table} DestinationCidrBlock={destination}");
        for (i, kind) in (1..).zip(kinds) {
            rpc += &format!(" NextHopList.{i}.NextHopType={kind} NextHopList.{i}.NextHopId=ri-{i}");
            rpc += &format!(" NextHopList.{i}.Weight={weight}");
        }
        (format!("POST /v1/route-entries {body}"), rpc)
    };
    let two = ["RouterInterface", "RouterInterface"];
    let change = |id: &str, kind: &str, hop: &str| {
        let body = json!({"next_hop_type": kind, "next_hop_id": hop});
        (
            format!("PATCH /v1/route-entries/{id} {body}"),
            format!("ModifyRouteEntry RouteEntryId={id} NewNextHopType={kind} NewNextHopId={hop}"),
        )
    };
    let long = "x".repeat(257);
    let with = |(rest, rpc): (String, String), field: &str, name: &str| {
        (rest.replace('}', &format!(r#","{field}":"{long}"}}"#)), format!("{rpc} {name}={long}"))
    };
    let only = |rest: &str, rpc: &str| (rest.to_owned(), rpc.to_owned());
    let base = r#"POST /v1/route-entries {"route_table_id":"$system","destination":"192.168.0.0/16""#;
    let base_rpc = "CreateRouteEntry RouteTableId=$system DestinationCidrBlock=192.168.0.0/16";
    let both =
        format!(r#"{base},"next_hop_id":"$node","next_hops":[{{"type":"RouterInterface","id":"a"}}]}}"#);
    let both_rpc = format!(
        "{base_rpc} NextHopId=$node NextHopList.1.NextHopType=RouterInterface NextHopList.1.NextHopId=a"
    );
    let twice = format!(
        r#"{base},"next_hops":[{{"type":"RouterInterface","id":"a"}},{{"type":"RouterInterface","id":"a"}}]}}"#
    );
    let twice_rpc = format!(
        "{base_rpc} NextHopList.1.NextHopType=RouterInterface NextHopList.1.NextHopId=a \
         NextHopList.2.NextHopType=RouterInterface NextHopList.2.NextHopId=a"
    );
    let rows: Vec<(E, (String, String), &str)> = vec![
        (
            E::RouteEntryNameMalformed,
            with(to("192.168.0.0/16"), "name", "RouteEntryName"),
            "InvalidRouteEntryName.Malformed 400",
        ),
        (
            E::RouteEntryDescriptionMalformed,
            with(to("192.168.0.0/16"), "description", "Description"),
            "InvalidDescription.Malformed 400",
        ),
        (
            E::RouteNextHopBothNull,
            only(&format!("{base}}}"), base_rpc),
            "InvalidNexthopTypeAndList.BothNull 400",
        ),
        (E::RouteNextHopBothGiven, only(&both, &both_rpc), "InvalidNexthopTypeAndList.BothNotNull 400"),
        (
            E::MissingParameter,
            only(
                &format!(r#"{base},"next_hop_type":"Instance"}}"#),
                &format!("{base_rpc} NextHopType=Instance"),
            ),
            "MissingParameter 400",
        ),
        (E::RouteNextHopType, hop("Router", "r-1"), "InvalidNextHopType 400"),
        (E::RouteEcmpSize, list("$system", "192.168.0.0/16", &two[..1], 1), "InvalidNexthopListSize 400"),
        (
            E::RouteEcmpType,
            list("$system", "192.168.0.0/16", &["RouterInterface", "Instance"], 1),
            "OperationUnsupported.InvalidRouterInterfaceType 400",
        ),
        (E::RouteEcmpWeight, list("$system", "192.168.0.0/16", &two, 256), "INVALID_WEIGHT_PARAM 400"),
        (E::RouteEcmpDuplicate, only(&twice, &twice_rpc), "Duplicated.VpcNextHop 400"),
        (
            E::RouteEcmpIpv6,
            list("$system", "2001:db8::/32", &two, 1),
            "OperationUnsupported.Ipv6EcmpRouteEntry 400",
        ),
        (
            E::RouteEcmpCustomTable,
            list("$custom", "192.168.0.0/16", &two, 1),
            "OperationUnsupported.SubRouteTableECMP 400",
        ),
        (E::RouteNextHopNotFound, list("$system", "192.168.0.0/16", &two, 1), "InvalidNextHop.NotFound 400"),
        (E::RouteDestinationMalformed, to("192.168.0.1/16"), "InvalidCidrBlock.Malformed 400"),
        (E::RoutePrefixListNotFound, to("pl-1"), "ResourceNotFound.PrefixList 400"),
        (
            E::RouteTableNotFound,
            create("vtb-1", "192.168.0.0/16", "Instance", "$node"),
            "InvalidRouteTableId.NotFound 404",
        ),
        (E::RouteDestinationDuplicate, to("172.16.0.0/12"), "InvalidCIDRBlock.Duplicate 400"),
        (E::RouteDestinationInVSwitch, to("10.0.1.0/25"), "InvalidCidrBlock 400"),
        (
            E::RouteDestinationInVSwitchIpv6,
            to("2408:4000:0:101::/72"),
            "OperationUnsupported.DestinationCidrBlockOverlapWithVSwitch 400",
        ),
        (E::RouteDestinationCloudServices, to("100.64.0.0/10"), "InvalidCidrBlock 400"),
        (
            E::RouteIpv6Disabled,
            create("$far", "::/0", "Instance", "$foreign"),
            "OperationDenied.VpcIpv6NotEnabled 400",
        ),
        (E::RouteInstanceNotFound, hop("Instance", "i-1"), "InvalidInstanId.NotFound 404"),
        (E::RouteEniNotFound, hop("NetworkInterface", "eni-1"), "InvalidNetworkInterface.NotFound 404"),
        (E::RouteHaVipNotFound, hop("HaVip", "havip-1"), "InvalidHaVipId.NotFound 404"),
        (E::RouteVpnGatewayNotFound, hop("VpnGateway", "vpn-1"), "InvalidVpnInstanceId.NotFound 400"),
        (E::RouteNatGatewayNotFound, hop("NatGateway", "ngw-1"), "InvalidNatGatewayId.NotFound 404"),
        (E::RouteIpv6GatewayNotFound, hop("IPv6Gateway", "ipv6gw-1"), "InvalidIpv6Gateway.NotFound 404"),
        (E::RouteIpv4GatewayNotFound, hop("Ipv4Gateway", "ipv4gw-1"), "ResourceNotFound.Ipv4Gateway 400"),
        (E::RouteAttachmentNotFound, hop("Attachment", "tr-attach-1"), "InvalidAttachment.NotFound 400"),
        (E::RouteVpcPeerNotFound, hop("VpcPeer", "pcc-1"), "ResourceNotFound.VpcPeer 400"),
        (E::RouteEcrNotFound, hop("Ecr", "ecr-1"), "ResourceNotAssociated.Ecr 400"),
        (E::RouteNextHopStatus, hop("Instance", "$starting"), "IncorrectInstanceStatus 400"),
        (
            E::RouteInstanceOtherVpc,
            hop("Instance", "$foreign"),
            "OperationFailed.InstanceDismatchCurrentVpc 404",
        ),
        (E::RouteEniOtherVpc, hop("NetworkInterface", "$foreign_eni"), "Mismatch.EniIdAndRouteTableId 400"),
        (
            E::RouteNextHopPrimaryEni,
            hop6("$primary"),
            "OperationUnsupported.Ipv6EntryOnPrimaryNetworkInterface 400",
        ),
        (E::RouteNextHopNoIpv6, hop6("$eni"), "OperationFailed.NotSupportIPV6 400"),
        (E::RouteNextHopManyIpv6, hop6("$two"), "OperationUnsupported.MutipleIpv6Address 400"),
        (
            E::RouteEntryIdNotFound,
            only(
                r#"PATCH /v1/route-entries/rte-1 {"name":"a"}"#,
                "ModifyRouteEntry RouteEntryId=rte-1 RouteEntryName=a",
            ),
            "InvalidRouteEntryId.NotFound 404",
        ),
        (
            E::RouteEntryIdMissing,
            only("", "ModifyRouteEntry RouteEntryName=a"),
            "MissingParam.RouteEntryId 400",
        ),
        (
            E::RouteNextHopIdMissing,
            only(
                r#"PATCH /v1/route-entries/$route {"next_hop_type":"Instance"}"#,
                "ModifyRouteEntry RouteEntryId=$route NewNextHopType=Instance",
            ),
            "MissingParam.NewNextHopId 400",
        ),
        (
            E::RouteNextHopTypeMissing,
            only(
                r#"PATCH /v1/route-entries/$route {"next_hop_id":"i-1"}"#,
                "ModifyRouteEntry RouteEntryId=$route NewNextHopId=i-1",
            ),
            "MissingParam.NewNextHopType 400",
        ),
        (
            E::RouteEntrySystemText,
            only(
                &format!(r#"PATCH /v1/route-entries/{local} {{"name":"a"}}"#),
                &format!("ModifyRouteEntry RouteEntryId={local} RouteEntryName=a"),
            ),
            "Forbbiden 403",
        ),
        (
            E::RouteNextHopFixed,
            change(&local, "Instance", "$node"),
            "UnsupportedFeature.ModifyRouteEntryNextHop 400",
        ),
        (E::RouteNextHopUnchanged, change("$route", "Instance", "$node"), "OperationDenied.NextHopExist 400"),
        (
            E::RouteEntryIsSystem,
            only(
                &format!("DELETE /v1/route-entries/{local}"),
                &format!("DeleteRouteEntry RouteEntryId={local}"),
            ),
            "OperationDenied 400",
        ),
        (
            E::RouteEntryNotFound,
            only("", "DeleteRouteEntry RouteTableId=$system DestinationCidrBlock=1.0.0.0/8 NextHopId=$node"),
            "InvalidRouteEntry.NotFound 400",
        ),
        (
            E::RouteNextHopMissing,
            only("", "DeleteRouteEntry RouteTableId=$system DestinationCidrBlock=172.16.0.0/12"),
            "InvalidNextHop 400",
        ),
        (
            E::RouteEntryIdExclusive,
            only("", "DeleteRouteEntry RouteEntryId=$route RouteTableId=$system"),
            "ParamExclusive.RouteEntryIdAndRouteTableIdOrDestCidrBlock 400",
        ),
        (
            E::VSwitchCidrRouteConflict,
            only("", "CreateVSwitch VpcId=$vpc ZoneId=cn-hangzhou-k CidrBlock=10.9.0.0/16"),
            "InvalidCidrBlock.Overlapped 400",
        ),
    ];
    let (rest, _) = to("10.9.1.0/24");
    assert_eq!(s.rest(&rest).await.0, 201);
    for (rule, (rest, rpc), provider) in rows {
        s.refused(rule, &rest, &rpc, provider).await;
    }
    service.stop().await;
}

#[tokio::test]
async fn busy_answers_on_both_wires() {
    let mut service = Service::over(world(Provisioning::Documented)).await;
    let (rest, _) = create("$system", "192.168.0.0/16", "Instance", "$node");
    service.created("route", &rest).await;
    let s = &service;
    let (next, next_rpc) = create("$system", "192.168.0.0/24", "Instance", "$node");
    s.refused(E::RouteEntrySiblingBusy, &next, &next_rpc, "IncorrectRouteEntryStatus 400").await;
    let delete = ("DELETE /v1/route-entries/$route", "DeleteRouteEntry RouteEntryId=$route");
    s.refused(E::RouteEntryStatusIncorrect, delete.0, delete.1, "IncorrectRouteEntryStatus 400").await;
    s.refused(E::RouteTableVpcBusy, CUSTOM, "CreateRouteTable VpcId=$vpc", "OperationConflict 400").await;
    let (_, shown) = s.rest("GET /v1/route-entries/$route").await;
    assert_eq!(shown["status"], "Pending");
    let later = s.server.app().engine.world(crate::service::pairs::WORLD).unwrap();
    later.advance(Advance::By(Span(1_000))).await.unwrap();
    service.created("custom", CUSTOM).await;
    let s = &service;
    let bind = (
        "PUT /v1/route-tables/$custom/associations/$web",
        "AssociateRouteTable RouteTableId=$custom VSwitchId=$web",
    );
    s.refused(E::RouteTableStatusIncorrect, bind.0, bind.1, "IncorrectStatus.RouteTable 404").await;
    let (child, child_rpc) = create("$custom", "192.168.0.0/24", "Instance", "$node");
    s.refused(E::RouteTableStatusIncorrect, &child, &child_rpc, "IncorrectStatus.RouteTableStatus 400").await;
    let (_, shown) = s.rpc("DescribeRouteTableList RouteTableId=$custom").await;
    assert_eq!(shown["RouterTableList"]["RouterTableListType"][0]["Status"], "Pending");
    drop(later);
    service.stop().await;
}

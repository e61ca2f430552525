//! What a route controller, a planner and a person read.

use crate::topology::*;
use serde_json::{Value, json};
use sim_core::ErrorCode as E;
use sim_core::settings::Provisioning;

#[tokio::test]
async fn a_route_controller_works_against_it() {
    let mut service = Service::over(world(Provisioning::Instant)).await;
    let s = &service;
    let item = |n: u32, destination: &str, hop: &str| {
        format!(
            " RouteEntries.{n}.RouteTableId=$system RouteEntries.{n}.DstCidrBlock={destination} \
             RouteEntries.{n}.NextHop={hop} RouteEntries.{n}.NextHopType=Instance RouteEntries.{n}.IpVersion=4"
        )
    };
    let request = format!(
        "CreateRouteEntries{}{}{}",
        item(1, "172.20.0.0/24", "$node"),
        item(2, "172.20.0.0/24", "$stopped"),
        item(3, "172.20.1.0/24", "$stopped"),
    );
    let (status, body) = s.rpc(&request).await;
    assert_eq!((status, &body["SuccessCount"], &body["FailedCount"]), (200, &json!(2), &json!(1)), "{body}");
    assert_eq!(body["RouteEntryIds"].as_array().unwrap().len(), 2);
    let failed = &body["FailedRouteEntries"][0];
    assert_eq!(failed["FailedCode"], "VPC_ROUTE_ENTRY_CIDR_BLOCK_DUPLICATE");
    assert_eq!(
        (&failed["DstCidrBlock"], &failed["NextHop"]),
        (&json!("172.20.0.0/24"), &json!(s.ids["stopped"]))
    );

    let list =
        "DescribeRouteEntryList RouteTableId=$system RouteEntryType=Custom NextHopType=Instance MaxResult=1";
    let (_, first) = s.rpc(list).await;
    let (_, second) = s.rpc(&format!("{list} NextToken={}", first["NextToken"].as_str().unwrap())).await;
    assert_eq!((&first["TotalCount"], &second["NextToken"]), (&json!(2), &json!("")), "{first} {second}");
    let hop =
        |page: &Value| page["RouteEntrys"]["RouteEntry"][0]["NextHops"]["NextHop"][0]["NextHopId"].clone();
    assert_eq!([hop(&first), hop(&second)], [json!(s.ids["node"]), json!(s.ids["stopped"])]);
    let entry = &first["RouteEntrys"]["RouteEntry"][0];
    let exact = json!({
        "RouteEntryId": body["RouteEntryIds"][0], "RouteTableId": s.ids["system"],
        "DestinationCidrBlock": "172.20.0.0/24", "IpVersion": "IPv4", "Type": "Custom", "Status": "Available",
        "RouteEntryName": "", "Description": "", "GmtModified": entry["GmtModified"], "ServiceType": "", "Origin": "",
        "NextHops": {"NextHop": [{
            "NextHopId": s.ids["node"], "NextHopType": "Instance", "Enabled": 1, "Weight": 0, "NextHopRegionId": "",
            "NextHopRelatedInfo": {"InstanceId": "", "InstanceType": "", "RegionId": ""},
        }]},
    });
    assert_eq!(*entry, exact);
    for (filter, count) in [
        ("", 7),
        ("IpVersion=IPv6", 1),
        ("RouteEntryType=System", 4),
        ("RouteEntryType=CEN", 0),
        ("NextHopId=$node", 1),
        ("DestinationCidrBlock=10.0.1.0/24", 1),
        ("DestCidrBlockList.1=10.0.1.0/24 DestCidrBlockList.2=172.20.1.0/24", 2),
        ("ServiceType=TR", 0),
    ] {
        let (_, page) = s.rpc(&format!("DescribeRouteEntryList RouteTableId=$system {filter}")).await;
        let shown = page["RouteEntrys"]["RouteEntry"].as_array().map(Vec::len);
        assert_eq!(shown, Some(if filter.is_empty() { 6 } else { count }), "{filter}: {page}");
    }
    s.refused(
        E::RouteTableNotFound,
        "",
        "DescribeRouteEntryList RouteTableId=vtb-1",
        "InvalidRouteTable.NotFound 400",
    )
    .await;
    for (parameter, code) in [
        ("IpVersion=5", "IllegalParam.IpVersion"),
        ("RouteEntryType=Any", "IllegalParam.RouteEntryType"),
        ("NextToken=1", "IllegalParam.NextToken"),
    ] {
        let (status, body) = s.rpc(&format!("DescribeRouteEntryList RouteTableId=$system {parameter}")).await;
        assert_eq!((status, &body["Code"]), (400, &json!(code)), "{body}");
    }

    let old = |n: u32, destination: &str| {
        format!(
            " RouteEntries.{n}.RouteTableId=$system RouteEntries.{n}.DstCidrBlock={destination} RouteEntries.{n}.NextHop=$node"
        )
    };
    let request = format!("DeleteRouteEntries{}{}", old(1, "172.20.0.0/24"), old(2, "172.20.9.0/24"));
    let (status, body) = s.rpc(&request).await;
    assert_eq!((status, &body["SuccessCount"], &body["FailedCount"]), (200, &json!(1), &json!(1)), "{body}");
    assert_eq!(body["FailedRouteEntries"][0]["FailedCode"], "VPC_ROUTER_ENTRY_NOT_EXIST");
    let (status, body) = s.rpc("DescribeRouteTables RouteTableId=$system").await;
    assert_eq!(status, 200);
    let table = &body["RouteTables"]["RouteTable"][0];
    assert_eq!(table["VRouterId"], s.ids["vrouter"]);
    let entries = table["RouteEntrys"]["RouteEntry"].as_array().unwrap();
    let kept = entries.iter().find(|e| e["DestinationCidrBlock"] == "172.20.1.0/24").unwrap();
    assert_eq!((&kept["InstanceId"], &kept["NextHopType"]), (&json!(s.ids["stopped"]), &json!("Instance")));
    let (_, body) = s.rpc("DescribeVRouters VRouterId=$vrouter").await;
    let router = &body["VRouters"]["VRouter"][0];
    assert_eq!(router["RouteTableIds"]["RouteTableId"], json!([s.ids["system"]]));
    s.refused(
        E::VRouterNotFound,
        "GET /v1/vrouters/vrt-1",
        "DescribeRouteTables VRouterId=vrt-1",
        "InvalidVRouterId.NotFound 400",
    )
    .await;

    service.created("custom", CUSTOM).await;
    service.stop().await;
}

#[tokio::test]
async fn native_batches_lists_and_lookups() {
    let mut service = Service::over(world(Provisioning::Instant)).await;
    service.created("custom", CUSTOM).await;
    let s = &service;
    let entry = |destination: &str| json!({"route_table_id": "$custom", "destination": destination, "next_hop_id": "$node"});
    let body = json!({"entries": [entry("0.0.0.0/0"), entry("10.0.1.0/24"), entry("8.8.0.0/16")]});
    let (status, made) = s.rest(&format!("POST /v1/route-entries/batch-create {body}")).await;
    assert_eq!((status, &made["succeeded"], &made["failed"]), (200, &json!(2), &json!(1)), "{made}");
    assert_eq!(made["outcomes"][1]["problem"]["code"], "route_destination_in_vswitch");
    let lookup = |address: &'static str| async move {
        let (status, found) = s.rest(&format!("GET /v1/route-tables/$custom/lookup?address={address}")).await;
        assert_eq!(status, 200, "{found}");
        found["route_entry"]["destination"].as_str().unwrap_or("none").to_owned()
    };
    for (address, destination) in [
        ("10.0.1.9", "10.0.1.0/24"),
        ("8.8.8.8", "8.8.0.0/16"),
        ("9.9.9.9", "0.0.0.0/0"),
        ("100.64.0.1", "100.64.0.0/10"),
        ("2001:db8::1", "none"),
        ("2408:4000:0:101::1", "2408:4000:0:101::/64"),
    ] {
        assert_eq!(lookup(address).await, destination, "{address}");
    }
    assert_eq!(s.rest("GET /v1/route-tables/$custom/lookup?address=x").await.0, 422);
    assert_eq!(s.rest("GET /v1/route-tables/vtb-1/lookup?address=1.1.1.1").await.0, 404);
    let mut seen = Vec::new();
    let mut token = String::new();
    for _ in 0..10 {
        let (status, page) =
            s.rest(&format!("GET /v1/route-entries?route_table_id=$custom&page_size=2{token}")).await;
        assert_eq!(status, 200, "{page}");
        seen.extend(page["items"].as_array().unwrap().iter().map(|e| e["id"].as_str().unwrap().to_owned()));
        match page["next_page_token"].as_str() {
            Some(next) => token = format!("&page_token={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 6);
    for id in &seen {
        assert_eq!(s.rest(&format!("GET /v1/route-entries/{id}")).await.0, 200);
        assert_eq!(s.rest(&format!("GET /v1/route-entries/{id}/dependents")).await.0, 200);
    }
    // A system entry is redirected, shown as Custom, and comes back.
    let (_, list) = s.rest("GET /v1/route-entries?route_table_id=$custom&destination=10.0.2.0/24").await;
    let local = list["items"][0]["id"].as_str().unwrap();
    let change = json!({"next_hop_type": "NetworkInterface", "next_hop_id": "$eni"});
    let (status, changed) = s.rest(&format!("PATCH /v1/route-entries/{local} {change}")).await;
    assert_eq!(
        (status, &changed["type"], &changed["id"]),
        (200, &json!("Custom"), &json!(local)),
        "{changed}"
    );
    assert_eq!(s.rest(&format!("DELETE /v1/route-entries/{local}")).await.0, 204);
    let (_, back) = s.rest(&format!("GET /v1/route-entries/{local}")).await;
    assert_eq!((&back["type"], &back["next_hop_type"]), (&json!("System"), &json!("local")));
    let body = json!({"entries": [{"route_entry_id": made["outcomes"][0]["route_entry_id"]}, {"route_entry_id": local}]});
    let (_, gone) = s.rest(&format!("POST /v1/route-entries/batch-delete {body}")).await;
    assert_eq!((&gone["succeeded"], &gone["failed"]), (&json!(1), &json!(1)), "{gone}");
    assert_eq!(gone["outcomes"][1]["problem"]["code"], "route_entry_keeps_local");
    assert_eq!(s.rest("POST /v1/route-entries/batch-delete {\"entries\":[]}").await.0, 422);
    let (status, renamed) = s.rest(r#"PATCH /v1/vrouters/$vrouter {"name":"core"}"#).await;
    assert_eq!((status, &renamed["name"]), (200, &json!("core")));
    assert_eq!(s.rest("GET /v1/vrouters?vpc_id=$vpc").await.1["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        s.rest("GET /v1/route-tables?vpc_id=$vpc&type=Custom").await.1["items"].as_array().unwrap().len(),
        1
    );
    service.stop().await;
}

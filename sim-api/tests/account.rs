//! What an account is told about itself: what it pays for.

mod service;

use serde_json::{Value, json};
use service::{Client, settings};
use sim_api::Server;
use sim_api::rpc::actions::ACTIONS;
use sim_api::rpc::encoding::percent_encode;
use sim_core::SimTime;
use sim_core::subscription::{Period, PeriodUnit};

/// One account on the provider wire.
struct Account(Client);

impl Account {
    /// `Vpc CreateVpc CidrBlock=10.0.0.0/8`, in cn-hangzhou unless the line has a region.
    async fn ask(&self, line: &str) -> Value {
        let mut words = line.split_whitespace();
        let (product, action) = (words.next().unwrap(), words.next().unwrap());
        let version = ACTIONS.iter().find(|a| a.product == product).unwrap().version;
        let mut path = format!("/?Action={action}&Version={version}&Format=JSON&AccessKeyId=any");
        if !line.contains(" RegionId=") {
            path += "&RegionId=cn-hangzhou";
        }
        for word in words {
            let (name, value) = word.split_once('=').unwrap();
            path += &format!("&{name}={}", percent_encode(value));
        }
        self.0.send("POST", &path, None).await.expect(200)
    }

    async fn id(&self, line: &str, pointer: &str) -> String {
        let answer = self.ask(line).await;
        answer
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("{line}: {answer}"))
            .to_owned()
    }

    /// How many objects a query finds, and those of its page.
    async fn paid(&self, filter: &str) -> (u64, Vec<String>) {
        let data = self.ask(&format!("BssOpenApi QueryAvailableInstances {filter}")).await["Data"].clone();
        let id = |one: &Value| one["InstanceID"].as_str().unwrap().to_owned();
        (
            data["TotalCount"].as_u64().unwrap(),
            data["InstanceList"].as_array().unwrap().iter().map(id).collect(),
        )
    }
}

#[tokio::test]
async fn what_is_paid_for_is_found_by_how_it_is_paid() {
    let server = Server::start(settings()).await.unwrap();
    let a = Account(Client::new(&server));
    assert_eq!(a.paid("").await, (0, vec![]));
    let vpc = a.id("Vpc CreateVpc CidrBlock=10.0.0.0/8", "/VpcId").await;
    let vswitch = format!("Vpc CreateVSwitch VpcId={vpc} ZoneId=cn-hangzhou-k CidrBlock=10.0.1.0/24");
    let vswitch = a.id(&vswitch, "/VSwitchId").await;
    let group = a.id(&format!("Ecs CreateSecurityGroup VpcId={vpc}"), "/SecurityGroupId").await;
    let launch = format!(
        "Ecs RunInstances ImageId=aliyun_3_x64_20G_alibase_20240819.vhd InstanceType=ecs.g7.large VSwitchId={vswitch} \
         SecurityGroupId={group}"
    );
    let launched =
        async |more: &str| a.id(&format!("{launch} {more}"), "/InstanceIdSets/InstanceIdSet/0").await;
    let kept = launched("InstanceChargeType=PrePaid Period=1 AutoRenew=true AutoRenewPeriod=1").await;
    let year = launched("InstanceChargeType=PrePaid Period=1 PeriodUnit=Year").await;
    let used = launched("InstanceChargeType=PostPaid").await;
    let balancer =
        "Slb CreateLoadBalancer LoadBalancerSpec=slb.s1.small PayType=PrePay Duration=1 PricingCycle=month";
    let balancer = a.id(balancer, "/LoadBalancerId").await;
    let far = "Slb CreateLoadBalancer RegionId=cn-beijing LoadBalancerSpec=slb.s1.small";
    let far = a.id(far, "/LoadBalancerId").await;
    let eip = "Vpc AllocateEipAddress InstanceChargeType=PrePaid Period=1 PricingCycle=Month AutoPay=true";
    let eip = a.id(eip, "/AllocationId").await;

    let all = [&kept, &year, &used, &balancer, &far, &eip];
    let (total, mut seen) = a.paid("").await;
    let mut wanted = all.map(Clone::clone);
    seen.sort();
    wanted.sort();
    assert_eq!((total, seen), (6, wanted.to_vec()));
    let (mut start, end) = ("CreateTimeStart=".to_owned(), "CreateTimeEnd=".to_owned());
    let made = a.ask(&format!("BssOpenApi QueryAvailableInstances InstanceIDs={eip}")).await;
    let made = made["Data"]["InstanceList"][0]["CreateTime"].as_str().unwrap().to_owned();
    start += &made;
    let bought = |count| {
        let period = Period { count, unit: PeriodUnit::Month };
        period.end(SimTime::parse(&made).unwrap()).to_seconds_text()
    };
    let rows: &[(&str, &[&String])] = &[
        ("ProductCode=ecs", &[&kept, &year, &used]),
        ("ProductCode=ecs ProductType=ecs SubscriptionType=Subscription", &[&kept, &year]),
        ("ProductCode=ecs SubscriptionType=PayAsYouGo", &[&used]),
        ("ProductCode=slb Region=cn-hangzhou", &[&balancer]),
        ("ProductCode=slb Region=cn-beijing", &[&far]),
        ("ProductCode=slb SubscriptionType=Subscription", &[&balancer]),
        ("ProductCode=eip", &[&eip]),
        ("ProductCode=rds", &[]),
        ("ProductCode=slb ProductType=rds", &[]),
        ("SubscriptionType=Nonsense", &[]),
        ("RenewStatus=AutoRenewal", &[&kept]),
        ("RenewStatus=ManualRenewal", &[&year]),
        ("ProductCode=ecs PageSize=2", &[&kept, &year]),
        ("ProductCode=ecs PageSize=2 PageNum=2", &[&used]),
        ("ProductCode=ecs PageSize=2 PageNum=3", &[]),
        (&format!("InstanceIDs={eip},{used},nobody"), &[&used, &eip]),
        (&format!("ProductCode=eip {start} {end}{made}"), &[&eip]),
        ("CreateTimeStart=2126-01-01T00:00:00Z", &[]),
        ("CreateTimeEnd=1971-01-01T00:00:00Z", &[]),
        (&format!("EndTimeEnd={}", bought(1)), &[&kept, &balancer, &eip]),
        (&format!("EndTimeStart={}", bought(12)), &[&year]),
    ];
    for (filter, wanted) in rows {
        let wanted: Vec<String> = wanted.iter().map(|id| (*id).clone()).collect();
        let total = if filter.contains("PageSize") { 3 } else { wanted.len() as u64 };
        assert_eq!(a.paid(filter).await, (total, wanted), "{filter}");
    }

    let data = a.ask("BssOpenApi QueryAvailableInstances ProductCode=ecs PageSize=1").await["Data"].clone();
    assert_eq!((&data["PageNum"], &data["PageSize"]), (&json!(1), &json!(1)));
    let exact = json!({
        "InstanceID": kept, "Region": "cn-hangzhou", "ProductCode": "ecs", "ProductType": "ecs",
        "SubscriptionType": "Subscription", "RenewStatus": "AutoRenewal", "CreateTime": made,
        "EndTime": bought(1), "OwnerId": 1_000_000_000_000_001_u64,
    });
    assert_eq!(data["InstanceList"][0], exact);
    // What is gone, or paid otherwise, is told so at once.
    a.ask(&format!("Ecs DeleteInstance InstanceId={used} Force=true")).await;
    let change =
        format!("LoadBalancerId={far} RegionId=cn-beijing PayType=PrePay Duration=1 PricingCycle=month");
    a.ask(&format!("Slb ModifyLoadBalancerPayType {change}")).await;
    assert_eq!(a.paid("SubscriptionType=PayAsYouGo").await, (0, vec![]));
    // Another account pays for nothing of it.
    let path = "/?Action=QueryAvailableInstances&Version=2017-12-14&Format=JSON&AccessKeyId=w-default-a-7";
    let other = Client::new(&server).send("POST", path, None).await.expect(200);
    assert_eq!(other["Data"]["TotalCount"], 0);
    server.stop().await.unwrap();
}

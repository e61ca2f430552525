package clients

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/ecs"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/vpc"
)

// old is an account seen through alibaba-cloud-sdk-go, the SDK of the cloud controller manager and of Terway:
// HMAC-SHA1, everything in the query.
type old struct {
	*testing.T
	vpc *vpc.Client
	ecs *ecs.Client
}

func newOld(t *testing.T) old {
	config := sdk.NewConfig().WithScheme("HTTP").WithAutoRetry(false)
	keys := credentials.NewAccessKeyCredential(key(), "any")
	v := must[*vpc.Client](t)(vpc.NewClientWithOptions(region, config, keys))
	e := must[*ecs.Client](t)(ecs.NewClientWithOptions(region, config, keys))
	v.Domain, e.Domain = endpoint(t), endpoint(t)
	return old{t, v, e}
}

func (c old) newVpc() (string, string) {
	r := vpc.CreateCreateVpcRequest()
	r.CidrBlock = "10.0.0.0/8"
	made := must[*vpc.CreateVpcResponse](c.T)(c.vpc.CreateVpc(r))
	until(c.T, func() string {
		r := vpc.CreateDescribeVpcAttributeRequest()
		r.VpcId = made.VpcId
		return must[*vpc.DescribeVpcAttributeResponse](c.T)(c.vpc.DescribeVpcAttribute(r)).Status
	}, "Available")
	return made.VpcId, made.RouteTableId
}

func (c old) newVSwitch(vpcID, block string) string {
	r := vpc.CreateCreateVSwitchRequest()
	r.VpcId, r.ZoneId, r.CidrBlock = vpcID, zone, block
	id := must[*vpc.CreateVSwitchResponse](c.T)(c.vpc.CreateVSwitch(r)).VSwitchId
	until(c.T, func() string {
		r := vpc.CreateDescribeVSwitchesRequest()
		r.VSwitchId = id
		found := must[*vpc.DescribeVSwitchesResponse](c.T)(c.vpc.DescribeVSwitches(r))
		return found.VSwitches.VSwitch[0].Status
	}, "Available")
	return id
}

func (c old) newGroup(vpcID string) string {
	r := ecs.CreateCreateSecurityGroupRequest()
	r.VpcId = vpcID
	return must[*ecs.CreateSecurityGroupResponse](c.T)(c.ecs.CreateSecurityGroup(r)).SecurityGroupId
}

func (c old) newInstances(vswitch, group, kind string, amount int) []string {
	r := ecs.CreateRunInstancesRequest()
	r.VSwitchId, r.SecurityGroupId, r.InstanceType = vswitch, group, kind
	r.Amount = requests.NewInteger(amount)
	images := must[*ecs.DescribeImagesResponse](c.T)(c.ecs.DescribeImages(ecs.CreateDescribeImagesRequest()))
	r.ImageId = images.Images.Image[0].ImageId
	made := must[*ecs.RunInstancesResponse](c.T)(c.ecs.RunInstances(r))
	for _, id := range made.InstanceIdSets.InstanceIdSet {
		until(c.T, func() string { return c.instance(id).Status }, "Running")
	}
	return made.InstanceIdSets.InstanceIdSet
}

func (c old) instance(id string) ecs.Instance {
	r := ecs.CreateDescribeInstancesRequest()
	ids, _ := json.Marshal([]string{id})
	r.InstanceIds = string(ids)
	found := must[*ecs.DescribeInstancesResponse](c.T)(c.ecs.DescribeInstances(r)).Instances.Instance
	if len(found) != 1 {
		c.Fatalf("%d instances are called %s", len(found), id)
	}
	return found[0]
}

// eni is the interface, or none if it is gone.
func (c old) eni(id string) *ecs.NetworkInterfaceSet {
	r := ecs.CreateDescribeNetworkInterfacesRequest()
	r.NetworkInterfaceId = &[]string{id}
	found := must[*ecs.DescribeNetworkInterfacesResponse](c.T)(c.ecs.DescribeNetworkInterfaces(r))
	if len(found.NetworkInterfaceSets.NetworkInterfaceSet) == 0 {
		return nil
	}
	return &found.NetworkInterfaceSets.NetworkInterfaceSet[0]
}

func code(err error) string {
	var server *sdkerrors.ServerError
	if errors.As(err, &server) {
		return server.ErrorCode()
	}
	return fmt.Sprint(err)
}

// A route controller gives each node's pod network a route, lists them in pages, and takes one away.
func TestOldRouteController(t *testing.T) {
	c := newOld(t)
	vpcID, table := c.newVpc()
	nodes := c.newInstances(c.newVSwitch(vpcID, "10.0.1.0/24"), c.newGroup(vpcID), "ecs.g7.large", 3)

	batch := vpc.CreateCreateRouteEntriesRequest()
	entries := []vpc.CreateRouteEntriesRouteEntries{}
	for n, node := range nodes {
		entries = append(entries, vpc.CreateRouteEntriesRouteEntries{
			RouteTableId: table, DstCidrBlock: fmt.Sprintf("172.20.%d.0/24", n), NextHop: node, NextHopType: "Instance",
		})
	}
	batch.RouteEntries = &entries
	made := must[*vpc.CreateRouteEntriesResponse](t)(c.vpc.CreateRouteEntries(batch))
	if len(made.RouteEntryIds) != 3 || len(made.FailedRouteEntries) != 0 {
		t.Fatalf("%v", made)
	}
	again := must[*vpc.CreateRouteEntriesResponse](t)(c.vpc.CreateRouteEntries(batch))
	for _, failed := range again.FailedRouteEntries {
		if failed.FailedCode != "VPC_ROUTE_ENTRY_CIDR_BLOCK_DUPLICATE" && failed.FailedCode != "VPC_ROUTE_ENTRY_STATUS_ERROR" {
			t.Errorf("the controller does not know %s", failed.FailedCode)
		}
	}

	list := func() map[string]string {
		seen := map[string]string{}
		r := vpc.CreateDescribeRouteEntryListRequest()
		r.RouteTableId, r.RouteEntryType, r.NextHopType, r.MaxResult = table, "Custom", "Instance", requests.NewInteger(2)
		for {
			page := must[*vpc.DescribeRouteEntryListResponse](t)(c.vpc.DescribeRouteEntryList(r))
			for _, entry := range page.RouteEntrys.RouteEntry {
				seen[entry.DestinationCidrBlock] = entry.NextHops.NextHop[0].NextHopId
			}
			if page.NextToken == "" {
				return seen
			}
			r.NextToken = page.NextToken
		}
	}
	if seen := list(); len(seen) != 3 || seen["172.20.1.0/24"] != nodes[1] {
		t.Fatalf("%v", seen)
	}

	until(t, func() string {
		gone := vpc.CreateDeleteRouteEntryRequest()
		gone.RouteTableId, gone.DestinationCidrBlock, gone.NextHopId = table, "172.20.1.0/24", nodes[1]
		_, err := c.vpc.DeleteRouteEntry(gone)
		return code(err)
	}, "InvalidRouteEntry.NotFound")
	if seen := list(); len(seen) != 2 {
		t.Fatalf("%v", seen)
	}
}

// A pod network daemon makes an interface, attaches it, takes addresses, and gives everything back.
func TestOldInterfaceLifeCycle(t *testing.T) {
	c := newOld(t)
	vpcID, _ := c.newVpc()
	vswitch, group := c.newVSwitch(vpcID, "10.0.1.0/24"), c.newGroup(vpcID)
	node := c.newInstances(vswitch, group, "ecs.g7.xlarge", 1)[0]

	create := func() *ecs.CreateNetworkInterfaceRequest {
		r := ecs.CreateCreateNetworkInterfaceRequest()
		r.VSwitchId, r.SecurityGroupIds, r.InstanceType = vswitch, &[]string{group}, "Secondary"
		r.SecondaryPrivateIpAddressCount = requests.NewInteger(2)
		r.Tag = &[]ecs.CreateNetworkInterfaceTag{{Key: "creator", Value: "terway"}}
		r.ClientToken = "one-token-" + vswitch
		return r
	}
	made := must[*ecs.CreateNetworkInterfaceResponse](t)(c.ecs.CreateNetworkInterface(create()))
	again := must[*ecs.CreateNetworkInterfaceResponse](t)(c.ecs.CreateNetworkInterface(create()))
	if made.NetworkInterfaceId != again.NetworkInterfaceId {
		t.Fatalf("the token made two: %s, %s", made.NetworkInterfaceId, again.NetworkInterfaceId)
	}
	other := create()
	other.SecondaryPrivateIpAddressCount = requests.NewInteger(3)
	if _, err := c.ecs.CreateNetworkInterface(other); code(err) != "IdempotentFailed" {
		t.Fatalf("%v", err)
	}
	id := made.NetworkInterfaceId
	if len(made.PrivateIpSets.PrivateIpSet) != 3 || made.MacAddress == "" || made.ZoneId != zone {
		t.Fatalf("%v", made)
	}

	attach := ecs.CreateAttachNetworkInterfaceRequest()
	attach.NetworkInterfaceId, attach.InstanceId = id, node
	must[*ecs.AttachNetworkInterfaceResponse](t)(c.ecs.AttachNetworkInterface(attach))
	until(t, func() string { return c.eni(id).Status }, "InUse")

	assign := ecs.CreateAssignPrivateIpAddressesRequest()
	assign.NetworkInterfaceId, assign.SecondaryPrivateIpAddressCount = id, requests.NewInteger(5)
	got := must[*ecs.AssignPrivateIpAddressesResponse](t)(c.ecs.AssignPrivateIpAddresses(assign))
	addresses := got.AssignedPrivateIpAddressesSet.PrivateIpSet.PrivateIpAddress
	if len(addresses) != 5 {
		t.Fatalf("%v", got)
	}
	prefix := ecs.CreateAssignPrivateIpAddressesRequest()
	prefix.NetworkInterfaceId, prefix.Ipv4PrefixCount = id, requests.NewInteger(1)
	if got := must[*ecs.AssignPrivateIpAddressesResponse](t)(c.ecs.AssignPrivateIpAddresses(prefix)); len(got.AssignedPrivateIpAddressesSet.Ipv4PrefixSet.Ipv4Prefixes) != 1 {
		t.Fatalf("%v", got)
	}
	assign.SecondaryPrivateIpAddressCount = requests.NewInteger(30)
	if _, err := c.ecs.AssignPrivateIpAddresses(assign); code(err) != "InvalidOperation.Ipv4CountExceeded" {
		t.Fatalf("%v", err)
	}
	unassign := ecs.CreateUnassignPrivateIpAddressesRequest()
	unassign.NetworkInterfaceId, unassign.PrivateIpAddress = id, &addresses
	must[*ecs.UnassignPrivateIpAddressesResponse](t)(c.ecs.UnassignPrivateIpAddresses(unassign))
	if _, err := c.ecs.UnassignPrivateIpAddresses(unassign); code(err) != "InvalidIp.IpUnassigned" {
		t.Fatalf("%v", err)
	}

	detach := ecs.CreateDetachNetworkInterfaceRequest()
	detach.NetworkInterfaceId, detach.InstanceId = id, node
	must[*ecs.DetachNetworkInterfaceResponse](t)(c.ecs.DetachNetworkInterface(detach))
	until(t, func() string { return c.eni(id).Status }, "Available")
	gone := ecs.CreateDeleteNetworkInterfaceRequest()
	gone.NetworkInterfaceId = id
	must[*ecs.DeleteNetworkInterfaceResponse](t)(c.ecs.DeleteNetworkInterface(gone))
	until(t, func() bool { return c.eni(id) == nil }, true)
	if _, err := c.ecs.DeleteNetworkInterface(gone); err != nil && code(err) != "InvalidEniId.NotFound" {
		t.Fatalf("%v", err)
	}
}

// A node controller lists instances in pages of a hundred and stops at a page that is not full.
func TestOldNodeController(t *testing.T) {
	c := newOld(t)
	vpcID, _ := c.newVpc()
	nodes := c.newInstances(c.newVSwitch(vpcID, "10.0.0.0/22"), c.newGroup(vpcID), "ecs.g7.large", 5)
	ids, _ := json.Marshal(nodes)
	r := ecs.CreateDescribeInstancesRequest()
	r.InstanceIds, r.MaxResults, r.AdditionalAttributes = string(ids), requests.NewInteger(100), &[]string{"NETWORK_PRIMARY_ENI_IP"}
	page := must[*ecs.DescribeInstancesResponse](t)(c.ecs.DescribeInstances(r))
	if len(page.Instances.Instance) != 5 || page.NextToken != "" || page.PageSize == 0 {
		t.Fatalf("%d instances, token %q, page size %d", len(page.Instances.Instance), page.NextToken, page.PageSize)
	}
	for _, node := range page.Instances.Instance {
		if len(node.VpcAttributes.PrivateIpAddress.IpAddress) != 1 || len(node.NetworkInterfaces.NetworkInterface) != 1 {
			t.Errorf("%s has no address or interface", node.InstanceId)
		}
		if node.ZoneId != zone || node.RegionId != region || node.InstanceType != "ecs.g7.large" {
			t.Errorf("%v", node)
		}
	}

	types := ecs.CreateDescribeInstanceTypesRequest()
	types.InstanceTypes = &[]string{"ecs.g7.large"}
	known := must[*ecs.DescribeInstanceTypesResponse](t)(c.ecs.DescribeInstanceTypes(types)).InstanceTypes.InstanceType
	if len(known) != 1 || known[0].EniQuantity < 2 || known[0].EniPrivateIpAddressQuantity < 2 {
		t.Fatalf("%v", known)
	}
}

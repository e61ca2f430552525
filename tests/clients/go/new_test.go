package clients

import (
	"errors"
	"testing"

	"github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	ecs "github.com/alibabacloud-go/ecs-20140526/v7/client"
	"github.com/alibabacloud-go/tea/dara"
	"github.com/alibabacloud-go/tea/tea"
	vpc "github.com/alibabacloud-go/vpc-20160428/v6/client"
)

func newClients(t *testing.T) (*vpc.Client, *ecs.Client) {
	config := func() *utils.Config {
		return &utils.Config{
			AccessKeyId: dara.String(key()), AccessKeySecret: dara.String("any"), Endpoint: dara.String(endpoint(t)),
			Protocol: dara.String("http"), RegionId: dara.String(region),
		}
	}
	same := config()
	return must[*vpc.Client](t)(vpc.NewClient(same)), must[*ecs.Client](t)(ecs.NewClient(same))
}

// From a VPC to an interface and back, with the typed packages: ACS3-HMAC-SHA256.
func TestNewTopology(t *testing.T) {
	v, e := newClients(t)
	in := dara.String(region)
	made := must[*vpc.CreateVpcResponse](t)(v.CreateVpc(&vpc.CreateVpcRequest{
		RegionId: in, CidrBlock: dara.String("10.0.0.0/8"), VpcName: dara.String("prod"),
		Tag: []*vpc.CreateVpcRequestTag{{Key: dara.String("env"), Value: dara.String("prod")}},
	})).Body
	until(t, func() string {
		shown := must[*vpc.DescribeVpcAttributeResponse](t)(v.DescribeVpcAttribute(&vpc.DescribeVpcAttributeRequest{RegionId: in, VpcId: made.VpcId}))
		return dara.StringValue(shown.Body.Status)
	}, "Available")

	vswitch := must[*vpc.CreateVSwitchResponse](t)(v.CreateVSwitch(&vpc.CreateVSwitchRequest{
		RegionId: in, VpcId: made.VpcId, ZoneId: dara.String(zone), CidrBlock: dara.String("10.0.1.0/24"),
	})).Body.VSwitchId
	until(t, func() string {
		shown := must[*vpc.DescribeVSwitchAttributesResponse](t)(v.DescribeVSwitchAttributes(&vpc.DescribeVSwitchAttributesRequest{RegionId: in, VSwitchId: vswitch}))
		return dara.StringValue(shown.Body.Status)
	}, "Available")

	group := must[*ecs.CreateSecurityGroupResponse](t)(e.CreateSecurityGroup(&ecs.CreateSecurityGroupRequest{RegionId: in, VpcId: made.VpcId})).Body.SecurityGroupId
	must[*ecs.AuthorizeSecurityGroupResponse](t)(e.AuthorizeSecurityGroup(&ecs.AuthorizeSecurityGroupRequest{
		RegionId: in, SecurityGroupId: group,
		Permissions: []*ecs.AuthorizeSecurityGroupRequestPermissions{{
			IpProtocol: dara.String("TCP"), PortRange: dara.String("443/443"), SourceCidrIp: dara.String("0.0.0.0/0"),
		}},
	}))
	eni := must[*ecs.CreateNetworkInterfaceResponse](t)(e.CreateNetworkInterface(&ecs.CreateNetworkInterfaceRequest{
		RegionId: in, VSwitchId: vswitch, SecurityGroupId: group, SecondaryPrivateIpAddressCount: dara.Int32(2),
	})).Body.NetworkInterfaceId

	_, err := v.DeleteVSwitch(&vpc.DeleteVSwitchRequest{RegionId: in, VSwitchId: vswitch})
	var refused *tea.SDKError
	if !errors.As(err, &refused) || dara.StringValue(refused.Code) != "DependencyViolation" || dara.IntValue(refused.StatusCode) != 400 {
		t.Fatalf("%#v", err)
	}

	must[*ecs.DeleteNetworkInterfaceResponse](t)(e.DeleteNetworkInterface(&ecs.DeleteNetworkInterfaceRequest{RegionId: in, NetworkInterfaceId: eni}))
	until(t, func() int32 {
		found := must[*ecs.DescribeNetworkInterfacesResponse](t)(e.DescribeNetworkInterfaces(&ecs.DescribeNetworkInterfacesRequest{RegionId: in, NetworkInterfaceId: []*string{eni}}))
		return dara.Int32Value(found.Body.TotalCount)
	}, 0)
	must[*ecs.DeleteSecurityGroupResponse](t)(e.DeleteSecurityGroup(&ecs.DeleteSecurityGroupRequest{RegionId: in, SecurityGroupId: group}))
	must[*vpc.DeleteVSwitchResponse](t)(v.DeleteVSwitch(&vpc.DeleteVSwitchRequest{RegionId: in, VSwitchId: vswitch}))
	until(t, func() int32 {
		found := must[*vpc.DescribeVSwitchesResponse](t)(v.DescribeVSwitches(&vpc.DescribeVSwitchesRequest{RegionId: in, VSwitchId: vswitch}))
		return dara.Int32Value(found.Body.TotalCount)
	}, 0)
	must[*vpc.DeleteVpcResponse](t)(v.DeleteVpc(&vpc.DeleteVpcRequest{RegionId: in, VpcId: made.VpcId}))
}

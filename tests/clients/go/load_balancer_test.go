package clients

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

const (
	otherZone = "cn-hangzhou-b"
	image     = "aliyun_3_x64_20G_alibase_20240819.vhd"
	outside   = "47.96.1.1"
	// The defaults: a probe every 2 s, 5 s for its answer, three of each for a verdict. Silence is known after three times
	// the answer's and twice the interval's, a refusal at once after the last interval.
	silent, refuses, answered = 19_000, 4_000, 4_000
	// Where the probe of an instant has had its answer, the next one comes so much later.
	interval = 2_000
)

// connections are the ways to call of both generations, by name.
var connections = map[string]func(*testing.T, string) generation{"new": newGeneric, "old": newServices}

// tier is a VPC with two zones, a pair of servers, and a load balancer with listeners of every kind in front of them.
type tier struct {
	*testing.T
	generation
	world, account                                       string
	vpc, group, lb, address, web, pair, acl, certificate string
	vswitches, servers                                   []string
}

// newTier makes it, in the world that everybody sees or in one whose clock stands until it is told to go on.
func newTier(t *testing.T, name string, timed bool) *tier {
	c := &tier{T: t, account: fmt.Sprint(3_000_000_000_000_000 + accounts.Add(1))}
	world := "default"
	if timed {
		made := native(t, "", "", "POST", "/v1/worlds", map[string]any{"clock": "manual", "throw_away": true})
		world = made.at("name").String()
		c.world = world
	}
	c.generation = connections[name](t, "w-"+world+"-a-"+c.account)
	c.network()
	c.balancer()
	c.listeners()
	return c
}

// do calls an action that has to be answered well.
func (c *tier) do(product, action string, p parameters) answer {
	c.Helper()
	said, err := c.call(product, action, p)
	if err != nil {
		c.Fatalf("%s: %v", action, err)
	}
	return said
}

// lbDo calls an action on the load balancer.
func (c *tier) lbDo(action string, p parameters) answer {
	c.Helper()
	own := parameters{"LoadBalancerId": c.lb}
	for name, value := range p {
		own[name] = value
	}
	return c.do("Slb", action, own)
}

// refused calls an action that has to be refused with this code.
func (c *tier) refused(code, product, action string, p parameters) {
	c.Helper()
	_, err := c.call(product, action, p)
	wantCode(c.T, err, code)
}

func (c *tier) is(seen, wanted any) {
	c.Helper()
	if fmt.Sprint(seen) != fmt.Sprint(wanted) {
		c.Fatalf("%v, not %v", seen, wanted)
	}
}

func text(value any) string {
	written, _ := json.Marshal(value)
	return string(written)
}

func (c *tier) network() {
	c.vpc = c.do("Vpc", "CreateVpc", parameters{"CidrBlock": "10.0.0.0/8"}).at("VpcId").String()
	until(c.T, func() string {
		return c.do("Vpc", "DescribeVpcAttribute", parameters{"VpcId": c.vpc}).at("Status").String()
	}, "Available")
	c.group = c.do("Ecs", "CreateSecurityGroup", parameters{"VpcId": c.vpc}).at("SecurityGroupId").String()
	for n, in := range []string{zone, otherZone} {
		block := fmt.Sprintf("10.0.%d.0/24", n+1)
		made := c.do("Vpc", "CreateVSwitch", parameters{"VpcId": c.vpc, "ZoneId": in, "CidrBlock": block}).at("VSwitchId").String()
		until(c.T, func() string {
			return c.do("Vpc", "DescribeVSwitchAttributes", parameters{"VSwitchId": made}).at("Status").String()
		}, "Available")
		server := c.do("Ecs", "RunInstances", parameters{
			"VSwitchId": made, "SecurityGroupId": c.group, "InstanceType": "ecs.g7.large", "ImageId": image,
		}).at("InstanceIdSets", "InstanceIdSet", 0).String()
		until(c.T, func() string {
			found := c.do("Ecs", "DescribeInstances", parameters{"InstanceIds": text([]string{server})})
			return found.at("Instances", "Instance", 0, "Status").String()
		}, "Running")
		c.vswitches, c.servers = append(c.vswitches, made), append(c.servers, server)
	}
}

func (c *tier) balancer() {
	asked := parameters{"AddressType": "internet", "LoadBalancerSpec": "slb.s1.small", "LoadBalancerName": "shop"}
	c.lb = c.do("Slb", "CreateLoadBalancer", asked).at("LoadBalancerId").String()
	c.address = c.lbDo("DescribeLoadBalancerAttribute", nil).at("Address").String()
	members, roles, pool := []any{}, []any{}, []any{}
	for n, server := range c.servers {
		members = append(members, map[string]any{"ServerId": server, "Port": 8080, "Weight": 100, "Type": "ecs"})
		role := []string{"Master", "Slave"}[n]
		roles = append(roles, map[string]any{"ServerId": server, "Port": 3306, "Weight": 100, "ServerType": role})
		pool = append(pool, map[string]any{"ServerId": server, "Weight": "100"})
	}
	web := parameters{"VServerGroupName": "web", "BackendServers": text(members)}
	c.web = c.lbDo("CreateVServerGroup", web).at("VServerGroupId").String()
	pair := parameters{"MasterSlaveServerGroupName": "database", "MasterSlaveBackendServers": text(roles)}
	c.pair = c.lbDo("CreateMasterSlaveServerGroup", pair).at("MasterSlaveServerGroupId").String()
	c.lbDo("AddBackendServers", parameters{"BackendServers": text(pool)})
	c.acl = c.do("Slb", "CreateAccessControlList", parameters{"AclName": "clients"}).at("AclId").String()
	entries := text([]any{map[string]any{"entry": "47.96.0.0/16", "comment": "customers"}})
	c.do("Slb", "AddAccessControlListEntry", parameters{"AclId": c.acl, "AclEntrys": entries})
	read := func(name string) string {
		return string(must[[]byte](c.T)(os.ReadFile(filepath.Join("..", "..", "data", "certificates", name))))
	}
	files := parameters{"ServerCertificate": read("server.pem"), "PrivateKey": read("server.key")}
	c.certificate = c.do("Slb", "UploadServerCertificate", files).at("ServerCertificateId").String()
}

func (c *tier) listeners() {
	check := parameters{"HealthCheck": "on", "HealthCheckURI": "/healthz", "HealthCheckTimeout": "5", "HealthCheckInterval": "2"}
	create := func(kind, port string, parts ...parameters) {
		whole := parameters{"ListenerPort": port, "Bandwidth": "-1", "Scheduler": "rr"}
		for _, part := range parts {
			for name, value := range part {
				whole[name] = value
			}
		}
		c.lbDo("CreateLoadBalancer"+kind+"Listener", whole)
		c.lbDo("StartLoadBalancerListener", parameters{"ListenerPort": port})
	}
	create("TCP", "81", parameters{"VServerGroupId": c.web})
	create("TCP", "3306", parameters{"MasterSlaveServerGroupId": c.pair})
	create("UDP", "53", parameters{"BackendServerPort": "53"})
	create("HTTP", "80", parameters{"VServerGroupId": c.web, "StickySession": "off"}, check)
	access := parameters{"AclStatus": "on", "AclType": "white", "AclId": c.acl}
	secure := parameters{"BackendServerPort": "8080", "ServerCertificateId": c.certificate, "StickySession": "off"}
	create("HTTPS", "443", secure, check, access)
	rules := text([]any{map[string]any{"RuleName": "cart", "Domain": "shop.example", "Url": "/cart", "VServerGroupId": c.web}})
	c.lbDo("CreateRules", parameters{"ListenerPort": "80", "RuleList": rules})
}

// health is the word for each server of a listener.
func (c *tier) health(port string) []string {
	words := make([]string, len(c.servers))
	found := c.lbDo("DescribeHealthStatus", parameters{"ListenerPort": port}).at("BackendServers", "BackendServer")
	for _, shown := range found.items() {
		for n, server := range c.servers {
			if shown.at("ServerId").String() == server {
				words[n] = shown.at("ServerHealthStatus").String()
			}
		}
	}
	return words
}

func (c *tier) native(method, path string, body any) answer {
	c.Helper()
	return native(c.T, c.world, c.account, method, path, body)
}

func (c *tier) advance(milliseconds int) {
	c.Helper()
	c.native("POST", "/v1/clock/advance", map[string]any{"milliseconds": milliseconds})
}

// trace is what becomes of a packet from the internet: the word of its end, and the server that was chosen.
func (c *tier) trace(port int, client string) []string {
	c.Helper()
	flow := map[string]any{"source_address": client, "destination": c.address, "port": port}
	item := c.native("POST", "/v1/traces", map[string]any{"flows": []any{flow}}).at("items", 0)
	end := []string{item.at("end", "kind").String()}
	for _, step := range item.at("forward").items() {
		if step.at("kind").String() == "balanced" {
			end = append(end, step.at("server_id").String())
		}
	}
	return end
}

// shares are how many of 200 connections in ten seconds each server of a TCP listener takes.
func (c *tier) shares(port int) []string {
	c.Helper()
	report := c.native("POST", "/v1/traffic", map[string]any{
		"seed": 1, "duration": "10s", "clients": map[string]any{"number": 100, "rate": 20},
		"of_world": map[string]any{"load_balancer_id": c.lb, "port": port, "protocol": "tcp"},
	})
	c.is(report.at("failed"), 0)
	taken := make([]string, len(c.servers))
	for _, backend := range report.at("backends").items() {
		for n, server := range c.servers {
			if strings.HasPrefix(backend.at("name").String(), server) {
				taken[n] = backend.at("taken").String()
			}
		}
	}
	return taken
}

// A web tier is made, looked at in pages, and taken away in the documented order.
func TestLoadBalancer(t *testing.T) {
	for name := range connections {
		t.Run(name+"-life", func(t *testing.T) { life(newTier(t, name, false)) })
		for behaviour, after := range map[string]int{"silent": silent, "refuses": refuses} {
			t.Run(name+"-"+behaviour, func(t *testing.T) { fails(newTier(t, name, true), behaviour, after) })
		}
		t.Run(name+"-primary-secondary", func(t *testing.T) { failsOver(newTier(t, name, true)) })
	}
}

func life(c *tier) {
	shown := c.lbDo("DescribeLoadBalancerAttribute", nil)
	c.is([]any{shown.at("LoadBalancerName"), shown.at("AddressType"), shown.at("LoadBalancerStatus")}, "[shop internet active]")
	https := c.lbDo("DescribeLoadBalancerHTTPSListenerAttribute", parameters{"ListenerPort": "443"})
	c.is([]any{https.at("ServerCertificateId"), https.at("AclId"), https.at("Status")}, []any{c.certificate, c.acl, "running"})
	rules := c.lbDo("DescribeRules", parameters{"ListenerPort": "80"}).at("Rules", "Rule").items()
	c.is([]any{len(rules), rules[0].at("RuleName"), rules[0].at("VServerGroupId")}, []any{1, "cart", c.web})
	seen := []string{}
	for next := "first"; next != ""; {
		page := parameters{"MaxResults": "2"}
		if next != "first" {
			page["NextToken"] = next
		}
		found := c.do("Slb", "DescribeLoadBalancerListeners", page)
		for _, listener := range found.at("Listeners").items() {
			seen = append(seen, listener.at("ListenerPort").String())
		}
		next, _ = found.at("NextToken").value.(string)
	}
	sort.Strings(seen)
	c.is(seen, "[3306 443 53 80 81]")
	c.takeAway()
}

func (c *tier) takeAway() {
	c.refused("RspoolVipExist", "Slb", "DeleteVServerGroup", parameters{"VServerGroupId": c.web})
	c.refused("OperationFailed.AclBindedWithVip", "Slb", "DeleteAccessControlList", parameters{"AclId": c.acl})
	certificate := parameters{"ServerCertificateId": c.certificate}
	c.refused("CertificateAndPrivateKeyIsRefered", "Slb", "DeleteServerCertificate", certificate)
	for _, port := range []string{"80", "81", "443", "53", "3306"} {
		c.lbDo("DeleteLoadBalancerListener", parameters{"ListenerPort": port})
	}
	c.do("Slb", "DeleteVServerGroup", parameters{"VServerGroupId": c.web})
	c.do("Slb", "DeleteMasterSlaveServerGroup", parameters{"MasterSlaveServerGroupId": c.pair})
	c.do("Slb", "DeleteAccessControlList", parameters{"AclId": c.acl})
	c.do("Slb", "DeleteServerCertificate", certificate)
	c.lbDo("DeleteLoadBalancer", nil)
	c.refused("InvalidLoadBalancerId.NotFound", "Slb", "DescribeLoadBalancerAttribute", parameters{"LoadBalancerId": c.lb})
	for _, server := range c.servers {
		c.do("Ecs", "DeleteInstance", parameters{"InstanceId": server, "Force": "true"})
	}
	c.do("Ecs", "DeleteSecurityGroup", parameters{"SecurityGroupId": c.group})
	for _, vswitch := range c.vswitches {
		c.do("Vpc", "DeleteVSwitch", parameters{"VSwitchId": vswitch})
		until(c.T, func() string {
			return c.do("Vpc", "DescribeVSwitches", parameters{"VSwitchId": vswitch}).at("TotalCount").String()
		}, "0")
	}
	c.do("Vpc", "DeleteVpc", parameters{"VpcId": c.vpc})
}

// A backend that fails gets no traffic after the documented time, and comes back.
func fails(c *tier, behaviour string, after int) {
	c.is(c.health("81"), "[unavailable unavailable]")
	c.advance(10_000)
	c.is(c.health("81"), "[normal normal]")
	first, second := c.servers[0], c.servers[1]
	c.is(c.trace(81, outside), []string{"delivered", first})
	c.is(c.trace(443, "47.97.1.1"), "[listener_access_drop]")
	port := "/v1/instances/" + first + "/ports/tcp/8080"
	c.native("PUT", port, map[string]any{"behaviour": behaviour})
	c.advance(interval + after - 1)
	c.is(c.health("81"), "[normal normal]")
	c.advance(1)
	for _, listener := range []int{80, 81, 443} {
		c.is(c.health(fmt.Sprint(listener)), "[abnormal normal]")
		c.is(c.trace(listener, outside), []string{"delivered", second})
	}
	c.is(c.shares(81), "[0 200]")
	c.advance(500)
	c.native("DELETE", port, nil)
	c.advance(1_500 + answered - 1)
	c.is(c.health("81"), "[abnormal normal]")
	c.advance(1)
	c.is(c.health("81"), "[normal normal]")
	c.is(c.trace(81, outside), []string{"delivered", first})
}

// The secondary serves while the primary fails.
func failsOver(c *tier) {
	c.advance(10_000)
	c.is(c.health("3306"), "[normal unavailable]")
	c.is(c.trace(3306, outside), []string{"delivered", c.servers[0]})
	c.native("PUT", "/v1/instances/"+c.servers[0]+"/ports/tcp/3306", map[string]any{"behaviour": "refuses"})
	c.advance(interval + refuses)
	c.is(c.health("3306"), "[abnormal unavailable]")
	c.is(c.trace(3306, outside), []string{"delivered", c.servers[1]})
	c.is(c.shares(3306), "[0 200]")
}

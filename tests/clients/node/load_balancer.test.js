// A web tier over its life: made, looked at, a backend fails and comes back, traffic follows, and all is taken away.
'use strict';

const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { Cloud, Refused, until } = require('./sdk');

const ZONES = ['cn-hangzhou-k', 'cn-hangzhou-b'];
const IMAGE = 'aliyun_3_x64_20G_alibase_20240819.vhd';
const CLIENT = '47.96.1.1';
const pem = (name) => readFileSync(path.join(__dirname, '../../data/certificates', name), 'utf8');

// The defaults: a probe every 2 s, 5 s for its answer, three of each for a verdict. Silence is known after three times the
// answer's and twice the interval's, a refusal at once after the last interval.
const [SILENT, REFUSED, ANSWERED] = [19_000, 4_000, 4_000];
// Where the probe of an instant has had its answer, the next one comes so much later.
const INTERVAL = 2_000;

async function refused(code, status, call) {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof Refused, error.stack);
    assert.equal(error.code, code, error.message);
    if (error.status !== undefined) assert.equal(error.status, status, error.message);
    return true;
  });
}

/** A VPC with two zones, a pair of servers, and a load balancer with listeners of every kind in front of them. */
class WebTier {
  static async of(cloud) {
    const tier = new WebTier();
    tier.cloud = cloud;
    await tier.network();
    await tier.servers();
    await tier.balancer();
    return tier;
  }

  async network() {
    const { cloud } = this;
    this.vpc = (await cloud.vpc('CreateVpc', { CidrBlock: '10.0.0.0/8' })).VpcId;
    await until(async () => (await cloud.vpc('DescribeVpcAttribute', { VpcId: this.vpc })).Status, 'Available');
    this.vswitches = [];
    for (const [at, ZoneId] of ZONES.entries()) {
      const { VSwitchId } = await cloud.vpc('CreateVSwitch', { VpcId: this.vpc, ZoneId, CidrBlock: `10.0.${at + 1}.0/24` });
      await until(async () => (await cloud.vpc('DescribeVSwitchAttributes', { VSwitchId })).Status, 'Available');
      this.vswitches.push(VSwitchId);
    }
    this.group = (await cloud.ecs('CreateSecurityGroup', { VpcId: this.vpc })).SecurityGroupId;
  }

  async servers() {
    this.web = [];
    for (const VSwitchId of this.vswitches) {
      const wanted = { VSwitchId, SecurityGroupId: this.group, InstanceType: 'ecs.g7.large', ImageId: IMAGE, Amount: 1 };
      const [server] = (await this.cloud.ecs('RunInstances', wanted)).InstanceIdSets.InstanceIdSet;
      const look = () => this.cloud.ecs('DescribeInstanceStatus', { InstanceId: [server] });
      await until(async () => (await look()).InstanceStatuses.InstanceStatus[0]?.Status, 'Running');
      this.web.push(server);
    }
  }

  async balancer() {
    const { slb } = this;
    const asked = { AddressType: 'internet', LoadBalancerSpec: 'slb.s1.small', LoadBalancerName: 'shop' };
    this.lb = (await this.cloud.slb('CreateLoadBalancer', asked)).LoadBalancerId;
    this.address = (await this.call('DescribeLoadBalancerAttribute')).Address;
    const members = this.web.map((ServerId) => ({ ServerId, Port: 8080, Weight: 100, Type: 'ecs' }));
    const made = await this.call('CreateVServerGroup', { VServerGroupName: 'web', BackendServers: JSON.stringify(members) });
    this.webGroup = made.VServerGroupId;
    const roles = this.web.map((ServerId, at) => ({ ServerId, Port: 3306, Weight: 100, ServerType: ['Master', 'Slave'][at] }));
    const pair = { MasterSlaveServerGroupName: 'database', MasterSlaveBackendServers: JSON.stringify(roles) };
    this.pair = (await this.call('CreateMasterSlaveServerGroup', pair)).MasterSlaveServerGroupId;
    const pool = this.web.map((ServerId) => ({ ServerId, Weight: '100' }));
    await this.call('AddBackendServers', { BackendServers: JSON.stringify(pool) });
    this.acl = (await slb('CreateAccessControlList', { AclName: 'clients' })).AclId;
    const entries = JSON.stringify([{ entry: '47.96.0.0/16', comment: 'customers' }]);
    await slb('AddAccessControlListEntry', { AclId: this.acl, AclEntrys: entries });
    const files = { ServerCertificate: pem('server.pem'), PrivateKey: pem('server.key') };
    this.certificate = (await slb('UploadServerCertificate', files)).ServerCertificateId;
    await this.listeners();
    const rules = [{ RuleName: 'cart', Domain: 'shop.example', Url: '/cart', VServerGroupId: this.webGroup }];
    await this.call('CreateRules', { ListenerPort: 80, RuleList: JSON.stringify(rules) });
  }

  async listeners() {
    const common = { Bandwidth: -1, Scheduler: 'rr' };
    const seven = { ...common, HealthCheck: 'on', HealthCheckURI: '/healthz', HealthCheckTimeout: 5, HealthCheckInterval: 2 };
    const access = { AclStatus: 'on', AclType: 'white', AclId: this.acl };
    const of = (kind, port, more) => this.call(`CreateLoadBalancer${kind}Listener`, { ListenerPort: port, ...more });
    await of('TCP', 81, { VServerGroupId: this.webGroup, ...common });
    await of('TCP', 3306, { MasterSlaveServerGroupId: this.pair, Bandwidth: -1 });
    await of('UDP', 53, { BackendServerPort: 53, ...common });
    await of('HTTP', 80, { VServerGroupId: this.webGroup, StickySession: 'off', ...seven });
    const secure = { BackendServerPort: 8080, ServerCertificateId: this.certificate, StickySession: 'off' };
    await of('HTTPS', 443, { ...secure, ...seven, ...access });
    for (const ListenerPort of [80, 81, 443, 53, 3306]) await this.call('StartLoadBalancerListener', { ListenerPort });
  }

  slb = (action, parameters) => this.cloud.slb(action, parameters);

  /** Calls an action on the load balancer. */
  call(action, parameters = {}) {
    return this.cloud.slb(action, { LoadBalancerId: this.lb, ...parameters });
  }

  /** The word for each server of a listener. */
  async health(port) {
    const shown = (await this.call('DescribeHealthStatus', { ListenerPort: port })).BackendServers.BackendServer;
    return this.web.map((server) => shown.find(({ ServerId }) => ServerId === server).ServerHealthStatus);
  }

  advance(milliseconds) {
    return this.cloud.native('/v1/clock/advance', 'POST', { milliseconds });
  }

  /** What becomes of a packet from the internet: the word of its end, and the server that was chosen. */
  async trace(port, client = CLIENT) {
    const flows = [{ source_address: client, destination: this.address, port }];
    const { items } = await this.cloud.native('/v1/traces', 'POST', { flows });
    return [items[0].end.kind, items[0].forward.find(({ kind }) => kind === 'balanced')?.server_id];
  }

  /** How many of 200 connections in ten seconds each server of a listener takes. */
  async shares(port) {
    const listener = { load_balancer_id: this.lb, port, protocol: 'tcp' };
    const scenario = { seed: 1, duration: '10s', clients: { number: 100, rate: 20 }, of_world: listener };
    const { backends, failed } = await this.cloud.native('/v1/traffic', 'POST', scenario);
    assert.equal(failed, 0);
    return this.web.map((server) => backends.find(({ name }) => name.startsWith(server)).taken);
  }

  async takeAway() {
    const { slb } = this;
    await refused('RspoolVipExist', 400, () => slb('DeleteVServerGroup', { VServerGroupId: this.webGroup }));
    await refused('OperationFailed.AclBindedWithVip', 400, () => slb('DeleteAccessControlList', { AclId: this.acl }));
    const certificate = { ServerCertificateId: this.certificate };
    await refused('CertificateAndPrivateKeyIsRefered', 400, () => slb('DeleteServerCertificate', certificate));
    for (const ListenerPort of [80, 81, 443, 53, 3306]) await this.call('DeleteLoadBalancerListener', { ListenerPort });
    await slb('DeleteVServerGroup', { VServerGroupId: this.webGroup });
    await slb('DeleteMasterSlaveServerGroup', { MasterSlaveServerGroupId: this.pair });
    await slb('DeleteAccessControlList', { AclId: this.acl });
    await slb('DeleteServerCertificate', certificate);
    await this.call('DeleteLoadBalancer');
    await refused('InvalidLoadBalancerId.NotFound', 404, () => this.call('DescribeLoadBalancerAttribute'));
    for (const InstanceId of this.web) await this.cloud.ecs('DeleteInstance', { InstanceId, Force: true });
    await this.cloud.ecs('DeleteSecurityGroup', { SecurityGroupId: this.group });
    for (const VSwitchId of this.vswitches) {
      await this.cloud.vpc('DeleteVSwitch', { VSwitchId });
      await until(async () => (await this.cloud.vpc('DescribeVSwitches', { VSwitchId })).TotalCount, 0);
    }
    await this.cloud.vpc('DeleteVpc', { VpcId: this.vpc });
  }
}

for (const generation of ['new', 'old']) {
  describe(`${generation}: load balancer`, () => {
    it(`${generation}: a web tier is made, shown and taken away`, async () => {
      const tier = await WebTier.of(new Cloud(generation));
      const shown = await tier.call('DescribeLoadBalancerAttribute');
      assert.deepEqual([shown.LoadBalancerName, shown.AddressType, shown.LoadBalancerStatus], ['shop', 'internet', 'active']);
      const ports = shown.ListenerPortsAndProtocol.ListenerPortAndProtocol;
      const kinds = ports.map(({ ListenerPort, ListenerProtocol }) => `${ListenerPort}/${ListenerProtocol}`);
      assert.deepEqual(kinds.sort(), ['3306/tcp', '443/https', '53/udp', '80/http', '81/tcp']);
      assert.deepEqual(shown.BackendServers.BackendServer.map(({ ServerId }) => ServerId).sort(), [...tier.web].sort());
      const https = await tier.call('DescribeLoadBalancerHTTPSListenerAttribute', { ListenerPort: 443 });
      assert.deepEqual([https.ServerCertificateId, https.AclId, https.Status], [tier.certificate, tier.acl, 'running']);
      const rules = (await tier.call('DescribeRules', { ListenerPort: 80 })).Rules.Rule;
      assert.deepEqual(rules.map(({ RuleName, VServerGroupId }) => [RuleName, VServerGroupId]), [['cart', tier.webGroup]]);
      const seen = [];
      for (let NextToken, first = true; first || NextToken; first = false) {
        const page = await tier.slb('DescribeLoadBalancerListeners', { MaxResults: 2, ...(NextToken && { NextToken }) });
        seen.push(...page.Listeners.map(({ ListenerPort }) => ListenerPort));
        NextToken = page.NextToken;
      }
      assert.deepEqual(seen.sort((a, b) => a - b), [53, 80, 81, 443, 3306]);
      await tier.takeAway();
    });

    for (const [behaviour, after] of [['silent', SILENT], ['refuses', REFUSED]]) {
      it(`${generation}: a backend that ${behaviour} gets no traffic after the documented time, and comes back`, async () => {
        const tier = await WebTier.of(await Cloud.timed(generation));
        assert.deepEqual(await tier.health(81), ['unavailable', 'unavailable']);
        await tier.advance(10_000);
        assert.deepEqual(await tier.health(81), ['normal', 'normal']);
        const [first, second] = tier.web;
        assert.deepEqual(await tier.trace(81), ['delivered', first]);
        const port = `/v1/instances/${first}/ports/tcp/8080`;
        await tier.cloud.native(port, 'PUT', { behaviour });
        await tier.advance(INTERVAL + after - 1);
        assert.deepEqual(await tier.health(81), ['normal', 'normal']);
        await tier.advance(1);
        for (const listener of [81, 80, 443]) {
          assert.deepEqual(await tier.health(listener), ['abnormal', 'normal'], `port ${listener}`);
          assert.deepEqual(await tier.trace(listener), ['delivered', second], `port ${listener}`);
        }
        assert.deepEqual(await tier.shares(81), [0, 200]);
        await tier.advance(500);
        await tier.cloud.native(port, 'DELETE');
        await tier.advance(1_500 + ANSWERED - 1);
        assert.deepEqual(await tier.health(81), ['abnormal', 'normal']);
        await tier.advance(1);
        assert.deepEqual(await tier.health(81), ['normal', 'normal']);
        assert.deepEqual(await tier.trace(81), ['delivered', first]);
      });
    }

    it(`${generation}: the secondary serves while the primary fails`, async () => {
      const tier = await WebTier.of(await Cloud.timed(generation));
      await tier.advance(10_000);
      const [primary, secondary] = tier.web;
      assert.deepEqual(await tier.health(3306), ['normal', 'unavailable']);
      assert.deepEqual(await tier.trace(3306), ['delivered', primary]);
      await tier.cloud.native(`/v1/instances/${primary}/ports/tcp/3306`, 'PUT', { behaviour: 'refuses' });
      await tier.advance(INTERVAL + REFUSED);
      assert.deepEqual(await tier.health(3306), ['abnormal', 'unavailable']);
      assert.deepEqual(await tier.trace(3306), ['delivered', secondary]);
      assert.deepEqual(await tier.shares(3306), [0, 200]);
    });

    it(`${generation}: a list and a stopped listener keep clients out`, async () => {
      const tier = await WebTier.of(await Cloud.timed(generation));
      await tier.advance(10_000);
      assert.equal((await tier.trace(443))[0], 'delivered');
      assert.equal((await tier.trace(443, '47.97.1.1'))[0], 'listener_access_drop');
      await tier.call('StopLoadBalancerListener', { ListenerPort: 443 });
      assert.equal((await tier.trace(443))[0], 'listener_stopped');
      await refused('CheckedListenerNotFound', 404, () => tier.call('DescribeHealthStatus', { ListenerPort: 82 }));
    });
  });
}

// From a VPC to a network interface on an instance and back, as a program of a user would do it.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { Cloud, Refused, until } = require('./sdk');

const ZONE = 'cn-hangzhou-k';

async function refused(code, status, call) {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof Refused, error.stack);
    assert.equal(error.code, code, error.message);
    if (error.status !== undefined) assert.equal(error.status, status, error.message);
    assert.ok(error.requestId);
    return true;
  });
}

async function newVpc(cloud, parameters = {}) {
  const { VpcId } = await cloud.vpc('CreateVpc', { CidrBlock: '10.0.0.0/8', ...parameters });
  await until(async () => (await cloud.vpc('DescribeVpcAttribute', { VpcId })).Status, 'Available');
  return VpcId;
}

async function newVSwitch(cloud, VpcId, CidrBlock) {
  const { VSwitchId } = await cloud.vpc('CreateVSwitch', { VpcId, ZoneId: ZONE, CidrBlock });
  await until(async () => (await cloud.vpc('DescribeVSwitchAttributes', { VSwitchId })).Status, 'Available');
  return VSwitchId;
}

/** Deletes, and again while something below is still on its way out, as controllers do. */
async function remove(call, gone) {
  await call();
  await until(gone, 0);
}

for (const generation of ['new', 'old']) {
  describe(generation, () => {
    it(`${generation}: a network from VPC to interface, and back`, async () => {
      const cloud = new Cloud(generation);
      const VpcId = await newVpc(cloud, { VpcName: 'prod', Tag: [{ Key: 'env', Value: 'prod' }] });
      const VSwitchId = await newVSwitch(cloud, VpcId, '10.0.1.0/24');
      const { SecurityGroupId } = await cloud.ecs('CreateSecurityGroup', { VpcId, SecurityGroupName: 'web' });
      await cloud.ecs('AuthorizeSecurityGroup', {
        SecurityGroupId,
        Permissions: [
          { IpProtocol: 'tcp', PortRange: '443/443', SourceCidrIp: '0.0.0.0/0', Priority: '1', Policy: 'accept' },
          { IpProtocol: 'icmp', PortRange: '-1/-1', SourceCidrIp: '10.0.0.0/8' },
        ],
      });
      const rules = await cloud.ecs('DescribeSecurityGroupAttribute', { SecurityGroupId, Direction: 'ingress' });
      assert.equal(rules.Permissions.Permission.length, 2);
      const made = await cloud.ecs('CreateNetworkInterface', {
        VSwitchId,
        SecurityGroupIds: [SecurityGroupId],
        SecondaryPrivateIpAddressCount: 3,
        Tag: [{ Key: 'creator', Value: 'test' }],
      });
      const { NetworkInterfaceId } = made;
      assert.match(made.MacAddress, /^00:16:3e:/);
      const look = async () => {
        const found = await cloud.ecs('DescribeNetworkInterfaces', { NetworkInterfaceId: [NetworkInterfaceId] });
        return found.NetworkInterfaceSets.NetworkInterfaceSet[0];
      };
      await until(async () => (await look()).Status, 'Available');
      const shown = await look();
      assert.equal(shown.PrivateIpSets.PrivateIpSet.length, 4);
      assert.deepEqual(shown.Tags.Tag, [{ TagKey: 'creator', TagValue: 'test' }]);
      assert.deepEqual(shown.SecurityGroupIds.SecurityGroupId, [SecurityGroupId]);

      await refused('DependencyViolation', 400, () => cloud.vpc('DeleteVSwitch', { VSwitchId }));
      await refused('DependencyViolation', 403, () => cloud.ecs('DeleteSecurityGroup', { SecurityGroupId }));
      await refused('DependencyViolation.VSwitch', 400, () => cloud.vpc('DeleteVpc', { VpcId }));

      await remove(
        () => cloud.ecs('DeleteNetworkInterface', { NetworkInterfaceId }),
        async () => (await cloud.ecs('DescribeNetworkInterfaces', { NetworkInterfaceId: [NetworkInterfaceId] })).TotalCount,
      );
      await cloud.ecs('DeleteSecurityGroup', { SecurityGroupId });
      await remove(
        () => cloud.vpc('DeleteVSwitch', { VSwitchId }),
        async () => (await cloud.vpc('DescribeVSwitches', { VSwitchId })).TotalCount,
      );
      await remove(
        () => cloud.vpc('DeleteVpc', { VpcId }),
        async () => (await cloud.vpc('DescribeVpcs', { VpcId })).TotalCount,
      );
    });

    it(`${generation}: an instance, a second interface on it, a route to it`, async () => {
      const cloud = new Cloud(generation);
      const VpcId = await newVpc(cloud);
      const VSwitchId = await newVSwitch(cloud, VpcId, '10.0.1.0/24');
      const { SecurityGroupId } = await cloud.ecs('CreateSecurityGroup', { VpcId });
      const run = await cloud.ecs('RunInstances', {
        VSwitchId,
        SecurityGroupId,
        InstanceType: 'ecs.g7.large',
        ImageId: (await cloud.ecs('DescribeImages', {})).Images.Image[0].ImageId,
        Amount: 1,
        InstanceName: 'node-1',
      });
      const [InstanceId] = run.InstanceIdSets.InstanceIdSet;
      const instance = async () =>
        (await cloud.ecs('DescribeInstances', { InstanceIds: JSON.stringify([InstanceId]) })).Instances.Instance[0];
      await until(async () => (await instance()).Status, 'Running');
      const { NetworkInterfaceId } = await cloud.ecs('CreateNetworkInterface', { VSwitchId, SecurityGroupId });
      const eni = async () =>
        (await cloud.ecs('DescribeNetworkInterfaces', { NetworkInterfaceId: [NetworkInterfaceId] })).NetworkInterfaceSets
          .NetworkInterfaceSet[0];
      await cloud.ecs('AttachNetworkInterface', { NetworkInterfaceId, InstanceId });
      await until(async () => (await eni()).Status, 'InUse');
      assert.equal((await eni()).InstanceId, InstanceId);

      const tables = await cloud.vpc('DescribeRouteTableList', { VpcId });
      const { RouteTableId } = tables.RouterTableList.RouterTableListType[0];
      const route = { RouteTableId, DestinationCidrBlock: '172.20.0.0/24' };
      await cloud.vpc('CreateRouteEntry', { ...route, NextHopType: 'Instance', NextHopId: InstanceId });
      const entry = async () =>
        (await cloud.vpc('DescribeRouteEntryList', { RouteTableId, RouteEntryType: 'Custom' })).RouteEntrys.RouteEntry[0];
      await until(async () => (await entry()).Status, 'Available');
      assert.equal((await entry()).NextHops.NextHop[0].NextHopId, InstanceId);
      await refused('InvalidCIDRBlock.Duplicate', 400, () =>
        cloud.vpc('CreateRouteEntry', { ...route, NextHopType: 'Instance', NextHopId: InstanceId }),
      );
      await refused('DependencyViolation.RouteEntry', 400, () => cloud.ecs('DeleteInstance', { InstanceId, Force: true }));

      await cloud.vpc('DeleteRouteEntry', { ...route, NextHopId: InstanceId });
      await until(async () => Boolean(await entry()), false);
      await cloud.ecs('DetachNetworkInterface', { NetworkInterfaceId, InstanceId });
      await until(async () => (await eni()).Status, 'Available');
      await cloud.ecs('DeleteNetworkInterface', { NetworkInterfaceId });
      await cloud.ecs('DeleteInstance', { InstanceId, Force: true });
      await until(async () => Boolean(await instance()), false);
      await cloud.ecs('DeleteSecurityGroup', { SecurityGroupId });
      await remove(
        () => cloud.vpc('DeleteVSwitch', { VSwitchId }),
        async () => (await cloud.vpc('DescribeVSwitches', { VSwitchId })).TotalCount,
      );
      await cloud.vpc('DeleteVpc', { VpcId });
    });

    it(`${generation}: pages hold every item once`, async () => {
      const cloud = new Cloud(generation);
      const VpcId = await newVpc(cloud);
      const VSwitchId = await newVSwitch(cloud, VpcId, '10.0.1.0/24');
      const { SecurityGroupId } = await cloud.ecs('CreateSecurityGroup', { VpcId });
      const made = new Set();
      for (let n = 0; n < 25; n++) {
        made.add((await cloud.ecs('CreateNetworkInterface', { VSwitchId, SecurityGroupId })).NetworkInterfaceId);
      }
      const seen = [];
      for (let NextToken, first = true; first || NextToken; first = false) {
        const page = await cloud.ecs('DescribeNetworkInterfaces', { VpcId, MaxResults: 10, ...(NextToken && { NextToken }) });
        seen.push(...page.NetworkInterfaceSets.NetworkInterfaceSet.map((eni) => eni.NetworkInterfaceId));
        NextToken = page.NextToken;
      }
      assert.equal(seen.length, 25);
      assert.deepEqual(new Set(seen), made);
      const third = await cloud.ecs('DescribeNetworkInterfaces', { VpcId, PageNumber: 3, PageSize: 10 });
      assert.deepEqual([third.TotalCount, third.NetworkInterfaceSets.NetworkInterfaceSet.length], [25, 5]);
    });

    it(`${generation}: a repeated token gives the first answer, other parameters are refused`, async () => {
      const cloud = new Cloud(generation);
      const ClientToken = 'a-token-of-this-case';
      const first = await cloud.vpc('CreateVpc', { CidrBlock: '10.0.0.0/8', ClientToken });
      const again = await cloud.vpc('CreateVpc', { CidrBlock: '10.0.0.0/8', ClientToken });
      assert.equal(again.VpcId, first.VpcId);
      assert.equal((await cloud.vpc('DescribeVpcs')).TotalCount, 1);
      await refused('IdempotentFailed', 400, () => cloud.vpc('CreateVpc', { CidrBlock: '10.0.0.0/9', ClientToken }));
    });

    it(`${generation}: bad input is refused with the provider's codes`, async () => {
      const cloud = new Cloud(generation);
      const VpcId = await newVpc(cloud);
      const rows = [
        ['InvalidParameter', 400, 'vpc', 'CreateVpc', { CidrBlock: '100.64.0.0/16' }],
        ['InvalidVpcId.NotFound', 404, 'vpc', 'CreateVSwitch', { VpcId: 'vpc-0', ZoneId: ZONE, CidrBlock: '10.0.0.0/24' }],
        ['InvalidCidrBlock.Malformed', 400, 'vpc', 'CreateVSwitch', { VpcId, ZoneId: ZONE, CidrBlock: '10.0.0.1/24' }],
        ['InvalidCirdrBlock.MaskLength', 400, 'vpc', 'CreateVSwitch', { VpcId, ZoneId: ZONE, CidrBlock: '10.0.0.0/15' }],
        ['InvalidVSwitchId.NotFound', 404, 'ecs', 'CreateNetworkInterface', { VSwitchId: 'vsw-0', SecurityGroupId: 'sg-0' }],
      ];
      for (const [code, status, product, action, parameters] of rows) {
        await refused(code, status, () => cloud[product](action, parameters));
      }
      assert.equal((await cloud.vpc('DescribeVpcs')).TotalCount, 1);
    });
  });
}

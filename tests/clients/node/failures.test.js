// What goes wrong, and what a client sees of it: keys, regions, throttling, busy resources, lost answers, a killed server.
// Each case has a server of its own, so that it can be killed and so that its faults strike nobody else.
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const path = require('node:path');
const { after, describe, it } = require('node:test');
const { Cloud, Refused } = require('./sdk');

const ZONE = 'cn-hangzhou-k';
const pause = (milliseconds) => new Promise((again) => setTimeout(again, milliseconds));

/** A server of the case's own, on a port and over a database that it keeps when it is started again. */
class Server {
  static all = [];

  constructor(files) {
    this.files = mkdtempSync(path.join(process.env.CLOUDNET_SCRATCH, 'own-'));
    this.address = '127.0.0.1:0';
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(this.files, name), text);
    Server.all.push(this);
  }

  static async start(parameters = [], files = {}) {
    const server = new Server(files);
    server.parameters = parameters.map((word) => (word in files ? path.join(server.files, word) : word));
    await server.start();
    return server;
  }

  async start() {
    const [ready, log] = ['ready.json', 'log'].map((name) => path.join(this.files, name));
    rmSync(ready, { force: true });
    const output = openSync(log, 'a');
    const where = ['--listen', this.address, '--db', `sqlite:${path.join(this.files, 'cloudnet.db')}`, '--ready-file', ready];
    const words = ['serve', ...where, ...this.parameters];
    this.process = spawn(process.env.CLOUDNET_BIN, words, { stdio: ['ignore', output, output] });
    const end = Date.now() + 30_000;
    while (!existsSync(ready)) {
      assert.ok(this.process.exitCode === null && Date.now() < end, readFileSync(log, 'utf8'));
      await pause(20);
    }
    this.address = JSON.parse(readFileSync(ready)).address;
  }

  /** Ends it at once: nothing is written any more, nobody is told. */
  async kill() {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await ended;
  }

  client(generation, keys = {}) {
    return new Cloud(generation, 'http', this.address, { accessKeyId: 'any', ...keys });
  }

  async fault(fault) {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`http://${this.address}/v1/faults`, { method: 'POST', headers, body: JSON.stringify(fault) });
    assert.equal(answer.status, 201, await answer.text());
  }
}

after(() => Promise.all(Server.all.map((server) => server.kill())));

/** The older core does not tell the status. */
function says(code, status) {
  return (error) => {
    assert.ok(error instanceof Refused, error.stack);
    assert.equal(error.code, code, error.message);
    if (error.status !== undefined) assert.equal(error.status, status, error.message);
    return true;
  };
}

const vpcs = async (client) => (await client.vpc('DescribeVpcs')).Vpcs.Vpc.map((vpc) => vpc.VpcId);

for (const generation of ['new', 'old']) {
  describe(`${generation}: failures`, () => {
    it(`${generation}: a wrong key is named and the right one goes on`, async () => {
      const keys = '[[credential]]\naccess_key_id = "own"\naccess_key_secret = "own-secret"\naccount = "1000000000000001"\n';
      const server = await Server.start(['--credentials', 'keys.toml'], { 'keys.toml': keys });
      const own = { accessKeyId: 'own', accessKeySecret: 'own-secret' };
      const stranger = server.client(generation, { ...own, accessKeyId: 'other' });
      await assert.rejects(stranger.vpc('CreateVpc'), says('InvalidAccessKeyId.NotFound', 404));
      const wrong = server.client(generation, { ...own, accessKeySecret: 'wrong' });
      await assert.rejects(wrong.vpc('CreateVpc'), (error) => /SignatureDoesNotMatch|InvalidAccessKeySecret/.test(error.code));
      const right = server.client(generation, own);
      assert.deepEqual(await vpcs(right), []);
      const { VpcId } = await right.vpc('CreateVpc');
      assert.deepEqual(await vpcs(right), [VpcId]);
    });

    it(`${generation}: a wrong region and a refused request leave nothing`, async () => {
      const server = await Server.start(['--provisioning', 'instant']);
      const client = server.client(generation);
      const elsewhere = { RegionId: 'mars-north-1' };
      await assert.rejects(client.vpc('CreateVpc', elsewhere), says('InvalidRegionId.NotFound', 404));
      await assert.rejects(client.ecs('DescribeInstances', elsewhere), says('InvalidRegionId.NotFound', 404));
      assert.deepEqual(await vpcs(client), []);
      const { VpcId } = await client.vpc('CreateVpc', { CidrBlock: '10.0.0.0/16' });
      const wrong = { VpcId, ZoneId: ZONE, CidrBlock: '192.168.0.0/24' };
      await assert.rejects(client.vpc('CreateVSwitch', wrong), says('InvalidParameter', 400));
      assert.equal((await client.vpc('DescribeVSwitches', { VpcId })).TotalCount, 0);
    });

    for (const [kind, code] of [['throttling', 'Throttling.User'], ['busy', 'OperationConflict']]) {
      it(`${generation}: a call that meets ${kind} is made once`, async () => {
        const server = await Server.start();
        const client = server.client(generation);
        await server.fault({ kind, action: 'CreateVpc', count: 3 });
        const create = () => client.vpc('CreateVpc', { ClientToken: 'once' });
        for (let tries = 0; tries < 3; tries++) await assert.rejects(create(), says(code, 400));
        const { VpcId } = await create();
        assert.deepEqual(await vpcs(client), [VpcId]);
      });
    }

    it(`${generation}: a lost answer is asked for again with its token`, async () => {
      const server = await Server.start();
      const client = server.client(generation);
      await server.fault({ kind: 'lost_answer', action: 'CreateVpc', count: 1 });
      const create = () => client.vpc('CreateVpc', { ClientToken: 'once' });
      await assert.rejects(create(), (error) => !(error instanceof Refused));
      const { VpcId } = await create();
      assert.deepEqual(await vpcs(client), [VpcId]);
    });

    it(`${generation}: a server that is killed in a stack loses nothing and makes nothing twice`, async () => {
      const server = await Server.start(['--provisioning', 'instant']);
      const client = server.client(generation);
      const { VpcId } = await client.vpc('CreateVpc', { CidrBlock: '10.0.0.0/8', ClientToken: 'net' });
      const made = {};
      let [broken, restarted] = [0, undefined];
      for (let number = 0; number < 40; number++) {
        const parameters = { VpcId, ZoneId: ZONE, CidrBlock: `10.0.${number}.0/24`, ClientToken: `switch-${number}` };
        while (!made[parameters.CidrBlock]) {
          const call = client.vpc('CreateVSwitch', parameters);
          // The request is on its way when the server goes.
          if (number === 10 && !restarted) restarted = server.kill().then(() => pause(200)).then(() => server.start());
          try {
            made[parameters.CidrBlock] = (await call).VSwitchId;
          } catch (error) {
            if (error instanceof Refused) throw error;
            broken++;
            await pause(50);
          }
        }
      }
      await restarted;
      assert.ok(broken > 0, 'a call met the server gone');
      const listed = (await client.vpc('DescribeVSwitches', { VpcId, PageSize: 50 })).VSwitches.VSwitch;
      assert.equal(listed.length, 40);
      assert.deepEqual(Object.fromEntries(listed.map((one) => [one.CidrBlock, one.VSwitchId])), made);
    });
  });
}

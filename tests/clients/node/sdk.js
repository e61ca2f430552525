// Both generations of the published Node.js SDKs behind one way of calling them.
//
// A call names the action and its parameters as the provider's reference spells them; answers come back as the SDK
// decoded them, and a refusal as `Refused`. Nothing is configured but an endpoint, a protocol and a pair of keys.
'use strict';

const { cast, RuntimeOptions } = require('@darabonba/typescript');
const { default: OpenApi, $OpenApiUtil } = require('@alicloud/openapi-core');
const { RPCClient } = require('@alicloud/pop-core');
const vpc = require('@alicloud/vpc20160428');
const ecs = require('@alicloud/ecs20140526');

const ENDPOINT = process.env.CLOUDNET_ENDPOINT;
const REGION = 'cn-hangzhou';

/** The server said no. */
class Refused extends Error {
  constructor(status, code, message, requestId) {
    super(`${status} ${code}: ${message}`);
    Object.assign(this, { status, code, requestId });
  }
}

/** What says of a generic call what the typed packages know of theirs. */
const GENERIC = { protocol: 'HTTPS', pathname: '/', method: 'POST', authType: 'AK', style: 'RPC' };

const BODIES = { reqBodyType: 'formData', bodyType: 'json' };

/** A product of which no typed package is published for Node.js, by the generic call of the core that those packages share. */
class Generic {
  constructor(config, version) {
    this.client = new OpenApi(new $OpenApiUtil.Config(config));
    this.version = version;
  }

  async call(action, parameters) {
    const params = new $OpenApiUtil.Params({ ...GENERIC, ...BODIES, action, version: this.version });
    const request = new $OpenApiUtil.OpenApiRequest({ query: flat({ RegionId: REGION, ...parameters }) });
    return (await this.client.callApi(params, request, new RuntimeOptions({}))).body;
  }
}

/** The typed packages: ACS3-HMAC-SHA256, one class for each request. */
class NewGeneration {
  constructor(keys, protocol = 'http', endpoint = ENDPOINT) {
    const config = { ...keys, endpoint, protocol, regionId: REGION };
    this.products = {
      vpc: [new vpc.default(new $OpenApiUtil.Config(config)), vpc],
      ecs: [new ecs.default(new $OpenApiUtil.Config(config)), ecs],
    };
    this.slb = new Generic(config, '2014-05-15');
  }

  async call(product, action, parameters) {
    try {
      return product === 'slb' ? await this.slb.call(action, parameters) : await this.typed(product, action, parameters);
    } catch (error) {
      if (!error.code || !error.data) throw error;
      throw new Refused(error.statusCode ?? error.data.statusCode, error.code, error.data.Message, error.data.RequestId);
    }
  }

  async typed(product, action, parameters) {
    const [client, models] = this.products[product];
    const Request = models[`${action}Request`];
    const known = new Set(Object.values(Request.names()));
    const unknown = Object.keys(parameters).filter((name) => !known.has(name));
    if (unknown.length) throw new Error(`this SDK's ${action} has no ${unknown}`);
    const region = known.has('RegionId') ? { RegionId: REGION } : {};
    const request = cast({ ...region, ...parameters }, new Request({}));
    const method = action[0].toLowerCase() + action.slice(1);
    return (await client[method](request)).body.toMap();
  }
}

/** The old core: HMAC-SHA1, untyped requests and answers. Lists are sent as flat, numbered names. */
class OldCore {
  constructor(keys, protocol = 'http', endpoint = ENDPOINT) {
    const client = (apiVersion) => new RPCClient({ ...keys, endpoint: `${protocol}://${endpoint}`, apiVersion });
    this.products = { vpc: client('2016-04-28'), ecs: client('2014-05-26'), slb: client('2014-05-15') };
  }

  async call(product, action, parameters) {
    try {
      const answer = await this.products[product].request(action, { RegionId: REGION, ...flat(parameters) }, { method: 'POST' });
      return JSON.parse(JSON.stringify(answer));
    } catch (error) {
      if (!error.data?.Code) throw error;
      throw new Refused(error.entry?.response?.statusCode, error.code, error.data.Message, error.data.RequestId);
    }
  }
}

/** `{Tag: [{Key: 'a'}]}` as `{'Tag.1.Key': 'a'}`. */
function flat(value, name = '', into = {}) {
  if (value === null || typeof value !== 'object') {
    into[name] = value;
    return into;
  }
  const entries = Array.isArray(value) ? value.map((item, at) => [at + 1, item]) : Object.entries(value);
  for (const [key, item] of entries) flat(item, name ? `${name}.${key}` : String(key), into);
  return into;
}

let accounts = 2_000_000_000_000_001;

/** An account, by default one of the case's own, seen through one SDK. */
class Cloud {
  constructor(generation, protocol, endpoint, given = {}) {
    const keys = { accessKeyId: `w-default-a-${accounts++}`, accessKeySecret: 'any', ...given };
    const Sdk = generation === 'new' ? NewGeneration : OldCore;
    this.sdk = new Sdk(keys, protocol, endpoint);
    // For the native wire; absent in the world that everybody sees.
    this.headers = {};
  }

  /** An account in a world of its own, whose clock stands still until it is told to go on. */
  static async timed(generation) {
    const { name } = await native('/v1/worlds', 'POST', { clock: 'manual', throw_away: true });
    const account = String(accounts++);
    const cloud = new Cloud(generation, undefined, undefined, { accessKeyId: `w-${name}-a-${account}` });
    cloud.headers = { 'cloudnet-world': name, 'cloudnet-account': account };
    return cloud;
  }

  /** Asks the native wire as the same account, in the same world. */
  native(path, method, body) {
    return native(path, method, body, this.headers);
  }

  vpc(action, parameters = {}) {
    return this.sdk.call('vpc', action, parameters);
  }

  ecs(action, parameters = {}) {
    return this.sdk.call('ecs', action, parameters);
  }

  slb(action, parameters = {}) {
    return this.sdk.call('slb', action, parameters);
  }
}

/** Asks the native wire, which has to answer well; the content of the answer. */
async function native(path, method = 'GET', body = undefined, headers = {}) {
  const sent = { method, headers: { ...headers, 'content-type': 'application/json' }, body: body && JSON.stringify(body) };
  const answer = await fetch(process.env.CLOUDNET_URL + path, sent);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

/** Looks again, as a client polls, until the look gives `wanted`. */
async function until(look, wanted, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    if (seen === wanted) return seen;
    if (Date.now() > end) throw new Error(`still ${seen} after ${seconds} s; wanted ${wanted}`);
    await new Promise((again) => setTimeout(again, 20));
  }
}

module.exports = { Cloud, Refused, until };

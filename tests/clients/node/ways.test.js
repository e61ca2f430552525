// Other ways to the same server: HTTPS with the local authority, and the proxy with host names as the SDKs have them, for
// which something has to read the variables: neither SDK does. And what docs/clients.md says.
'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { readFileSync } = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { Cloud } = require('./sdk');

for (const generation of ['new', 'old']) {
  describe(generation, () => {
    it(`${generation}: HTTPS is believed with the authority`, async () => {
      const seen = await new Cloud(generation, 'https').vpc('DescribeVpcs');
      assert.equal(seen.TotalCount, 0);
    });
  });
}

// The variables are read once, so each way is a process of its own.
const PROXIED = `
  require('global-agent').bootstrap();
  const { Cloud } = require('./sdk');
  const [generation, protocol, endpoint] = process.argv.slice(1);
  new Cloud(generation, protocol, endpoint || undefined).vpc('DescribeVpcs').then((seen) => console.log(seen.TotalCount));
`;

for (const [generation, endpoint] of [['new', ''], ['old', 'vpc.aliyuncs.com']]) {
  for (const protocol of ['http', 'https']) {
    it(`${generation}: the proxy serves ${protocol} to the provider's host name`, () => {
      const { CLOUDNET_ENDPOINT, ...others } = process.env;
      const url = process.env.CLOUDNET_URL;
      const proxy = { HTTP_PROXY: url, HTTPS_PROXY: url, GLOBAL_AGENT_ENVIRONMENT_VARIABLE_NAMESPACE: '' };
      const options = { encoding: 'utf8', timeout: 60_000, cwd: __dirname, env: { ...others, ...proxy } };
      const seen = execFileSync(process.execPath, ['-e', PROXIED, generation, protocol, endpoint], options);
      assert.equal(seen, '0\n');
    });
  }
}

describe('page', () => {
  const page = readFileSync(path.join(__dirname, '../../../docs/clients.md'), 'utf8');
  const section = page.split('\n## Node.js\n')[1].split('\n## ')[0];
  const blocks = section.match(/(?:^    .*\n)+/gm);
  it('page: there are three blocks', () => assert.equal(blocks.length, 3));
  for (const [at, block] of blocks.entries()) {
    it(`page: block ${at + 1} works when pasted`, () => {
      const lines = block.replaceAll('127.0.0.1:8080', process.env.CLOUDNET_ENDPOINT);
      assert.match(execFileSync(process.execPath, ['-e', lines], { encoding: 'utf8', timeout: 60_000 }), /^\d+\n$/);
    });
  }
});

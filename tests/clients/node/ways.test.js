// Another way to the same server: HTTPS with the local authority; neither SDK uses a proxy. And what docs/clients.md says.
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

describe('page', () => {
  const page = readFileSync(path.join(__dirname, '../../../docs/clients.md'), 'utf8');
  const section = page.split('\n## Node.js\n')[1].split('\n## ')[0];
  const blocks = section.match(/(?:^    .*\n)+/gm);
  it('page: there are two blocks', () => assert.equal(blocks.length, 2));
  for (const [at, block] of blocks.entries()) {
    it(`page: block ${at + 1} works when pasted`, () => {
      const lines = block.replaceAll('127.0.0.1:8080', process.env.CLOUDNET_ENDPOINT);
      assert.match(execFileSync(process.execPath, ['-e', lines], { encoding: 'utf8', timeout: 60_000 }), /^\d+\n$/);
    });
  }
});

'use strict';

// Holds the sandbox's ExaVault against the vendor's reading of its API: the
// vendor's JavaScript client works with the program that FRUGALFS names.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');
const { test } = require('node:test');
const ExaVault = require('@exavault/exavault-api');

const key = 'key-of-the-test';
const token = 'token-of-the-test';

// sandbox starts the program over an empty folder below dir, until t ends.
async function sandbox(t, dir) {
  const root = path.join(dir, 'account');
  const child = spawn(process.env.FRUGALFS, ['sandbox', '--provider', 'exavault', '--root', root], {
    env: { ...process.env, FRUGALFS_API_KEY: key, FRUGALFS_ACCESS_TOKEN: token },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGINT'));
  for await (const line of readline.createInterface({ input: child.stdout })) {
    const found = / on (http\S+);/.exec(line);
    if (found) return { url: found[1], root };
  }
  throw new Error('the sandbox did not say where it listens');
}

// caller turns the client's callbacks into promises; the answer's parsed body
// and the answer itself come back.
function caller(api) {
  return (name, ...args) =>
    new Promise((resolve, reject) => {
      const first = name === 'updateResourceById' ? [args.shift(), token, key] : [key, token]; // its order is its own
      api[name](...first, ...args, (error, data, response) => (error ? reject(error) : resolve({ data, response })));
    });
}

function names(collection) {
  return collection.data.data.map((r) => r.attributes.path).sort().join(' ');
}

test('the vendor client', async (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'frugalfs-sdk-'));
  t.after(() => fs.rmSync(dir, { recursive: true }));
  const { url, root } = await sandbox(t, dir);
  const client = new ExaVault.ApiClient();
  client.basePath = url + '/api/v2';
  const call = caller(new ExaVault.ResourcesApi(client));

  const account = await caller(new ExaVault.AccountApi(client))('getAccount', {});
  assert.equal(account.data.data.type, 'account');

  const folder = await call('addFolder', { body: { path: '/docs' } });
  assert.equal(folder.data.data.attributes.path, '/docs');
  const local = path.join(dir, 'local file.txt');
  const content = 'hello '.repeat(1000);
  fs.writeFileSync(local, content);
  const uploaded = await call('uploadFile', '/docs/file.txt', content.length, {
    file: fs.createReadStream(local), resume: false, allowOverwrite: true,
  });
  assert.equal(uploaded.data.data.attributes.size, content.length);
  assert.equal(fs.readFileSync(path.join(root, 'docs/file.txt'), 'utf8'), content);
  const { id } = uploaded.data.data;

  assert.equal(names(await call('listResources', '/docs', { limit: 10, sort: 'name' })), '/docs/file.txt');
  assert.equal(names(await call('listResources', '/', { name: '*' })), '/docs /docs/file.txt');
  assert.equal((await call('getResourceInfo', 'id:' + id, {})).data.data.attributes.name, 'file.txt');
  const download = await call('download', ['/docs/file.txt'], {});
  assert.equal((download.response.body ?? download.response.text).toString(), content);

  await call('addFolder', { body: { path: '/other' } });
  const copied = await call('copyResources', { body: { resources: ['id:' + id], parentResource: '/other' } });
  assert.equal(copied.data.data[0]?.attributes?.path ?? copied.data.data.attributes.path, '/other/file.txt');
  await call('moveResources', { body: { resources: ['/docs/file.txt'], parentResource: '/' } });
  assert.equal(names(await call('listResources', '/', { name: '*' })), '/docs /file.txt /other /other/file.txt');
  const renamed = await call('updateResourceById', id, { body: { name: 'renamed' } });
  assert.equal(renamed.data.data.attributes.path, '/renamed');
  await call('deleteResources', { body: { resources: ['/docs', '/other'] } });
  await assert.rejects(call('getResourceInfo', '/docs', {}), (e) => e.status === 404);
});

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';

const SCRIPTS = fileURLToPath(new URL('.', import.meta.url));
const sha256 = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');
const FILE = 'cifar-10-batches-bin/test_batch.bin';

let scratch: string;
let server: Server;
/** Ranges that were asked for. */
let ranges: (string | undefined)[];
/** Bytes after which a connection breaks. */
let most: number;
let archive: Buffer;

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'trikd-cifar-'));
  ranges = [];
  most = Number.POSITIVE_INFINITY;
  archive = gzipSync(tarOf({ [FILE]: 'pixels', 'cifar-10-batches-bin/readme.html': 'text', '../escaped': 'text' }));
  server = createServer((request, answer) => {
    const { range } = request.headers;
    ranges.push(range);
    const begin = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const rest = archive.subarray(begin);
    answer.writeHead(range ? 206 : 200, { 'content-length': rest.length });
    answer.write(rest.subarray(0, most), () => (rest.length > most ? answer.destroy() : answer.end()));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
  rmSync(scratch, { recursive: true });
});

/** An archive of tar with files of a few bytes. */
function tarOf(files: Readonly<Record<string, string>>): Buffer {
  const blocks = Object.entries(files).map(([name, content]) => {
    const block = Buffer.alloc(1024);
    const field = (text: string, at: number) => block.write(text, at, 'latin1');
    field(name, 0);
    field('0000644\0', 100);
    field(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
    field('        0ustar\x0000', 148);
    const sum = block.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    field(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    field(content, 512);
    return block;
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** Brings a set whose archive and file have these digests. */
async function bring(digests: { readonly archive?: string; readonly file?: string } = {}) {
  const entry = {
    archive: { bytes: archive.length, sha256: digests.archive ?? sha256(archive) },
    files: { [FILE]: digests.file ?? sha256(Buffer.from('pixels')) },
  };
  const { port } = server.address() as AddressInfo;
  const address = `http://127.0.0.1:${port}/cifar.tar.gz`;
  const call = `
import json, runpy, sys
from cache import building
with building('set') as place:
    runpy.run_path('fetch-cifar.py')['bring']('set', json.loads(sys.argv[1]), sys.argv[2], place)`;
  const child = spawn('python3', ['-c', call, JSON.stringify(entry), address], {
    cwd: SCRIPTS,
    env: {
      ...process.env,
      TRIKD_CACHE: scratch,
      CACHE_BEHIND: '',
      FETCHING: '',
      PYTHONDONTWRITEBYTECODE: '1',
      no_proxy: '127.0.0.1',
    },
  });
  let error = '';
  child.stderr.on('data', (part) => (error += part));
  const [status] = await once(child, 'close');
  const whole = readdirSync(scratch, { recursive: true, encoding: 'utf8' }).filter(
    (name) => !/^\.|\.partial-/.test(name),
  );
  return { status, error, whole: whole.sort() };
}

test('files that are known are taken out of the archive, and no others', async () => {
  const { status, whole } = await bring();
  expect({ status, whole }).toEqual({
    status: 0,
    whole: ['downloads', 'set', 'set/cifar-10-batches-bin', `set/${FILE}`],
  });
  expect(readFileSync(join(scratch, 'set', FILE), 'utf8')).toBe('pixels');
});

test('a connection that breaks goes on where it stopped', async () => {
  most = Math.ceil(archive.length / 2);
  expect((await bring()).status).toBe(0);
  expect(ranges).toEqual([undefined, `bytes=${most}-`]);
});

test('what an earlier download brought is kept for the next one', async () => {
  mkdirSync(join(scratch, 'downloads'));
  writeFileSync(join(scratch, 'downloads', 'set.tar.gz'), archive.subarray(0, 7));
  expect((await bring()).status).toBe(0);
  expect(ranges).toEqual(['bytes=7-']);
});

test('a server that sends nothing is asked three times', async () => {
  most = 0;
  const { status, error } = await bring();
  expect(status).toBe(1);
  expect(error).toContain(`0 of ${archive.length} bytes are here, and stay for the next time`);
  expect(ranges).toHaveLength(3);
});

test('another archive is refused with both digests, and nothing of it stays', async () => {
  const { status, error, whole } = await bring({ archive: 'a'.repeat(64) });
  expect({ status, whole }).toEqual({ status: 1, whole: ['downloads'] });
  expect(error).toContain(`is not the archive of set: sha256 ${sha256(archive)}, expected ${'a'.repeat(64)}`);
});

test('another file in the archive is refused', async () => {
  const { status, error, whole } = await bring({ file: 'a'.repeat(64) });
  expect({ status, set: whole.includes('set') }).toEqual({ status: 1, set: false });
  expect(error).toContain(`${FILE} holds other data`);
});

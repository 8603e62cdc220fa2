import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'trikd-launcher-'));
afterAll(() => rmSync(folder, { recursive: true }));

const launcher = join(folder, 'services/cli/bin/trikd.cjs');
cpSync(fileURLToPath(new URL('../bin/trikd.cjs', import.meta.url)), launcher);

/** A file that makes Node.js claim to be of a version. */
function claim(version: string): string {
  const path = join(folder, `${version}.cjs`);
  writeFileSync(path, `Object.defineProperty(process.versions, 'node', { value: '${version}' });`);
  return path;
}

function launch(args: readonly string[], cache: string): { readonly status: number | null; readonly stderr: string } {
  const env = { ...process.env, TRIKD_CACHE: cache };
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env });
  return { status, stderr };
}

describe('the launcher', () => {
  test('names the command that builds what is not built', () => {
    expect(launch([launcher], folder)).toEqual({
      status: 1,
      stderr: `trikd: not built yet; run \`make build\` in ${folder}\n`,
    });
  });

  test('runs the command with the Node.js of the cache where its own is too old, and ends as it does', () => {
    const cache = join(folder, 'cache');
    const bin = join(cache, 'node-24.21.0/bin');
    mkdirSync(bin, { recursive: true });
    symlinkSync(process.execPath, join(bin, 'node'));
    const main = join(folder, 'services/cli/dist/main.js');
    mkdirSync(join(main, '..'), { recursive: true });
    writeFileSync(main, 'console.error(process.argv.slice(2).join(" ")); process.exitCode = 3;');
    onTestFinished(() => rmSync(main));
    const old = ['--require', claim('20.20.2'), launcher];
    expect(launch([...old, 'runs', 'list'], cache)).toEqual({ status: 3, stderr: 'runs list\n' });
  });

  test('names `make build` to a Node.js that is too old where nothing is fetched', () => {
    const { stderr } = launch(['--require', claim('22.14.9'), launcher], join(folder, 'none'));
    expect(stderr).toBe(
      `trikd: Node.js 22.15 or newer is required, this is 22.14.9; run \`make build\` in ${folder}, which fetches one\n`,
    );
  });
});

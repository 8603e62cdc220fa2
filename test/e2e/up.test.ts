import { join } from 'node:path';
import { loadRun } from '@trikd/core/run/stored/run-store';
import { openFolderStore } from '@trikd/store/folder-store';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { describe, expect, test } from 'vitest';
import { contentOf, reference } from './outcome.js';
import { expectNoProcess, pidOf } from './processes.js';
import { type Command, scratch, specFile, trikd } from './trikd.js';

const tiny = writtenSpec('two stages');
const long: WrittenSpec = { ...tiny, name: 'long', epochs: 40, checkpoint: { everyEpochs: 10 } };

/** A stack in a folder, and the address of its orchestrator. */
async function up(
  folder: string,
  ...args: readonly string[]
): Promise<{ readonly stack: Command; readonly server: string }> {
  const stack = trikd(['up', '--store', join(folder, 'stack'), '--listen', '127.0.0.1:0', '-o', 'json', ...args]);
  const { orchestrators } = await stack.said(({ event }) => event === 'listening');
  const [server = ''] = Array.isArray(orchestrators) ? orchestrators : [];
  return { stack, server: String(server) };
}

const create = (folder: string, server: string, spec: WrittenSpec, ...args: readonly string[]) =>
  trikd(['run', specFile(folder, spec), '--server', server, '-o', 'json', ...args]);

async function expectTheReference(folder: string, spec: WrittenSpec): Promise<void> {
  const { state } = await loadRun(await openFolderStore(join(folder, 'stack', 'store')), spec.name);
  expect(state.phase).toBe('completed');
  expect(contentOf(state.results)).toEqual(await reference(spec));
}

describe('trikd up', () => {
  test('starts a killed service again, and its run ends with the digests of one process', async () => {
    const folder = scratch();
    const { stack, server } = await up(folder);
    const running = create(folder, server, long);
    await running.said((line) => 'committed' in line);
    process.kill(pidOf('teacher-trainer', folder), 'SIGKILL');
    await stack.complained(/^trio-1: the teacher-trainer ended \(SIGKILL\); starting again in 0\.\d s$/m);
    expect(await running.ended).toMatchObject({ status: 0 });
    stack.kill('SIGINT');
    expect(await stack.ended).toMatchObject({ status: 0 });
    await expectNoProcess(folder);
    await expectTheReference(folder, long);
  });

  test('pauses its runs on Ctrl-C within 10 s, and the same command continues them', async () => {
    const folder = scratch();
    const { stack, server } = await up(folder);
    const running = create(folder, server, long);
    await running.said((line) => 'evaluation' in line);
    const asked = performance.now();
    stack.kill('SIGINT');
    expect(await stack.ended).toMatchObject({ status: 0 });
    expect(performance.now() - asked).toBeLessThan(10_000);
    running.kill('SIGKILL');
    await running.ended;
    await expectNoProcess(folder);
    const again = await up(folder);
    expect(await trikd(['runs', 'wait', 'long', '--server', again.server]).ended).toMatchObject({ status: 0 });
    await expectTheReference(folder, long);
  });

  test('refuses a second stack in its folder, and a second Ctrl-C kills it at once', async () => {
    const folder = scratch();
    const { stack, server } = await up(folder);
    const second = await trikd(['up', '--store', join(folder, 'stack'), '--listen', '127.0.0.1:0']).ended;
    expect(second).toMatchObject({ status: 3, stdout: '' });
    expect(second.stderr).toMatch(
      /^trikd: another `trikd up` uses \S+\/stack: use it with --server, stop it with .*\n$/,
    );
    const running = create(folder, server, long);
    await running.said((line) => 'committed' in line);
    process.kill(pidOf('student-trainer', folder), 'SIGSTOP');
    stack.kill('SIGINT');
    await stack.complained(/^pausing all runs at their next common step; Ctrl-C again stops at once$/m);
    stack.kill('SIGINT');
    expect(await stack.ended).toMatchObject({ status: 130 });
    running.kill('SIGKILL');
    await running.ended;
    await expectNoProcess(folder, 2000);
  });
});

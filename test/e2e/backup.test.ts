import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { expect, test } from 'vitest';
import { reference, resultOf } from './outcome.js';
import { run, scratch, startRun, trikd } from './trikd.js';

const tiny = writtenSpec('two stages');
const long: WrittenSpec = { ...tiny, name: 'long', epochs: 40, checkpoint: { everyEpochs: 10 } };

/** A store of which only `runs/` is left, in another folder, and a configuration that names it. */
function backUp(folder: string, store: string): { readonly copy: string; readonly config: string } {
  const copy = join(folder, 'backup');
  cpSync(join(store, 'runs'), join(copy, 'runs'), { recursive: true });
  const config = join(folder, 'backup.yaml');
  writeFileSync(config, JSON.stringify({ store: { kind: 'folder', path: copy } }));
  return { copy, config };
}

test('a store that is lost with its lease is restored from a copy of its runs, and a run goes on to the same digests', async () => {
  const undisturbed = reference(long);
  const folder = scratch();
  const store = join(folder, 'runs/long/store');
  const running = startRun(folder, long, '--in-process');
  await running.said(({ event, stage }) => event === 'evaluation' && stage === 1);
  running.kill('SIGINT');
  expect(await running.ended).toMatchObject({ status: 0 });

  const { copy, config } = backUp(folder, store);
  const verified = await trikd(['checkpoint', 'verify', 'long', '--config', config]).ended;
  expect(verified).toMatchObject({ status: 0, stdout: expect.stringContaining('no problems') });
  rmSync(store, { recursive: true });
  cpSync(join(copy, 'runs'), join(store, 'runs'), { recursive: true });

  const restored = await run(folder, long, '--in-process');
  expect(restored.stderr).toMatch(/^continuing run long: generation 1 \(2 of 2\), from step \d+\n$/);
  expect(resultOf(restored)).toEqual({ phase: 'completed', stages: await undisturbed });
});

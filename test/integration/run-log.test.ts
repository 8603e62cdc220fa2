import { createLogger } from '@trikd/process/logging';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { afterEach, expect, test } from 'vitest';
import type { ToyWorld } from './orchestrator-doubles.js';
import { cleanUp, heldUntilLimited, serve, specOf, trio } from './orchestrator-rig.js';
import { steering } from './steering-rig.js';

afterEach(cleanUp);

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** An orchestrator whose log is kept. */
async function logged(world: ToyWorld = {}) {
  const lines: Line[] = [];
  // Who called is in the audit log, which is this log unless there is a file.
  const write = (text: string) => {
    const line: Line = JSON.parse(text);
    if (line.msg !== 'audit') lines.push(line);
  };
  const log = createLogger({ level: 'info' }, 'orchestrator', { write });
  const store = memoryStore();
  const served = await serve(store, await trio(store, world), undefined, log);
  return { ...served, ...steering(served), lines };
}

/** Message and fields of the lines, as far as they differ between the lines of one run. */
const changes = (lines: readonly Line[]) =>
  lines
    .filter(({ msg }) => msg !== 'audit')
    .map(({ msg, level: _l, time: _t, service: _s, pid: _p, runId: _r, key: _k, term: _e, trace_id: _i, ...fields }) =>
      [msg, ...Object.entries(fields).map(([name, value]) => `${name}=${value}`)].join(' '),
    );

test('the log has a line for each change in the life of a run', async () => {
  const { create, watch, lines, stop } = await logged();
  await create(specOf({ epochs: 4, curriculum: { generations: 2 } }));
  await watch('trial');
  await stop();
  // The first step may end at the limit of a stage whose length is not known yet.
  const found = changes(lines).filter((line) => !line.endsWith('step=1'));
  expect(found).toEqual([
    'run created stage=0 attempt=1',
    'phase changed stage=0 attempt=1 phase=preparing step=0 trio=trio-1',
    'phase changed stage=0 attempt=1 phase=training step=0',
    'pair committed stage=0 attempt=1 step=2',
    'pair committed stage=0 attempt=1 step=4',
    'phase changed stage=0 attempt=1 phase=promoting step=4',
    'stage ended stage=0 attempt=1 step=4 promoted=true',
    'anchor moved stage=1 attempt=1 by=rule to=0 during=0',
    'phase changed stage=1 attempt=1 phase=preparing step=0',
    'phase changed stage=1 attempt=1 phase=training step=0',
    'pair committed stage=1 attempt=1 step=2',
    'pair committed stage=1 attempt=1 step=4',
    'phase changed stage=1 attempt=1 phase=promoting step=4',
    'stage ended stage=1 attempt=1 step=4 promoted=false',
    'phase changed stage=1 attempt=1 phase=completed',
  ]);
  expect(lines.every(({ level, runId }) => level === 30 && runId === 'trial')).toBe(true);
  const committed = lines.filter(({ msg, step }) => msg === 'pair committed' && step !== 1);
  expect(new Set(committed.map(({ trace_id }) => trace_id)).size).toBe(4);
  for (const { trace_id } of committed) expect(trace_id).toMatch(/^[0-9a-f]{32}$/);
});

test('the log shows a lost attempt with its reason, and the next one', async () => {
  const failureAt: ToyWorld['failureAt'] = (role, { attempt, step }) =>
    role === 'student' && attempt === 1 && step === 3
      ? { kind: 'unavailable', message: 'the process was killed' }
      : undefined;
  const { create, watch, lines } = await logged({ failureAt });
  await create(specOf({ epochs: 4, curriculum: { generations: 1 } }));
  await watch('trial');
  const found = changes(lines);
  const lost = 'attempt lost stage=0 attempt=1 kind=unavailable reason=the student: the process was killed';
  expect(found).toContain(lost);
  expect(found.slice(found.indexOf(lost) + 1)).toEqual([
    'phase changed stage=0 attempt=2 phase=preparing step=2',
    'phase changed stage=0 attempt=2 phase=training step=2',
    'pair committed stage=0 attempt=2 step=4',
    'phase changed stage=0 attempt=2 phase=promoting step=4',
    'stage ended stage=0 attempt=2 step=4 promoted=false',
    'phase changed stage=0 attempt=2 phase=completed',
  ]);
});

test('the log shows each request that steers a run, with its id', async () => {
  const held = heldUntilLimited(0, 5);
  const { create, pause, resume, cancel, remove, lines } = await logged(held);
  await create(specOf({ epochs: 12, checkpoint: { everyEpochs: 8 } }));
  await held.reached;
  await pause('trial', 'p-1');
  await pause('trial', 'p-1');
  await resume('trial', 'r-1');
  await cancel('trial', 'c-1');
  await remove('trial', 'd-1');
  expect(changes(lines).filter((line) => line.startsWith('run '))).toEqual([
    'run created stage=0 attempt=1',
    'run steered stage=0 attempt=1 phase=paused step=7 request=paused requestId=p-1',
    expect.stringMatching(/^run steered stage=0 attempt=2 phase=queued step=7 request=resumed requestId=r-1$/),
    expect.stringMatching(/^run steered stage=0 attempt=\d phase=cancelled step=\d+ request=cancelled requestId=c-1$/),
    'run deleted requestId=d-1',
  ]);
});

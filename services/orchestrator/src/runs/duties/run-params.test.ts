import type { Owner } from '@trikd/core/run/placement';
import { createRun } from '@trikd/core/run/run-store';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { expect, test } from 'vitest';
import { runParams } from './run-params.js';

const model = { kind: 'plain-cnn' as const, channels: [4] };
const spec = (name: string) =>
  RunSpec.parse({ name, method: 'ce', data: { kind: 'synthetic' }, epochs: 1, student: { model } });

/** Why a run of one owner gets no params of a run of another one, which has not ended yet. */
async function refusal(owner: Owner | undefined, other: Owner | undefined): Promise<string> {
  const store = memoryStore();
  await createRun(store, spec('mine'), owner && { owner });
  await createRun(store, spec('theirs'), other && { owner: other });
  const user = { runId: 'mine', model: spec('mine').student!.model };
  const error: unknown = await runParams(store, { kind: 'run', run: 'theirs', at: 'best' }, user).catch((e) => e);
  return error instanceof Error ? error.message : 'none';
}

const ABSENT = 'run theirs, best: the store has no such run';
const SEEN = 'run theirs, best: none of its stages has ended yet';
const [ann, bob] = [{ subject: 'ann' }, { subject: 'bob' }];

test.each<[Owner | undefined, Owner | undefined, string]>([
  [ann, ann, SEEN],
  [{ ...ann, team: 'vision' }, { ...bob, team: 'vision' }, SEEN],
  [undefined, undefined, SEEN],
  [ann, bob, ABSENT],
  [{ ...ann, team: 'vision' }, { ...bob, team: 'speech' }, ABSENT],
  [ann, undefined, ABSENT],
])('a run of %j that names one of %j: %s', async (owner, other, message) => {
  expect(await refusal(owner, other)).toBe(message);
});

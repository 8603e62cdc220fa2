import { eventOf } from '@trikd/events/event';
import { foldAll } from '@trikd/events/run-history';
import { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { expect, test } from 'vitest';
import { lineageOf } from './lineage-of.js';

const result = (generation: number, accuracy: number, promoted: boolean) => ({
  generation,
  promoted,
  steps: 10,
  student: { validation: { metrics: { accuracy, nll: 1 }, examples: 64 } },
});
const move = (kind: string, generation: number, during: number) => ({
  kind: `ANCHOR_MOVE_KIND_${kind}`,
  generation,
  during,
});
const runOf = (members: object) => Run.fromJSON({ runId: 'tiny', phase: 'RUN_PHASE_TRAINING', ...members });

test('a new run has one generation, without an anchor', () => {
  const [first, ...others] = lineageOf(runOf({}));
  expect(others).toEqual([]);
  expect(first).toMatchObject({ generation: 0, state: 'current', isAnchor: false, canPromote: false });
  expect(first?.anchor).toBeUndefined();
});

test('after a promotion, the student is the anchor of the current generation', () => {
  const run = runOf({
    generation: 1,
    generations: [result(0, 0.5, true)],
    anchorMoves: [move('RULE', 0, 0)],
    anchor: { generation: 0, validation: { metrics: { accuracy: 0.5 } } },
    bestGeneration: 0,
  });
  const [first, second] = lineageOf(run);
  expect(first).toMatchObject({ state: 'ended', became: 'rule', isAnchor: true, isBest: true, canRollBack: false });
  expect(second).toMatchObject({ state: 'current', anchor: 0, validation: { anchor: { metrics: { accuracy: 0.5 } } } });
});

test('the current generation has the newest validation', () => {
  const evaluation = { step: 9, validation: { metrics: { accuracy: 0.75, nll: 1 } } };
  const { generations } = foldAll([eventOf({ evaluation: { role: 'ROLE_STUDENT', generation: 0, evaluation } })]);
  expect(lineageOf(runOf({}), generations)[0]?.validation.student?.metrics['accuracy']).toBe(0.75);
});

test('a run can go back to an earlier anchor, and promote a student that the rule refused', () => {
  const run = runOf({
    generation: 3,
    generations: [result(0, 0.5, true), result(1, 0.6, true), result(2, 0.4, false)],
    anchorMoves: [move('RULE', 0, 0), move('RULE', 1, 1)],
    anchor: { generation: 1 },
  });
  expect(lineageOf(run).map(({ canRollBack, canPromote, anchor }) => [canRollBack, canPromote, anchor])).toEqual([
    [true, false, undefined],
    [false, false, 0],
    [false, true, 1],
    [false, false, 1],
  ]);
});

test('after a rollback, the current generation has the earlier anchor', () => {
  const run = runOf({
    generation: 2,
    generations: [result(0, 0.5, true), result(1, 0.6, true)],
    anchorMoves: [move('RULE', 0, 0), move('RULE', 1, 1), move('ROLLBACK', 0, 2)],
    anchor: { generation: 0 },
  });
  const lineage = lineageOf(run);
  expect(lineage[0]).toMatchObject({ isAnchor: true, became: 'rollback' });
  expect(lineage[1]).toMatchObject({ isAnchor: false, canRollBack: true });
});

test.each([
  ...['RUN_PHASE_TRAINING', 'RUN_PHASE_WAITING', 'RUN_PHASE_PAUSED'],
  ...['RUN_PHASE_COMPLETED', 'RUN_PHASE_FAILED', 'RUN_PHASE_CANCELLED'],
])('a student can be promoted in %s, as the orchestrator accepts it', (phase) => {
  const run = runOf({ phase, generation: 1, generations: [result(0, 0.5, false), result(1, 0.5, false)] });
  expect(lineageOf(run).map(({ canPromote }) => canPromote)).toEqual([true, true]);
});

test('a run in an unknown phase offers nothing', () => {
  const run = runOf({ phase: 'RUN_PHASE_UNSPECIFIED', generation: 1, generations: [result(0, 0.5, false)] });
  expect(lineageOf(run).some(({ canPromote, canRollBack }) => canPromote || canRollBack)).toBe(false);
});

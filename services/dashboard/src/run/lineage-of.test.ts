import { eventOf } from '@trikd/events/event';
import { foldAll } from '@trikd/events/run-history';
import { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { describe, expect, test } from 'vitest';
import { type Ancestor, headlineOf, lineageOf, possibleVerbs } from './lineage-of.js';

const best = (validation: number) => ({
  validation: { metrics: { nll: 0.1, accuracy: validation } },
  test: { metrics: { accuracy: validation - 0.25 } },
});
const stage = (index: number, student: number) => ({
  ...{ stage: index, stageName: `generation-${index}`, candidate: 'student' },
  learners: [
    { participant: 'student', best: best(student) },
    { participant: 'teacher', best: best(0.875) },
  ],
});
const run = (fields: object): Run =>
  Run.fromJSON({ runId: 'tiny', phase: 'RUN_PHASE_TRAINING', stageCount: 3, ...fields });

test('the best student is the headline, with the teacher beside it', () => {
  const fields = { stages: [stage(0, 0.5), stage(1, 0.75)], bestStage: 1 };
  const headline = headlineOf(run(fields));
  expect(headline).toMatchObject({ title: 'Best so far', validation: 0.75, test: 0.5 });
  expect(headline).toMatchObject({ model: 'student of generation 1', peer: { name: 'teacher', validation: 0.875 } });
  expect(headline?.metric.name).toBe('accuracy');
  expect(headlineOf(run({ ...fields, phase: 'RUN_PHASE_COMPLETED' }))?.title).toBe('Result');
});

test('before a stage has ended, the newest validation is', () => {
  const evaluation = { step: 40, validation: { metrics: { accuracy: 0.25 } } };
  const progress = { evaluations: [{ participant: 'student', evaluation }] };
  expect(headlineOf(run({ progress }))).toMatchObject({
    ...{ title: 'Newest validation', validation: 0.25, model: 'student of stage 0, step 40' },
  });
  expect(headlineOf(run({}))).toBeUndefined();
});

const result = (stage: number, accuracy: number, promoted: boolean) => ({
  stage,
  promoted,
  steps: 10,
  candidate: 'student',
  learners: [{ participant: 'student', best: { validation: { metrics: { accuracy, nll: 1 }, examples: 64 } } }],
});
const move = (kind: string, stage: number, during: number) => ({
  kind: `ANCHOR_MOVE_KIND_${kind}`,
  stage,
  during,
});
const runOf = (members: object) => Run.fromJSON({ runId: 'tiny', phase: 'RUN_PHASE_TRAINING', ...members });
const anchorOf = ({ frozen }: Ancestor) => frozen.find(({ name }) => name === 'anchor')?.from?.stage;

test('a new run has one generation, without an anchor', () => {
  const [first, ...others] = lineageOf(runOf({}));
  expect(others).toEqual([]);
  expect(first).toMatchObject({ stage: 0, state: 'current', isAnchor: false, canPromote: false });
  expect(first?.frozen).toEqual([]);
});

test('after a promotion, the student is the anchor of the current generation', () => {
  const run = runOf({
    stage: 1,
    stages: [result(0, 0.5, true)],
    anchorMoves: [move('RULE', 0, 0)],
    anchor: { stage: 0, validation: { metrics: { accuracy: 0.5 } } },
    bestStage: 0,
  });
  const [first, second] = lineageOf(run);
  expect(first).toMatchObject({ state: 'ended', became: 'rule', isAnchor: true, isBest: true, canRollBack: false });
  expect(second && anchorOf(second)).toBe(0);
  expect(second).toMatchObject({ state: 'current', validation: { anchor: { metrics: { accuracy: 0.5 } } } });
});

test('the current stage has the newest validation', () => {
  const evaluation = { step: 9, validation: { metrics: { accuracy: 0.75, nll: 1 } } };
  const { stages } = foldAll([eventOf({ evaluation: { participant: 'student', stage: 0, evaluation } })]);
  const run = runOf({ currentStage: { name: 'generation-0', learners: ['student', 'teacher'] } });
  expect(lineageOf(run, stages)[0]?.validation['student']?.metrics['accuracy']).toBe(0.75);
});

test('a run can go back to an earlier anchor, and promote a student that the rule refused', () => {
  const run = runOf({
    stage: 3,
    stages: [result(0, 0.5, true), result(1, 0.6, true), result(2, 0.4, false)],
    anchorMoves: [move('RULE', 0, 0), move('RULE', 1, 1)],
    anchor: { stage: 1 },
  });
  expect(lineageOf(run).map((each) => [each.canRollBack, each.canPromote, anchorOf(each)])).toEqual([
    [true, false, undefined],
    [false, false, 0],
    [false, true, 1],
    [false, false, 1],
  ]);
});

test('after a rollback, the current generation has the earlier anchor', () => {
  const run = runOf({
    stage: 2,
    stages: [result(0, 0.5, true), result(1, 0.6, true)],
    anchorMoves: [move('RULE', 0, 0), move('RULE', 1, 1), move('ROLLBACK', 0, 2)],
    anchor: { stage: 0 },
  });
  const lineage = lineageOf(run);
  expect(lineage[0]).toMatchObject({ isAnchor: true, became: 'rollback' });
  expect(lineage[1]).toMatchObject({ isAnchor: false, canRollBack: true });
});

test.each([
  ...['RUN_PHASE_TRAINING', 'RUN_PHASE_WAITING', 'RUN_PHASE_PAUSED'],
  ...['RUN_PHASE_COMPLETED', 'RUN_PHASE_FAILED', 'RUN_PHASE_CANCELLED'],
])('a student can be promoted in %s, as the orchestrator accepts it', (phase) => {
  const run = runOf({ phase, stage: 1, stages: [result(0, 0.5, false), result(1, 0.5, false)] });
  expect(lineageOf(run).map(({ canPromote }) => canPromote)).toEqual([true, true]);
});

test('a run in an unknown phase offers nothing', () => {
  const run = runOf({ phase: 'RUN_PHASE_UNSPECIFIED', stage: 1, stages: [result(0, 0.5, false)] });
  expect(lineageOf(run).some(({ canPromote, canRollBack }) => canPromote || canRollBack)).toBe(false);
});

describe('the stages of a method without an anchor', () => {
  const model = { kind: 'plain-cnn', channels: [4] };
  const ended = (stage: number, participant: string, accuracy: number) => ({
    ...result(stage, accuracy, false),
    candidate: '',
    learners: [{ participant, best: { validation: { metrics: { accuracy } }, test: { metrics: { accuracy } } } }],
  });
  const spec = JSON.stringify({ method: 'takd', student: { model }, teacher: { model }, assistants: [{ model }] });

  test('name the stage in which each frozen model was trained, with the score that it had there', () => {
    const lineage = lineageOf(
      runOf({ spec, stage: 2, stages: [ended(0, 'teacher', 0.5), ended(1, 'assistant-1', 0.6)] }),
    );
    expect(lineage.map(({ learners, frozen, leadsOn }) => [learners, frozen, leadsOn])).toEqual([
      [['teacher'], [], true],
      [['assistant-1'], [{ name: 'teacher', from: { learner: 'teacher', stage: 0, at: 'best' } }], true],
      [['student'], [{ name: 'assistant-1', from: { learner: 'assistant-1', stage: 1, at: 'best' } }], false],
    ]);
    expect(lineage[2]?.validation['assistant-1']?.metrics['accuracy']).toBe(0.6);
  });

  test('have nothing to promote, and no result before the last one has ended', () => {
    const endedStages = [ended(0, 'teacher', 0.5)];
    const [first] = lineageOf(runOf({ spec, stage: 1, stages: endedStages, phase: 'RUN_PHASE_PAUSED' }));
    expect(first).toMatchObject({ promotes: false, canPromote: false, isBest: false, isAnchor: false });
  });

  test('lead on only to a stage that uses one of their models', () => {
    const stages = [
      { name: 'one', learners: { net: { model } } },
      { name: 'two', learners: { other: { model } } },
      {
        name: 'three',
        learners: { other: { model, init: { stage: 'two', participant: 'other', at: 'last' } } },
        frozen: { guide: { stage: 'one', participant: 'net' } },
      },
    ];
    const endedStages = [ended(0, 'net', 0.5), ended(1, 'other', 0.5)];
    const lineage = lineageOf(runOf({ spec: JSON.stringify({ stages }), stage: 2, stages: endedStages }));
    expect(lineage.map(({ leadsOn }) => leadsOn)).toEqual([false, true, false]);
    expect(lineage[2]).toMatchObject({
      frozen: [{ name: 'guide', from: { learner: 'net', stage: 0, at: 'best' } }],
      continued: [{ name: 'other', from: { learner: 'other', stage: 1, at: 'last' } }],
    });
  });
});

const offered = (phase: string, failureKind = '') =>
  possibleVerbs(Run.fromJSON({ phase: `RUN_PHASE_${phase}`, failureKind }));

test('a run that waits for a trigger offers no pause, which the server refuses', () => {
  expect(offered('WAITING')).toContain('triggered');
  expect(offered('WAITING')).not.toContain('paused');
});

test('a run that failed can be resumed, unless it would fail again', () => {
  expect(offered('FAILED', 'unavailable')).toContain('resumed');
  expect(offered('FAILED', 'diverged')).not.toContain('resumed');
});

test('a run in an unknown phase offers nothing', () => {
  expect(offered('UNSPECIFIED')).toEqual([]);
});

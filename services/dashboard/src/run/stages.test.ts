import { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { describe, expect, test } from 'vitest';
import { coloursIn } from '../charts/series.js';
import { frozenIn, heldBy, namingOf, participantsIn, stageIn } from './stages.js';

const model = { kind: 'plain-cnn', channels: [4] };
const two = { student: { model }, teacher: { model } };
const runOf = (spec: object, more: object = {}) => Run.fromJSON({ runId: 'tiny', spec: JSON.stringify(spec), ...more });

const trikd = { ...two, curriculum: { generations: 3 } };
const kd = { ...two, method: 'kd' };
const takd = { ...two, method: 'takd', assistants: [{ model }] };
const afterTeacher = { ...trikd, method: { kind: 'trikd', firstAnchor: 'kd' } };

describe('stages are called', () => {
  test.each([
    ['generations where all of them are', trikd, 1, ['generation', 'generation 1', '1', 'g1']],
    ['by their names', kd, 0, ['stage', 'stage teacher', 'teacher', 'teacher']],
    ['generations among others', afterTeacher, 1, ['stage', 'generation 0', 'generation 0', 'g0']],
  ])('%s', (_, spec, index, texts) => {
    const { word, title, label, short } = namingOf(runOf(spec));
    expect([word, title(index), label(index), short(index)]).toEqual(texts);
  });

  test('by what the events say where the spec is not known', () => {
    const run = Run.fromJSON({ stage: 1, stages: [{ stageName: 'warm' }], currentStage: { name: 'last' } });
    expect([0, 1].map(namingOf(run).title)).toEqual(['stage warm', 'stage last']);
  });
});

test('a spec of a method that is not known has no stages, and hides nothing of the events', () => {
  const run = runOf({ ...two, method: 'osmosis' }, { currentStage: { name: 'soak', learners: ['sponge'] } });
  expect(stageIn(run, 0)).toEqual({ name: 'soak', learners: ['sponge'], frozen: [] });
});

test('a stage before the first promotion has no frozen model', () => {
  const run = runOf(trikd, { stage: 1, currentStage: { name: 'generation-1', learners: ['student', 'teacher'] } });
  expect(stageIn(run, 1).frozen).toEqual([]);
  expect(frozenIn(run)).toEqual(['anchor']);
});

test('a process is called by the models that it holds in a stage', () => {
  const run = runOf(takd);
  expect(heldBy(run, 1, 'teacher')).toEqual(['assistant-1']);
  expect(heldBy(run, 1, 'anchor')).toEqual(['teacher']);
  expect(heldBy(run, 0, 'anchor')).toEqual(['anchor']);
});

test('each participant of a run has a colour of its own, and student, teacher and anchor have the same in every run', () => {
  const run = runOf({ ...takd, assistants: [{ model }, { model }, { model }] });
  expect(participantsIn(run)).toEqual(['teacher', 'assistant-1', 'assistant-2', 'assistant-3', 'student']);
  expect(participantsIn(run).map(coloursIn(run))).toEqual([
    'teacher',
    'participant-1',
    'participant-2',
    'participant-3',
    'student',
  ]);
});

import { describe, expect, test } from 'vitest';
import { upgradedEvent } from './past-events.js';

describe('a stored event of a version that knew roles alone', () => {
  test('names the learner that trained, what its terms learn from and whom it waited for', () => {
    const terms = [{ part: 'task', value: 1 }, { part: 'peer' }, { part: 'anchor', value: 2 }];
    const waits = [{ peer: 'ROLE_ANCHOR', share: 0.5 }, { peer: 'ROLE_STUDENT' }];
    const progress = { nextStep: 3, batchAccuracy: 0.25, terms, waits };
    expect(upgradedEvent({ number: 1, progress: { role: 'ROLE_TEACHER', generation: 1, progress } })).toEqual({
      number: 1,
      progress: {
        participant: 'teacher',
        generation: 1,
        progress: {
          ...{ nextStep: 3, batchMetrics: { accuracy: 0.25 } },
          terms: [{ part: 'task', value: 1 }, { part: 'student' }, { part: 'anchor', value: 2 }],
          waits: [{ participant: 'anchor', share: 0.5 }, { participant: 'student' }],
        },
      },
    });
  });

  test('names the learners and the frozen model of a result', () => {
    const score = { metrics: { accuracy: 0.5 }, examples: 8 };
    const result = {
      ...{ generation: 1, promoted: true, steps: 9, student: { step: 4 }, teacher: { step: 8 } },
      ...{ studentStateSha256: 'a', teacherStateSha256: 'b', anchorValidation: score, anchorTest: score },
    };
    expect(upgradedEvent({ generationEnded: { result } })).toEqual({
      generationEnded: {
        result: {
          ...{ generation: 1, promoted: true, steps: 9, candidate: 'student' },
          learners: [
            { participant: 'student', best: { step: 4 }, stateSha256: 'a' },
            { participant: 'teacher', best: { step: 8 }, stateSha256: 'b' },
          ],
          frozen: [{ participant: 'anchor', validation: score, test: score }],
        },
      },
    });
  });

  test('keeps the role of what belongs to a process', () => {
    const event = {
      ...{ trioIncident: { role: 'ROLE_TEACHER', reason: 'OOMKilled' } },
      stepTimes: { roles: [{ role: 'ROLE_ANCHOR', phases: [{ kind: 'STEP_PHASE_KIND_WAIT', peer: 'ROLE_TEACHER' }] }] },
    };
    expect(upgradedEvent(event)).toEqual(event);
  });
});

test('an event of today stays as it is', () => {
  const terms = [{ part: 'teacher', value: 1 }];
  const event = {
    progress: {
      participant: 'student',
      progress: { nextStep: 1, terms, waits: [{ participant: 'teacher' }], batchMetrics: {} },
    },
  };
  expect(upgradedEvent(event)).toEqual(event);
});

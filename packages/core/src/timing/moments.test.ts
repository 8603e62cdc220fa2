import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMomentRing, phasesOf, roleStepOf, type StepMoment, type TimedMoment } from './moments.js';

describe('moment ring', () => {
  const at = (begun: number, ...moments: readonly StepMoment[]): TimedMoment[] =>
    moments.map((moment, index) => ({ moment, at: begun + index / 8 }));

  test('moments are found as they were kept, to the last fraction of a millisecond', () => {
    const ring = createMomentRing(4);
    const moments = at(
      1_790_000_000_000.25,
      'forward',
      'next-data',
      'next-data-done',
      'await-anchor',
      'publish',
      'done',
    );
    ring.keep(7, moments);
    expect(ring.find(7)).toEqual(moments);
  });

  test('a step is forgotten for the one that comes as many steps later as there is room for', () => {
    const ring = createMomentRing(4);
    for (let step = 0; step < 6; step++) ring.keep(step, at(step, 'forward', 'done'));
    expect([0, 1, 2, 3, 4, 5, 6].map((step) => ring.find(step)?.[0]?.at)).toEqual([
      undefined,
      undefined,
      2,
      3,
      4,
      5,
      undefined,
    ]);
    expect([1, 2, 5, 6].map((step) => ring.has(step))).toEqual([false, true, true, false]);
  });

  test('of more moments than a step has, the first and the last are kept', () => {
    const ring = createMomentRing(2);
    const many = at(0, ...Array<StepMoment>(20).fill('publish'), 'done');
    ring.keep(0, many);
    ring.keep(1, at(5, 'forward', 'done'));
    expect(ring.find(0)?.at(-1)).toEqual(many.at(-1));
    expect(ring.find(0)?.slice(0, -1)).toEqual(many.slice(0, 9));
    expect(ring.find(1)).toEqual(at(5, 'forward', 'done'));
  });
});

describe('moments', () => {
  const at = (...moments: readonly (readonly [StepMoment, number])[]): TimedMoment[] =>
    moments.map(([moment, time]) => ({ moment, at: time }));

  describe('the phases of a step', () => {
    test('follow each other, the next batch inside the forward pass', () => {
      const moments = at(
        ['forward', 100],
        ['next-data', 101],
        ['next-data-done', 103],
        ['await-anchor', 110],
        ['publish', 112],
        ['await-peer', 113],
        ['backward', 120],
        ['done', 150],
      );
      expect(roleStepOf('student', 7, moments)).toEqual({
        role: 'student',
        step: 7,
        started: 100,
        duration: 50,
        phases: [
          { kind: 'forward', offset: 0, duration: 10 },
          { kind: 'data', offset: 1, duration: 2 },
          { kind: 'wait', peer: 'anchor', offset: 10, duration: 2 },
          { kind: 'publish', offset: 12, duration: 1 },
          { kind: 'wait', peer: 'teacher', offset: 13, duration: 7 },
          { kind: 'backward', offset: 20, duration: 30 },
        ],
      });
    });

    test('of the anchor are data, forward and publish', () => {
      const step = roleStepOf('anchor', 0, at(['data', 0], ['forward', 2], ['publish', 5], ['done', 6]));
      expect(step.phases.map(({ kind, duration }) => [kind, duration])).toEqual([
        ['data', 2],
        ['forward', 3],
        ['publish', 1],
      ]);
    });

    test('of a step that was cut off end with what is known of it', () => {
      const phases = phasesOf('teacher', at(['forward', 0], ['await-peer', 4], ['next-data', 5]));
      expect(phases).toEqual([
        { kind: 'forward', offset: 0, duration: 4 },
        { kind: 'wait', peer: 'student', offset: 4, duration: 1 },
        { kind: 'data', offset: 5, duration: 0 },
      ]);
    });

    test('but for the data of the next step, fill it without a gap, whatever the times', () => {
      const order: readonly StepMoment[] = ['forward', 'await-anchor', 'publish', 'await-peer', 'backward', 'done'];
      const pauses = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 6, maxLength: 6 });
      fc.assert(
        fc.property(pauses, fc.subarray([...order.slice(1, -1)]), (lengths, kept) => {
          const moments = order
            .filter((moment, index) => index === 0 || moment === 'done' || kept.includes(moment))
            .map((moment, index) => ({ moment, at: lengths.slice(0, index).reduce((sum, each) => sum + each, 0) }));
          const { phases, duration } = roleStepOf('teacher', 0, moments);
          let end = 0;
          for (const phase of phases) {
            expect(phase.offset).toBeCloseTo(end, 3);
            end = phase.offset + phase.duration;
          }
          expect(end).toBeCloseTo(duration, 3);
        }),
      );
    });
  });
});

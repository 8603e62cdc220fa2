import { expect, test } from 'vitest';
import { isSampled, phaseSpanId, sampledContext, seedOf, spanIdOf, traceIdOf, traceparentOf } from './trace-ids.js';

const seed = seedOf('fashion', '2026-11-25T10:00:00Z');
const position = { stage: 1, attempt: 2, step: 3 };

test('a step has one trace id, another step, attempt, stage or run another one', () => {
  const ids = [
    traceIdOf(seed, position),
    traceIdOf(seed, { ...position, step: 4 }),
    traceIdOf(seed, { ...position, attempt: 3 }),
    traceIdOf(seed, { ...position, stage: 2 }),
    traceIdOf(seedOf('fashion', '2026-11-25T10:00:01Z'), position),
  ];
  expect(new Set(ids).size).toBe(ids.length);
  expect(traceIdOf(seed, { ...position })).toBe(ids[0]);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
});

test('any stretch of steps is spread evenly over what samplers look at', () => {
  const chosen = Array.from({ length: 1000 }, (_, step) => traceIdOf(seed, { ...position, step: 5000 + step })).filter(
    (id) => Number.parseInt(id.slice(-14, -6), 16) < 2 ** 32 / 10,
  );
  expect(Math.abs(chosen.length - 100)).toBeLessThanOrEqual(2);
});

test('the spans of a step have ids of their own', () => {
  const trace = traceIdOf(seed, position);
  const roles = (['root', 'student', 'teacher'] as const).map((name) => spanIdOf(trace, name));
  const ids = [...roles, ...roles.slice(1).flatMap((id) => [0, 1, 2, 9].map((index) => phaseSpanId(id, index)))];
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{16}$/);
});

test('a trace context is read as it was written, and nothing else is', () => {
  const trace = traceIdOf(seed, position);
  const span = spanIdOf(trace, 'student');
  expect(sampledContext(traceparentOf(trace, span))).toEqual({ traceId: trace, spanId: span });
  expect(sampledContext(traceparentOf(trace, span).replace(/01$/, '00'))).toBeUndefined();
  const zeros = [traceparentOf('0'.repeat(32), span), traceparentOf(trace, '0'.repeat(16))];
  for (const text of ['', 'x', `00-${trace}`, traceparentOf(trace, span).replace('00', 'ff'), ...zeros]) {
    expect(sampledContext(text)).toBeUndefined();
  }
});

test('every Nth step is sampled, and with 0 none', () => {
  const sampled = (everySteps: number) => [0, 1, 2, 3, 4].filter((step) => isSampled({ seed, everySteps }, step));
  expect([sampled(0), sampled(1), sampled(2), sampled(100)]).toEqual([[], [0, 1, 2, 3, 4], [0, 2, 4], [0]]);
});

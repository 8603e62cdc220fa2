import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace';
import { expect, test } from 'vitest';
import { countedSpans, type Deliveries } from './counted-spans.js';

const span = {} as ReadableSpan;
const spans = (count: number) => Array.from({ length: count }, () => span);

/** A processor that keeps its spans, and an exporter that responds with the next of some codes. */
function rig(room: number, codes: number[] = []) {
  const exporter: SpanExporter = {
    export: (_spans, answer) => answer({ code: codes.shift()! }),
    shutdown: async () => undefined,
  };
  const reported: Deliveries[] = [];
  const counted = countedSpans(exporter, room, (deliveries) => void reported.push(deliveries));
  let kept = 0;
  const keeping: SpanProcessor = {
    onStart: () => undefined,
    onEnd: () => void kept++,
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  };
  const processor = counted.processor(keeping);
  const end = (count: number) => {
    for (const each of spans(count)) processor.onEnd(each);
  };
  return { counted, reported, end, kept: () => kept };
}

test('delivered and dropped spans are counted', () => {
  const { counted, reported, end } = rig(100, [0, 1, 1, 0]);
  end(18);
  const answers: number[] = [];
  for (const count of [3, 4, 5, 6]) counted.exporter.export(spans(count), ({ code }) => answers.push(code));
  expect(counted.deliveries()).toEqual({ made: 18, delivered: 9, failed: 9, refused: 0 });
  expect(reported.map(({ failed }) => failed)).toEqual([0, 4, 9, 9]);
  expect(answers).toEqual([0, 1, 1, 0]);
});

test('spans beyond the limit are dropped until others are delivered', () => {
  const { counted, end, kept } = rig(10, [1, 0]);
  end(12);
  expect([kept(), counted.deliveries().refused]).toEqual([10, 2]);
  counted.exporter.export(spans(4), () => undefined);
  end(5);
  expect([kept(), counted.deliveries().refused]).toEqual([14, 3]);
  expect(counted.deliveries()).toEqual({ made: 17, delivered: 0, failed: 4, refused: 3 });
});

import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace';
import { expect, test } from 'vitest';
import { countedSpans, type Deliveries } from './counted-spans.js';

const span = {} as ReadableSpan;
const spans = (count: number) => Array.from({ length: count }, () => span);

/** A processor that keeps what it is given, and an exporter that answers with the next of some codes. */
function rig(room: number, codes: number[] = []) {
  const exporter: SpanExporter = {
    export: (_spans, answer) => answer({ code: codes.shift()! }),
    shutdown: async () => undefined,
  };
  const told: Deliveries[] = [];
  const counted = countedSpans(exporter, room, (deliveries) => void told.push(deliveries));
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
  return { counted, told, end, kept: () => kept };
}

test('spans that are taken and spans that are given up are counted', () => {
  const { counted, told, end } = rig(100, [0, 1, 1, 0]);
  end(18);
  const answers: number[] = [];
  for (const count of [3, 4, 5, 6]) counted.exporter.export(spans(count), ({ code }) => answers.push(code));
  expect(counted.deliveries()).toEqual({ made: 18, delivered: 9, failed: 9, refused: 0 });
  expect(told.map(({ failed }) => failed)).toEqual([0, 4, 9, 9]);
  expect(answers).toEqual([0, 1, 1, 0]);
});

test('spans for which there is no room go no further, until others have left', () => {
  const { counted, end, kept } = rig(10, [1, 0]);
  end(12);
  expect([kept(), counted.deliveries().refused]).toEqual([10, 2]);
  counted.exporter.export(spans(4), () => undefined);
  end(5);
  expect([kept(), counted.deliveries().refused]).toEqual([14, 3]);
  expect(counted.deliveries()).toEqual({ made: 17, delivered: 0, failed: 4, refused: 3 });
});

import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { expect, test } from 'vitest';
import { countedExporter, type Deliveries } from './counted-exporter.js';

const spans = (count: number) => Array.from({ length: count }, () => ({}) as ReadableSpan);

test('spans that are taken and spans that are given up are counted', () => {
  const codes = [0, 1, 1, 0];
  const inner: SpanExporter = {
    export: (_spans, answer) => answer({ code: codes.shift()! }),
    shutdown: async () => undefined,
  };
  const told: Deliveries[] = [];
  const exporter = countedExporter(inner, (deliveries) => void told.push(deliveries));
  const answers: number[] = [];
  for (const count of [3, 4, 5, 6]) exporter.export(spans(count), ({ code }) => answers.push(code));
  expect(exporter.deliveries()).toEqual({ delivered: 9, failed: 9 });
  expect(told.map(({ failed }) => failed)).toEqual([0, 4, 9, 9]);
  expect(answers).toEqual([0, 1, 1, 0]);
});

import { expect, test } from 'vitest';
import { tracedOps } from './step-stats.js';

/** A field with a number, and one with bytes. */
const number = (field: number, value: number): number[] => [field << 3, ...varint(value)];
const bytes = (field: number, content: readonly number[] | string): number[] => {
  const written = typeof content === 'string' ? [...Buffer.from(content)] : content;
  return [(field << 3) | 2, ...varint(written.length), ...written];
};

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

const node = (name: string, micros: number, label: string) =>
  bytes(2, [
    ...bytes(1, name),
    ...number(2, micros),
    ...bytes(8, label),
    ...number(10, 7),
    ...number(14, 1500),
    ...number(15, 4500),
  ]);

/** Thursday, 26 November 2026: more microseconds than 32 bits have. */
const START = 1_795_651_200_000_000;
const device = [
  ...bytes(1, '/device:CPU:0'),
  ...node('Conv2D_2', START + 10, '[cpu 8.0MB 8.0MB] Conv2D_2 = _MklNativeConv2D(Split_1:1, Const_0, ^NoOp_0)'),
  ...node('Const_0', START, 'Const_0 = Const()'),
  ...node('edge_5_Const_0', START, '[cpu 8B] MEMCPYHtoD'),
];
const metadata = Uint8Array.from(bytes(1, bytes(1, device)));

test('ops are read by their start, with what they read, and without transfers', () => {
  const common = { device: '/device:CPU:0', thread: 7, duration: 3 };
  expect(tracedOps(metadata)).toEqual([
    { ...common, name: 'Const_0', type: 'Const', start: START + 1.5, inputs: [] },
    { ...common, name: 'Conv2D_2', type: '_MklNativeConv2D', start: START + 11.5, inputs: ['Split_1:1', 'Const_0'] },
  ]);
});

test('a trace that is cut off is an error', () => {
  expect(() => tracedOps(metadata.subarray(0, -1))).toThrow(RangeError);
});

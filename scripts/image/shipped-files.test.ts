import { expect, test } from 'vitest';
import { isShipped } from './shipped-files.ts';

test.each([
  ['zod', 'v4/core/parse.js'],
  ['zod', 'package.json'],
  ['yaml', 'dist/doc/Document.js'],
  ['long', 'LICENSE'],
  ['long', 'LICENSE.md'],
  ['rxjs', 'dist/cjs/index.js'],
  ['@opentelemetry/api', 'build/src/index.js'],
  ['@tensorflow/tfjs', 'dist/tf.node.js'],
  ['@tensorflow/tfjs-node-gpu', 'dist/kernels/Abs.js'],
  ['@grpc/grpc-js', 'proto/channelz.proto'],
  ['a', 'lib/test.js'],
])('of %s, %s is in the image', (name, path) => {
  expect(isShipped(name, path)).toBe(true);
});

test.each([
  ['zod', 'v4/core/parse.d.cts'],
  ['zod', 'src/index.ts'],
  ['zod', 'v4/core/parse.js.map'],
  ['long', 'README.md'],
  ['long', 'tests/index.js'],
  ['split2', 'bench.js'],
  ['pino', 'eslint.config.js'],
  ['rxjs', 'dist/esm/index.js'],
  ['@opentelemetry/api', 'build/esm/index.js'],
  ['@tensorflow/tfjs', 'dist/tf.min.js'],
  ['@tensorflow/tfjs-core', 'dist/ops/abs.js'],
  ['@tensorflow/tfjs-node-gpu', 'dist/canvas_test.js'],
  ['@trikd/engine', 'dist/testing/programs.js'],
])('of %s, %s is not in the image', (name, path) => {
  expect(isShipped(name, path)).toBe(false);
});

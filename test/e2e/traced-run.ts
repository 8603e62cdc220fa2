import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { expect } from 'vitest';
import { resultOf } from './outcome.js';
import { scratch, specFile, trikd } from './trikd.js';

const tiny = writtenSpec('two stages');

/** A run, traced at every step. What its services said of their spans at the end, and what came of it. */
export async function tracedRun(env: Readonly<Record<string, string>>) {
  const folder = scratch();
  const args = ['run', specFile(folder, tiny), '--store', join(folder, 'runs'), '--output', 'json'];
  const ended = await trikd(args, { TRIKD_TELEMETRY__EVERY_STEPS: '1', ...env }).ended;
  expect(ended).toMatchObject({ status: 0, stderr: '' });
  const logs = join(folder, 'runs', tiny.name, 'logs');
  const lines = readdirSync(logs)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(join(logs, name), 'utf8').trimEnd().split('\n'));
  const said = lines.map((line) => JSON.parse(line)).filter(({ dropped }) => dropped !== undefined);
  return { stages: resultOf(ended).stages, said };
}

export const SERVICES = ['anchor-server', 'orchestrator', 'student-trainer', 'teacher-trainer'];

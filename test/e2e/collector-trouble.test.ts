import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../scripts/child-server.js';
import { startObservers } from '../../scripts/observers.js';
import { resultOf } from './outcome.js';
import { tiny } from './specs.js';
import { scratch, specFile, trikd } from './trikd.js';

/** A run, traced at every step. What its services said of their spans at the end, and what came of it. */
async function traced(env: Readonly<Record<string, string>>) {
  const folder = scratch();
  const args = ['run', specFile(folder, tiny), '--store', join(folder, 'runs'), '--output', 'json'];
  const ended = await trikd(args, { TRIKD_TELEMETRY__EVERY_STEPS: '1', ...env }).ended;
  expect(ended).toMatchObject({ status: 0, stderr: '' });
  const logs = join(folder, 'runs', tiny.name, 'logs');
  const lines = readdirSync(logs)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(join(logs, name), 'utf8').trimEnd().split('\n'));
  const said = lines.map((line) => JSON.parse(line)).filter(({ dropped }) => dropped !== undefined);
  return { generations: resultOf(ended).generations, said };
}

const SERVICES = ['anchor-server', 'orchestrator', 'student-trainer', 'teacher-trainer'];
/** Spans of each trainer: 48 steps, each with forward, data, publish and backward, and one wait, or two where there is an anchor. */
const TRAINER_SPANS = 24 * 6 + 24 * 7;

test('a collector that is away, or frozen, changes no bit of a run, and what it does not take is counted', async () => {
  const observers = await startObservers();
  onTestFinished(() => observers.kill());
  process.kill(observers.collectorPid, 'SIGSTOP');
  const alone = await traced({});
  expect(alone.said).toEqual([]);
  const away = await traced({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}` });
  const frozen = await traced({ OTEL_EXPORTER_OTLP_ENDPOINT: observers.otlp });
  for (const { generations, said } of [away, frozen]) {
    expect(generations).toEqual(alone.generations);
    expect(said.map(({ service }) => service).toSorted()).toEqual(SERVICES);
    for (const { service, made, delivered, dropped } of said) {
      expect({ delivered, dropped }).toEqual({ delivered: 0, dropped: made });
      if (service.endsWith('-trainer')) expect(made).toBeGreaterThanOrEqual(TRAINER_SPANS);
    }
  }
});

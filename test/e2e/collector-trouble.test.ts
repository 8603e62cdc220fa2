import { freePort } from '@trikd/testing/servers/child-server';
import { startCollector } from '@trikd/testing/servers/observers';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { expect, onTestFinished, test } from 'vitest';
import { reference } from './outcome.js';
import { SERVICES, tracedRun } from './traced-run.js';

/** Spans of each trainer: 48 steps, each with forward, data, publish and backward, and one wait, or two where there is an anchor. */
const TRAINER_SPANS = 24 * 6 + 24 * 7;

test('a collector that is away, or frozen, changes no bit of a run, and what it does not take is counted', async () => {
  const collector = await startCollector();
  onTestFinished(() => collector.kill());
  process.kill(collector.pid, 'SIGSTOP');
  const expected = await reference(writtenSpec('two stages'));
  const away = await tracedRun({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}` });
  const frozen = await tracedRun({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.otlp });
  for (const { stages, said } of [away, frozen]) {
    expect(stages).toEqual(expected);
    expect(said.map(({ service }) => service).toSorted()).toEqual(SERVICES);
    for (const { service, made, delivered, dropped } of said) {
      expect({ delivered, dropped }).toEqual({ delivered: 0, dropped: made });
      if (service.endsWith('-trainer')) expect(made).toBeGreaterThanOrEqual(TRAINER_SPANS);
    }
  }
});

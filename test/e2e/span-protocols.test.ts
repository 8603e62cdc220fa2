import { startObservers } from '@trikd/testing/servers/observers';
import { expect, onTestFinished, test } from 'vitest';
import { SERVICES, tracedRun } from './traced-run.js';

test('a collector takes the spans of all services over HTTP too', async () => {
  const { otlpHttp, kill } = await startObservers();
  onTestFinished(kill);
  for (const protocol of ['http/protobuf', 'http/json']) {
    const { said } = await tracedRun({ OTEL_EXPORTER_OTLP_ENDPOINT: otlpHttp, OTEL_EXPORTER_OTLP_PROTOCOL: protocol });
    expect(said.map(({ service }) => service).toSorted()).toEqual(SERVICES);
    for (const { delivered, failed } of said) {
      expect(failed, protocol).toBe(0);
      expect(delivered, protocol).toBeGreaterThan(0);
    }
  }
});

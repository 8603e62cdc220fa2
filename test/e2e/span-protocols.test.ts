import { startCollector } from '@trikd/testing/servers/observers';
import { expect, onTestFinished, test } from 'vitest';
import { casesOf } from './cases.js';
import { SERVICES, tracedRun } from './traced-run.js';

test('a collector takes the spans of all services over HTTP too', async () => {
  const { otlpHttp, kill } = await startCollector();
  onTestFinished(kill);
  // JSON reaches the collector of test/e2e/canary.test.ts.
  for (const protocol of casesOf(['http/protobuf'], ['http/json'])) {
    const { said } = await tracedRun({ OTEL_EXPORTER_OTLP_ENDPOINT: otlpHttp, OTEL_EXPORTER_OTLP_PROTOCOL: protocol });
    expect(said.map(({ service }) => service).toSorted()).toEqual(SERVICES);
    for (const { delivered, failed } of said) {
      expect(failed, protocol).toBe(0);
      expect(delivered, protocol).toBeGreaterThan(0);
    }
  }
});

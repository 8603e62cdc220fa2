import { createLogger } from '@trikd/process/logging';
import { describe, expect, test } from 'vitest';
import { isWanted, NO_TELEMETRY, startTelemetry } from './telemetry.js';

describe('telemetry', () => {
  test('is wanted by whoever names a place or a kind for it', () => {
    expect(isWanted({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4317' })).toBe(true);
    expect(isWanted({ OTEL_TRACES_EXPORTER: 'console' })).toBe(true);
    expect(isWanted({ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://localhost:4317' })).toBe(true);
  });

  test('is not wanted by default, nor where the SDK is disabled', () => {
    expect(isWanted({})).toBe(false);
    expect(isWanted({ OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_SERVICE_NAME: 'x' })).toBe(false);
    expect(isWanted({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4317', OTEL_SDK_DISABLED: 'TRUE' })).toBe(false);
  });

  test('that nobody wants goes nowhere', async () => {
    expect(await startTelemetry('student-trainer', {}, createLogger({ level: 'silent' }, 'test'))).toBe(NO_TELEMETRY);
  });
});

import { createLogger } from '@trikd/process/logging';
import { describe, expect, test } from 'vitest';
import { isTelemetryOn, startTelemetry } from './start-telemetry.js';
import { NO_TELEMETRY } from './telemetry.js';

describe('telemetry', () => {
  test('is on once a variable names an endpoint or an exporter', () => {
    expect(isTelemetryOn({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4317' })).toBe(true);
    expect(isTelemetryOn({ OTEL_TRACES_EXPORTER: 'console' })).toBe(true);
    expect(isTelemetryOn({ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://localhost:4317' })).toBe(true);
  });

  test('is off by default, and where the SDK is disabled', () => {
    expect(isTelemetryOn({})).toBe(false);
    expect(isTelemetryOn({ OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_SERVICE_NAME: 'x' })).toBe(false);
    expect(isTelemetryOn({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4317', OTEL_SDK_DISABLED: 'TRUE' })).toBe(
      false,
    );
  });

  test('that is off goes nowhere', async () => {
    expect(await startTelemetry('student-trainer', {}, createLogger({ level: 'silent' }, 'test'))).toBe(NO_TELEMETRY);
  });
});

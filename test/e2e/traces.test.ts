import { join } from 'node:path';
import { startObservers } from '@trikd/testing/servers/observers';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { expect, onTestFinished, test } from 'vitest';
import { scratch, specFile, trikd } from './trikd.js';

const tiny = writtenSpec('two generations');

/** A span as Jaeger's API tells it, times in microseconds. */
interface JaegerSpan {
  readonly traceID: string;
  readonly spanID: string;
  readonly operationName: string;
  readonly processID: string;
  readonly startTime: number;
  readonly duration: number;
  readonly references: readonly { readonly refType: string; readonly traceID: string; readonly spanID: string }[];
  readonly tags: readonly { readonly key: string; readonly value: unknown }[];
}

interface JaegerTrace {
  readonly traceID: string;
  readonly spans: readonly JaegerSpan[];
  readonly processes: Readonly<
    Record<
      string,
      { readonly serviceName: string; readonly tags: readonly { readonly key: string; readonly value: unknown }[] }
    >
  >;
}

const tagOf = (span: JaegerSpan, key: string) => span.tags.find((tag) => tag.key === key)?.value;
const parentOf = ({ references }: JaegerSpan) => references.find(({ refType }) => refType === 'CHILD_OF')?.spanID;
const linksOf = ({ references }: JaegerSpan) =>
  references.filter(({ refType }) => refType === 'FOLLOWS_FROM').map(({ spanID }) => spanID);

/** The traces of a run's steps of one generation, by step. */
async function stepTraces(jaeger: string, generation: number): Promise<Map<unknown, JaegerTrace>> {
  const query = new URLSearchParams({
    service: 'orchestrator',
    operation: 'trikd.step',
    limit: '1000',
    lookback: '1h',
  });
  const answer = await fetch(`${jaeger}/api/traces?${query}`);
  const { data } = (await answer.json()) as { readonly data: readonly JaegerTrace[] };
  const roots = data.flatMap((trace) => {
    for (const { tags } of Object.values(trace.processes)) {
      expect(tags).toContainEqual({ key: 'trikd.run.id', type: 'string', value: 'tiny' });
      expect(tags).toContainEqual({ key: 'service.namespace', type: 'string', value: 'trikd' });
    }
    const root = trace.spans.find(({ operationName }) => operationName === 'trikd.step');
    return root && tagOf(root, 'trikd.generation') === generation ? [[tagOf(root, 'trikd.step'), trace] as const] : [];
  });
  return new Map(roots);
}

/** What the parts of a step make up of it. A trainer makes the data of its next step inside another part. */
function filled(trace: JaegerTrace, whole: JaegerSpan): number {
  const inside = tagOf(whole, 'trikd.role') === 'anchor' ? ['trikd.checkpoint'] : ['trikd.checkpoint', 'data'];
  const parts = trace.spans.filter((span) => parentOf(span) === whole.spanID && !inside.includes(span.operationName));
  return parts.reduce((sum, { duration }) => sum + duration, 0) / whole.duration;
}

/** Whether all four processes have sent their part. */
function isWhole({ spans, processes }: JaegerTrace): boolean {
  return new Set(spans.map(({ processID }) => processes[processID]?.serviceName)).size === 4;
}

test('every step is one trace of four processes, whose parts fill it', { timeout: 120_000 }, async () => {
  const observers = await startObservers();
  onTestFinished(() => observers.kill());
  const folder = scratch();
  const args = ['run', specFile(folder, tiny), '--store', join(folder, 'runs'), '--output', 'json'];
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: observers.otlp, TRIKD_TELEMETRY__EVERY_STEPS: '1' };
  const { status, stderr } = await trikd(args, env).ended;
  expect(stderr).toBe('');
  expect(status).toBe(0);

  // The collector and Jaeger pass things on in their own time.
  const arrived = async () => [...(await stepTraces(observers.jaeger, 1)).values()].filter(isWhole).length;
  await expect.poll(arrived, { timeout: 20_000, interval: 200 }).toBe(24);
  const traces = await stepTraces(observers.jaeger, 1);
  expect([...traces.keys()].toSorted((a, b) => Number(a) - Number(b))).toEqual([...Array(24).keys()]);
  for (const trace of traces.values()) {
    const serviceOf = (span: JaegerSpan) => trace.processes[span.processID]!.serviceName;
    const services = new Set(trace.spans.map(serviceOf));
    expect([...services].toSorted()).toEqual(['anchor-server', 'orchestrator', 'student-trainer', 'teacher-trainer']);
    const root = trace.spans.find((span) => parentOf(span) === undefined)!;
    expect([root.operationName, serviceOf(root)]).toEqual(['trikd.step', 'orchestrator']);
    const steps = trace.spans.filter(({ operationName }) => /^trikd\.(train|anchor)_step$/.test(operationName));
    expect(steps.map((span) => [tagOf(span, 'trikd.role'), parentOf(span)]).toSorted()).toEqual([
      ['anchor', root.spanID],
      ['student', root.spanID],
      ['teacher', root.spanID],
    ]);
    for (const step of steps) {
      expect(filled(trace, step)).toBeGreaterThan(0.95);
      expect(filled(trace, step)).toBeLessThan(1.05);
    }
    const stepOf = (role: string) => steps.find((span) => tagOf(span, 'trikd.role') === role)!;
    const waits = trace.spans.filter(({ operationName }) => operationName === 'exchange.wait');
    const known = waits.map((span) => [tagOf(span, 'trikd.role'), tagOf(span, 'trikd.peer'), parentOf(span)]);
    expect(known.toSorted()).toEqual([
      ['student', 'anchor', stepOf('student').spanID],
      ['student', 'teacher', stepOf('student').spanID],
      ['teacher', 'anchor', stepOf('teacher').spanID],
      ['teacher', 'student', stepOf('teacher').spanID],
    ]);
    for (const wait of waits) expect(linksOf(wait)).toEqual([stepOf(String(tagOf(wait, 'trikd.peer'))).spanID]);
    // Both trainers lie inside the root.
    const ends = [stepOf('teacher'), stepOf('student')].map(({ startTime, duration }) => [
      startTime,
      startTime + duration,
    ]);
    expect(Math.min(...ends.map(([begun]) => begun!))).toBeCloseTo(root.startTime, -1);
    expect(Math.max(...ends.map(([, ended]) => ended!))).toBeCloseTo(root.startTime + root.duration, -2);
  }
});

import { join } from 'node:path';
import { startCollector, startTraceSink } from '@trikd/testing/servers/observers';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { expect, onTestFinished, test } from 'vitest';
import { scratch, specFile, trikd } from './trikd.js';

const tiny = writtenSpec('two stages');

/** Attributes as OTLP has them in JSON. */
type Attributes = readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];

/** A span as OTLP has it in JSON, with the attributes of its service. Times are nanoseconds. */
interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: Attributes;
  readonly links?: readonly { readonly spanId: string }[];
  readonly resource: Attributes;
}

interface Export {
  readonly resourceSpans?: readonly {
    readonly resource: { readonly attributes: Attributes };
    readonly scopeSpans: readonly { readonly spans: readonly Omit<Span, 'resource'>[] }[];
  }[];
}

function spansIn({ resourceSpans = [] }: Export): readonly Span[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans.map((span) => ({ ...span, resource: resource.attributes }))),
  );
}

/** Whole numbers are texts in OTLP's JSON. */
function attributeOf(attributes: Attributes = [], key: string): unknown {
  const { intValue, ...rest } = attributes.find((each) => each.key === key)?.value ?? {};
  return intValue === undefined ? Object.values(rest)[0] : Number(intValue);
}

const tagOf = (span: Span, key: string) => attributeOf(span.attributes, key);
const parentOf = ({ parentSpanId }: Span) => parentSpanId || undefined;
const linksOf = ({ links = [] }: Span) => links.map(({ spanId }) => spanId);
const serviceOf = ({ resource }: Span) => attributeOf(resource, 'service.name');
/** In microseconds. */
const startOf = ({ startTimeUnixNano }: Span) => Number(BigInt(startTimeUnixNano) / 1000n);
const endOf = ({ endTimeUnixNano }: Span) => Number(BigInt(endTimeUnixNano) / 1000n);
const durationOf = (span: Span) => endOf(span) - startOf(span);

/** The traces of a run's steps of one stage, by step. */
function stepTraces(all: readonly Span[], stage: number): ReadonlyMap<unknown, readonly Span[]> {
  const traces = [...Map.groupBy(all, ({ traceId }) => traceId).values()];
  const roots = traces.flatMap((trace) => {
    const root = trace.find(({ name }) => name === 'trikd.step');
    return root && tagOf(root, 'trikd.stage') === stage ? [[tagOf(root, 'trikd.step'), trace] as const] : [];
  });
  return new Map(roots);
}

/** What the parts of a step make up of it. A trainer makes the data of its next step inside another part. */
function filled(trace: readonly Span[], whole: Span): number {
  const inside = tagOf(whole, 'trikd.role') === 'anchor' ? ['trikd.checkpoint'] : ['trikd.checkpoint', 'data'];
  const parts = trace.filter((span) => parentOf(span) === whole.spanId && !inside.includes(span.name));
  return parts.reduce((sum, part) => sum + durationOf(part), 0) / durationOf(whole);
}

/** Whether all four processes have sent their part. */
function isWhole(trace: readonly Span[]): boolean {
  return new Set(trace.map(serviceOf)).size === 4;
}

test('every step is one trace of four processes, whose parts fill it', { timeout: 120_000 }, async () => {
  const received: Span[] = [];
  const sink = await startTraceSink((body) => received.push(...spansIn(JSON.parse(body))));
  onTestFinished(sink.kill);
  const collector = await startCollector(sink.address);
  onTestFinished(collector.kill);
  const folder = scratch();
  const args = ['run', specFile(folder, tiny), '--store', join(folder, 'runs'), '--output', 'json'];
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.otlp, TRIKD_TELEMETRY__EVERY_STEPS: '1' };
  const { status, stderr } = await trikd(args, env).ended;
  expect(stderr).toBe('');
  expect(status).toBe(0);

  // Collectors pass things on in their own time.
  const arrived = () => [...stepTraces(received, 1).values()].filter(isWhole).length;
  await expect.poll(arrived, { timeout: 20_000, interval: 200 }).toBe(24);
  for (const { resource } of received) {
    expect([attributeOf(resource, 'trikd.run.id'), attributeOf(resource, 'service.namespace')]).toEqual([
      'tiny',
      'trikd',
    ]);
  }
  const traces = stepTraces(received, 1);
  expect([...traces.keys()].toSorted((a, b) => Number(a) - Number(b))).toEqual([...Array(24).keys()]);
  for (const trace of traces.values()) {
    const services = new Set(trace.map(serviceOf));
    expect([...services].toSorted()).toEqual(['anchor-server', 'orchestrator', 'student-trainer', 'teacher-trainer']);
    const root = trace.find((span) => parentOf(span) === undefined)!;
    expect([root.name, serviceOf(root)]).toEqual(['trikd.step', 'orchestrator']);
    const steps = trace.filter(({ name }) => /^trikd\.(train|anchor)_step$/.test(name));
    expect(steps.map((span) => [tagOf(span, 'trikd.role'), parentOf(span)]).toSorted()).toEqual([
      ['anchor', root.spanId],
      ['student', root.spanId],
      ['teacher', root.spanId],
    ]);
    for (const step of steps) {
      expect(filled(trace, step)).toBeGreaterThan(0.95);
      expect(filled(trace, step)).toBeLessThan(1.05);
    }
    const stepOf = (role: string) => steps.find((span) => tagOf(span, 'trikd.role') === role)!;
    const waits = trace.filter(({ name }) => name === 'exchange.wait');
    const known = waits.map((span) => [tagOf(span, 'trikd.role'), tagOf(span, 'trikd.peer'), parentOf(span)]);
    expect(known.toSorted()).toEqual([
      ['student', 'anchor', stepOf('student').spanId],
      ['student', 'teacher', stepOf('student').spanId],
      ['teacher', 'anchor', stepOf('teacher').spanId],
      ['teacher', 'student', stepOf('teacher').spanId],
    ]);
    for (const wait of waits) expect(linksOf(wait)).toEqual([stepOf(String(tagOf(wait, 'trikd.peer'))).spanId]);
    // Both trainers lie inside the root.
    const ends = [stepOf('teacher'), stepOf('student')].map((span) => [startOf(span), endOf(span)]);
    expect(Math.min(...ends.map(([begun]) => begun!))).toBeCloseTo(startOf(root), -1);
    expect(Math.max(...ends.map(([, ended]) => ended!))).toBeCloseTo(endOf(root), -2);
  }
});

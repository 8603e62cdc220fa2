import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { TrikdError } from '@trikd/core/domain/errors';
import type { RoleStep } from '@trikd/core/timing/role-step';
import { seedOf, spanIdOf, traceIdOf } from '@trikd/core/timing/trace-ids';
import { describe, expect, test } from 'vitest';
import type { RequestTrace } from './request-trace.js';
import { chosenIds, makeRequestSpans, makeRootSpan, makeSpanInStep, makeStepSpans } from './spans.js';

describe('request spans', () => {
  const T = 1_700_000_000_000;
  const request: RequestTrace = {
    ...{ model: 'tiny', started: T, ended: T + 20 },
    computed: {
      ...{ version: '2', rows: 40 },
      batches: [
        { rows: 32, started: T + 5, ended: T + 12 },
        { rows: 20, started: T + 6, ended: T + 18 },
      ],
    },
  };

  function spansOf(made: RequestTrace): Readonly<Record<string, ReadableSpan>> {
    const exporter = new InMemorySpanExporter();
    const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
    makeRequestSpans(provider.getTracer('test'), made);
    return Object.fromEntries(exporter.getFinishedSpans().map((span) => [span.name, span]));
  }

  const times = ({ startTime, endTime }: ReadableSpan) =>
    [startTime, endTime].map(([seconds, nanos]) => Math.round(seconds * 1000 + nanos / 1e6 - T));

  test('a request is a span of a server, with its wait and its computation below it', () => {
    const { 'trikd.inference': whole, 'inference.queue': queue, 'inference.compute': compute } = spansOf(request);
    expect(whole).toMatchObject({ kind: SpanKind.SERVER, parentSpanContext: undefined });
    expect(whole!.attributes).toEqual({ 'trikd.model': 'tiny', 'trikd.version': '2', 'trikd.rows': 40 });
    for (const part of [queue!, compute!]) {
      expect(part.parentSpanContext?.spanId).toBe(whole!.spanContext().spanId);
      expect(part.spanContext().traceId).toBe(whole!.spanContext().traceId);
    }
    expect([times(whole!), times(queue!), times(compute!)]).toEqual([
      [0, 20],
      [0, 5],
      [5, 18],
    ]);
    expect(compute!.attributes).toEqual({ 'trikd.batches': 2, 'trikd.batch.rows': 52 });
  });

  test('a request of a caller with a trace is part of that trace, below the span of the caller', () => {
    const parent = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
    const { 'trikd.inference': whole, 'inference.queue': queue } = spansOf({ ...request, parent });
    expect(whole!.parentSpanContext).toMatchObject({ ...parent, isRemote: true });
    expect(queue!.spanContext().traceId).toBe(parent.traceId);
  });

  test('a request that failed has the kind of its error, and an error of the server its message', () => {
    const { computed: _, ...failed } = request;
    const refused = spansOf({ ...failed, error: { type: 'invalid', message: 'no images' } });
    expect(Object.keys(refused)).toEqual(['trikd.inference']);
    expect(refused['trikd.inference']!.attributes).toEqual({ 'trikd.model': 'tiny', 'error.type': 'invalid' });
    expect(refused['trikd.inference']!.status).toEqual({ code: SpanStatusCode.UNSET });
    const broken = spansOf({ ...failed, error: { type: 'internal', message: 'no memory' } });
    expect(broken['trikd.inference']!.status).toEqual({ code: SpanStatusCode.ERROR, message: 'no memory' });
  });
});

describe('step spans', () => {
  const attempt = { runId: 'r', stage: 1, attempt: 2 };
  const seed = seedOf('r', 'now');
  const traceId = traceIdOf(seed, { ...attempt, step: 7 });
  const NOTHING: never[] = [];

  const step = (role: 'teacher' | 'student' | 'anchor', started: number): RoleStep => ({
    role,
    step: 7,
    started,
    duration: 30.5,
    phases: [
      { kind: 'forward', offset: 0, duration: 10 },
      { kind: 'wait', peer: 'teacher', offset: 10, duration: 5.25 },
      { kind: 'backward', offset: 15.25, duration: 15.25 },
    ],
  });

  /** A tracer whose spans can be read. */
  function rig(sampler?: Sampler) {
    const exporter = new InMemorySpanExporter();
    const ids = chosenIds();
    const processor = new SimpleSpanProcessor({ exporter });
    const provider = new TracerProvider({ idGenerator: ids, spanProcessors: [processor], ...(sampler && { sampler }) });
    const over = (span: ReadableSpan) => processor.onEnd(span);
    return { steps: { tracer: provider.getTracer('test'), ids, over }, spans: () => exporter.getFinishedSpans() };
  }

  const ms = ([seconds, nanos]: readonly [number, number]) => seconds * 1000 + nanos / 1e6;
  const times = (span: ReadableSpan) => [ms(span.startTime), ms(span.endTime)].map((each) => Number(each.toFixed(3)));

  test('a request to another server that was made for a step is a span below its role, wherever it lies in time', () => {
    const { steps, spans } = rig();
    const calls = [{ participant: 'large', started: 1_600_000_000_000, ended: 1_600_000_000_020.5 }];
    makeStepSpans(steps, { attempt, traceId, step: step('anchor', 1_700_000_000_000), received: NOTHING, calls });
    const call = spans().find(({ name }) => name === 'trikd.remote_call')!;
    expect(call.parentSpanContext?.spanId).toBe(spanIdOf(traceId, 'anchor'));
    expect(call.attributes).toEqual({ 'trikd.role': 'anchor', 'trikd.part': 'large' });
    expect(times(call)).toEqual([1_600_000_000_000, 1_600_000_000_020.5]);
  });

  test('the spans of a step are its phases, below its role, below a root of another process', () => {
    const { steps, spans } = rig();
    makeStepSpans(steps, { attempt, traceId, step: step('student', 1_700_000_000_000.25), received: NOTHING });
    const made = spans().map((span) => [span.name, span.parentSpanContext?.spanId]);
    const role = spanIdOf(traceId, 'student');
    expect(made).toEqual([
      ['forward', role],
      ['exchange.wait', role],
      ['backward', role],
      ['trikd.train_step', spanIdOf(traceId, 'root')],
    ]);
    const [, wait, , whole] = spans();
    expect(new Set(spans().map((span) => span.spanContext().traceId))).toEqual(new Set([traceId]));
    expect(whole!.spanContext().spanId).toBe(role);
    expect(times(whole!)).toEqual([1_700_000_000_000.25, 1_700_000_000_030.75]);
    expect(times(wait!)).toEqual([1_700_000_000_010.25, 1_700_000_000_015.5]);
    expect(whole!.attributes).toEqual({
      'trikd.run.id': 'r',
      'trikd.stage': 1,
      'trikd.attempt': 2,
      'trikd.step': 7,
      'trikd.role': 'student',
    });
    expect(wait!.attributes).toEqual({ 'trikd.role': 'student', 'trikd.peer': 'teacher' });
  });

  test('spans that are created again have the same ids', () => {
    const [first, again] = [rig(), rig()];
    for (const { steps } of [first, again]) {
      makeStepSpans(steps, { attempt, traceId, step: step('anchor', 1_700_000_000_000), received: NOTHING });
    }
    const ids = ({ spans }: typeof first) => spans().map((span) => span.spanContext().spanId);
    expect(ids(first)).toEqual(ids(again));
    expect(new Set(ids(first)).size).toBe(4);
  });

  test('a wait is linked to the span of the producer of the frame', () => {
    const { steps, spans } = rig();
    const span = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
    for (const received of [[{ from: 'teacher' }], [{ from: 'anchor' }, { from: 'teacher', span }]] as const) {
      makeStepSpans(steps, { attempt, traceId, step: step('student', 1_700_000_000_000), received });
    }
    const links = spans().map((each) => each.links.map(({ context }) => [context.traceId, context.spanId]));
    const own = [traceId, spanIdOf(traceId, 'teacher')];
    expect(links).toEqual([[], [own], [], [], [], [[span.traceId, span.spanId]], [], []]);
  });

  test('the spans of phases equal those that the tracer would create', () => {
    const { steps, spans } = rig();
    makeStepSpans(steps, { attempt, traceId, step: step('student', 1_700_000_000_000.25), received: NOTHING });
    const [, , backward, whole] = spans();
    const options = { startTime: 1_700_000_000_015.5 };
    const parent = trace.setSpanContext(ROOT_CONTEXT, whole!.spanContext());
    const { spanId } = backward!.spanContext();
    steps.ids
      .with({ traceId, spanId }, () => steps.tracer.startSpan('backward', options, parent))
      .end(1_700_000_000_030.75);
    const fields = (span: ReadableSpan) => {
      const { spanContext, startTime, endTime, duration, kind, status, attributes, links, events, ended } = span;
      const { resource, instrumentationScope, parentSpanContext, name } = span;
      const { traceFlags, ...ids } = spanContext.call(span);
      return {
        ...{ name, startTime, endTime, duration, kind, status, attributes, links, events, ended },
        ...{ resource, instrumentationScope, parentSpanContext, traceFlags, traceId: ids.traceId, spanId: ids.spanId },
      };
    };
    expect(fields(backward!)).toEqual(fields(spans().at(-1)!));
  });

  test('a step that the sampler drops has no phases', () => {
    const { steps, spans } = rig(new AlwaysOffSampler());
    makeStepSpans(steps, { attempt, traceId, step: step('student', 1_700_000_000_000), received: NOTHING });
    expect(spans()).toEqual([]);
  });

  test('the root spans both trainers, and not the anchor, which runs ahead', () => {
    const { steps, spans } = rig();
    const roles = [
      step('anchor', 1_699_999_999_000),
      step('teacher', 1_700_000_000_002),
      step('student', 1_700_000_000_000),
    ];
    makeRootSpan(steps, attempt, seed, { step: 7, duration: 32.5, roles });
    const [root] = spans();
    expect(root!.spanContext()).toMatchObject({ traceId, spanId: spanIdOf(traceId, 'root') });
    expect(root!.parentSpanContext).toBeUndefined();
    expect(times(root!)).toEqual([1_700_000_000_000, 1_700_000_000_032.5]);
  });

  test('a failed step has its error, and a checkpoint is in the trace of the step before it', () => {
    const { steps, spans } = rig();
    const error = new TrikdError('diverged', 'the loss is not finite');
    makeStepSpans(steps, { attempt, traceId, step: step('teacher', 1_700_000_000_000), received: NOTHING, error });
    const where = { attempt, traceId, role: 'teacher', step: 7 } as const;
    makeSpanInStep(steps, where, { name: 'trikd.checkpoint', started: 1_700_000_000_040, ended: 1_700_000_000_050 });
    const [failed, checkpoint] = spans().slice(-2);
    expect(failed).toMatchObject({ status: { code: 2, message: 'the loss is not finite' } });
    expect(failed!.attributes).toMatchObject({ 'error.type': 'diverged' });
    expect(checkpoint!.parentSpanContext).toMatchObject({ traceId, spanId: spanIdOf(traceId, 'teacher') });
    expect(checkpoint!.name).toBe('trikd.checkpoint');
  });
});

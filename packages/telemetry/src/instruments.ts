import type { Meter, Observable } from '@opentelemetry/api';
import type { Role } from '@trikd/core/domain/position';
import type { RoleStep, StepPhase } from '@trikd/core/timing/role-step';
import type { TrainerEvent } from '@trikd/core/training/ports';
import { type AttributeValues, METRICS, type Metric, type MetricDefinition } from './semconv.js';

/** Records one value of a metric: adds it to a counter or histogram, or sets a gauge. */
export type RecordMetric = (metric: Metric, value: number, attributes?: AttributeValues) => void;

/** Creates an instrument for every metric. */
export function instruments(meter: Meter): RecordMetric {
  const recorders = new Map<string, (value: number, attributes?: AttributeValues) => void>();
  for (const [name, definition] of Object.entries(METRICS)) recorders.set(name, instrument(meter, name, definition));
  return (metric, value, attributes) => recorders.get(metric)?.(value, attributes);
}

function instrument(meter: Meter, name: string, definition: MetricDefinition) {
  const { kind, unit, description, buckets } = definition;
  switch (kind) {
    case 'counter': {
      const counter = meter.createCounter(name, { unit, description });
      return (value: number, attributes?: AttributeValues) => counter.add(value, attributes);
    }
    case 'gauge':
      return newest(meter.createObservableGauge(name, { unit, description }));
    case 'total':
      return newest(meter.createObservableCounter(name, { unit, description }));
    case 'amount':
      return newest(meter.createObservableUpDownCounter(name, { unit, description }));
    case 'histogram': {
      const advice = { explicitBucketBoundaries: [...(buckets ?? [])] };
      const histogram = meter.createHistogram(name, { unit, description, advice });
      return (value: number, attributes?: AttributeValues) => histogram.record(value, attributes);
    }
  }
}

/** Keeps the newest value for each set of attributes until the next export, which is cheap to update at every step. */
function newest(observable: Observable) {
  const values = new Map<string, readonly [number, AttributeValues | undefined]>();
  observable.addCallback((result) => {
    for (const [value, attributes] of values.values()) result.observe(value, attributes);
  });
  return (value: number, attributes?: AttributeValues) => {
    values.set(attributes ? Object.values(attributes).join(' ') : '', [value, attributes]);
  };
}

/** The attributes of phases, one shared object for each, since every step has several. */
function phaseAttributes() {
  const known = new Map<string, AttributeValues>();
  return (role: Role, { kind, peer }: StepPhase): AttributeValues => {
    const key = `${role} ${kind} ${peer ?? ''}`;
    const before = known.get(key);
    if (before) return before;
    const made = { 'trikd.role': role, 'trikd.phase': kind, ...(peer && { 'trikd.peer': peer }) };
    known.set(key, made);
    return made;
  };
}

/** Measures steps. */
export function stepMeter(record: RecordMetric): (step: RoleStep) => void {
  const attributesOf = phaseAttributes();
  return ({ role, duration, phases }) => {
    record('trikd.step.duration', duration / 1000, { 'trikd.role': role });
    for (const phase of phases) {
      record('trikd.step.phase.duration', phase.duration / 1000, attributesOf(role, phase));
    }
  };
}

/** Measures what this process uses. */
export function processMeter(record: RecordMetric): () => void {
  return () => {
    const { user, system } = process.cpuUsage();
    record('process.cpu.time', user / 1e6, { 'cpu.mode': 'user' });
    record('process.cpu.time', system / 1e6, { 'cpu.mode': 'system' });
    record('process.memory.usage', process.memoryUsage.rss());
  };
}

/** Counts the calls of a server. */
export function callMeter(record: RecordMetric): (call: { readonly method: string; readonly code: string }) => void {
  return ({ method, code }) => record('trikd.calls', 1, { 'rpc.method': method, 'rpc.response.status_code': code });
}

/** Counts what limits refuse. */
export function refusalMeter(record: RecordMetric): (limit: string) => void {
  return (limit) => record('trikd.refusals', 1, { 'trikd.limit': limit });
}

/** Measures the events of trainers. */
export function trainerMeter(record: RecordMetric): (role: Role, event: TrainerEvent) => void {
  let started = false;
  return (role, event) => {
    const by = { 'trikd.role': role };
    // A counter that first appears with its first increment would show no increase.
    if (!started) record('trikd.alarms', 0, by);
    started = true;
    switch (event.kind) {
      case 'progress': {
        const { terms, gradientNorm, learningRate } = event.progress;
        for (const { part, value } of terms) record('trikd.loss', value, { ...by, 'trikd.part': part });
        record('trikd.gradient.norm', gradientNorm, by);
        record('trikd.learning_rate', learningRate, by);
        return;
      }
      case 'evaluation':
        for (const [name, value] of Object.entries(event.validation.metrics)) {
          record(`trikd.validation.${name}`, value, by);
        }
        return;
      case 'checkpoint':
        record('trikd.checkpoint.size', event.checkpoint.state.bytes, by);
        return;
      case 'alarm':
        record('trikd.alarms', 1, by);
        return;
      case 'stalled':
        record('trikd.stalls', 1, { ...by, 'trikd.peer': event.on });
        return;
      case 'went-on':
      case 'resting':
      case 'leaving':
        return;
    }
  };
}

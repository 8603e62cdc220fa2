import { networkText } from '@trikd/core/models/network-text';
import type { Metric } from '@trikd/core/tasks/metric';
import { measured } from '@trikd/core/tasks/metrics';
import type { Numerics, Score } from '@trikd/protocol/gen/browser/trikd/v1/common';

/** Names that people read, from the names of enums in JSON. */

/** 'ROLE_TEACHER' is 'teacher'. */
export function roleName(role: string): 'anchor' | 'teacher' | 'student' | 'unknown' {
  if (role === 'ROLE_ANCHOR') return 'anchor';
  if (role === 'ROLE_TEACHER') return 'teacher';
  return role === 'ROLE_STUDENT' ? 'student' : 'unknown';
}

export { isGeneration, stageText } from '@trikd/core/stages/stage-text';

/** 'RUN_PHASE_TRAINING' is 'training'. */
export function phaseName(phase: string): string {
  const known = phase.startsWith('RUN_PHASE_') && phase !== 'RUN_PHASE_UNSPECIFIED';
  return known ? phase.slice('RUN_PHASE_'.length).toLowerCase() : 'unknown';
}

/** Whether a run in this phase has ended: it goes on only if it is resumed. */
export function hasEnded(phase: string): boolean {
  return ['RUN_PHASE_COMPLETED', 'RUN_PHASE_FAILED', 'RUN_PHASE_CANCELLED'].includes(phase);
}

/** The name of a part of a step: `forward`, `wait for teacher`. */
export function stepPhaseName(kind: string, peer: string): string {
  if (kind === 'STEP_PHASE_KIND_WAIT') return `wait for ${roleName(peer)}`;
  const known = kind.startsWith('STEP_PHASE_KIND_') && kind !== 'STEP_PHASE_KIND_UNSPECIFIED';
  return known ? kind.slice('STEP_PHASE_KIND_'.length).toLowerCase() : 'unknown';
}

/** From here on a loss is written as a power of ten. */
const LARGE = 1e6;

/** 2.30261 with 3 decimals is '2.303'; 13635006312654831616 is '1.4e19'. */
export function lossText(value: number, decimals: number): string {
  if (Math.abs(value) < LARGE || !Number.isFinite(value)) return value.toFixed(decimals);
  return value.toExponential(1).replace('e+', 'e');
}

/** 0.4567 is '45.67 %'. */
export function percent(share: number, digits = 2): string {
  return `${(100 * share).toFixed(digits)} %`;
}

type Metrics = Readonly<Score['metrics']>;

/** A value as its metric is shown: `93.10 %`, `0.2345`. @param digits of a share in percent */
export function metricText({ format }: Metric, value: number, digits = 2): string {
  return format === 'share' ? percent(value, digits) : lossText(value, 4);
}

/** The value of a metric in a score; empty where it is not known. */
export function valueText(metric: Metric, score: { readonly metrics: Metrics } | undefined): string {
  const value = score?.metrics[metric.name];
  return value === undefined ? '' : metricText(metric, value);
}

/** The value of the metric that decides; undefined where nothing was measured. */
export function primaryValue(metrics: Metrics | undefined): number | undefined {
  return measured(metrics ?? {})[0]?.value;
}

/** The metric that decides: `93.10 %`; undefined where nothing was measured. */
export function primaryText(metrics: Metrics | undefined, digits = 2): string | undefined {
  const [first] = measured(metrics ?? {});
  return first && metricText(first.metric, first.value, digits);
}

/** The other metrics: `NLL 0.2345`, `ECE 1.20 %`. */
export function otherTexts(metrics: Metrics): readonly string[] {
  return measured(metrics)
    .slice(1)
    .map(({ metric, value }) => `${metric.label} ${metricText(metric, value)}`);
}

/** A score in a sentence, the metric that decides and one more: `93.10 %, NLL 0.2345`. */
export function scoreText(metrics: Metrics | undefined): string {
  const first = primaryText(metrics);
  return first === undefined ? 'unknown' : [first, ...otherTexts(metrics ?? {}).slice(0, 1)].join(', ');
}

/** What the bits of a model depend on besides the run file, as one line. */
export function numericsText(numerics: Numerics | undefined): string {
  if (!numerics) return 'what it did not report';
  const { tensorflow, device, processor, threads, precision, kernels } = numerics;
  const parts = [
    `TensorFlow ${tensorflow}`,
    `${device} (${processor})`,
    `${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    precision,
    `kernels ${kernels.join(' ')}`,
  ];
  return parts.join(', ');
}

/** The method of a run: its name, or `own stages` where the spec writes them out; undefined when the spec is not known. */
export function methodIn(spec: string): string | undefined {
  const value = specIn(spec);
  if (typeof value !== 'object' || value === null) return undefined;
  if (memberOf(value, 'stages') !== undefined) return 'own stages';
  const method = memberOf(value, 'method') ?? 'trikd';
  const name = typeof method === 'string' ? method : memberOf(method, 'kind');
  return typeof name === 'string' ? name : undefined;
}

/** Generations of the curriculum, at most; undefined when the spec is not known. */
export function generationsIn(spec: string): number | undefined {
  const many = memberOf(memberOf(specIn(spec), 'curriculum'), 'generations');
  return typeof many === 'number' ? many : undefined;
}

/** The seed of a run; undefined when the spec is not known. */
export function seedIn(spec: string): number | undefined {
  const seed = memberOf(specIn(spec), 'seed');
  return typeof seed === 'number' ? seed : undefined;
}

/** The networks of a run by the name of their learner, the student first: `resnet, depth 8, width 16`. */
export function modelsIn(spec: string): Readonly<Record<string, string>> {
  const value = specIn(spec);
  const stages = listOf(memberOf(value, 'stages'));
  const learners = stages.flatMap((stage) => Object.entries(Object(memberOf(stage, 'learners'))));
  const assistants = listOf(memberOf(value, 'assistants')).map((each, at) => [`assistant-${at + 1}`, each] as const);
  const roles = ['student', 'teacher'].map((name) => [name, memberOf(value, name)] as const);
  const named = stages.length > 0 ? learners : [...roles, ...assistants];
  const models = named.map(([name, settings]) => [name, networkText(memberOf(settings, 'model'))] as const);
  return Object.fromEntries(models.filter(([, model]) => model !== ''));
}

/** The spec of a run as a JSON value; undefined when it is not known. */
export function specIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

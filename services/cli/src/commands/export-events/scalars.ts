import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { ParticipantName } from '@trikd/core/spec/fields';
import { roleName, stepPhaseName } from '@trikd/events/names';
import { type Role, roleToJSON } from '@trikd/protocol/gen/node/trikd/v1/common';
import type { StageResult, WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import {
  type ProcessUsage,
  type RoleTimes,
  type StepTimes,
  stepPhaseKindToJSON,
} from '@trikd/protocol/gen/node/trikd/v1/timing';
import type { TrainerProgress } from '@trikd/protocol/gen/node/trikd/v1/trainer';

/** One value of one model in one stage. */
export interface RoleScalar extends Scalar {
  /** Index of the stage. */
  readonly stage: number;
  /** Name of the stage; `generation-N` where the events did not name it. */
  readonly stageName: string;
  /** The learner by name; of step times, the process. */
  readonly role: string;
}

/**
 * Reads the numbers of the events of a run, in their order: which name a stage has, only some events say. A result may be repeated;
 * `newScalars` drops it then.
 */
export function scalarReader(): (message: WatchRunResponse) => readonly RoleScalar[] {
  const stages = new Map<number, string>();
  return (message) => {
    const named = stageIn(message);
    if (named && isName(named.name)) stages.set(named.stage, named.name);
    return scalarsOf(message).map((scalar) => {
      const { stage } = scalar;
      const role = isName(scalar.role) ? scalar.role : 'unknown';
      return { ...scalar, role, stageName: stages.get(stage) ?? `generation-${stage}` };
    });
  };
}

/** Whether a name is one of a stage or a participant. Folders are named after these, and events may come from anywhere. */
function isName(text: string): boolean {
  return ParticipantName.safeParse(text).success;
}

/** The stage that an event names. */
function stageIn({ event }: WatchRunResponse): { readonly stage: number; readonly name: string } | undefined {
  switch (event?.$case) {
    case 'run':
    case 'phaseChanged':
      return { stage: event.value.stage, name: event.value.currentStage?.name ?? '' };
    case 'stageEnded':
      return { stage: event.value.result?.stage ?? 0, name: event.value.result?.stageName ?? '' };
    default:
      return undefined;
  }
}

type UnnamedScalar = Omit<RoleScalar, 'stageName'>;

function scalarsOf({ event, time }: WatchRunResponse): readonly UnnamedScalar[] {
  const at = (time?.getTime() ?? 0) / 1000;
  switch (event?.$case) {
    case 'progress': {
      const { participant, stage, progress } = event.value;
      if (!progress) return [];
      // The values are those of the step before the next one.
      const step = Math.max(0, progress.nextStep - 1);
      return named(progressValues(progress), { stage, role: participant, step, time: at });
    }
    case 'evaluation': {
      const { participant, stage, evaluation } = event.value;
      const values = tagged(evaluation?.validation?.metrics, 'validation');
      return named(values, { stage, role: participant, step: evaluation?.step ?? 0, time: at });
    }
    case 'stepTimes':
      return event.value.roles.flatMap((times) => timeScalars(event.value, times, at));
    case 'stageEnded':
      return event.value.result ? resultScalars(event.value.result, at) : [];
    default:
      return [];
  }
}

function progressValues({
  terms,
  waits,
  batchMetrics,
  ...progress
}: TrainerProgress): Readonly<Record<string, number>> {
  const losses = terms.map(({ part, value }) => [`loss/${part}`, value] as const);
  const shares = waits.map(({ participant, share }) => [`wait share/${participant}`, share] as const);
  return {
    ...Object.fromEntries([...losses, ...shares]),
    'loss/all': terms.reduce((sum, { value }) => sum + value, 0),
    ...tagged(batchMetrics, 'batch'),
    'training/steps per second': progress.stepsPerSecond,
    'training/gradient norm': progress.gradientNorm,
    'training/learning rate': progress.learningRate,
  };
}

/** Milliseconds of the steps of a few seconds, as values of the last of these steps. */
function timeScalars({ stage, firstStep, steps }: StepTimes, times: RoleTimes, at: number): readonly UnnamedScalar[] {
  const phases = times.phases.map(({ kind, peer, times: spread }) => {
    return [stepPhaseName(stepPhaseKindToJSON(kind), roleToJSON(peer)), spread?.p50] as const;
  });
  const values = {
    'milliseconds/step, median': times.step?.p50,
    'milliseconds/step, 95 in 100': times.step?.p95,
    'milliseconds/between steps, median': times.between?.p50,
    ...Object.fromEntries(phases.map(([name, value]) => [`milliseconds/${name}, median`, value])),
    ...(times.usage && usageValues(times.usage)),
  };
  return named(values, { stage, role: roleText(times.role), step: firstStep + Math.max(0, steps - 1), time: at });
}

/** What a process used by the end of these steps. */
function usageValues({ cpuSeconds, memoryBytes, gpu }: ProcessUsage): Readonly<Record<string, number>> {
  return {
    'process/CPU seconds': cpuSeconds,
    'process/memory, MiB': memoryBytes / MIB,
    ...(gpu && { 'process/GPU utilization': gpu.utilization, 'process/GPU memory, MiB': gpu.memoryBytes / MIB }),
  };
}

const MIB = 1024 * 1024;

/** Scores on the test split, which is evaluated once, at the end of a stage. */
function resultScalars({ stage, learners }: StageResult, at: number): readonly UnnamedScalar[] {
  return learners.flatMap(({ participant, best }) => {
    const of = { stage, role: participant, step: best?.step ?? 0, time: at };
    return named(tagged(best?.test?.metrics, 'test'), of);
  });
}

/** Metrics by their tags, such as `nll/test`. */
function tagged(metrics: Readonly<Record<string, number>> = {}, of: string): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`${name}/${of}`, value]));
}

function named(
  values: Readonly<Record<string, number | undefined>>,
  of: Omit<UnnamedScalar, 'tag' | 'value'>,
): readonly UnnamedScalar[] {
  return Object.entries(values).flatMap(([tag, value]) => (value === undefined ? [] : [{ ...of, tag, value }]));
}

function roleText(role: Role): string {
  return roleName(roleToJSON(role));
}

/** One value of a curve. */
interface Scalar {
  /** Name of the curve, such as `loss/task`. */
  readonly tag: string;
  readonly step: number;
  /** Seconds since 1970. */
  readonly time: number;
  readonly value: number;
}

// Field numbers of tensorflow/core/util/event.proto and framework/summary.proto.
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5 };
const SUMMARY = { value: 1 };
const VALUE = { tag: 1, simpleValue: 2 };
const DOUBLE = 1;
const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FLOAT = 5;

/** The first record of every TensorBoard file. @param time seconds since 1970 */
export function versionRecord(time: number): Uint8Array {
  const event = new BinaryWriter().tag(EVENT.wallTime, DOUBLE).double(time);
  return tfRecord(event.tag(EVENT.fileVersion, LENGTH_DELIMITED).string('brain.Event:2').finish());
}

/** The record of one value: an Event with a Summary. The value becomes a float32. */
export function scalarRecord({ tag, step, time, value }: Scalar): Uint8Array {
  const event = new BinaryWriter().tag(EVENT.wallTime, DOUBLE).double(time).tag(EVENT.step, VARINT).int64(step);
  event.tag(EVENT.summary, LENGTH_DELIMITED).fork().tag(SUMMARY.value, LENGTH_DELIMITED).fork();
  event.tag(VALUE.tag, LENGTH_DELIMITED).string(tag).tag(VALUE.simpleValue, FLOAT).float(value);
  return tfRecord(event.join().join().finish());
}

/** A TFRecord: the length, its checksum, the data, their checksum; all little-endian. */
function tfRecord(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(8 + 4 + data.length + 4);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(record.subarray(0, 8)), true);
  record.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return record;
}

/** Castagnoli's polynomial, bits reversed. */
const POLYNOMIAL = 0x82f63b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit += 1) rest = (rest >>> 1) ^ (rest & 1 ? POLYNOMIAL : 0);
  return rest;
});

/** CRC-32C of some bytes (RFC 3720, appendix B.4). */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff]!;
  return (crc ^ 0xffffffff) >>> 0;
}

/** The masked checksum of TFRecord files: a plain CRC over data that contains CRCs would detect little. */
export function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

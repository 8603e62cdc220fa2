import type { RemoteModel } from '../remote/remote-model.js';
import type { InitSpec, OutsideSpec, WeightsFormat } from '../spec/outside-spec.js';
import type { RefSpec } from '../spec/stage-spec.js';

/** The params of a learner of an earlier stage. */
export interface StageRef {
  readonly kind: 'stage';
  /** Name of the stage. */
  readonly stage: string;
  readonly participant: string;
  /** `best`: as it validated best; `last`: as the stage ended. */
  readonly at: 'best' | 'last';
}

/** The params of a learner of another run. */
export interface RunRef {
  readonly kind: 'run';
  readonly run: string;
  /** Absent: the last stage that has ended. */
  readonly stage?: string;
  /** Absent: the learner that decides in its stage. */
  readonly participant?: string;
  readonly at: 'best' | 'last';
}

/** The params in a file that each service reads by itself. */
export interface FileRef {
  readonly kind: 'file';
  /** Its path, or the name under which services have registered it. */
  readonly file: string;
  readonly isRegistered: boolean;
  /** Hex; absent: any content, but the same at each attempt. */
  readonly sha256?: string;
  /** Absent: the format whose names fit. */
  readonly format?: WeightsFormat;
  /** `fresh`: the params of the head are not those of the file. */
  readonly head?: 'fresh';
}

/** A model that a server of the Open Inference Protocol answers for. */
export interface EndpointRef extends RemoteModel {
  readonly kind: 'endpoint';
}

/** Where params come from that a stage does not train from fresh ones. */
export type Ref = StageRef | RunRef | FileRef;

/** What a spec says of params that come from outside of the run, or from an earlier stage. */
export function refOf(spec: RefSpec | InitSpec): Ref;
export function refOf(spec: RefSpec | OutsideSpec): Ref | EndpointRef;
export function refOf(spec: RefSpec | OutsideSpec | InitSpec): Ref | EndpointRef {
  if ('endpoint' in spec) return { kind: 'endpoint', ...spec };
  if ('run' in spec) {
    const { run, stage, participant, at = 'best' } = spec;
    return {
      kind: 'run',
      run,
      at,
      ...(stage !== undefined && { stage }),
      ...(participant !== undefined && { participant }),
    };
  }
  if ('stage' in spec) {
    const { stage, participant, at = 'best' } = spec;
    return { kind: 'stage', stage, participant, at };
  }
  const { sha256, format } = spec;
  const head = 'head' in spec && spec.head !== undefined ? { head: spec.head } : {};
  const found = 'file' in spec ? { file: spec.file, isRegistered: false } : { file: spec.weights, isRegistered: true };
  return {
    ...{ kind: 'file', ...found, ...head },
    ...(sha256 !== undefined && { sha256 }),
    ...(format !== undefined && { format }),
  };
}

/** `stage teacher, best`, `run first, stage student, last`, `file /models/teacher.safetensors`: also names params in what a run records. */
export function originText(ref: Ref | EndpointRef): string {
  switch (ref.kind) {
    case 'stage':
      return `stage ${ref.stage}, ${ref.at}`;
    case 'run': {
      const { run, stage, participant, at } = ref;
      const where = [stage && `stage ${stage}`, participant, at].filter((part) => part !== undefined);
      return `run ${run}, ${where.join(', ')}`;
    }
    case 'file':
      return ref.isRegistered ? `registered weights ${ref.file}` : `file ${ref.file}`;
    case 'endpoint': {
      const { endpoint, model, version } = ref;
      return `model ${model}${version === undefined ? '' : ` ${version}`} at ${endpoint}`;
    }
  }
}

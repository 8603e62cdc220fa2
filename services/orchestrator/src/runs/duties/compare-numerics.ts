import { readManifest } from '@trikd/core/checkpoint/manifest';
import { TrikdError } from '@trikd/core/domain/errors';
import { type AttemptNumerics, differences } from '@trikd/core/domain/numerics';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { ROLES, type Role } from '@trikd/core/domain/position';
import type { RunEvent } from '@trikd/core/run/run-event';
import type { Preparing } from '@trikd/core/run/state';
import { learnerIn, type Stage } from '@trikd/core/stages/stage';

/** What becomes of an attempt whose models compute otherwise than those of the attempt before. */
export const NUMERICS_RULES = ['warn', 'require'] as const;
export type NumericsRule = (typeof NUMERICS_RULES)[number];

/** What a run was trained with up to now. */
export interface TrainedWith {
  readonly numerics: AttemptNumerics;
  /** The pair that it is known from, in words. */
  readonly what: string;
}

/** Where an attempt starts. */
interface Start {
  readonly stage: number;
  readonly step: number;
}

/** What an alarm needs besides its message. */
interface Alarming extends Start {
  /** By slot, the learners whose alarms are emitted. */
  readonly models: Stage;
  readonly emit: (event: RunEvent) => void;
}

/**
 * Compares what the models of an attempt compute with to what the run was trained with. Of a model for which one of the two is not known,
 * nothing is said.
 * @throws TrikdError `unavailable` if that is required to be equal: another trio may fit, and a run that finds none fails in the end
 */
export function compareNumerics(
  found: AttemptNumerics,
  before: TrainedWith | undefined,
  rule: NumericsRule,
  alarming: Alarming,
): void {
  for (const role of ROLES) {
    const [present, past] = [found[role], before?.numerics[role]];
    const named = present && past ? differences(present, past) : [];
    if (!before || named.length === 0) continue;
    const differ = `computes otherwise than for ${before.what}`;
    const how = named.join('; ');
    if (rule === 'require') {
      throw new TrikdError('unavailable', `the ${role} ${differ}, and numerics are required to be equal: ${how}`);
    }
    emitAlarm(role, `${differ}, so results may differ in bits: ${how}`, alarming);
  }
}

/** Emits an alarm for each model that computes in another precision than the run asks for: its processor or GPU has no other. */
export function comparePrecision(found: AttemptNumerics, precision: string, alarming: Alarming): void {
  for (const role of ROLES) {
    const own = found[role];
    if (!own || own.precision === precision) continue;
    emitAlarm(role, `computes in ${own.precision}: TensorFlow has no ${precision} for ${own.processor}`, alarming);
  }
}

/** Alarms are of the models that train. */
function emitAlarm(role: Role, message: string, { stage, step, models, emit }: Alarming): void {
  const learner = role === 'anchor' ? undefined : learnerIn(models, role);
  const participant = learner?.name ?? models.decisive;
  emit({ kind: 'alarm', participant, stage, step, message: `${learner ? '' : 'the anchor-server '}${message}` });
}

/** What the stage before was trained with, for the first attempt at a stage. A manifest that cannot be read tells nothing. */
export async function stageBefore(store: ObjectStore, { results }: Preparing): Promise<TrainedWith | undefined> {
  const last = results.at(-1);
  if (!last) return undefined;
  try {
    const { numerics } = await readManifest(store, last.pair.manifestKey);
    return numerics && { numerics, what: `stage ${last.stage}` };
  } catch (error) {
    if (error instanceof TrikdError && error.kind === 'corrupt') return undefined;
    throw error;
  }
}

import { readManifest } from '@trikd/core/checkpoint/load-manifest';
import { TrikdError } from '@trikd/core/domain/errors';
import { type AttemptNumerics, differences } from '@trikd/core/domain/numerics';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { ROLES } from '@trikd/core/domain/role';
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
  readonly generation: number;
  readonly step: number;
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
  { generation, step }: Start,
  /** By slot, the learners whose alarms are raised. */
  stage: Stage,
  emit: (event: RunEvent) => void,
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
    // Alarms are of the models that train.
    const learner = role === 'anchor' ? undefined : learnerIn(stage, role);
    const message = `${learner ? '' : 'the anchor-server '}${differ}, so results may differ in bits: ${how}`;
    emit({ kind: 'alarm', participant: learner?.name ?? stage.decisive, generation, step, message });
  }
}

/** What the generation before was trained with, for the first attempt at a generation. A manifest that cannot be read tells nothing. */
export async function generationBefore(store: ObjectStore, { results }: Preparing): Promise<TrainedWith | undefined> {
  const last = results.at(-1);
  if (!last) return undefined;
  try {
    const { numerics } = await readManifest(store, last.pair.manifestKey);
    return numerics && { numerics, what: `generation ${last.generation}` };
  } catch (error) {
    if (error instanceof TrikdError && error.kind === 'corrupt') return undefined;
    throw error;
  }
}

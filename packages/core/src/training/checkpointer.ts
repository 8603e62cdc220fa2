import { orAborted } from '../async/within.js';
import type { BestParams, Blob } from '../domain/role-checkpoint.js';
import type { Params } from '../models/params.js';
import type { TrainerPorts } from './ports.js';
import type { ModelSession } from './role-program.js';

/** The best validated params so far. They are stored once, with the first checkpoint that names them. */
export interface Best extends Omit<BestParams, 'params'> {
  readonly values: Params;
  /** Set once they are stored. */
  blob?: Blob;
}

/**
 * Stores the checkpoints of one trainer in the background, one at a time, and emits them in the order of their steps.
 */
export interface Checkpointer {
  /**
   * Copies the state and stores it, with the best params, while training continues. Waits until the previous checkpoint
   * is stored, and does nothing if that was the same.
   * @throws the error of storing the previous checkpoint, or the reason of the ports' signal
   */
  begin(step: number, best: Best | undefined): Promise<void>;
  /** Resolves when all checkpoints are stored and emitted. Throws as `begin` does. */
  settled(): Promise<void>;
  /** @throws the error of a checkpoint that could not be stored */
  assertSound(): void;
  /** Stops emitting, even for a checkpoint that is being stored. */
  leave(): void;
}

export function createCheckpointer(
  session: Pick<ModelSession, 'state'>,
  ports: Pick<TrainerPorts, 'save' | 'emit' | 'signal'>,
): Checkpointer {
  let stored: { readonly step: number; readonly state: Blob; readonly best: Best | undefined } | undefined;
  let underWay: Promise<void> = Promise.resolve();
  let failure: { readonly error: unknown } | undefined;
  let left = false;

  async function store(step: number, saving: Blob | Promise<Blob>, best: Best | undefined): Promise<void> {
    const state = await saving;
    const checkpoint = best ? { step, state, best: await storeBest(best) } : { step, state };
    stored = { step, state, best };
    if (!left) ports.emit({ kind: 'checkpoint', checkpoint });
  }

  async function storeBest(best: Best): Promise<BestParams> {
    best.blob ??= await ports.save(best.values);
    const { values: _, blob: params, ...score } = best;
    return { ...score, params };
  }

  const settled = () => orAborted(underWay, ports.signal);

  return {
    async begin(step, best) {
      await settled();
      const known = stored?.step === step ? stored.state : undefined;
      if (known && stored?.best === best) return;
      underWay = store(step, known ?? ports.save(await session.state()), best);
      underWay.catch((error: unknown) => {
        failure = { error };
      });
    },
    settled,
    assertSound() {
      if (failure) throw failure.error;
    },
    leave() {
      left = true;
    },
  };
}

import { TrikdError } from '@trikd/core/domain/errors';
import type { StageAttempt } from '@trikd/core/domain/position';
import { ROLES, type Role, type TrainedRole } from '@trikd/core/domain/position';
import type { LocalTrio } from '@trikd/model-host/local-trio';
import type { NumberedEvent } from '@trikd/model-host/trainer/attempt-events';
import type { Trainer } from '@trikd/model-host/trainer/trainer';
import { fromTrainerEvent } from '@trikd/protocol/convert-trainer';
import type { TrioAddresses } from '../placement/placement.js';
import { decodedEvents } from './links.js';
import type { AnchorLink, StepLink, TrainerLink, TrioLinks } from './ports.js';

/** Connects to the models of this process. @param addresses by which they name each other in messages */
export function localLinks(trio: LocalTrio, addresses: TrioAddresses): TrioLinks {
  const trainer = (role: TrainedRole) => trainerLink(role, trio[role], addresses[role]);
  return {
    trainers: { teacher: trainer('teacher'), student: trainer('student') },
    anchor: anchorLink(trio, addresses.anchor),
    steps: ROLES.map((role) => stepLink(role, trio)),
    close: () => undefined,
  };
}

function trainerLink(role: TrainedRole, trainer: Trainer, address: string): TrainerLink {
  const what = `the ${role}`;
  return {
    role,
    address,
    assign: (assignment) =>
      named(what, async () => ({
        ...(await trainer.assign(assignment)),
        numerics: trainer.numerics(assignment.spec.engine),
      })),
    setLimit: (attempt, limit) => named(what, async () => void trainer.setLimit(attempt, limit)),
    saveAt: (attempt, step) => named(what, async () => void trainer.saveAt(attempt, step)),
    nextStep: async () => {
      const current = trainer.current();
      if (!current) throw new TrikdError('out-of-step', `${what} has no assignment any more`);
      return current.firstOpenStep();
    },
    past: (attempt) => events(attempt, role, () => trainer.watch(attempt, 0, NEVER, true)),
    watch: (attempt, signal) => events(attempt, role, () => trainer.watch(attempt, 0, signal)),
  };
}

/** The events that are emitted already end by themselves. */
const NEVER = new AbortController().signal;

/** Events as messages have them, with the same checks and limits. */
function events(attempt: StageAttempt, role: TrainedRole, open: () => AsyncIterable<NumberedEvent>) {
  async function* messages() {
    for await (const { number, event } of open()) yield { number, event: fromTrainerEvent(event) };
  }
  return decodedEvents(messages(), attempt, role);
}

function anchorLink({ anchor }: LocalTrio, address: string): AnchorLink {
  return {
    address,
    load: (assignment) =>
      named('the anchor', async () => ({
        ...(await anchor.load(assignment)),
        numerics: anchor.numerics(assignment.spec.engine),
      })),
  };
}

/** Steps of one read, at most. */
const MAX_STEPS = 1024;

function stepLink(role: Role, trio: LocalTrio): StepLink {
  const { steps } = trio[role];
  return {
    role,
    read: async (attempt, fromStep) => ({ steps: steps.read(attempt, fromStep, MAX_STEPS), usage: trio.usage() }),
    trace: async (attempt, wanted) => void steps.trace(attempt, wanted),
  };
}

/** Names the model in the message of an error, as clients of services do. */
async function named<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TrikdError)) throw error;
    throw new TrikdError(error.kind, `${what}: ${error.message}`, error.details, { cause: error });
  }
}

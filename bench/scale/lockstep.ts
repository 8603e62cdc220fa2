import type { TrainedRole } from '@trikd/core/domain/position';
import { peerOf } from '@trikd/core/domain/position';
import { createFrameWindow } from '@trikd/core/exchange/frame-window';
import { virtualClock } from '@trikd/testing/clock/virtual-clock';

/** Milliseconds of a step of two learners on machines of their own. */
export interface PairTimes {
  readonly forward: Readonly<Record<TrainedRole, number>>;
  /** The backward pass and the update. */
  readonly backward: Readonly<Record<TrainedRole, number>>;
  /** From a published frame to the logits in the peer's graph: the exchange, and half of a round trip. */
  readonly exchange: number;
}

/**
 * The mean time of a step, by the slowest cycle of what waits for what (max-plus algebra: Baccelli et al., Synchronization and Linearity,
 * 1992): each learner's own passes, or a frame to the peer and the peer's next one back, which takes two steps.
 */
export function lockstepTime({ forward, backward, exchange }: PairTimes): number {
  const own = (role: TrainedRole) => forward[role] + backward[role];
  return Math.max(own('teacher'), own('student'), (own('teacher') + own('student')) / 2 + exchange);
}

/** The same, simulated with the frame windows of the services on a virtual clock. */
export async function simulatedLockstep({ forward, backward, exchange }: PairTimes, steps = 200): Promise<number> {
  const clock = virtualClock();
  const attempt = { runId: 'scale', stage: 0, attempt: 1 };
  const windowOf = (role: TrainedRole) =>
    createFrameWindow({ attempt, firstStep: 0, size: 4, consumers: [peerOf(role)] });
  const windows = { teacher: windowOf('teacher'), student: windowOf('student') };
  const logits = { rows: 1, cols: 1, data: new Float32Array(1) };
  let ended = 0;
  /** The frames of the peer, each as long after it was published as it is on its way. */
  async function* arriving(role: TrainedRole) {
    for await (const frame of windows[peerOf(role)].frames(role, 0)) {
      await clock.sleep(exchange);
      yield frame;
    }
  }
  const train = async (role: TrainedRole) => {
    const frames = arriving(role);
    // On its way while this learner computes: the window hands it over as soon as it is asked for.
    let next = frames.next();
    for (let step = 0; step < steps; step++) {
      await clock.sleep(forward[role]);
      await windows[role].publish({ position: { ...attempt, step }, batchDigest: '', logits });
      await next;
      next = frames.next();
      await clock.sleep(backward[role]);
    }
    ended += 1;
  };
  const training = Promise.all(roles.map(train));
  while (ended < roles.length) await clock.advance(1);
  await training;
  return clock.now() / steps;
}

const roles = ['teacher', 'student'] as const;

import type { Replica } from '@trikd/core/training/replicas/replica';
import { replicatedSession } from '@trikd/core/training/replicas/replicated-session';
import type { ModelSession } from '@trikd/core/training/role-program';
import { LOGITS, TRAIN } from '@trikd/core/training/role-program';
import { virtualClock } from '@trikd/testing/clock/virtual-clock';

/** What a step of a learner with replicas on machines of their own is made of. Times are in milliseconds. */
export interface ReplicaCosts {
  readonly replicas: number;
  /** Forward and backward pass of the whole batch on one machine. */
  readonly forward: number;
  readonly backward: number;
  /** Of all params, once all shares are added. */
  readonly update: number;
  /** Of the logits of a whole batch, and of the gradients and statistics of a replica. */
  readonly logitBytes: number;
  readonly shareBytes: number;
  /** For a byte between the first replica and another: on the wire, read, and added. The first replica has one line each way. */
  readonly perByte: number;
  /** From one machine to the other, without the bytes. */
  readonly latency: number;
}

/**
 * The time of a step without waiting for the peer: the passes are divided by the replicas, but each of them adds a share that the first replica
 * receives, and a sum that it sends. Requests and answers of the three phases take six latencies.
 */
export function replicaStepTime(costs: ReplicaCosts): number {
  const { replicas, forward, backward, update, logitBytes, shareBytes, perByte, latency } = costs;
  if (replicas === 1) return forward + backward + update;
  // The logits of the peer go out while replicas compute, but for those of the first one.
  const bytes = logitBytes + 2 * (replicas - 1) * shareBytes;
  return (forward + backward) / replicas + update + bytes * perByte + 6 * latency;
}

/** The same, simulated with the session that trains replicas, on a virtual clock. */
export async function simulatedReplicaStep(costs: ReplicaCosts, steps = 3): Promise<number> {
  const { replicas, forward, backward, update, logitBytes, shareBytes, perByte, latency } = costs;
  const clock = virtualClock();
  /** Takes what it is given one after the other. */
  const line = () => {
    let free = 0;
    return (bytes: number) => {
      free = Math.max(free, clock.now()) + bytes * perByte;
      return clock.sleep(free - clock.now());
    };
  };
  const [received, sent] = [line(), line()];
  const one = () => Float32Array.of(1);
  const part = logitBytes / replicas;
  const first: Replica = {
    forward: () => clock.sleep(forward / replicas).then(one),
    backward: () => clock.sleep(backward / replicas).then(one),
    update: () => clock.sleep(update).then(() => ({})),
    assign: async () => undefined,
    close: async () => undefined,
  };
  const further: Replica = {
    ...first,
    async forward(feeds) {
      await clock.sleep(latency);
      const logits = await first.forward(feeds);
      await received(part);
      await clock.sleep(latency);
      return logits;
    },
    async backward(targets) {
      await sent(part);
      await clock.sleep(latency);
      const share = await first.backward(targets);
      await received(shareBytes);
      await clock.sleep(latency);
      return share;
    },
    async update(sum) {
      await sent(shareBytes);
      await clock.sleep(latency);
      const outputs = await first.update(sum);
      await clock.sleep(latency);
      return outputs;
    },
  };
  const session = replicatedSession({
    leader: {} as ModelSession,
    replicas: [first, ...Array<Replica>(replicas - 1).fill(further)],
    sources: ['peer'],
    seeds: Array.from({ length: replicas }, () => Int32Array.of(0)),
  });
  let ended = false;
  const train = async () => {
    for (let step = 0; step < steps; step++) {
      const running = session.run(TRAIN, {});
      await session.take(LOGITS);
      await session.put('peer', new Float32Array(replicas));
      await running;
    }
    // The last update of the others has to end, too.
    await session.assign(new Map());
    ended = true;
  };
  const training = train();
  while (!ended) await clock.advance(1);
  await training;
  return clock.now() / steps;
}

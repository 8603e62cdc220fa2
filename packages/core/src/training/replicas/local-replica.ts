import type { ModelSession } from '../model-session.js';
import { AVERAGING, LOGITS, TRAIN } from '../role-program.js';
import type { Replica } from './replica.js';

/** A replica in a session of this process. */
export function localReplica(session: ModelSession): Replica {
  let running: Promise<Record<string, Float32Array>> = Promise.resolve({});
  /** If the run fails, what its ports wait for never comes. */
  const unlessFailed = <T>(value: Promise<T>): Promise<T> =>
    Promise.race([value, running.then(() => new Promise<never>(() => {}))]);
  return {
    forward(feeds) {
      running = session.run(TRAIN, feeds);
      return unlessFailed(session.take(LOGITS));
    },
    async backward(targets) {
      await Promise.all([...targets].map(([source, logits]) => unlessFailed(session.put(source, logits))));
      return unlessFailed(session.take(AVERAGING.share));
    },
    async update(sum) {
      await unlessFailed(session.put(AVERAGING.sum, sum));
      return running;
    },
    assign: (state) => session.assign(state),
    close: () => session.close(),
  };
}

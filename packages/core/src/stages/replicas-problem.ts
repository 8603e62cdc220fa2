import { gateOf } from '../losses/gates/gated-terms.js';
import { comparesRows } from '../losses/registry.js';
import { type Learner, replicasOf } from './stage.js';

/** Why replicas of a learner would not learn what one model learns from the whole batch; undefined when they would. */
export function replicasProblem(batchSize: number, learner: Learner): string | undefined {
  const replicas = replicasOf(learner);
  if (replicas === 1) return undefined;
  if (batchSize % replicas !== 0) return `a batch of ${batchSize} images cannot be divided among ${replicas} replicas`;
  const hints = learner.objective.filter((term) => term.kind === 'distillation');
  const relational = hints.find(({ loss }) => comparesRows(loss));
  if (relational?.loss)
    return `the loss ${relational.loss.kind} compares the images of a batch, of which a replica has a part: leave replicas out, or give its other parts the weight 0`;
  if (hints.some((term) => gateOf(term)?.kind === 'logits-similarity'))
    return 'a gate logits-similarity compares whole batches, of which a replica has a part: leave replicas out, or take params-similarity';
  return undefined;
}

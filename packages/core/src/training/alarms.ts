import type { ChanceLoss } from '../tasks/task.js';

/** Checks the task loss of every step, in nats at weight 1. Returns a sentence when the loss needs attention. */
export type LossAlarm = (taskLoss: number) => string | undefined;

/** A loss within this share of that of a model that knows nothing counts as chance level. */
const TOLERANCE = 0.01;

/** A loss above this many times chance level has exploded. With fresh params and warm-up it stays far below. */
const EXPLOSION = 100;

/** Number of consecutive steps above that limit: a few large losses recover by themselves. */
const EXPLOSION_STEPS = 20;

/** All alarms. @param patience consecutive steps at chance level that count as a collapse */
export function lossAlarms(chance: ChanceLoss, patience: number): LossAlarm {
  const alarms = [collapseAlarm(chance, patience), explosionAlarm(chance)];
  return (taskLoss) => alarms.flatMap((alarm) => alarm(taskLoss) ?? [])[0];
}

/**
 * Detects the collapse of an online pair: both models say the same of every image, and the task loss stays at chance level.
 */
export function collapseAlarm({ nats, formula }: ChanceLoss, patience: number): LossAlarm {
  return consecutive(
    patience,
    (taskLoss) => Math.abs(taskLoss - nats) <= TOLERANCE * nats,
    `the task loss has been at ${formula} = ${nats.toFixed(4)} for ${patience} steps, as if the model knew nothing: ` +
      'lower the learning rate, lengthen the warm-up, or reduce the distillation weights of the teacher',
  );
}

/**
 * Detects a loss that has exploded but is still finite. It does not end the run: some losses recover, and a loss that
 * is not finite ends the run anyway.
 */
export function explosionAlarm({ nats }: ChanceLoss, patience = EXPLOSION_STEPS): LossAlarm {
  const limit = EXPLOSION * nats;
  return consecutive(
    patience,
    (taskLoss) => taskLoss > limit,
    `the task loss has exploded: it has been above ${limit.toFixed(0)}, ${EXPLOSION} times chance level, for ${patience} steps: ` +
      'lower the learning rate, lengthen the warm-up, or set a smaller clipNorm',
  );
}

/** Reports once each time a condition holds for `patience` consecutive steps. */
function consecutive(patience: number, holds: (taskLoss: number) => boolean, message: string): LossAlarm {
  let steps = 0;
  return (taskLoss) => {
    steps = holds(taskLoss) ? steps + 1 : 0;
    return steps === patience ? message : undefined;
  };
}

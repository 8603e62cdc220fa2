/** Looks at the task loss of every step, in nats at weight 1; returns a sentence when something is to be done about it. */
export type LossAlarm = (taskLoss: number) => string | undefined;

/** Share of ln(classes) within which a loss counts as that of a model that says nothing. */
const TOLERANCE = 0.01;

/** How many times ln(classes) a loss is that has exploded. Fresh params and a warm-up stay far below it. */
const EXPLOSION = 100;

/** Steps in a row above it: a few large losses come down by themselves. */
const EXPLOSION_STEPS = 20;

/** All that is watched. @param patience steps in a row at the loss of guessing before it counts as a collapse */
export function lossAlarms(classes: number, patience: number): LossAlarm {
  const alarms = [collapseAlarm(classes, patience), explosionAlarm(classes)];
  return (taskLoss) => {
    const messages = alarms.flatMap((alarm) => alarm(taskLoss) ?? []);
    return messages[0];
  };
}

/**
 * Watches for the collapse of an online pair: both models answer with the same probability for every class, and the cross-entropy
 * stays at ln(classes).
 */
export function collapseAlarm(classes: number, patience: number): LossAlarm {
  const chance = Math.log(classes);
  return inARow(
    patience,
    (taskLoss) => Math.abs(taskLoss - chance) <= TOLERANCE * chance,
    `the task loss has been at ln(${classes}) = ${chance.toFixed(4)} for ${patience} steps, as if the model knew nothing: ` +
      'lower the learning rate, lengthen the warm-up, or weaken the hints to the teacher',
  );
}

/**
 * Watches for a training that has exploded and is still finite. It does not end the run: some losses come down again, and a loss that
 * is not finite ends it anyway.
 */
export function explosionAlarm(classes: number, patience = EXPLOSION_STEPS): LossAlarm {
  const limit = EXPLOSION * Math.log(classes);
  return inARow(
    patience,
    (taskLoss) => taskLoss > limit,
    `the task loss has exploded: for ${patience} steps it has been above ${limit.toFixed(0)}, ${EXPLOSION} times that of guessing: ` +
      'lower the learning rate, lengthen the warm-up, or set a smaller clipNorm',
  );
}

/** Speaks once for each time that something holds for `patience` steps in a row. */
function inARow(patience: number, holds: (taskLoss: number) => boolean, message: string): LossAlarm {
  let steps = 0;
  return (taskLoss) => {
    steps = holds(taskLoss) ? steps + 1 : 0;
    return steps === patience ? message : undefined;
  };
}

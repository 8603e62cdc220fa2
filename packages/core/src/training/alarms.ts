/** A loss within this share of ln(classes) counts as chance level. */
const TOLERANCE = 0.01;

/**
 * Detects the collapse of an online pair: both models predict the same probability for every class, and the
 * cross-entropy stays at ln(classes). Reports once each time it stays there for `patience` consecutive steps.
 * @param taskLoss cross-entropy at weight 1, in nats
 */
export function collapseAlarm(classes: number, patience: number): (taskLoss: number) => string | undefined {
  const chance = Math.log(classes);
  let settled = 0;
  return (taskLoss) => {
    settled = Math.abs(taskLoss - chance) <= TOLERANCE * chance ? settled + 1 : 0;
    if (settled !== patience) return undefined;
    return (
      `the task loss has been at ln(${classes}) = ${chance.toFixed(4)} for ${patience} steps, as if the model knew nothing: ` +
      'lower the learning rate, lengthen the warm-up, or weaken the hints to the teacher'
    );
  };
}

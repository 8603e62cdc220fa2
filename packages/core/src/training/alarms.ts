/** Share of ln(classes) within which a loss counts as that of a model that says nothing. */
const TOLERANCE = 0.01;

/**
 * Watches a task loss for the collapse of an online pair: both models answer with the same probability for every class, and the
 * cross-entropy sits at ln(classes). Speaks once for each time it settles there for `patience` steps in a row.
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

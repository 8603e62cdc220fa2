type Fields = Readonly<Record<string, unknown>>;

/**
 * A state file of the version before, as one of today: it knew no times, and of the moves of the anchor the rollbacks alone. Whatever
 * else comes is given back as it is, for the schema to judge.
 */
export function upgraded(file: unknown): unknown {
  if (!isFields(file) || file['version'] !== 2 || !isFields(file['state'])) return file;
  const { rollbacks, ...state } = file['state'];
  return { ...file, version: 3, times: { changed: {} }, state: { ...state, moves: movesOf(state, rollbacks) } };
}

function movesOf(state: Fields, rollbacks: unknown): readonly unknown[] {
  const byRule = fieldsIn(state['results'])
    .filter(({ promoted }) => promoted === true)
    .map(({ generation }) => ({ by: 'rule', to: generation, during: generation }));
  const byHand = fieldsIn(rollbacks).map(({ during, to }) => ({ by: 'rollback', to, during }));
  // A rollback happens while its generation is in hand, which is before that one is judged.
  return [...byHand, ...byRule].sort((a, b) => Number(a.during) - Number(b.during));
}

function fieldsIn(list: unknown): readonly Fields[] {
  return Array.isArray(list) ? list.filter(isFields) : [];
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

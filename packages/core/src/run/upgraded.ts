import { z } from 'zod';
import { PAST_PRIMARY, withMetrics } from '../tasks/past-scores.js';
import { afterValidations, NOT_VALIDATED } from './convergence.js';

/** Of the state files that are written today. */
export const STATE_VERSION = 7;

type Fields = Readonly<Record<string, unknown>>;

/**
 * A state file of an earlier version as one of today. Anything else is returned as it is, for the schema to judge.
 * @param minDelta of the run's convergence, by which version 4 sums up the validations that version 3 lists
 */
export function upgraded(file: unknown, minDelta: number): unknown {
  return withParticipants(withNamedMetrics(withPlacement(withConvergence(withMoves(file), minDelta))));
}

/** Version 2 has no times, and of the moves of the anchor the rollbacks alone. */
function withMoves(file: unknown): unknown {
  if (!isFields(file) || file['version'] !== 2 || !isFields(file['state'])) return file;
  const { rollbacks, ...state } = file['state'];
  return { ...file, version: 3, times: { changed: {} }, state: { ...state, moves: movesOf(state, rollbacks) } };
}

function movesOf(state: Fields, rollbacks: unknown): readonly unknown[] {
  const byRule = fieldsIn(state['results'])
    .filter(({ promoted }) => promoted === true)
    .map(({ generation }) => ({ by: 'rule', to: generation, during: generation }));
  const byHand = fieldsIn(rollbacks).map(({ during, to }) => ({ by: 'rollback', to, during }));
  // A rollback happens while its generation is trained, which is before that one is judged.
  return [...byHand, ...byRule].sort((a, b) => Number(a.during) - Number(b.during));
}

const { name: primary, better } = PAST_PRIMARY;
const Validations = z.array(z.strictObject({ step: z.int().nonnegative(), [primary]: z.number() }));

/** Version 3 lists every validation of the generation instead of what its pairs need of them. */
function withConvergence(file: unknown, minDelta: number): unknown {
  if (!isFields(file) || file['version'] !== 3 || !isFields(file['state'])) return file;
  const { validations, ...state } = file['state'];
  if (validations === undefined) return { ...file, version: 4, state };
  const listed = Validations.safeParse(validations);
  if (!listed.success) return file;
  const pairs = fieldsIn(state['pairs']).map((pair) => {
    const upTo = listed.data.filter(({ step }) => step <= Number(pair['step'])).map((each) => each[primary]);
    const convergence = afterValidations(NOT_VALIDATED, upTo, { better, minDelta });
    return upTo.length === 0 ? pair : { ...pair, convergence };
  });
  return { ...file, version: 4, state: { ...state, pairs } };
}

/** Version 4 knows one trio, which it does not name: a run that is being trained there is placed anew when it is taken over. */
function withPlacement(file: unknown): unknown {
  if (!isFields(file) || file['version'] !== 4 || !isFields(file['times'])) return file;
  const { created } = file['times'];
  const placement = { priority: 0, number: 0, ...(created !== undefined && { since: created }) };
  return { ...file, version: 5, placement };
}

/** Version 5 has two metrics in each score, without names. */
function withNamedMetrics(file: unknown): unknown {
  if (!isFields(file) || file['version'] !== 5) return file;
  return { ...file, version: 6, state: withMetrics(file['state']) };
}

/** Version 6 knows one method, whose learners are the student and the teacher, and one frozen model. */
function withParticipants(file: unknown): unknown {
  if (!isFields(file) || file['version'] !== 6 || !isFields(file['state'])) return file;
  const { results, outcome, ...state } = withFrozen(file['state']);
  const upgradedState = {
    ...state,
    results: Array.isArray(results) ? results.map(withCandidate) : results,
    ...(isFields(outcome) && { outcome: withLearners(outcome) }),
  };
  return { ...file, version: STATE_VERSION, state: upgradedState };
}

function withCandidate(result: unknown): unknown {
  return isFields(result) ? { ...withLearners(withFrozen(result)), candidate: 'student' } : result;
}

function withFrozen({ anchorScores, ...fields }: Fields): Fields {
  return anchorScores === undefined ? fields : { ...fields, frozen: { anchor: anchorScores } };
}

function withLearners({ student, teacher, studentStateSha256, teacherStateSha256, ...fields }: Fields): Fields {
  return {
    ...fields,
    learners: {
      student: { best: student, stateSha256: studentStateSha256 },
      teacher: { best: teacher, stateSha256: teacherStateSha256 },
    },
  };
}

function fieldsIn(list: unknown): readonly Fields[] {
  return Array.isArray(list) ? list.filter(isFields) : [];
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

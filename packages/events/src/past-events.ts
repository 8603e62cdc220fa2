import { withMetrics } from '@trikd/core/tasks/past-scores';
import { roleName } from './names.js';

type Fields = Readonly<Record<string, unknown>>;

/**
 * The JSON of an event that an earlier version wrote as JSON of today; of today already, it stays as it is. Earlier runs know one method:
 * its learners are the student and the teacher, its only frozen model is the anchor, and their events name roles.
 */
export function upgradedEvent(json: unknown): unknown {
  const event = withMetrics(json);
  if (!isFields(event)) return event;
  return {
    ...event,
    ...changed(event, 'progress', ofRole),
    ...changed(event, 'evaluation', ofRole),
    ...changed(event, 'alarm', ofRole),
    ...changed(event, 'generationEnded', (ended) => ({ ...ended, ...changed(ended, 'result', withLearners) })),
    ...changed(event, 'run', ofRun),
  };
}

function ofRun(run: Fields): Fields {
  const ofLearners = (progress: Fields) => ({
    ...progress,
    ...changedList(progress, 'roles', ofRole),
    ...changedList(progress, 'evaluations', ofRole),
  });
  return { ...run, ...changedList(run, 'generations', withLearners), ...changed(run, 'progress', ofLearners) };
}

/** What a role says, as what the learner of its name says. */
function ofRole({ role, ...rest }: Fields): Fields {
  if (typeof role !== 'string') return rest;
  const participant = roleName(role);
  const values = (progress: Fields) => ({
    ...progress,
    ...changedList(progress, 'terms', (term) =>
      term['part'] === 'peer' ? { ...term, part: OTHER[participant] } : term,
    ),
    ...changedList(progress, 'waits', ({ peer, ...wait }) => ({ ...wait, participant: roleName(String(peer)) })),
  });
  return { ...rest, participant, ...changed(rest, 'progress', values) };
}

const OTHER: Readonly<Record<string, string>> = { student: 'teacher', teacher: 'student' };

function withLearners(result: Fields): Fields {
  const { student, teacher, studentStateSha256, teacherStateSha256, anchorValidation, anchorTest, ...rest } = result;
  if (student === undefined && teacher === undefined) return result;
  const learners = [
    { participant: 'student', best: student, stateSha256: studentStateSha256 },
    { participant: 'teacher', best: teacher, stateSha256: teacherStateSha256 },
  ];
  const anchor = { participant: 'anchor', validation: anchorValidation, test: anchorTest };
  return {
    ...rest,
    learners: learners.filter(({ best }) => best !== undefined),
    candidate: 'student',
    ...(anchorValidation !== undefined && { frozen: [anchor] }),
  };
}

/** The field of this name, changed; nothing where there is none. */
function changed(fields: Fields, name: string, change: (field: Fields) => Fields): Fields {
  const field = fields[name];
  return isFields(field) ? { [name]: change(field) } : {};
}

function changedList(fields: Fields, name: string, change: (each: Fields) => Fields): Fields {
  const list = fields[name];
  return Array.isArray(list) ? { [name]: list.map((each: unknown) => (isFields(each) ? change(each) : each)) } : {};
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import { primaryText } from '@trikd/events/metric-text';
import type { GenerationHistory } from '@trikd/events/run-history';
import type { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { steer } from './actions.js';
import { Confirm } from './confirm.js';
import { count } from './format.js';
import { type Ancestor, lineageOf } from './lineage-of.js';

const BECAME: Readonly<Record<NonNullable<Ancestor['became']>, string>> = {
  rule: 'promoted',
  override: 'promoted by hand',
  rollback: 'rolled back to',
};

const ROLES = ['student', 'teacher', 'anchor'] as const;

interface LineageProps {
  readonly run: Run;
  readonly generations: readonly GenerationHistory[];
  readonly done?: () => void;
}

/** The generations of a run: their scores, their anchors, and what became of their students. */
export function Lineage({ run, generations, done }: LineageProps) {
  const lineage = lineageOf(run, generations);
  return (
    <section class="panel" aria-labelledby="lineage">
      <h2 id="lineage">Lineage</h2>
      <ol class="lineage">
        {lineage.map((each) => (
          <Generation key={each.generation} of={each} run={run} {...(done && { done })} />
        ))}
      </ol>
    </section>
  );
}

interface GenerationProps {
  readonly of: Ancestor;
  readonly run: Run;
  readonly done?: () => void;
}

function Generation({ of: generation, run, done }: GenerationProps) {
  const { state, anchor, validation, test, steps, became, isAnchor, isBest } = generation;
  const number = generation.generation;
  return (
    <li class={`generation ${state}${isAnchor ? ' is-anchor' : ''}`} data-generation={number}>
      <h3>Generation {number}</h3>
      <p class="marks">
        {state === 'current' && <span class="mark">current</span>}
        {isAnchor && <span class="mark anchor">the anchor</span>}
        {became && <span class="mark good">{BECAME[became]}</span>}
        {state === 'ended' && !became && <span class="mark">not promoted</span>}
        {isBest && <span class="mark best">best student</span>}
      </p>
      <table>
        <caption class="visually-hidden">Scores of generation {number}</caption>
        <thead>
          <tr>
            <td />
            <th scope="col" class="number">
              validation
            </th>
            <th scope="col" class="number">
              test
            </th>
          </tr>
        </thead>
        <tbody>
          {ROLES.filter((role) => role !== 'anchor' || anchor !== undefined).map((role) => (
            <tr key={role}>
              <th scope="row" class={role}>
                {role}
              </th>
              <td class="number" data-score={`${role}-validation`}>
                {primaryText(validation[role]?.metrics) ?? '–'}
              </td>
              <td class="number muted" data-score={`${role}-test`}>
                {primaryText(test[role]?.metrics) ?? '–'}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="muted small">
        {anchor === undefined ? 'no anchor' : `anchor: the student of generation ${anchor}`}
        {steps !== undefined && ` · ${count(steps)} steps`}
      </p>
      {done && <GenerationActions of={generation} run={run} done={done} />}
    </li>
  );
}

function GenerationActions({ of: { generation, canPromote, canRollBack }, run, done }: Required<GenerationProps>) {
  if (!canPromote && !canRollBack) return null;
  const { runId } = run;
  const over = run.phase === 'RUN_PHASE_COMPLETED' || run.phase === 'RUN_PHASE_CANCELLED';
  const effect = over
    ? 'The results of the run do not change.'
    : 'The current generation starts again with this anchor. What it has learned so far is dropped.';
  return (
    <div class="buttons">
      {canPromote && (
        <Confirm
          label="Promote"
          question={`Make the student of generation ${generation} the anchor?`}
          consequence={`The promotion rule did not choose it: this is recorded as an override. ${effect}`}
          act={() => steer(runId, 'promote', { generation }).then(done)}
        />
      )}
      {canRollBack && (
        <Confirm
          label="Roll back"
          danger
          question={`Make the student of generation ${generation} the anchor again?`}
          consequence={effect}
          act={() => steer(runId, 'rollback', { generation }).then(done)}
        />
      )}
    </div>
  );
}

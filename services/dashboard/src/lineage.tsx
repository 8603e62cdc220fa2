import type { GenerationHistory } from '@trikd/events/run-history';
import { percent } from '@trikd/events/words';
import type { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { steer } from './actions.js';
import { Confirm } from './confirm.js';
import { count } from './format.js';
import { type Ancestor, lineageOf } from './lineage-of.js';

const BECAME: Readonly<Record<NonNullable<Ancestor['became']>, string>> = {
  rule: 'promoted',
  override: 'promoted by hand',
  rollback: 'brought back',
};

const ROLES = ['student', 'teacher', 'anchor'] as const;

interface LineageProps {
  readonly run: Run;
  readonly generations: readonly GenerationHistory[];
  readonly done?: () => void;
}

/** The generations, what each came to, and whose student was whose anchor. */
export function Lineage({ run, generations, done }: LineageProps) {
  const lineage = lineageOf(run, generations);
  return (
    <section class="panel" aria-labelledby="lineage">
      <h2 id="lineage">Lineage</h2>
      <ol class="lineage">
        {lineage.map((each) => (
          <Generation key={each.generation} of={each} runId={run.runId} {...(done && { done })} />
        ))}
      </ol>
    </section>
  );
}

interface GenerationProps {
  readonly of: Ancestor;
  readonly runId: string;
  readonly done?: () => void;
}

function Generation({ of: generation, runId, done }: GenerationProps) {
  const { state, anchor, validation, test, steps, became, isAnchor, isBest } = generation;
  const number = generation.generation;
  return (
    <li class={`generation ${state}${isAnchor ? ' is-anchor' : ''}`} data-generation={number}>
      <h3>Generation {number}</h3>
      <p class="marks">
        {state === 'in-hand' && <span class="mark">in hand</span>}
        {isAnchor && <span class="mark anchor">the anchor</span>}
        {became && <span class="mark good">{BECAME[became]}</span>}
        {state === 'ended' && !became && <span class="mark">not promoted</span>}
        {isBest && <span class="mark best">best student</span>}
      </p>
      <table>
        <caption class="visually-hidden">Accuracies of generation {number}</caption>
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
                {accuracy(validation[role]?.accuracy)}
              </td>
              <td class="number muted" data-score={`${role}-test`}>
                {accuracy(test[role]?.accuracy)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="muted small">
        {anchor === undefined ? 'no anchor' : `anchor: the student of generation ${anchor}`}
        {steps !== undefined && ` · ${count(steps)} steps`}
      </p>
      {done && <GenerationActions of={generation} runId={runId} done={done} />}
    </li>
  );
}

function GenerationActions({ of: { generation, canPromote, canRollBack }, runId, done }: Required<GenerationProps>) {
  if (!canPromote && !canRollBack) return null;
  const beside = 'A generation in training begins anew beside it.';
  return (
    <div class="buttons">
      {canPromote && (
        <Confirm
          label="Promote"
          question={`Make the student of generation ${generation} the anchor?`}
          consequence={`The rule has not promoted it: this is recorded as an override. ${beside}`}
          act={() => steer(runId, 'promote', { generation }).then(done)}
        />
      )}
      {canRollBack && (
        <Confirm
          label="Roll back to it"
          danger
          question={`Go back to the student of generation ${generation} as the anchor?`}
          consequence={beside}
          act={() => steer(runId, 'rollback', { generation }).then(done)}
        />
      )}
    </div>
  );
}

function accuracy(share: number | undefined): string {
  return share === undefined ? '–' : percent(share);
}

import { primaryText } from '@trikd/events/names';
import type { StageHistory } from '@trikd/events/run-history';
import type { Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { coloursIn } from '../charts/series.js';
import { Confirm } from '../controls.js';
import { capital, count } from '../format.js';
import { steer } from './actions.js';
import { type Ancestor, becameText, lineageOf, type Origin } from './lineage-of.js';
import { isNumbered, namingOf, type StageNaming, stageIn } from './stages.js';

interface LineageProps {
  readonly run: Run;
  readonly stages: readonly StageHistory[];
  readonly done?: () => void;
}

/** The stages of a run: their scores, where their frozen models come from, and what became of their students. */
export function Lineage({ run, stages, done }: LineageProps) {
  const lineage = lineageOf(run, stages);
  const naming = namingOf(run);
  return (
    <section class="panel" aria-labelledby="lineage">
      <h2 id="lineage">{naming.word === 'generation' ? 'Lineage' : 'Stages'}</h2>
      <ol class="lineage">
        {lineage.map((each) => (
          <StageCard key={each.stage} of={each} run={run} naming={naming} {...(done && { done })} />
        ))}
      </ol>
    </section>
  );
}

interface StageCardProps {
  readonly of: Ancestor;
  readonly run: Run;
  readonly naming: StageNaming;
  readonly done?: () => void;
}

function StageCard({ of: stage, run, naming, done }: StageCardProps) {
  const { state, learners, frozen, validation, test, promotes, became, isAnchor, isBest, leadsOn } = stage;
  const title = naming.title(stage.stage);
  const colourOf = coloursIn(run);
  const marks = `${isBest ? ' is-best' : ''}${leadsOn ? ' leads-on' : ''}`;
  return (
    <li class={`stage ${state}${marks}`} data-stage={stage.stage}>
      <h3>{capital(title)}</h3>
      <p class="marks">
        {isBest && <span class="mark best">{bestText(run, stage)}</span>}
        {state === 'current' && <span class="mark">current</span>}
        {isAnchor && <span class="mark anchor">the anchor</span>}
        {became && <span class="mark good">{becameText(became)}</span>}
        {state === 'ended' && promotes && !became && <span class="mark">not promoted</span>}
      </p>
      <table>
        <caption class="visually-hidden">Scores of {title}</caption>
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
          {[...learners, ...frozen.map(({ name }) => name)].map((name) => (
            <tr key={name}>
              <th scope="row" class={colourOf(name)}>
                {name}
              </th>
              <td class="number" data-score={`${name}-validation`}>
                {primaryText(validation[name]?.metrics) ?? '–'}
              </td>
              <td class="number muted" data-score={`${name}-test`}>
                {primaryText(test[name]?.metrics) ?? '–'}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="muted small">{factsOf(stage, naming).join(' · ')}</p>
      {done && <StageActions of={stage} run={run} done={done} />}
    </li>
  );
}

/** `best student`; of a run without generations, that it is the result. */
function bestText(run: Run, { stage }: Ancestor): string {
  return isNumbered(stageIn(run, stage).name) ? 'best student' : 'result';
}

/** Where its models come from, and its length. */
function factsOf({ frozen, continued, promotes, steps }: Ancestor, { title }: StageNaming): readonly string[] {
  return [
    ...(frozen.length === 0 && promotes ? ['no anchor'] : []),
    ...frozen.flatMap(({ name, from }) => {
      if (!from) return [];
      const learner = from.learner === name ? name : `${name}: the ${from.learner}`;
      return [`${learner} of ${title(from.stage)}${ageOf(from)}`];
    }),
    ...continued.flatMap(({ name, from }) =>
      from ? [`${name} goes on from the ${from.learner} of ${title(from.stage)}${ageOf(from)}`] : [],
    ),
    ...(steps === undefined ? [] : [`${count(steps)} steps`]),
  ];
}

function ageOf({ at }: Origin): string {
  return at === 'best' ? '' : ', as it ended';
}

function StageActions({
  of: { stage, canPromote, canRollBack },
  run,
  done,
}: Pick<Required<StageCardProps>, 'of' | 'run' | 'done'>) {
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
          question={`Make the student of generation ${stage} the anchor?`}
          consequence={`The promotion rule did not choose it: this is recorded as an override. ${effect}`}
          act={() => steer(runId, 'promote', { stage }).then(done)}
        />
      )}
      {canRollBack && (
        <Confirm
          label="Roll back"
          danger
          question={`Make the student of generation ${stage} the anchor again?`}
          consequence={effect}
          act={() => steer(runId, 'rollback', { stage }).then(done)}
        />
      )}
    </div>
  );
}

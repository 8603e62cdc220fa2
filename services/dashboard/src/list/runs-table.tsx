import { phaseName } from '@trikd/events/names';
import { ownerText } from '@trikd/events/queue';
import type { RunSummary } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { addressOf, addressOfList } from '../address.js';
import { Phase, Progress, Scroll } from '../controls.js';
import { capital, duration, moment } from '../format.js';
import { Tags } from '../run/tags.js';
import { type Column, type ListState, MOST_COMPARED, queryOf, sortedBy, toggled } from './list-state.js';
import { commonMetric, networkOf, resultText, secondsOf } from './runs-in-list.js';

interface RunsTableProps {
  /** Those of the page. */
  readonly runs: readonly RunSummary[];
  /** All of the store. */
  readonly all: readonly RunSummary[];
  readonly state: ListState;
  readonly change: (state: ListState) => void;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Columns that a phone has no room for. */
const WIDE: readonly Column[] = ['test', 'method', 'network', 'seed', 'owner', 'created', 'duration'];
const NUMBERS: readonly Column[] = ['validation', 'test', 'seed', 'duration'];

/** Runs with their scores; each column sorts them. */
export function RunsTable({ runs, all, state, change, now }: RunsTableProps) {
  const metric = commonMetric(all);
  const hasOwners = all.some(({ owner }) => owner !== undefined);
  const headings: readonly (readonly [Column, string])[] = [
    ['name', 'Name'],
    ['phase', 'Phase'],
    ['validation', metric ? `${capital(metric.label)}, validation` : 'Validation'],
    ['test', 'Test'],
    ['method', 'Method'],
    ['network', 'Student'],
    ['seed', 'Seed'],
    ...(hasOwners ? [['owner', 'Owner'] as const] : []),
    ['created', 'Created'],
    ['duration', 'Duration'],
  ];
  return (
    <Scroll label="runs">
      <table class="runs list">
        <caption class="visually-hidden">
          Runs, sorted by {state.sort}, {state.descending ? 'descending' : 'ascending'}
        </caption>
        <thead>
          <tr>
            <td class="select" />
            {headings.map(([column, title]) => (
              <Heading key={column} column={column} title={title} state={state} change={change} />
            ))}
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <Row key={run.runId} run={run} hasOwners={hasOwners} state={state} change={change} now={now} />
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

interface HeadingProps extends Pick<RunsTableProps, 'state' | 'change'> {
  readonly column: Column;
  readonly title: string;
}

function Heading({ column, title, state, change }: HeadingProps) {
  const { sort, descending } = state;
  const order = sort !== column ? 'none' : descending ? 'descending' : 'ascending';
  const classes = `${WIDE.includes(column) ? 'wide' : ''} ${NUMBERS.includes(column) ? 'number' : ''}`;
  return (
    <th scope="col" class={classes} aria-sort={order}>
      <button type="button" class="sort" onClick={() => change(sortedBy(state, column))}>
        {title}
        <span aria-hidden="true" class="order">
          {order === 'none' ? '' : descending ? '↓' : '↑'}
        </span>
      </button>
    </th>
  );
}

interface RowProps extends Pick<RunsTableProps, 'state' | 'change' | 'now'> {
  readonly run: RunSummary;
  readonly hasOwners: boolean;
}

function Row({ run, hasOwners, state, change, now }: RowProps) {
  const { runId, phase, percent, method, seed, tags, owner, createTime, message } = run;
  const isSelected = state.selected.includes(runId);
  const seconds = secondsOf(run, now);
  const moves = ['preparing', 'training', 'promoting'].includes(phaseName(phase));
  return (
    <tr class={isSelected ? 'chosen' : ''}>
      <td class="select">
        <input
          type="checkbox"
          aria-label={`Select ${runId}`}
          checked={isSelected}
          disabled={!isSelected && state.selected.length >= MOST_COMPARED}
          onChange={() => change(toggled(state, runId))}
        />
      </td>
      <th scope="row">
        <a href={addressOf(runId)}>{runId}</a>
        <Tags tags={tags} addressOf={(tag) => addressOfList(queryOf({ ...state, tag, page: 0 }))} />
      </th>
      <td title={message}>
        <Phase phase={phase} />
        {moves && <Progress percent={percent} label={`progress of ${runId}`} />}
      </td>
      <td class="number score">{resultText(run, 'validation') ?? '–'}</td>
      <td class="number wide">{resultText(run, 'test') ?? '–'}</td>
      <td class="wide">{method}</td>
      <td class="wide network">{networkOf(run) ?? '–'}</td>
      <td class="number wide">{seed}</td>
      {hasOwners && <td class="wide">{ownerText(owner) || '–'}</td>}
      <td class="wide">{moment(createTime)}</td>
      <td class="number wide">{seconds === undefined ? '–' : duration(seconds)}</td>
    </tr>
  );
}

import { ownerText, queueOf } from '@trikd/events/queue';
import type { RunSummary } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { useEffect, useId, useMemo, useState } from 'preact/hooks';
import { addressOf, addressOfComparison, addressOfList, type Place } from '../address.js';
import { Choice, Scroll } from '../controls.js';
import { moment, sentence } from '../format.js';
import { useVerbs } from '../run/actions.js';
import { FIRST_STATE, type ListState, listStateIn, MOST_COMPARED, queryOf } from './list-state.js';
import { useSummaries } from './read-summaries.js';
import { type FilterValues, filterValues, shownRuns } from './runs-in-list.js';
import { RunsTable } from './runs-table.js';
import { StartRun } from './start-run.js';

/** The runs of the store: found by search and filters, sorted, selected for a comparison. */
export function RunsPage({ place }: { readonly place: Extract<Place, { readonly page: 'runs' }> }) {
  const { listed, problem } = useSummaries();
  const mayStart = useVerbs().includes('steer');
  const [state, setState] = useState(() => listStateIn(place.query));
  // Each change of the address is another place, also one that leads back to the query that it began with.
  useEffect(() => setState(listStateIn(place.query)), [place]);
  const change = (next: ListState) => {
    setState(next);
    // Not an entry of its own in the history for each letter of a search.
    window.history.replaceState(null, '', addressOfList(queryOf(next)));
  };
  return (
    <>
      <h1>Runs</h1>
      {problem !== '' && (
        <p class="notice bad" role="alert">
          {problem}
        </p>
      )}
      {listed && <QueueTable runs={listed.runs} />}
      {listed && listed.runs.length > 0 && <RunList runs={listed.runs} state={state} change={change} />}
      {listed && listed.runs.length === 0 && <p class="empty">No runs yet.</p>}
      {listed?.unreadable.map(({ runId, reason }) => (
        <p key={runId} class="notice bad">
          Run {runId} cannot be read: {reason}
        </p>
      ))}
      {listed && mayStart && <StartRun open={listed.runs.length === 0} />}
    </>
  );
}

interface RunListProps {
  readonly runs: readonly RunSummary[];
  readonly state: ListState;
  readonly change: (state: ListState) => void;
}

function RunList({ runs, state, change }: RunListProps) {
  const now = Date.now();
  const shown = useMemo(() => shownRuns(runs, state, now), [runs, state]);
  const values = useMemo(() => filterValues(runs), [runs]);
  const { first, rows, fitting, page, pages } = shown;
  const go = (to: number) => change({ ...state, page: to });
  return (
    <>
      <RunFilters values={values} state={state} change={change} />
      <div class="list-head">
        <p class="muted" role="status">
          {fitting === runs.length ? runsText(runs.length) : `${fitting} of ${runsText(runs.length)}`}
        </p>
        <Selection state={state} change={change} />
      </div>
      {fitting === 0 ? (
        <p class="empty">
          No run fits.{' '}
          <button type="button" class="small" onClick={() => change({ ...FIRST_STATE, selected: state.selected })}>
            Show all runs
          </button>
        </p>
      ) : (
        <RunsTable runs={rows} all={runs} state={state} change={change} now={now} />
      )}
      {pages > 1 && (
        <nav class="pages" aria-label="Pages of the list">
          <button type="button" disabled={page === 0} onClick={() => go(page - 1)}>
            Previous
          </button>
          <span class="number">
            {first + 1} – {first + rows.length} of {fitting}
          </span>
          <button type="button" disabled={page === pages - 1} onClick={() => go(page + 1)}>
            Next
          </button>
        </nav>
      )}
    </>
  );
}

function runsText(count: number): string {
  return count === 1 ? '1 run' : `${count} runs`;
}

/** The runs that are selected, and what can be done with them. */
function Selection({ state, change }: Pick<RunListProps, 'state' | 'change'>) {
  const { selected } = state;
  if (selected.length === 0) return <p class="muted wide">Select 2 to {MOST_COMPARED} runs to compare them.</p>;
  return (
    <div class="selection">
      <span class="number">{selected.length} selected</span>
      {selected.length > 1 ? (
        <a class="button primary" href={addressOfComparison(selected)}>
          Compare
        </a>
      ) : (
        <span class="muted">select another one to compare</span>
      )}
      <button type="button" onClick={() => change({ ...state, selected: [] })}>
        Clear
      </button>
    </div>
  );
}

interface RunFiltersProps {
  readonly values: FilterValues;
  readonly state: ListState;
  readonly change: (state: ListState) => void;
}

/** A field to search runs, and one for each value that they are filtered by. */
function RunFilters({ values, state, change }: RunFiltersProps) {
  const id = useId();
  const set = (part: Partial<ListState>) => change({ ...state, ...part, page: 0 });
  return (
    <search class="filters">
      <label class="visually-hidden" for={id}>
        Search by name, tag, method, network or owner
      </label>
      <input
        id={id}
        type="search"
        placeholder="Search name, tag, method, owner"
        value={state.search}
        onInput={(event) => set({ search: event.currentTarget.value })}
      />
      <Filter
        label="Phase"
        value={state.phase}
        values={['active', ...values.phases]}
        choose={(phase) => set({ phase })}
      />
      <Filter label="Method" value={state.method} values={values.methods} choose={(method) => set({ method })} />
      <Filter label="Tag" value={state.tag} values={values.tags} choose={(tag) => set({ tag })} />
    </search>
  );
}

interface FilterProps {
  readonly label: string;
  /** Empty: any. */
  readonly value: string;
  readonly values: readonly string[];
  readonly choose: (value: string) => void;
}

function Filter({ label, value, values, choose }: FilterProps) {
  // A value of the address stays visible when no run has it any more.
  const all = value === '' || values.includes(value) ? values : [value, ...values];
  if (all.length === 0) return null;
  const options = [['', 'any'] as const, ...all.map((each) => [each, each] as const)];
  return <Choice label={label} value={value} options={options} choose={choose} />;
}

/** The runs that wait for a trio, in their order; nothing when none does. */
function QueueTable({ runs }: { readonly runs: readonly RunSummary[] }) {
  const { queued } = queueOf(runs);
  if (queued.length === 0) return undefined;
  return (
    <section aria-label="Queue">
      <h2>Queue</h2>
      <Scroll label="queue">
        <table class="runs">
          <caption class="visually-hidden">Runs that wait for a trio, in the order in which they get one</caption>
          <thead>
            <tr>
              <th scope="col" class="number">
                Position
              </th>
              <th scope="col">Name</th>
              <th scope="col">Owner</th>
              <th scope="col" class="number">
                Priority
              </th>
              <th scope="col">Since</th>
              <th scope="col">Reason</th>
            </tr>
          </thead>
          <tbody>
            {queued.map(({ runId, owner, placement, message }) => (
              <tr key={runId}>
                <td class="number">{placement?.waiting?.position ?? '–'}</td>
                <th scope="row">
                  <a href={addressOf(runId)}>{runId}</a>
                </th>
                <td>{ownerText(owner) || '–'}</td>
                <td class="number">{placement?.priority ?? 0}</td>
                <td>{moment(placement?.queueTime)}</td>
                <td>{sentence(message)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}

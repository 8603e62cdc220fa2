import { useId } from 'preact/hooks';
import { Choice } from './choice.js';
import type { ListState } from './list-state.js';
import type { FilterValues } from './runs-in-list.js';

interface RunFiltersProps {
  readonly values: FilterValues;
  readonly state: ListState;
  readonly change: (state: ListState) => void;
}

/** A field to search runs, and one for each value that they are filtered by. */
export function RunFilters({ values, state, change }: RunFiltersProps) {
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

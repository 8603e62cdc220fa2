/** What the list of runs can be sorted by. */
export const COLUMNS = [
  'name',
  'phase',
  'validation',
  'test',
  'method',
  'network',
  'seed',
  'owner',
  'created',
  'duration',
] as const;
export type Column = (typeof COLUMNS)[number];

/** Which runs the list shows, in which order, and which are selected. It is in the address of the page. */
export interface ListState {
  /** Words that all have to be in the name, a tag, the method, a network or the owner of a run. */
  readonly search: string;
  /** Empty: any; `active`: those that train, or wait by themselves. */
  readonly phase: string;
  /** Empty: any. */
  readonly method: string;
  /** Empty: any. */
  readonly tag: string;
  readonly sort: Column;
  readonly descending: boolean;
  /** From 0. */
  readonly page: number;
  readonly selected: readonly string[];
}

/** Runs that can be compared at once, at most: as many as there are colours that can be told apart. */
export const MOST_COMPARED = 10;

export const FIRST_STATE: ListState = {
  ...{ search: '', phase: '', method: '', tag: '', page: 0, selected: [] },
  sort: 'created',
  descending: true,
};

/** The state in the query of an address; what is not valid there is left out. */
export function listStateIn(query: string): ListState {
  const values = new URLSearchParams(query);
  const text = (name: string) => values.get(name) ?? '';
  const order = text('sort');
  const sort = COLUMNS.find((column) => column === order.replace(/^-/, ''));
  const page = Number(text('page'));
  return {
    ...{ search: text('q'), phase: text('phase'), method: text('method'), tag: text('tag') },
    ...(sort
      ? { sort, descending: order.startsWith('-') }
      : { sort: FIRST_STATE.sort, descending: FIRST_STATE.descending }),
    page: Number.isSafeInteger(page) && page > 1 ? page - 1 : 0,
    selected: [...new Set(values.getAll('run'))].slice(0, MOST_COMPARED),
  };
}

/** The query of an address with a state; what is as at first is left out. */
export function queryOf({ search, phase, method, tag, sort, descending, page, selected }: ListState): string {
  const isFirst = sort === FIRST_STATE.sort && descending === FIRST_STATE.descending;
  const fields: [string, string][] = [
    ['q', search],
    ['phase', phase],
    ['method', method],
    ['tag', tag],
    ['sort', isFirst ? '' : `${descending ? '-' : ''}${sort}`],
    ['page', page === 0 ? '' : String(page + 1)],
    ...selected.map((runId): [string, string] => ['run', runId]),
  ];
  return new URLSearchParams(fields.filter(([, value]) => value !== '')).toString();
}

/** Columns of which the largest value is of interest: they are sorted from there at first. */
const LARGEST_FIRST: readonly Column[] = ['validation', 'test', 'created', 'duration'];

/** The state after a press on the head of a column: it sorts by the column, or turns the order round. */
export function sortedBy(state: ListState, column: Column): ListState {
  const descending = state.sort === column ? !state.descending : LARGEST_FIRST.includes(column);
  return { ...state, sort: column, descending, page: 0 };
}

/** The state with a run selected, or not any more. */
export function toggled(state: ListState, runId: string): ListState {
  const { selected } = state;
  if (selected.includes(runId)) return { ...state, selected: selected.filter((each) => each !== runId) };
  return selected.length < MOST_COMPARED ? { ...state, selected: [...selected, runId] } : state;
}

/** What the page shows. */
export type Place =
  | { readonly page: 'runs'; readonly query: string }
  | { readonly page: 'run'; readonly runId: string }
  | { readonly page: 'comparison'; readonly runIds: readonly string[] };

/** What an address within the page leads to; the list of runs for one that is not known. @param hash such as `#/runs/tiny` */
export function placeIn(hash: string): Place {
  const [, path = '', query = ''] = /^#\/([^?]*)(?:\?(.*))?$/.exec(hash) ?? [];
  const [, name] = /^runs\/([^/]+)$/.exec(path) ?? [];
  if (name !== undefined) return { page: 'run', runId: decoded(name) };
  if (path !== 'compare') return { page: 'runs', query };
  return { page: 'comparison', runIds: [...new Set(new URLSearchParams(query).getAll('run'))] };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of a run within the page. */
export function addressOf(runId: string): string {
  return `#/runs/${encodeURIComponent(runId)}`;
}

/** The address of the list of runs. @param query as `queryOf` makes it */
export function addressOfList(query = ''): string {
  return query === '' ? '#/' : `#/?${query}`;
}

/** The address of a comparison. */
export function addressOfComparison(runIds: readonly string[]): string {
  return `#/compare?${new URLSearchParams(runIds.map((runId): [string, string] => ['run', runId]))}`;
}

/** The run in the address of the page; undefined for the list of runs. */
export function runInAddress(): string | undefined {
  const [, name] = /^#\/runs\/([^/]+)$/.exec(window.location.hash) ?? [];
  return name === undefined ? undefined : decodeURIComponent(name);
}

/** The address of a run within the page. */
export function addressOf(runId: string): string {
  return `#/runs/${encodeURIComponent(runId)}`;
}

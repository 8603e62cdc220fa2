import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TrikdError } from '@trikd/core/domain/errors';
import { RunSpec, specDigest } from '@trikd/core/spec/run-spec';
import { eventOf } from '@trikd/events/event';
import { renderReport } from '@trikd/events/report';
import { emptyHistory, fold, type RunHistory, withRun } from '@trikd/events/run-history';
import { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';

/** The template of reports, part of the build of the dashboard. */
const TEMPLATE = fileURLToPath(new URL('../../../../dashboard/dist/report.html', import.meta.url));

/** Whether the template of reports is built. */
export function canReport(): boolean {
  return existsSync(TEMPLATE);
}

/**
 * Writes the report of a run: one file of HTML that needs no network.
 * @param spec of the run, when its events do not have it
 * @throws TrikdError 'invalid' when the page is not built, 'not-found' when no event is of a run
 */
export async function writeReport(
  events: AsyncIterable<WatchRunResponse>,
  spec: string | undefined,
  path: string,
): Promise<void> {
  if (!canReport()) throw new TrikdError('invalid', `there is no ${TEMPLATE}; run \`make build\``);
  const history = await historyOf(events, spec);
  if (!history.run) throw new TrikdError('not-found', 'no event is of a run');
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, renderReport(readFileSync(TEMPLATE, 'utf8'), history));
}

/** Empty for a spec that this version does not read. */
function digestOf(spec: string): string {
  const parsed = RunSpec.safeParse(JSON.parse(spec));
  return parsed.success ? specDigest(parsed.data) : '';
}

async function historyOf(events: AsyncIterable<WatchRunResponse>, spec: string | undefined): Promise<RunHistory> {
  let history = emptyHistory;
  for await (const event of events) history = fold(history, eventOf(WatchRunResponse.toJSON(event)));
  return history.run && spec !== undefined
    ? withRun(history, { ...history.run, spec, specDigest: digestOf(spec) })
    : history;
}

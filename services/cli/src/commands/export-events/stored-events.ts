import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { TrikdError } from '@trikd/core/domain/errors';
import { WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';

/**
 * The events in a file, a line of JSON each. An incomplete line is skipped: its writer was killed.
 * @throws TrikdError 'not-found' without the file
 */
export function storedEvents(path: string): AsyncGenerator<WatchRunResponse, void> {
  if (!existsSync(path)) throw new TrikdError('not-found', `there is no file of events at ${path}`);
  return eventsIn(path);
}

async function* eventsIn(path: string): AsyncGenerator<WatchRunResponse, void> {
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    const json = jsonOf(line);
    if (json !== undefined) yield WatchRunResponse.fromJSON(json);
  }
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

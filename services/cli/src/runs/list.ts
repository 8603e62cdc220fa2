import {
  type ListRunsResponse,
  type Run,
  Run as RunMessage,
  RunPhase,
  UnreadableRun as UnreadableMessage,
  type UnreadableRun,
} from '@trikd/protocol/gen/node/trikd/v1/run';
import { unary } from '@trikd/transport/grpc/clients';
import type { Asking } from '../server/ask.js';

/** All runs of a server. */
export interface RunList {
  readonly runs: readonly Run[];
  readonly unreadable: readonly UnreadableRun[];
}

const PAGE_SIZE = 200;

/** Reads all pages of the list. @param phases empty: all */
export async function allRuns({ client, how }: Asking, phases: readonly RunPhase[]): Promise<RunList> {
  const pages: ListRunsResponse[] = [];
  let pageToken = '';
  do {
    const request = { pageSize: PAGE_SIZE, pageToken, phases: [...phases] };
    const page = await unary(client.listRuns.bind(client), request, how);
    pages.push(page);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return { runs: pages.flatMap(({ runs }) => runs), unreadable: pages.flatMap(({ unreadable }) => unreadable) };
}

/** The list, for programs: messages in the JSON of protobuf. */
export function listJson({ runs, unreadable }: RunList): object {
  return {
    runs: runs.map((run) => RunMessage.toJSON(run)),
    unreadable: unreadable.map((one) => UnreadableMessage.toJSON(one)),
  };
}

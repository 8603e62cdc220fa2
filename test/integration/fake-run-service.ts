import { Server, ServerCredentials, type ServerWritableStream, type sendUnaryData } from '@grpc/grpc-js';
import { TrikdError } from '@trikd/core/domain/errors';
import {
  Run,
  RunPhase,
  RunServiceService,
  type WatchRunRequest,
  type WatchRunResponse,
} from '@trikd/protocol/gen/node/trikd/v1/run';
import { toStatus } from '@trikd/protocol/status';
import { onTestFinished } from 'vitest';

/** A RunService that records its requests and plays given streams of events. */
export interface FakeRunService {
  readonly address: string;
  /** The method, and the request without what is empty. */
  readonly asked: { readonly method: string; readonly request: object }[];
}

/** A stream of events: messages, then its end or a broken connection. */
export interface PlayedStream {
  readonly messages: readonly WatchRunResponse[];
  readonly breaks?: boolean;
}

/**
 * @param runs by name
 * @param played one for each stream that is opened, in order
 */
export async function fakeRunService(
  runs: readonly Run[],
  played: readonly PlayedStream[] = [],
  refusal?: TrikdError,
): Promise<FakeRunService> {
  const asked: FakeRunService['asked'] = [];
  const streams = [...played];
  const wanted = (runId: string): Run => {
    if (refusal) throw refusal;
    const run = runs.find((one) => one.runId === runId);
    if (!run) throw new TrikdError('not-found', `there is no run ${runId}`);
    return run;
  };
  const answer =
    <Request extends object, Response>(method: string, response: (request: Request) => Response) =>
    ({ request }: { readonly request: Request }, callback: sendUnaryData<Response>) => {
      asked.push({ method, request });
      try {
        callback(null, response(request));
      } catch (error) {
        callback(toStatus(error));
      }
    };
  const changed = (method: string, phase: RunPhase) =>
    answer(method, ({ runId }: { readonly runId: string }) => ({ run: { ...wanted(runId), phase } }));
  const server = new Server();
  server.addService(RunServiceService, {
    createRun: answer('createRun', ({ spec }) => ({ run: wanted(JSON.parse(spec).name) })),
    getRun: answer('getRun', ({ runId }) => ({ run: wanted(runId), tags: [] })),
    // Two runs a page, so that a reader has to turn pages.
    listRuns: answer('listRuns', ({ pageToken, phases }) => {
      const fitting = runs.filter(({ phase }) => phases.length === 0 || phases.includes(phase));
      const from = Number(pageToken);
      const nextPageToken = from + 2 < fitting.length ? String(from + 2) : '';
      return { runs: fitting.slice(from, from + 2), summaries: [], nextPageToken, unreadable: [] };
    }),
    watchRun: (call: ServerWritableStream<WatchRunRequest, WatchRunResponse>) => {
      asked.push({ method: 'watchRun', request: call.request });
      const { messages, breaks } = streams.shift() ?? { messages: [] };
      for (const message of messages) call.write(message);
      if (breaks) call.emit('error', toStatus(new TrikdError('unavailable', 'gone')));
      else call.end();
    },
    triggerGeneration: changed('triggerGeneration', RunPhase.RUN_PHASE_PREPARING),
    pauseRun: changed('pauseRun', RunPhase.RUN_PHASE_PAUSED),
    resumeRun: changed('resumeRun', RunPhase.RUN_PHASE_PREPARING),
    cancelRun: changed('cancelRun', RunPhase.RUN_PHASE_CANCELLED),
    promoteGeneration: changed('promoteGeneration', RunPhase.RUN_PHASE_PREPARING),
    rollbackAnchor: changed('rollbackAnchor', RunPhase.RUN_PHASE_PREPARING),
    tagRun: answer('tagRun', ({ runId, add }) => {
      wanted(runId);
      return { tags: add };
    }),
    deleteRun: answer('deleteRun', ({ runId }) => {
      wanted(runId);
      return {};
    }),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  onTestFinished(() => server.forceShutdown());
  return { address: `127.0.0.1:${port}`, asked };
}

/** A run as its orchestrator describes it. */
export function toldRun(runId: string, phase: RunPhase): Run {
  return Run.fromPartial({ runId, phase, spec: '{"curriculum":{"generations":3}}', attempt: 1 });
}

import type { ServerWritableStream } from '@grpc/grpc-js';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type {
  CreateRunRequest,
  CreateRunResponse,
  GetRunRequest,
  GetRunResponse,
  RollbackAnchorRequest,
  RollbackAnchorResponse,
  WatchRunRequest,
  WatchRunResponse,
} from '@trikd/platform/gen/trikd/v1/run';
import { parseSpec } from '@trikd/platform/grpc/parse-spec';
import { serveStream } from '@trikd/platform/grpc/serve-stream';
import { EMPTY, type Observable } from 'rxjs';
import { fromNews, fromRun } from './messages.js';
import type { Orchestrator } from './orchestrator.js';
import type { RunNews } from './ports.js';

/** Token of the Orchestrator. */
export const ORCHESTRATOR = Symbol('orchestrator');

/** A drained run says so before its streams end: they are never cut short. */
const NEVER = new AbortController().signal;

/** Translates RunService messages to calls on the orchestrator. Nothing is decided here. */
@Controller()
export class OrchestratorController {
  constructor(@Inject(ORCHESTRATOR) private readonly orchestrator: Orchestrator) {}

  @GrpcMethod('RunService', 'createRun')
  async createRun({ spec, requestId, takeOver }: CreateRunRequest): Promise<CreateRunResponse> {
    const wanted = { spec: parseSpec(spec), takeOver, ...(requestId !== '' && { requestId }) };
    return { run: fromRun(await this.orchestrator.create(wanted)) };
  }

  @GrpcMethod('RunService', 'rollbackAnchor')
  async rollbackAnchor({ runId, generation, requestId }: RollbackAnchorRequest): Promise<RollbackAnchorResponse> {
    const id = requestId === '' ? undefined : requestId;
    return { run: fromRun(await this.orchestrator.rollBack(runId, generation, id)) };
  }

  @GrpcMethod('RunService', 'getRun')
  async getRun({ runId }: GetRunRequest): Promise<GetRunResponse> {
    return { run: fromRun(await this.orchestrator.get(runId)) };
  }

  @GrpcMethod('RunService', 'watchRun')
  async watchRun(
    { runId }: WatchRunRequest,
    _metadata: unknown,
    call: ServerWritableStream<WatchRunRequest, WatchRunResponse>,
  ): Promise<Observable<never>> {
    await serveStream<RunNews, WatchRunResponse>(call, NEVER, (left) => this.orchestrator.watch(runId, left), fromNews);
    return EMPTY;
  }
}

import type { Metadata, ServerWritableStream } from '@grpc/grpc-js';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type { Steering } from '@trikd/core/run/steering';
import type {
  CancelRunRequest,
  CancelRunResponse,
  CreateRunRequest,
  CreateRunResponse,
  DeleteRunRequest,
  DeleteRunResponse,
  GetCallerRequest,
  GetCallerResponse,
  GetRunRequest,
  GetRunResponse,
  ListRunsRequest,
  ListRunsResponse,
  PauseRunRequest,
  PauseRunResponse,
  PromoteGenerationRequest,
  PromoteGenerationResponse,
  ResumeRunRequest,
  ResumeRunResponse,
  RollbackAnchorRequest,
  RollbackAnchorResponse,
  Run,
  TriggerGenerationRequest,
  TriggerGenerationResponse,
  WatchRunRequest,
  WatchRunResponse,
} from '@trikd/protocol/gen/node/trikd/v1/run';
import { parseSpec } from '@trikd/protocol/parse-spec';
import { callerOf } from '@trikd/transport/access/caller';
import { serveStream } from '@trikd/transport/grpc/serve-stream';
import { EMPTY, type Observable } from 'rxjs';
import type { Orchestrator } from '../orchestrator.js';
import { fromCaller, fromRun } from './messages.js';
import { toPhases, toPlacement, toRequestId, toRunId } from './requests.js';

/** Token of the Orchestrator. */
export const ORCHESTRATOR = Symbol('orchestrator');

/** Streams are never cut short: the event that a run is drained comes before their end. */
const NEVER = new AbortController().signal;

/** Translates RunService messages to calls on the orchestrator. Nothing is decided here. */
@Controller()
export class OrchestratorController {
  constructor(@Inject(ORCHESTRATOR) private readonly orchestrator: Orchestrator) {}

  @GrpcMethod('RunService', 'createRun')
  async createRun({ spec, requestId, takeOver, placement }: CreateRunRequest): Promise<CreateRunResponse> {
    const id = toRequestId(requestId);
    const asked = toPlacement(placement);
    const wanted = {
      ...{ spec: parseSpec(spec), takeOver },
      ...(id !== undefined && { requestId: id }),
      ...(asked && { placement: asked }),
    };
    return { run: fromRun(await this.orchestrator.create(wanted)) };
  }

  @GrpcMethod('RunService', 'getRun')
  async getRun({ runId }: GetRunRequest): Promise<GetRunResponse> {
    return { run: fromRun(await this.orchestrator.get(toRunId(runId))) };
  }

  @GrpcMethod('RunService', 'listRuns')
  async listRuns({ pageSize, pageToken, phases }: ListRunsRequest): Promise<ListRunsResponse> {
    const wanted = { size: pageSize, token: pageToken, phases: toPhases(phases) };
    const { runs, unreadable, nextToken } = await this.orchestrator.list(wanted);
    return { runs: runs.map(fromRun), unreadable: [...unreadable], nextPageToken: nextToken };
  }

  @GrpcMethod('RunService', 'triggerGeneration')
  async triggerGeneration(request: TriggerGenerationRequest): Promise<TriggerGenerationResponse> {
    return { run: await this.steer(request, { kind: 'triggered' }) };
  }

  @GrpcMethod('RunService', 'pauseRun')
  async pauseRun(request: PauseRunRequest): Promise<PauseRunResponse> {
    return { run: await this.steer(request, { kind: 'paused' }) };
  }

  @GrpcMethod('RunService', 'resumeRun')
  async resumeRun(request: ResumeRunRequest): Promise<ResumeRunResponse> {
    return { run: await this.steer(request, { kind: 'resumed' }) };
  }

  @GrpcMethod('RunService', 'cancelRun')
  async cancelRun(request: CancelRunRequest): Promise<CancelRunResponse> {
    return { run: await this.steer(request, { kind: 'cancelled' }) };
  }

  @GrpcMethod('RunService', 'promoteGeneration')
  async promoteGeneration(request: PromoteGenerationRequest): Promise<PromoteGenerationResponse> {
    return { run: await this.steer(request, { kind: 'promoted', to: request.generation, at: now() }) };
  }

  @GrpcMethod('RunService', 'rollbackAnchor')
  async rollbackAnchor(request: RollbackAnchorRequest): Promise<RollbackAnchorResponse> {
    return { run: await this.steer(request, { kind: 'rolled-back', to: request.generation, at: now() }) };
  }

  @GrpcMethod('RunService', 'deleteRun')
  async deleteRun({ runId, requestId }: DeleteRunRequest): Promise<DeleteRunResponse> {
    await this.orchestrator.remove(toRunId(runId), toRequestId(requestId));
    return {};
  }

  @GrpcMethod('RunService', 'getCaller')
  getCaller(_request: GetCallerRequest, metadata: Metadata): GetCallerResponse {
    return fromCaller(callerOf(metadata));
  }

  @GrpcMethod('RunService', 'watchRun')
  async watchRun(
    { runId, fromEvent, pastOnly, newestEvents }: WatchRunRequest,
    _metadata: unknown,
    call: ServerWritableStream<WatchRunRequest, WatchRunResponse>,
  ): Promise<Observable<never>> {
    const wanted = { runId: toRunId(runId), from: fromEvent, pastOnly, newest: newestEvents ?? 0 };
    await serveStream(
      call,
      NEVER,
      (left) => this.orchestrator.watch(wanted, left),
      (message) => message,
    );
    return EMPTY;
  }

  private async steer({ runId, requestId }: Steered, steering: Steering): Promise<Run> {
    return fromRun(await this.orchestrator.steer(toRunId(runId), steering, toRequestId(requestId)));
  }
}

interface Steered {
  readonly runId: string;
  readonly requestId: string;
}

function now(): string {
  return new Date().toISOString();
}

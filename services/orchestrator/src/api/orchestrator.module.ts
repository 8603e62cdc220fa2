import type { Metadata, ServerWritableStream } from '@grpc/grpc-js';
import { Controller, type DynamicModule, Inject, Module } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type { Steering } from '@trikd/core/run/verbs';
import { newRun } from '@trikd/core/spec/new-run';
import { fromRun, fromSummary } from '@trikd/protocol/convert-run-view';
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
  ListCheckpointsRequest,
  ListCheckpointsResponse,
  ListRunsRequest,
  ListRunsResponse,
  PauseRunRequest,
  PauseRunResponse,
  PromoteGenerationRequest,
  PromoteGenerationResponse,
  ReadBlobRequest,
  ReadBlobResponse,
  ResumeRunRequest,
  ResumeRunResponse,
  RollbackAnchorRequest,
  RollbackAnchorResponse,
  Run,
  TagRunRequest,
  TagRunResponse,
  TriggerGenerationRequest,
  TriggerGenerationResponse,
  WatchRunRequest,
  WatchRunResponse,
} from '@trikd/protocol/gen/node/trikd/v1/run';
import { parseSpec } from '@trikd/protocol/parse-spec';
import { noteCall } from '@trikd/transport/access/audit-log';
import { callerOf } from '@trikd/transport/access/caller';
import { serveStream } from '@trikd/transport/grpc/serve-stream';
import { EMPTY, type Observable } from 'rxjs';
import type { Orchestrator } from '../orchestrator.js';
import { asCaller, type CallersOrchestrator } from './as-caller.js';
import {
  fromBlobItem,
  fromCaller,
  fromCheckpoints,
  isSummaryView,
  toPhases,
  toPlacement,
  toRequestId,
  toRunId,
} from './messages.js';

/** Token of the Orchestrator. */
const ORCHESTRATOR = Symbol('orchestrator');

/** Streams are never cut short: the event that a run is drained comes before their end. */
const NEVER = new AbortController().signal;

/** Translates RunService messages to calls on the orchestrator. Nothing is decided here. */
@Controller()
class OrchestratorController {
  constructor(@Inject(ORCHESTRATOR) private readonly orchestrator: Orchestrator) {}

  @GrpcMethod('RunService', 'createRun')
  async createRun(
    { spec: text, requestId, takeOver, placement, team }: CreateRunRequest,
    metadata: Metadata,
  ): Promise<CreateRunResponse> {
    const id = toRequestId(requestId);
    const asked = toPlacement(placement);
    const spec = newRun(parseSpec(text));
    const wanted = {
      ...{ spec, takeOver },
      ...(id !== undefined && { requestId: id }),
      ...(asked && { placement: asked }),
    };
    return { run: fromRun(await this.as(metadata, spec.name, id).create(wanted, team)) };
  }

  @GrpcMethod('RunService', 'getRun')
  async getRun({ runId }: GetRunRequest, metadata: Metadata): Promise<GetRunResponse> {
    const id = toRunId(runId);
    const runs = this.as(metadata, id);
    const run = fromRun(await runs.get(id));
    return { run, tags: [...(await runs.tags(id))] };
  }

  @GrpcMethod('RunService', 'listRuns')
  async listRuns(
    { pageSize, pageToken, phases, view }: ListRunsRequest,
    metadata: Metadata,
  ): Promise<ListRunsResponse> {
    const wanted = { size: pageSize, token: pageToken, phases: toPhases(phases) };
    const caller = this.as(metadata);
    if (isSummaryView(view)) {
      const { runs, unreadable, nextToken } = await caller.summaries(wanted);
      const summaries = runs.map(fromSummary);
      return { runs: [], summaries, unreadable: [...unreadable], nextPageToken: nextToken };
    }
    const { runs, unreadable, nextToken } = await caller.list(wanted);
    return { runs: runs.map(fromRun), summaries: [], unreadable: [...unreadable], nextPageToken: nextToken };
  }

  @GrpcMethod('RunService', 'triggerGeneration')
  async triggerGeneration(request: TriggerGenerationRequest, metadata: Metadata): Promise<TriggerGenerationResponse> {
    return { run: await this.steer(metadata, request, { kind: 'triggered' }) };
  }

  @GrpcMethod('RunService', 'pauseRun')
  async pauseRun(request: PauseRunRequest, metadata: Metadata): Promise<PauseRunResponse> {
    return { run: await this.steer(metadata, request, { kind: 'paused' }) };
  }

  @GrpcMethod('RunService', 'resumeRun')
  async resumeRun(request: ResumeRunRequest, metadata: Metadata): Promise<ResumeRunResponse> {
    return { run: await this.steer(metadata, request, { kind: 'resumed' }) };
  }

  @GrpcMethod('RunService', 'cancelRun')
  async cancelRun(request: CancelRunRequest, metadata: Metadata): Promise<CancelRunResponse> {
    return { run: await this.steer(metadata, request, { kind: 'cancelled' }) };
  }

  @GrpcMethod('RunService', 'promoteGeneration')
  async promoteGeneration(request: PromoteGenerationRequest, metadata: Metadata): Promise<PromoteGenerationResponse> {
    return { run: await this.steer(metadata, request, { kind: 'promoted', to: request.stage, at: now() }) };
  }

  @GrpcMethod('RunService', 'rollbackAnchor')
  async rollbackAnchor(request: RollbackAnchorRequest, metadata: Metadata): Promise<RollbackAnchorResponse> {
    return { run: await this.steer(metadata, request, { kind: 'rolled-back', to: request.stage, at: now() }) };
  }

  @GrpcMethod('RunService', 'tagRun')
  async tagRun({ runId, ...change }: TagRunRequest, metadata: Metadata): Promise<TagRunResponse> {
    const run = toRunId(runId);
    return { tags: [...(await this.as(metadata, run).tag(run, change))] };
  }

  @GrpcMethod('RunService', 'deleteRun')
  async deleteRun({ runId, requestId }: DeleteRunRequest, metadata: Metadata): Promise<DeleteRunResponse> {
    const [run, request] = [toRunId(runId), toRequestId(requestId)];
    await this.as(metadata, run, request).remove(run, request);
    return {};
  }

  @GrpcMethod('RunService', 'listCheckpoints')
  async listCheckpoints({ runId }: ListCheckpointsRequest, metadata: Metadata): Promise<ListCheckpointsResponse> {
    const id = toRunId(runId);
    return fromCheckpoints(await this.as(metadata, id).checkpoints(id));
  }

  @GrpcMethod('RunService', 'readBlob')
  async readBlob(
    { runId, key, offset, length }: ReadBlobRequest,
    metadata: Metadata,
    call: ServerWritableStream<ReadBlobRequest, ReadBlobResponse>,
  ): Promise<Observable<never>> {
    const id = toRunId(runId);
    const runs = this.as(metadata, id);
    await serveStream(call, NEVER, () => runs.blob(id, key, { offset, length }), fromBlobItem);
    return EMPTY;
  }

  @GrpcMethod('RunService', 'getCaller')
  getCaller(_request: GetCallerRequest, metadata: Metadata): GetCallerResponse {
    return fromCaller(callerOf(metadata), this.orchestrator.viewOnly ? ['view'] : undefined);
  }

  @GrpcMethod('RunService', 'watchRun')
  async watchRun(
    { runId, fromEvent, pastOnly, newestEvents }: WatchRunRequest,
    metadata: Metadata,
    call: ServerWritableStream<WatchRunRequest, WatchRunResponse>,
  ): Promise<Observable<never>> {
    const wanted = { runId: toRunId(runId), from: fromEvent, pastOnly, newest: newestEvents ?? 0 };
    const runs = this.as(metadata, wanted.runId);
    await serveStream(
      call,
      NEVER,
      (left) => runs.watch(wanted, left),
      (message) => message,
    );
    return EMPTY;
  }

  private async steer(metadata: Metadata, { runId, requestId }: Steered, steering: Steering): Promise<Run> {
    const [run, request] = [toRunId(runId), toRequestId(requestId)];
    return fromRun(await this.as(metadata, run, request).steer(run, steering, request));
  }

  /** The orchestrator, as the caller may use it. Notes for the audit log what the call is about. */
  private as(metadata: Metadata, run?: string, requestId?: string): CallersOrchestrator {
    noteCall(metadata, { ...(run !== undefined && { run }), ...(requestId !== undefined && { requestId }) });
    return asCaller(this.orchestrator, callerOf(metadata), (refusal) => noteCall(metadata, { refusal }));
  }
}

interface Steered {
  readonly runId: string;
  readonly requestId: string;
}

function now(): string {
  return new Date().toISOString();
}

@Module({})
class OrchestratorModule {}

/** The wiring of the service: the only file that knows both the orchestrator and the framework. */
export function orchestratorModule(orchestrator: Orchestrator): DynamicModule {
  return {
    module: OrchestratorModule,
    controllers: [OrchestratorController],
    providers: [{ provide: ORCHESTRATOR, useValue: orchestrator }],
  };
}

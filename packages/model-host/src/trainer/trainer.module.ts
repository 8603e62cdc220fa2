import type { ServerWritableStream } from '@grpc/grpc-js';
import { Controller, type DynamicModule, Inject, Module } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { usageReader } from '@trikd/process/process-usage';
import { fromPosition, fromRole, toAttempt, toPosition } from '@trikd/protocol/convert';
import { fromNumerics } from '@trikd/protocol/convert-participant';
import { fromTrainerEvent, toAssignment } from '@trikd/protocol/convert-trainer';
import { ExchangeDefinition } from '@trikd/protocol/frame-codec';
import { ReplicaServiceService } from '@trikd/protocol/gen/node/trikd/v1/replica';
import { TimingServiceService } from '@trikd/protocol/gen/node/trikd/v1/timing';
import {
  type AssignRequest,
  type AssignResponse,
  type GetTrainerResponse,
  type SaveAtRequest,
  type SaveAtResponse,
  type SetLimitRequest,
  type SetLimitResponse,
  TrainerServiceService,
  type WatchTrainerRequest,
  type WatchTrainerResponse,
} from '@trikd/protocol/gen/node/trikd/v1/trainer';
import { serveStream } from '@trikd/transport/grpc/serve-stream';
import { EMPTY, type Observable } from 'rxjs';
import { ExchangeController } from '../exchange.controller.js';
import { ReplicaController } from '../replica/replica.controller.js';
import type { ReplicaHost } from '../replica/replica-host.js';
import { TimingController } from '../timing.controller.js';
import { EXCHANGE, REPLICAS, SHUTDOWN, STEPS, TRAINER, USAGE } from '../tokens.js';
import type { Trainer } from './trainer.js';

/** Translates between TrainerService messages and the trainer. */
@Controller()
class TrainerController {
  constructor(
    @Inject(TRAINER) private readonly trainer: Trainer,
    @Inject(SHUTDOWN) private readonly shutdown: AbortSignal,
  ) {}

  @GrpcMethod('TrainerService', 'assign')
  async assign(request: AssignRequest): Promise<AssignResponse> {
    const assignment = toAssignment(request);
    const { initialFile = '', ...facts } = await this.trainer.assign(assignment);
    const { datasetDigest, classes, totalSteps, stepsPerEpoch } = facts;
    const numerics = fromNumerics(this.trainer.numerics(assignment.spec.engine));
    return { datasetDigest, classes, totalSteps, stepsPerEpoch, numerics, initialFile };
  }

  @GrpcMethod('TrainerService', 'setLimit')
  setLimit({ limit }: SetLimitRequest): SetLimitResponse {
    const { step, ...attempt } = toPosition(limit);
    return { nextStep: this.trainer.setLimit(attempt, step) };
  }

  @GrpcMethod('TrainerService', 'saveAt')
  saveAt({ position }: SaveAtRequest): SaveAtResponse {
    const { step, ...attempt } = toPosition(position);
    return { nextStep: this.trainer.saveAt(attempt, step) };
  }

  @GrpcMethod('TrainerService', 'getTrainer')
  getTrainer(): GetTrainerResponse {
    const current = this.trainer.current();
    const next = current && fromPosition({ ...current.id, step: current.firstOpenStep() });
    return { role: fromRole(this.trainer.role), next, limit: current?.limit.value ?? 0 };
  }

  @GrpcMethod('TrainerService', 'watchTrainer')
  async watchTrainer(
    { attempt, fromEvent, pastOnly }: WatchTrainerRequest,
    _metadata: unknown,
    call: ServerWritableStream<WatchTrainerRequest, WatchTrainerResponse>,
  ): Promise<Observable<never>> {
    const open = (left: AbortSignal) => this.trainer.watch(toAttempt(attempt), fromEvent, left, pastOnly);
    await serveStream(call, this.shutdown, open, ({ number, event }) => ({
      number,
      event: fromTrainerEvent(event),
    }));
    return EMPTY;
  }
}

@Module({})
class TrainerModule {}

/** Wires a trainer and a host of replicas to their services. */
export function trainerModule(trainer: Trainer, replicas: ReplicaHost, shutdown: AbortSignal): DynamicModule {
  return {
    module: TrainerModule,
    controllers: [TrainerController, ExchangeController, ReplicaController, TimingController],
    providers: [
      { provide: TRAINER, useValue: trainer },
      { provide: EXCHANGE, useValue: trainer },
      { provide: REPLICAS, useValue: replicas },
      { provide: STEPS, useValue: trainer.steps },
      { provide: USAGE, useValue: usageReader() },
      { provide: SHUTDOWN, useValue: shutdown },
    ],
  };
}

/** The services of `trainerModule`. */
export const TRAINER_SERVICES = {
  'trikd.v1.TrainerService': TrainerServiceService,
  'trikd.v1.ExchangeService': ExchangeDefinition,
  'trikd.v1.ReplicaService': ReplicaServiceService,
  'trikd.v1.TimingService': TimingServiceService,
};

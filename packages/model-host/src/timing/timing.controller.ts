import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { toAttempt, toPosition } from '@trikd/protocol/convert';
import { fromRoleStep } from '@trikd/protocol/convert-timing';
import type {
  ReadStepsRequest,
  ReadStepsResponse,
  TraceStepsRequest,
  TraceStepsResponse,
} from '@trikd/protocol/gen/node/trikd/v1/timing';
import type { StepMemory } from '@trikd/telemetry/step-memory';
import { STEPS } from '../tokens.js';

/** Most steps of one response: about 250 KB. */
const MAX_STEPS = 1024;

/** Translates between TimingService messages and the steps of a model: anchor, teacher or student. */
@Controller()
export class TimingController {
  constructor(@Inject(STEPS) private readonly steps: StepMemory) {}

  @GrpcMethod('TimingService', 'readSteps')
  readSteps({ from }: ReadStepsRequest): ReadStepsResponse {
    if (!from) return { steps: [] };
    const { step, ...attempt } = toPosition(from);
    return { steps: this.steps.read(attempt, step, MAX_STEPS).map(fromRoleStep) };
  }

  @GrpcMethod('TimingService', 'traceSteps')
  traceSteps({ attempt, steps }: TraceStepsRequest): TraceStepsResponse {
    return { remembered: attempt ? this.steps.trace(toAttempt(attempt), steps) : 0 };
  }
}

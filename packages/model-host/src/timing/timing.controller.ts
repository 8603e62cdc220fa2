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

/** Steps of one answer: about 250 KB. */
const STEPS_OF_AN_ANSWER = 1024;

/** Translates TimingService messages; the same for anchor, teacher and student. */
@Controller()
export class TimingController {
  constructor(@Inject(STEPS) private readonly steps: StepMemory) {}

  @GrpcMethod('TimingService', 'readSteps')
  readSteps({ from }: ReadStepsRequest): ReadStepsResponse {
    if (!from) return { steps: [] };
    const { step, ...attempt } = toPosition(from);
    return { steps: this.steps.read(attempt, step, STEPS_OF_AN_ANSWER).map(fromRoleStep) };
  }

  @GrpcMethod('TimingService', 'traceSteps')
  traceSteps({ attempt, steps }: TraceStepsRequest): TraceStepsResponse {
    return { remembered: attempt ? this.steps.trace(toAttempt(attempt), steps) : 0 };
  }
}

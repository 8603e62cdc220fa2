import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type { ProcessUsage } from '@trikd/core/timing/role-step';
import { toAttempt, toPosition } from '@trikd/protocol/convert';
import { fromRoleStep, fromUsage } from '@trikd/protocol/convert-timing';
import type {
  ReadStepsRequest,
  ReadStepsResponse,
  TraceStepsRequest,
  TraceStepsResponse,
} from '@trikd/protocol/gen/node/trikd/v1/timing';
import type { StepMemory } from '@trikd/telemetry/step-recorder';
import { STEPS, USAGE } from './tokens.js';

/** Most steps of one response: about 250 KB. */
const MAX_STEPS = 1024;

/** Translates between TimingService messages and the steps of a model: anchor, teacher or student. */
@Controller()
export class TimingController {
  constructor(
    @Inject(STEPS) private readonly steps: StepMemory,
    @Inject(USAGE) private readonly usage: () => ProcessUsage,
  ) {}

  @GrpcMethod('TimingService', 'readSteps')
  readSteps({ from }: ReadStepsRequest): ReadStepsResponse {
    const usage = fromUsage(this.usage());
    if (!from) return { steps: [], usage };
    const { step, ...attempt } = toPosition(from);
    return { steps: this.steps.read(attempt, step, MAX_STEPS).map(fromRoleStep), usage };
  }

  @GrpcMethod('TimingService', 'traceSteps')
  traceSteps({ attempt, steps }: TraceStepsRequest): TraceStepsResponse {
    return { remembered: attempt ? this.steps.trace(toAttempt(attempt), steps) : 0 };
  }
}

import { peerOf, type Role, type TrainedRole } from '@trikd/core/domain/role';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import type { Stage } from '@trikd/core/stages/stage';
import type { TrainerPorts } from '@trikd/core/training/ports';
import type { StepRecorder } from './step-recorder.js';
import type { Telemetry } from './telemetry.js';

/** Adds telemetry to ports: records steps, measures events, and adds the trace context of sampled steps to frames. */
export function tracedPorts(
  ports: TrainerPorts,
  role: TrainedRole,
  { frozen }: Stage,
  recorder: StepRecorder,
  telemetry: Telemetry,
): TrainerPorts {
  const frames = Object.entries(ports.frames).map(([source, each]) => {
    const from = frozen.some(({ name }) => name === source) ? 'anchor' : peerOf(role);
    return [source, recordedFrames(each, from, recorder)] as const;
  });
  return {
    ...ports,
    frames: Object.fromEntries(frames),
    publish: (frame) => ports.publish(stamped(frame, recorder)),
    save: (params) => {
      recorder.saving();
      return ports.save(params);
    },
    emit: (event) => {
      if (event.kind === 'checkpoint') recorder.saved(event.checkpoint.step);
      telemetry.emitted(role, event);
      ports.emit(event);
    },
    steps: recorder.listen,
  };
}

/** Adds the trace context of its step to a frame, if the step is sampled. */
export function stamped(frame: LogitsFrame, recorder: StepRecorder): LogitsFrame {
  const traceparent = recorder.traceparent(frame.position.step);
  return traceparent === undefined ? frame : { ...frame, traceparent };
}

/** `next` is all that the training loop calls. */
function recordedFrames(
  frames: AsyncIterator<LogitsFrame>,
  from: Role,
  recorder: StepRecorder,
): AsyncIterator<LogitsFrame> {
  return {
    next: async () => {
      const next = await frames.next();
      if (!next.done) recorder.received(next.value.position.step, from, next.value.traceparent);
      return next;
    },
  };
}

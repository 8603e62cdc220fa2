import { peerOf, type Role, type TrainedRole } from '@trikd/core/domain/role';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import type { TrainerPorts } from '@trikd/core/training/ports';
import type { StepRecorder } from './step-memory.js';
import type { Telemetry } from './telemetry.js';

/** The same ports, whose steps are recorded, whose news are counted, and whose frames carry the trace context of a sampled step. */
export function tracedPorts(
  ports: TrainerPorts,
  role: TrainedRole,
  recorder: StepRecorder,
  telemetry: Telemetry,
): TrainerPorts {
  const { anchor, peer } = ports.frames;
  const frames = {
    ...(anchor && { anchor: heardFrames(anchor, 'anchor', recorder) }),
    ...(peer && { peer: heardFrames(peer, peerOf(role), recorder) }),
  };
  return {
    ...ports,
    frames,
    publish: (frame) => ports.publish(stamped(frame, recorder)),
    save: (params) => {
      recorder.saving();
      return ports.save(params);
    },
    emit: (event) => {
      if (event.kind === 'checkpoint') recorder.saved(event.checkpoint.step);
      telemetry.told(role, event);
      ports.emit(event);
    },
    steps: recorder.listen,
  };
}

/** A frame with the trace context of its step, if that is sampled. */
export function stamped(frame: LogitsFrame, recorder: StepRecorder): LogitsFrame {
  const traceparent = recorder.traceparent(frame.position.step);
  return traceparent === undefined ? frame : { ...frame, traceparent };
}

/** Only what the loop asks of them: the next one. */
function heardFrames(
  frames: AsyncIterator<LogitsFrame>,
  from: Role,
  recorder: StepRecorder,
): AsyncIterator<LogitsFrame> {
  return {
    next: async () => {
      const next = await frames.next();
      if (!next.done) recorder.heard(next.value.position.step, from, next.value.traceparent);
      return next;
    },
  };
}

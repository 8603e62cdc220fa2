import type { GenerationAttempt } from '@trikd/core/domain/position';
import type { FrameSource, TrainedRole } from '@trikd/core/domain/role';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import type { TrainerPorts } from '@trikd/core/training/ports';
import { type FaultPoint, faultPoint, positionOf } from '@trikd/process/fault-points';

const RECEIVED: Readonly<Record<FrameSource, FaultPoint>> = { peer: 'frame.from-peer', anchor: 'frame.from-anchor' };

/** Adds the fault points of a training loop to its ports. */
export function observedPorts(ports: TrainerPorts, role: TrainedRole, attempt: GenerationAttempt): TrainerPorts {
  const at = (point: FaultPoint, step: number) => faultPoint(point, () => ({ ...attempt, role, step }));
  const { anchor, peer } = ports.frames;
  const frames = {
    ...(anchor && { anchor: observedFrames(anchor, 'anchor', role) }),
    ...(peer && { peer: observedFrames(peer, 'peer', role) }),
  };
  return {
    ...ports,
    frames,
    publish: async (frame) => {
      at('frame.publishing', frame.position.step);
      await ports.publish(frame);
      at('frame.published', frame.position.step);
    },
    emit: (event) => {
      if (event.kind === 'progress') at('step.trained', event.progress.nextStep - 1);
      if (event.kind === 'checkpoint') at('checkpoint.stored', event.checkpoint.step);
      if (event.kind === 'resting') at('trainer.resting', event.nextStep);
      ports.emit(event);
    },
  };
}

/** `next` is all that the training loop calls. */
function observedFrames(
  frames: AsyncIterator<LogitsFrame>,
  source: FrameSource,
  role: TrainedRole,
): AsyncIterator<LogitsFrame> {
  return {
    next: async () => {
      const next = await frames.next();
      if (!next.done) faultPoint(RECEIVED[source], () => ({ ...positionOf(next.value.position), role }));
      return next;
    },
  };
}

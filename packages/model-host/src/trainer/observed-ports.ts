import type { GenerationAttempt } from '@trikd/core/domain/position';
import type { TrainedRole } from '@trikd/core/domain/role';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import type { Stage } from '@trikd/core/stages/stage';
import type { TrainerPorts } from '@trikd/core/training/ports';
import { type FaultPoint, faultPoint, positionOf } from '@trikd/process/fault-points';

/** Adds the fault points of a training loop to its ports. */
export function observedPorts(
  ports: TrainerPorts,
  role: TrainedRole,
  { frozen }: Stage,
  attempt: GenerationAttempt,
): TrainerPorts {
  const at = (point: FaultPoint, step: number) => faultPoint(point, () => ({ ...attempt, role, step }));
  const frames = Object.entries(ports.frames).map(([source, each]) => {
    const point = frozen.some(({ name }) => name === source) ? 'frame.from-anchor' : 'frame.from-peer';
    return [source, observedFrames(each, point, role)] as const;
  });
  return {
    ...ports,
    frames: Object.fromEntries(frames),
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
  point: FaultPoint,
  role: TrainedRole,
): AsyncIterator<LogitsFrame> {
  return {
    next: async () => {
      const next = await frames.next();
      if (!next.done) faultPoint(point, () => ({ ...positionOf(next.value.position), role }));
      return next;
    },
  };
}

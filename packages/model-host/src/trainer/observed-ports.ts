import type { GenerationAttempt } from '@trikd/core/domain/position';
import type { FrameSource, TrainedRole } from '@trikd/core/domain/role';
import type { LogitsFrame } from '@trikd/core/exchange/frame';
import type { TrainerPorts } from '@trikd/core/training/ports';
import { type Point, positionOf, reach } from '@trikd/process/points';

const RECEIVED: Readonly<Record<FrameSource, Point>> = { peer: 'frame.from-peer', anchor: 'frame.from-anchor' };

/** The same ports, telling where in its steps a trainer is. */
export function observedPorts(ports: TrainerPorts, role: TrainedRole, attempt: GenerationAttempt): TrainerPorts {
  const told = (point: Point, step: number) => reach(point, () => ({ ...attempt, role, step }));
  const { anchor, peer } = ports.frames;
  const frames = {
    ...(anchor && { anchor: observedFrames(anchor, 'anchor', role) }),
    ...(peer && { peer: observedFrames(peer, 'peer', role) }),
  };
  return {
    ...ports,
    frames,
    publish: async (frame) => {
      told('frame.publishing', frame.position.step);
      await ports.publish(frame);
      told('frame.published', frame.position.step);
    },
    emit: (event) => {
      if (event.kind === 'progress') told('step.trained', event.progress.nextStep - 1);
      if (event.kind === 'checkpoint') told('checkpoint.stored', event.checkpoint.step);
      if (event.kind === 'resting') told('trainer.resting', event.nextStep);
      ports.emit(event);
    },
  };
}

/** Only what the loop asks of them: the next one. */
function observedFrames(
  frames: AsyncIterator<LogitsFrame>,
  source: FrameSource,
  role: TrainedRole,
): AsyncIterator<LogitsFrame> {
  return {
    next: async () => {
      const next = await frames.next();
      if (!next.done) reach(RECEIVED[source], () => ({ ...positionOf(next.value.position), role }));
      return next;
    },
  };
}

import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { datasetFor, specFor } from '@trikd/testing/specs/spec-for';
import { dullFrames, lonePorts, memoryBlobs } from '@trikd/testing/training/lone-ports';
import { beforeAll, describe, expect, test } from 'vitest';
import { TrikdError } from '../domain/errors.js';
import type { RoleCheckpoint } from '../domain/role-checkpoint.js';
import type { LogitsFrame } from '../exchange/frame.js';
import type { RunSpec } from '../spec/run-spec.js';
import { stageAt } from '../stages/stages-of.js';
import type { TrainerEvent, TrainerPorts } from './ports.js';
import { createStepLimit } from './step-limit.js';
import { trainStage } from './trainer.js';

const attempt = { runId: 'tiny', stage: 0, attempt: 1 };
const dataset = datasetFor(specFor('tiny'));
const blobs = memoryBlobs();
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** What has happened, in short: steps trained, validations, checkpoints, rests, stalls. */
const summaryOf = (events: readonly TrainerEvent[]) => events.map(shortly);

function shortly(event: TrainerEvent): string {
  switch (event.kind) {
    case 'progress':
      return `${event.progress.nextStep}`;
    case 'evaluation':
      return `validated ${event.step}`;
    case 'checkpoint':
      return `saved ${event.checkpoint.step}`;
    case 'resting':
      return `rests ${event.nextStep}`;
    case 'stalled':
      return event.reason;
    case 'went-on':
      return `${event.on} went on`;
    case 'alarm':
      return event.message;
    case 'leaving':
      return 'leaves';
    case 'failure':
      return event.failure.message;
  }
}

async function train(spec: RunSpec, ports: TrainerPorts, from?: Pick<RoleCheckpoint, 'step' | 'state'>): Promise<void> {
  const resume = from && { state: await ports.load(from.state) };
  const stage = stageAt(spec, attempt.stage, false);
  const assignment = {
    role: 'student',
    spec,
    stage,
    attempt,
    startStep: from?.step ?? 0,
    ...(resume && { resume }),
  } as const;
  await trainStage(assignment, dataset, ports);
}

/** Ports on the blobs of this file; `sees` receives each event. */
function portsThat(changes: Partial<TrainerPorts>, sees: (event: TrainerEvent) => void = () => {}) {
  const { ports, events } = lonePorts({ ...blobs, ...changes });
  const emit = (event: TrainerEvent) => {
    ports.emit(event);
    sees(event);
  };
  return { ports: { ...ports, emit }, events };
}

function checkpointsIn(events: readonly TrainerEvent[]): Map<number, RoleCheckpoint> {
  return new Map(
    events.flatMap((event) =>
      event.kind === 'checkpoint' ? [[event.checkpoint.step, event.checkpoint] as const] : [],
    ),
  );
}

/** Validated and saved at the end alone, unless asked otherwise. */
const plain = { evaluation: { everyEpochs: 100 }, checkpoint: { everyEpochs: 100 } };
const alone = (checkpoint: Partial<RunSpec['checkpoint']> = {}): RunSpec => ({
  ...specFor('tiny, student alone'),
  evaluation: plain.evaluation,
  checkpoint: { ...plain.checkpoint, ...checkpoint },
});

describe('training goes on while a checkpoint is stored', () => {
  test('until the next one is due, which waits for it; and what is stored is the state of its step', async () => {
    const gate = Promise.withResolvers<void>();
    let waiting = 0;
    const save: TrainerPorts['save'] = async (params) => {
      waiting++;
      if (waiting === 1) await gate.promise;
      return blobs.save(params);
    };
    const six = Promise.withResolvers<void>();
    const { ports, events } = portsThat({ save }, (event) => shortly(event) === '6' && six.resolve());
    const spec = alone({ everySteps: 3 });
    const training = train(spec, ports);
    await six.promise;
    await turn();
    expect(summaryOf(events)).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(waiting).toBe(1);
    gate.resolve();
    await training;
    const steps = summaryOf(events).filter((line) => line.startsWith('saved') || line.startsWith('rests'));
    expect(steps).toEqual(['saved 3', 'saved 6', 'saved 9', 'saved 12', 'rests 12']);

    const saved = checkpointsIn(events);
    const undisturbed = portsThat({});
    await train(alone(), undisturbed.ports);
    const end = checkpointsIn(undisturbed.events).get(12)!.state;
    expect(saved.get(12)!.state).toEqual(end);
    for (const step of [3, 6, 9]) {
      const resumed = portsThat({});
      await train(alone(), resumed.ports, { step, state: saved.get(step)!.state });
      expect(checkpointsIn(resumed.events).get(12)!.state).toEqual(end);
    }
  });

  test('but it does not rest before everything is stored', async () => {
    const gate = Promise.withResolvers<void>();
    const save: TrainerPorts['save'] = (params) => gate.promise.then(() => blobs.save(params));
    const four = Promise.withResolvers<void>();
    const limit = createStepLimit(4);
    const { ports, events } = portsThat({ save, limit }, (event) => shortly(event) === '4' && four.resolve());
    const training = train(alone({ everySteps: 3 }), ports);
    await four.promise;
    await turn();
    expect(summaryOf(events)).toEqual(['1', '2', '3', '4']);
    gate.resolve();
    limit.move(100);
    await training;
    expect(summaryOf(events).slice(4, 7)).toEqual(['saved 3', 'saved 4', 'rests 4']);
  });

  test('and ends by name when it cannot be stored', async () => {
    const full = new TrikdError('invalid', 'too large');
    const save = () => Promise.reject(full);
    const { ports, events } = portsThat({ save });
    await expect(train(alone({ everySteps: 3 }), ports)).rejects.toBe(full);
    // Before the next checkpoint is due, and none was emitted.
    expect(summaryOf(events)).toEqual(['1', '2', '3', '4', '5', '6'].slice(0, events.length));
  });
});

describe('a checkpoint that is asked for', () => {
  test('is saved at its step, without a validation, and changes no bit', async () => {
    const { ports, events } = portsThat({ savesAt: (step) => step === 5 });
    await train(alone(), ports);
    expect(summaryOf(events)).toEqual([
      ...[
        '1',
        '2',
        '3',
        '4',
        '5',
        'saved 5',
        '6',
        '7',
        '8',
        '9',
        '10',
        '11',
        '12',
        'validated 12',
        'saved 12',
        'rests 12',
      ],
    ]);
    const undisturbed = portsThat({});
    await train(alone(), undisturbed.ports);
    const [saved, expected] = [checkpointsIn(events), checkpointsIn(undisturbed.events)];
    expect(saved.get(5)!.best).toBeUndefined();
    expect(saved.get(12)).toEqual(expected.get(12));
  });
});

describe('a step that lacks a frame', () => {
  const hearing = specFor('tiny', { ...plain });
  const gone = new TrikdError('unavailable', 'the teacher is gone');

  /** Frames of the teacher up to a step, and then an error. */
  async function* until(step: number, error: Error = gone): AsyncGenerator<LogitsFrame, void> {
    const frames = dullFrames(hearing, dataset, attempt);
    for (let sent = 0; sent < step; sent++) yield (await frames.next()).value!;
    throw error;
  }

  /** The state after so many steps, as a trainer that rests there saves it. */
  const rested = new Map<number, RoleCheckpoint>();

  beforeAll(async () => {
    const { ports, events } = portsThat({
      frames: { teacher: dullFrames(hearing, dataset, attempt) },
      savesAt: () => true,
    });
    await train(hearing, ports);
    for (const [step, checkpoint] of checkpointsIn(events)) rested.set(step, checkpoint);
  });

  test.each(['unavailable', 'out-of-step'] as const)('leaves the state before it when that is %s', async (kind) => {
    const error = new TrikdError(kind, 'the teacher is gone');
    const { ports, events } = portsThat({ frames: { teacher: until(7, error) } });
    await expect(train(hearing, ports)).rejects.toBe(error);
    expect(summaryOf(events)).toEqual(['1', '2', '3', '4', '5', '6', '7', 'saved 7']);
    expect(checkpointsIn(events).get(7)).toEqual(rested.get(7));
  });

  test('waits for the checkpoint that is under way first', async () => {
    const { ports, events } = portsThat({ frames: { teacher: until(7) }, savesAt: (step) => step === 6 || step === 7 });
    await expect(train(hearing, ports)).rejects.toBe(gone);
    expect(summaryOf(events).slice(5)).toEqual(['6', 'saved 6', '7', 'saved 7']);
  });

  test('leaves nothing when it is the first, or when the model diverged', async () => {
    const first = portsThat({ frames: { teacher: until(0) } });
    await expect(train(hearing, first.ports)).rejects.toBe(gone);
    expect(first.events).toEqual([]);
    const diverged = new TrikdError('diverged', 'NaN');
    const second = portsThat({ frames: { teacher: until(3, diverged) } });
    await expect(train(hearing, second.ports)).rejects.toBe(diverged);
    expect(summaryOf(second.events)).toEqual(['1', '2', '3']);
  });

  test('fails as it would when its state cannot be stored', async () => {
    const save = () => Promise.reject(new TrikdError('invalid', 'too large'));
    const { ports, events } = portsThat({ frames: { teacher: until(3) }, save });
    await expect(train(hearing, ports)).rejects.toBe(gone);
    expect(summaryOf(events)).toEqual(['1', '2', '3']);
  });

  test('does not wait for the store for ever', async () => {
    const clock = virtualClock();
    const asked = Promise.withResolvers<void>();
    const save = () => {
      asked.resolve();
      return new Promise<never>(() => {});
    };
    const { ports, events } = portsThat({ frames: { teacher: until(3) }, save, clock });
    const training = train(hearing, ports);
    const failed = expect(training).rejects.toBe(gone);
    await asked.promise;
    await clock.advance(10_000);
    await failed;
    expect([clock.now(), clock.sleepers]).toEqual([10_000, 0]);
    expect(summaryOf(events)).toEqual(['1', '2', '3']);
  });

  test('does not wait for the store when it is abandoned', async () => {
    const abort = new AbortController();
    const reason = new TrikdError('out-of-step', 'superseded');
    const save = () => {
      abort.abort(reason);
      return new Promise<never>(() => {});
    };
    const { ports } = portsThat({ frames: { teacher: until(3) }, save, signal: abort.signal });
    await expect(train(hearing, ports)).rejects.toBe(reason);
  });
});

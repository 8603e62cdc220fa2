import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalJson } from '@trikd/core/domain/canonical-json';
import type { StageAttempt } from '@trikd/core/domain/position';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { type ServiceName, startService } from '@trikd/process/service-process';
import { fromPosition } from '@trikd/protocol/convert';
import { toTrainerEvent } from '@trikd/protocol/convert-trainer';
import { RunServiceClient } from '@trikd/protocol/gen/node/trikd/v1/run';
import { TrainerServiceClient } from '@trikd/protocol/gen/node/trikd/v1/trainer';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { SECRET } from '@trikd/testing/training/exchange-secret';
import { openClient, unary } from '@trikd/transport/grpc/clients';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { writeIdxSet } from './idx-set.js';
import { reference, resultOf } from './outcome.js';
import { expectNoProcess } from './processes.js';
import { run, scratch, specFile, trikd } from './trikd.js';

const tiny = writtenSpec('two stages');

/** An address without a listener: the port of the discard service, which needs root and is no longer in use. */
const UNUSED = '127.0.0.1:9';

const files = { kind: 'idx', train: 256, validation: 64 } as const;
/** Reads the files that TRIKD_DATA names. */
const fromFiles: WrittenSpec = { ...tiny, data: files };
/** Asks for no anchor in any generation. */
const unanchored: WrittenSpec = {
  ...tiny,
  student: { ...tiny.student, objective: [{ kind: 'distillation', from: 'peer' }] },
  teacher: { ...tiny.teacher, objective: [{ kind: 'task' }, { kind: 'distillation', from: 'peer' }] },
};

/** The folder that `trikd run` would use for a run, for services that are started one by one. */
function servicesOf(folder: string, runId: string) {
  const path = join(folder, 'runs', runId);
  const start = (
    name: ServiceName,
    settings: Readonly<Record<string, string>> = {},
    env: Readonly<Record<string, string>> = {},
  ) =>
    startService(name, {
      logs: join(path, 'logs'),
      env: { ...process.env, ...env },
      settings: { 'store.path': join(path, 'store'), ...settings },
    }).ready;
  return { start, events: join(folder, 'runs') };
}

type Trainer = Awaited<ReturnType<ReturnType<typeof servicesOf>['start']>>;

/** Gives a trainer a stage to train with a peer. */
async function assign(trainer: Trainer, spec: WrittenSpec, peerAddress: string, given: Partial<StageAttempt> = {}) {
  const client = openClient(TrainerServiceClient, trainer.address);
  onTestFinished(() => client.close());
  const attempt = { runId: spec.name, stage: 0, attempt: 1, ...given };
  const participant = trainer.name === 'teacher-trainer' ? 'student' : 'teacher';
  const request = {
    start: fromPosition({ ...attempt, step: 0 }),
    term: 1,
    exchangeSecret: SECRET,
    spec: canonicalJson(RunSpec.parse(spec)),
    limit: 1000,
    sources: [{ participant, address: peerAddress }],
    replicas: [],
    promoted: false,
    init: undefined,
    tracing: undefined,
    resume: undefined,
  };
  await unary(client.assign.bind(client), request, { what: trainer.name, deadlineSeconds: 60 });
  /** Why the attempt ended. */
  return async (): Promise<string> => {
    const events = client.watchTrainer({
      attempt: fromPosition({ ...attempt, step: 0 }),
      fromEvent: 0,
      pastOnly: false,
    });
    for await (const response of events) {
      const event = toTrainerEvent(response);
      if (event.kind === 'failure') return event.failure.message;
      if (event.kind === 'resting') throw new Error(`the ${trainer.name} trained to step ${event.nextStep}`);
    }
    throw new Error(`the ${trainer.name} ended its report`);
  };
}

/** Has an orchestrator that gives up at the first loss run a spec. Returns why the run failed. */
async function failureOf(spec: WrittenSpec, orchestrator: Trainer): Promise<string> {
  const client = openClient(RunServiceClient, orchestrator.address);
  onTestFinished(() => client.close());
  await unary(
    client.createRun.bind(client),
    { spec: canonicalJson(RunSpec.parse(spec)), requestId: '', takeOver: true, placement: undefined, team: '' },
    { what: 'the orchestrator' },
  );
  let failure = '';
  for await (const { event } of client.watchRun({ runId: spec.name, fromEvent: 0, pastOnly: false })) {
    if (event?.$case === 'run' || event?.$case === 'phaseChanged') failure = event.value.failure;
  }
  return failure;
}

const ONE_TRY = { TRIKD_RETRIES: '0' };

describe('an orchestrator says why it cannot train', () => {
  test('when no server listens at the address of a trainer, and with a trainer there the run completes', async () => {
    const folder = scratch();
    const { start, events } = servicesOf(folder, tiny.name);
    const [student, anchor] = await Promise.all([start('student-trainer'), start('anchor-server')]);
    const addresses = { teacher: UNUSED, student: student.address, anchor: anchor.address, events };
    const orchestrator = await start('orchestrator', addresses, ONE_TRY);
    expect(await failureOf(tiny, orchestrator)).toMatch(/^the teacher: .*ECONNREFUSED 127\.0\.0\.1:9.*$/);
    for (const service of [orchestrator, student, anchor]) service.terminate();
    await expectNoProcess(folder, 10_000);
    const ended = await run(folder, tiny, '--in-process');
    expect(ended.status).toBe(0);
    expect(resultOf(ended).stages).toEqual(await reference(tiny));
  });

  test('when its trainers read different data, and with one set the run completes', async () => {
    const folder = scratch();
    const [ours, theirs] = [join(folder, 'ours'), join(folder, 'theirs')];
    writeIdxSet(ours, { examples: 400, classes: 4, seed: 1 });
    writeIdxSet(theirs, { examples: 400, classes: 4, seed: 2 });
    const { start, events } = servicesOf(folder, tiny.name);
    const [teacher, student, anchor] = await Promise.all([
      start('teacher-trainer', {}, { TRIKD_DATA: ours }),
      start('student-trainer', {}, { TRIKD_DATA: theirs }),
      start('anchor-server', {}, { TRIKD_DATA: ours }),
    ]);
    const addresses = { teacher: teacher.address, student: student.address, anchor: anchor.address, events };
    const orchestrator = await start('orchestrator', addresses);
    expect(await failureOf(fromFiles, orchestrator)).toMatch(
      /^the student finds datasetDigest [0-9a-f]{64}, the teacher [0-9a-f]{64}: they read different data$/,
    );
    for (const service of [orchestrator, teacher, student, anchor]) service.terminate();
    await expectNoProcess(folder, 10_000);
    const args = [
      'run',
      specFile(folder, fromFiles),
      '--store',
      join(folder, 'runs'),
      '--output',
      'json',
      '--in-process',
    ];
    const ended = await trikd(args, { TRIKD_DATA: ours }).ended;
    expect(ended.status).toBe(0);
    expect(resultOf(ended).stages).toEqual(await reference({ ...fromFiles, data: { ...files, folder: ours } }));
  });
});

describe('a trainer says why it cannot train with its peer', () => {
  test('when no server listens at the assigned address', async () => {
    const { start } = servicesOf(scratch(), tiny.name);
    const student = await start('student-trainer');
    const failure = await assign(student, tiny, UNUSED);
    expect(await failure()).toBe('the teacher at 127.0.0.1:9 did not answer for 10 s; the log of the student says why');
  });

  const differences: Readonly<
    Record<
      string,
      {
        spec?: WrittenSpec;
        theirs?: Partial<WrittenSpec>;
        classes?: 5;
        given?: Partial<StageAttempt>;
        says: RegExp;
      }
    >
  > = {
    'other images': { spec: fromFiles, says: / has another dataset digest$/ },
    'another number of classes': {
      spec: fromFiles,
      classes: 5,
      says: / has another dataset digest, classes$/,
    },
    'another seed': { theirs: { seed: 1 }, says: /, seed, spec digest$/ },
    'another batch size': { theirs: { batchSize: 16 }, says: /batch size, spec digest$/ },
    'another number of epochs': {
      theirs: { epochs: 9 },
      says: / has another spec digest$/,
    },
    'another stage': {
      spec: unanchored,
      given: { stage: 1 },
      says: /stage [01] attempt 1.* is not served$/,
    },
    'another attempt': { given: { attempt: 2 }, says: /attempt [12].* is not served$/ },
  };

  // The trainers serve one run after the other, each under a name of its own.
  let folder: string;
  let trainers: Readonly<Record<'teacher' | 'student' | 'studentOf5Classes', Trainer>>;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'trikd-peers-'));
    const { start } = servicesOf(folder, tiny.name);
    const startOn = (name: ServiceName, classes: number, seed: number) => {
      const data = join(folder, `${classes} classes, seed ${seed}`);
      writeIdxSet(data, { examples: 400, classes, seed });
      return start(name, {}, { TRIKD_DATA: data });
    };
    const [teacher, student, studentOf5Classes] = await Promise.all([
      startOn('teacher-trainer', 4, 1),
      startOn('student-trainer', 4, 2),
      startOn('student-trainer', 5, 2),
    ]);
    trainers = { teacher, student, studentOf5Classes };
  });
  afterAll(async () => {
    for (const trainer of Object.values(trainers)) trainer.kill();
    await Promise.all(Object.values(trainers).map(({ ended }) => ended));
    rmSync(folder, { recursive: true, force: true });
  });

  test.for(Object.entries(differences))(
    'that has %s',
    async ([what, { spec = tiny, theirs, classes, given, says }]) => {
      const { teacher } = trainers;
      const student = classes === 5 ? trainers.studentOf5Classes : trainers.student;
      const named = { ...spec, name: what.replaceAll(' ', '-') };
      const failures = await Promise.all([
        assign(teacher, named, student.address),
        assign(student, { ...named, ...theirs }, teacher.address, given),
      ]);
      const sentences = await Promise.all(failures.map((failure) => failure()));
      // Both end, and at least one of them says why; the other may only report that its peer has ended.
      expect(sentences.filter((sentence) => says.test(sentence))).not.toEqual([]);
      for (const sentence of sentences) expect(sentence).toMatch(/^the (teacher|student) at 127\.0\.0\.1:\d+: /);
    },
  );
});

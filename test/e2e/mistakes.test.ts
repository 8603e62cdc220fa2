import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { startService } from '@trikd/process/service-process';
import { settingsOf } from '@trikd/testing/processes/settings';
import { certificateOf, newAuthority, writeTls } from '@trikd/testing/servers/certificates';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { describe, expect, onTestFinished, test } from 'vitest';
import { casesOf } from './cases.js';
import { writeIdxSet } from './idx-set.js';
import { reference, resultOf } from './outcome.js';
import { expectNoProcess } from './processes.js';
import { type Ended, run, scratch, trikd } from './trikd.js';

const tiny = writtenSpec('two stages');

/** What a failed command leaves: exactly this on standard error, and status 1. */
function expectSentence({ status, stderr }: Ended, sentence: RegExp): void {
  expect(stderr).toMatch(sentence);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(status).toBe(1);
}

test('every mistake of a spec is reported at once, with its line, before anything starts', async () => {
  const folder = scratch();
  const file = join(folder, 'wrong.yaml');
  writeFileSync(
    file,
    `name: Wrong Name
data: { kind: synthetic, colour: red }
epochs: many
student: { model: { kind: resnet, depth: 9 }, objective: [{ kind: task }] }
teacher: { model: { kind: plain-cnn, channels: [8] }, objective: [{ kind: distillation, from: anchor }] }
`,
  );
  const { status, stdout, stderr } = await trikd(['run', file, '--store', join(folder, 'runs'), '--set', 'sead=1'])
    .ended;
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  const lines = stderr.trimEnd().split('\n');
  expect(lines[0]).toBe(`trikd: ${file} has 6 mistakes:`);
  expect(lines.slice(1).sort()).toEqual([
    `  ${file}: sead: there is no such setting; did you mean seed?`,
    `  ${file}:1: name: lower-case letters, digits and dashes`,
    `  ${file}:2: data.colour: there is no such setting`,
    `  ${file}:3: epochs: expected a number, found text`,
    expect.stringMatching(/wrong\.yaml:4: student\.model\.depth: depth must be 6n\+2/),
    expect.stringMatching(/wrong\.yaml:5: teacher\.objective: nothing to learn from while there is no anchor/),
  ]);
});

test('a batch that needs more images than there are is refused before anything starts', async () => {
  const folder = scratch();
  expectSentence(
    await run(folder, tiny, '--set', 'batchSize=257').then(oneLine),
    /tiny\.yaml has 1 mistake: .*tiny\.yaml:\d+: batchSize: a batch of 257 needs more than the 256 training images$/,
  );
});

test('a wrong command line ends with status 2', async () => {
  expect(await trikd(['run']).ended).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/missing required argument/),
  });
  const { status, stderr } = await trikd(['run', join(scratch(), 'none.yaml')]).ended;
  expect(status).toBe(1);
  expect(stderr).toMatch(/^trikd: cannot read \S+none\.yaml: there is no such file\n$/);
});

const MODELS = { anchor: '127.0.0.1:1', teacher: '127.0.0.1:2', student: '127.0.0.1:3' };

describe('an address that another process uses', () => {
  async function used(): Promise<string> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const address = server.address();
    return typeof address === 'object' && address ? `127.0.0.1:${address.port}` : '';
  }
  const sentence = (address: string) =>
    `cannot listen on ${address}: another process uses this address; stop it, or choose another port, such as 0 for any free port`;

  test('is named by `trikd run`, which leaves nothing behind', async () => {
    const [folder, address] = [scratch(), await used()];
    const { status, stderr } = await run(folder, tiny, '--listen', address);
    expect({ status, stderr }).toEqual({ status: 1, stderr: `trikd: ${sentence(address)}\n` });
    expect(readdirSync(folder)).toEqual(['tiny.yaml']);
  });

  test.each(['listen', 'http.listen'])(
    'is named by an orchestrator, in one line without a stack: %s',
    async (setting) => {
      const [folder, address] = [scratch(), await used()];
      const logs = join(folder, 'logs');
      const others = { ...MODELS, events: folder, 'store.path': folder };
      const settings = { ...others, [setting]: address };
      await expect(startService('orchestrator', { logs, settings, env: process.env }).ready).rejects.toThrow(
        `the orchestrator ended (status 1): ${sentence(address)}`,
      );
      const log = readFileSync(join(logs, 'orchestrator.jsonl'), 'utf8');
      expect(log.trimEnd().split('\n')).toHaveLength(1);
      expect(log).not.toContain('stack');
    },
  );
});

describe('connections that are not protected', () => {
  test.each([
    ['orchestrator', { listen: '0.0.0.0:0' }, 'cannot listen on 0.0.0.0:0 in plain text: set tls'],
    ['orchestrator', { teacher: '10.0.0.7:50052' }, 'cannot connect to 10.0.0.7:50052 in plain text: set tls'],
    ['student-trainer', { listen: '0.0.0.0:0' }, 'cannot listen on 0.0.0.0:0 in plain text: set tls'],
    ['anchor-server', { 'tls.cert': 'x', 'tls.key': 'x', 'tls.ca': 'none.pem' }, 'none.pem cannot be read: ENOENT'],
  ] as const)('end the start of a service with what to do: %s %j', async (name, mistake, sentence) => {
    const folder = scratch();
    const others = name === 'orchestrator' ? { ...MODELS, events: folder } : {};
    const settings = { ...others, 'store.path': folder, ...mistake };
    const logs = join(folder, 'logs');
    await expect(startService(name, { logs, settings, env: process.env }).ready).rejects.toThrow(sentence);
    expect(readFileSync(join(logs, `${name}.jsonl`), 'utf8')).not.toContain('stack');
  });

  test('of a service with the certificate of another one are none', async () => {
    const folder = scratch();
    const pair = await certificateOf(await newAuthority(), 'teacher-trainer');
    const settings = { 'store.path': folder, ...settingsOf({ tls: writeTls(folder, pair.cert, pair) }) };
    await expect(
      startService('student-trainer', { logs: join(folder, 'logs'), settings, env: process.env }).ready,
    ).rejects.toThrow(
      /cert\.pem names URI:spiffe:\/\/trikd\/ns\/test\/sa\/teacher-trainer, .*, not the student-trainer/,
    );
  });
});

test.each([
  ['orchestrator', 'listen', 'localhost'],
  ['orchestrator', 'teacher', '127.0.0.1'],
  ['student-trainer', 'listen', '127.0.0.1'],
] as const)('an address without a port is a mistake of a configuration: %s %s', async (name, setting, address) => {
  const folder = scratch();
  const others = { ...MODELS, events: folder };
  const settings = { ...(name === 'orchestrator' && others), 'store.path': folder, [setting]: address };
  const logs = join(folder, 'logs');
  await expect(startService(name, { logs, settings, env: process.env }).ready).rejects.toThrow(`at ${setting}`);
  expect(readFileSync(join(logs, `${name}.stderr`), 'utf8')).toContain('expected host:port, such as 127.0.0.1:50050');
});

describe('a store that cannot be', () => {
  test('names the file that is no folder', async () => {
    const folder = scratch();
    writeFileSync(join(folder, 'runs'), '');
    expectSentence(await run(folder, tiny), /^trikd: store \S+\/runs\/tiny\/store: .*\(E[A-Z]+\)$/m);
    await expectNoProcess(folder);
  });

  test('names the folder that may not be written', async () => {
    // Not even root may make folders there.
    const ended = await run(scratch(), tiny, '--store', '/sys/trikd');
    expectSentence(
      ended,
      /^trikd: store \/sys\/trikd\/tiny\/store: (operation not permitted|permission denied|the file system is read-only) \(E[A-Z]+\)$/m,
    );
  });
});

describe('data that cannot be read end the run with one sentence, and once they are there the same command goes on', () => {
  const spec = (data: string): WrittenSpec => ({
    ...tiny,
    name: 'files',
    data: { kind: 'idx', folder: data, train: 256, validation: 64 },
  });
  const whole = { examples: 400, classes: 4, seed: 1 };

  type Trouble = readonly [what: string, write: (data: string) => void, sentence: RegExp];
  const missing: Trouble = [
    'a file that is missing',
    (data) => mkdirSync(data),
    /^trikd: run files failed: the (teacher|student): no folder contains all of train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, plain or \.gz; tried \S+\/data; run `make data`, or set TRIKD_DATA to their folder$/m,
  ];
  // Tests in packages/model-host/src/data and packages/core/src/data have all sentences.
  const others: readonly Trouble[] = [
    [
      'a .gz file that was cut short',
      (data) => writeIdxSet(data, { ...whole, cut: 'train-images-idx3-ubyte.gz' }),
      /^trikd: run files failed: the (teacher|student): \S+\/train-images-idx3-ubyte\.gz: gzip of \d+ bytes does not unpack: unexpected end of file$/m,
    ],
    [
      'fewer images than were asked for',
      (data) => writeIdxSet(data, { ...whole, examples: 300 }),
      /^trikd: run files failed: the (teacher|student): asked for 256 of 236 /m,
    ],
  ];
  test.for(casesOf([missing], others))('%s', async ([, write, sentence]) => {
    const folder = scratch();
    const data = join(folder, 'data');
    write(data);
    expectSentence(await run(folder, spec(data)), sentence);
    await expectNoProcess(folder);
    writeIdxSet(data, whole);
    const [ended, expected] = [await run(folder, spec(data), '--in-process'), await reference(spec(data))];
    expect(ended).toMatchObject({ status: 0, stderr: '' });
    expect(resultOf(ended)).toEqual({ phase: 'completed', stages: expected });
  });

  test('a folder that was mistyped, under the same name, and a warm-up that is longer than what the data allow', async () => {
    const folder = scratch();
    const data = join(folder, 'data');
    writeIdxSet(data, whole);
    expectSentence(
      await run(folder, spec(`${data}-mistyped`), '--in-process'),
      /^trikd: run files failed: .*no folder contains all of/m,
    );
    const corrected = await run(folder, spec(data), '--in-process');
    expect(corrected).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/starts again with another spec:\n.*mistyped/),
    });
    expect(resultOf(corrected)).toEqual({ phase: 'completed', stages: await reference(spec(data)) });
    const other = await run(folder, { ...spec(data), seed: 1 });
    expect(other).toMatchObject({ status: 3, stderr: expect.stringMatching(/exists with another spec/) });
    const { train: _, ...rest } = { kind: 'idx' as const, folder: data, train: 0, validation: 64 };
    expectSentence(
      await run(folder, { ...tiny, name: 'warm', data: rest, warmupSteps: 1000 }, '--in-process'),
      /^trikd: run warm failed: .*warmupSteps: 1000 steps of warm-up are more than the 30 steps of a stage$/m,
    );
  });
});

test('a loss that is not finite ends the run with one sentence, and a better spec can take its name', async () => {
  const folder = scratch();
  const wild: WrittenSpec = {
    ...tiny,
    warmupSteps: 0,
    student: { ...tiny.student, learningRate: 1e30, clipNorm: null },
  };
  expectSentence(
    await run(folder, wild, '--in-process'),
    /^trikd: run tiny failed: the student (computed a logit of (-?Infinity|NaN) at step \d+|: the loss .* is not finite .*)$/m,
  );
  await expectNoProcess(folder);
  // The same steps would lead to the same end.
  const again = await run(folder, wild, '--in-process');
  expectSentence(
    again,
    /^trikd: the orchestrator: the run failed in stage 0 and would fail again: the student .*; change its spec \(.*\) and start a new run$/m,
  );
  const ended = await run(folder, tiny, '--fresh', '--in-process');
  expect(ended).toMatchObject({ status: 0, stderr: '' });
  expect(resultOf(ended).stages).toEqual(await reference(tiny));
});

/** Standard error in one line. */
function oneLine(ended: Ended): Ended {
  return { ...ended, stderr: ended.stderr.trimEnd().replaceAll(/\s*\n\s*/g, ' ') };
}

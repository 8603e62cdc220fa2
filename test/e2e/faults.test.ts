import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PairManifest, parseManifest } from '@trikd/core/checkpoint/manifest';
import type { ServiceName } from '@trikd/process/service-process';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { expect, test } from 'vitest';
import { casesOf } from './cases.js';
import { writeIdxSet } from './idx-set.js';
import { reference, resultOf } from './outcome.js';
import { expectNoProcess, pidOf } from './processes.js';
import { type Line, run, scratch, startRun } from './trikd.js';

const tiny = writtenSpec('two stages');

/** Two stages of 640 steps, saved every 80. */
const spec: WrittenSpec = { ...tiny, name: 'faults', epochs: 80, checkpoint: { everyEpochs: 10 } };
const undisturbed = reference(spec);

const committed = (stage: number, step: number) => (line: Line) =>
  line.event === 'committed' && line.stage === stage && line.step === step;

const continuing = /^continuing run faults: /m;

/** What the newest pair of a run that rests in `folder` is made of. */
function newestPair(folder: string, stage: number) {
  const path = (key: string) => join(folder, 'runs/faults/store', key);
  const manifests = `runs/faults/manifests/000000000${stage}`;
  const manifest = path(`${manifests}/${readdirSync(path(manifests)).sort().at(-1)}`);
  return { path, manifest, pair: (): PairManifest => parseManifest(readFileSync(manifest)) };
}

/** Trains on up to a checkpoint and kills a service, which ends the command with its name. */
async function expectKilled(folder: string, service: ServiceName, when: (line: Line) => boolean): Promise<string> {
  const running = startRun(folder, spec);
  await running.said(when);
  process.kill(pidOf(service, folder), 'SIGKILL');
  const { status, stderr } = await running.ended;
  const said = stderr
    .trimEnd()
    .split('\n')
    .filter((line) => !continuing.test(line));
  expect(said).toEqual([`trikd: the ${service} ended (SIGKILL)`]);
  expect(status).toBe(1);
  await expectNoProcess(folder);
  return stderr;
}

const damages = {
  'a flipped bit': (path) => {
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] = bytes[bytes.length - 1]! ^ 1;
    writeFileSync(path, bytes);
  },
  'a cut end': (path) => truncateSync(path, 1000),
  'a lost file': (path) => rmSync(path),
} satisfies Record<string, (path: string) => void>;

type Faults = readonly [first: ServiceName, second: ServiceName, damage: keyof typeof damages];
const faults = casesOf<Faults>(
  [['orchestrator', 'teacher-trainer', 'a flipped bit']],
  [
    ['student-trainer', 'anchor-server', 'a cut end'],
    ['anchor-server', 'student-trainer', 'a lost file'],
  ],
);
test.for(faults)(
  'a run goes on to the same digests after %s and %s were killed, and after %s in its newest checkpoint, its newest manifest and its anchor',
  async ([first, second, damage]) => {
    const folder = scratch();
    await expectKilled(folder, first, committed(0, 160));

    // In the newest checkpoint: the one before is as good.
    const { path, pair } = newestPair(folder, 0);
    damages[damage](path(pair().learners['student']!.state.key));
    expect(await expectKilled(folder, second, committed(1, 160))).toMatch(continuing);

    writeFileSync(newestPair(folder, 1).manifest, '{"version":1');
    const running = startRun(folder, spec);
    await running.said((line) => line.event === 'committed' && line.stage === 1 && Number(line.step) > 160);
    running.kill('SIGINT');
    expect(await running.ended).toMatchObject({ status: 0, stderr: expect.stringMatching(continuing) });

    const newest = newestPair(folder, 1);
    const { anchor } = newest.pair().frozen;
    const key = `runs/faults/blobs/0.1/${anchor}.safetensors`;
    const whole = readFileSync(path(key));
    damages['a flipped bit'](path(key));
    const { status, stderr } = await run(folder, spec);
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(continuing),
      expect.stringMatching(
        new RegExp(
          `^trikd: run faults failed: the anchor: blob ${key}: expected SHA-256 ${anchor}, found [0-9a-f]{64}`,
        ),
      ),
    ]);
    expect(status).toBe(1);
    await expectNoProcess(folder);
    expect(existsSync(newest.manifest)).toBe(true);

    writeFileSync(path(key), whole);
    const ended = await run(folder, spec);
    expect(ended).toMatchObject({ status: 0, stderr: expect.stringMatching(/^continuing run faults: .*\n$/) });
    expect(resultOf(ended)).toEqual({ phase: 'completed', stages: await undisturbed });
    await expectNoProcess(folder);
  },
);

// test/e2e/mistakes.test.ts mends data before the first checkpoint.
test.each(casesOf([], ['data']))(
  'with damage in its %s a run ends with one sentence, and with them mended it goes on from its newest checkpoint',
  async () => {
    const folder = scratch();
    const data = join(folder, 'data');
    const set = { examples: 400, classes: 4, seed: 1 };
    const reading: WrittenSpec = {
      ...spec,
      epochs: 40,
      data: { kind: 'idx', folder: data, train: 256, validation: 64 },
    };
    writeIdxSet(data, set);
    const running = startRun(folder, reading, '--in-process');
    await running.said(committed(0, 160));
    running.kill('SIGINT');
    await running.ended;
    writeIdxSet(data, { ...set, cut: 't10k-labels-idx1-ubyte.gz' });
    const failed = await run(folder, reading, '--in-process');
    expect(failed.stderr).toMatch(
      /^trikd: run faults failed: the (teacher|student): \S+\/t10k-labels-idx1-ubyte\.gz: gzip of \d+ bytes does not unpack: unexpected end of file$/m,
    );
    writeIdxSet(data, set);
    const ended = await run(folder, reading, '--in-process');
    const [before, after] = [failed, ended].map(({ stderr }) => /^continuing run .*$/m.exec(stderr)?.[0]);
    expect(after).toBe(before);
    expect(Number(/from step (\d+)$/.exec(after ?? '')?.[1])).toBeGreaterThanOrEqual(160);
    expect(resultOf(ended)).toEqual({ phase: 'completed', stages: await reference(reading) });
  },
);

import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PairManifest, parseManifest } from '@trikd/core/checkpoint/manifest';
import type { ServiceName } from '@trikd/process/service-process';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { afterAll, describe, expect, test } from 'vitest';
import { casesOf } from './cases.js';
import { writeIdxSet } from './idx-set.js';
import { reference, resultOf } from './outcome.js';
import { expectNoProcess, pidOf } from './processes.js';
import { type Line, run, scratch, startRun } from './trikd.js';

const tiny = writtenSpec('two generations');

/** Two generations of 640 steps, saved every 80. */
const spec: WrittenSpec = { ...tiny, name: 'faults', epochs: 80, checkpoint: { everyEpochs: 10 } };
const undisturbed = reference(spec);

const committed = (generation: number, step: number) => (line: Line) =>
  line.event === 'committed' && line.generation === generation && line.step === step;

async function expectTheSameEnd(folder: string): Promise<void> {
  const ended = await run(folder, spec);
  expect(ended).toMatchObject({ status: 0, stderr: expect.stringMatching(/^continuing run faults: .*\n$/) });
  expect(resultOf(ended)).toEqual({ phase: 'completed', generations: await undisturbed });
  await expectNoProcess(folder);
}

describe('a service that is killed', () => {
  type Killed = readonly [ServiceName, generation: number];
  const killed = casesOf<Killed>(
    [
      ['orchestrator', 0],
      ['teacher-trainer', 1],
    ],
    [
      ['student-trainer', 0],
      ['anchor-server', 1],
    ],
  );
  test.for(killed)(
    'ends the command with its name, and the run goes on to the same digests: %s in generation %i',
    async ([service, generation]) => {
      const folder = scratch();
      const running = startRun(folder, spec);
      await running.said(committed(generation, 160));
      process.kill(pidOf(service, folder), 'SIGKILL');
      const { status, stderr } = await running.ended;
      expect(stderr).toMatch(new RegExp(`^trikd: the ${service} ended \\(SIGKILL\\)$`, 'm'));
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
      expect(status).toBe(1);
      await expectNoProcess(folder);
      await expectTheSameEnd(folder);
    },
  );
});

describe('what was damaged in the store while a run rested', () => {
  const original = mkdtempSync(join(tmpdir(), 'trikd-e2e-'));
  afterAll(() => rmSync(original, { recursive: true, force: true }));

  /** A run that rests in the middle of generation 1, made once. */
  const resting = (async () => {
    const running = startRun(original, spec);
    await running.said(committed(1, 160));
    running.kill('SIGINT');
    expect(await running.ended).toMatchObject({ status: 0 });
  })();

  /** A copy of it, and what its newest pair is made of. */
  async function copy(): Promise<{
    folder: string;
    path: (key: string) => string;
    manifestKey: string;
    newest: PairManifest;
  }> {
    await resting;
    const folder = scratch();
    cpSync(original, folder, { recursive: true });
    const path = (key: string) => join(folder, 'runs/faults/store', key);
    const manifests = 'runs/faults/manifests/0000000001';
    const manifestKey = `${manifests}/${readdirSync(path(manifests)).sort().at(-1)}`;
    return { folder, path, manifestKey, newest: parseManifest(readFileSync(path(manifestKey))) };
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

  for (const name of casesOf<keyof typeof damages>(['a flipped bit'], ['a cut end', 'a lost file'])) {
    test(`in the newest checkpoint, the run goes on from the one before to the same digests: ${name}`, async () => {
      const { folder, path, newest } = await copy();
      damages[name](path(newest.learners['student']!.state.key));
      await expectTheSameEnd(folder);
    });
  }

  test('in the newest manifest, the run goes on from the one before to the same digests', async () => {
    const { folder, path, manifestKey } = await copy();
    damages['a cut end'](path(manifestKey));
    writeFileSync(path(manifestKey), '{"version":1');
    await expectTheSameEnd(folder);
  });

  test('in the data, the run ends with one sentence, and with them mended goes on from its newest checkpoint', async () => {
    const folder = scratch();
    const data = join(folder, 'data');
    const set = { examples: 400, classes: 4, seed: 1 };
    const reading: WrittenSpec = { ...spec, data: { kind: 'idx', folder: data, train: 256, validation: 64 } };
    writeIdxSet(data, set);
    const running = startRun(folder, reading);
    await running.said(committed(0, 160));
    running.kill('SIGINT');
    await running.ended;
    writeIdxSet(data, { ...set, cut: 't10k-labels-idx1-ubyte.gz' });
    const failed = await run(folder, reading);
    expect(failed.stderr).toMatch(
      /^trikd: run faults failed: the (teacher|student): \S+\/t10k-labels-idx1-ubyte\.gz: gzip of \d+ bytes does not unpack: unexpected end of file$/m,
    );
    writeIdxSet(data, set);
    const ended = await run(folder, reading);
    const [before, after] = [failed, ended].map(({ stderr }) => /^continuing run .*$/m.exec(stderr)?.[0]);
    expect(after).toBe(before);
    expect(Number(/from step (\d+)$/.exec(after ?? '')?.[1])).toBeGreaterThanOrEqual(160);
    expect(resultOf(ended)).toEqual({ phase: 'completed', generations: await reference(reading) });
  });

  test('in the anchor itself, the run ends with one sentence, and with it mended goes on from its newest checkpoint', async () => {
    const { folder, path, newest, manifestKey } = await copy();
    const { anchor } = newest.frozen;
    const key = `runs/faults/blobs/0.1/${anchor}.safetensors`;
    const whole = readFileSync(path(key));
    damages['a flipped bit'](path(key));
    const { status, stderr } = await run(folder, spec);
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^continuing run faults: /),
      expect.stringMatching(
        new RegExp(
          `^trikd: run faults failed: the anchor: blob ${key}: expected SHA-256 ${anchor}, found [0-9a-f]{64}`,
        ),
      ),
    ]);
    expect(status).toBe(1);
    await expectNoProcess(folder);
    expect(existsSync(path(manifestKey))).toBe(true);
    writeFileSync(path(key), whole);
    await expectTheSameEnd(folder);
  });
});

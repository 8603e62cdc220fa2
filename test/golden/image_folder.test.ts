import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onWhite, scaled } from '@trikd/core/data/pixels';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { decodeImage } from '@trikd/model-host/data/images/image-codec';
import { loadSource } from '@trikd/model-host/data/load-dataset';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { expect, onTestFinished, test } from 'vitest';

/** The JSON of the script that made the files. */
interface Golden {
  /** In base64. */
  readonly files: Readonly<Record<string, string>>;
  readonly wanted: readonly {
    readonly file: string;
    /** Height and width. */
    readonly size: readonly [number, number];
    readonly channels: number;
    /** Before they are rounded. */
    readonly pixels: readonly number[];
  }[];
}

const golden: Golden = JSON.parse(readFileSync(new URL('./image_folder.json', import.meta.url), 'utf8'));

/** Sums of fractions are a little off. */
const ROUNDING = 0.5 + 1e-6;

test.each(golden.wanted)(
  '$file, scaled to $size with $channels channels, has the pixels of exact fractions',
  (wanted) => {
    const { file, size, channels, pixels } = wanted;
    const picture = decodeImage(Buffer.from(golden.files[file]!, 'base64'));
    const [height, width] = size;
    const found = scaled(onWhite(picture, channels), { ...picture, channels }, { height, width });
    expect(found.length).toBe(pixels.length);
    for (const [i, value] of found.entries()) expect(Math.abs(value - pixels[i]!)).toBeLessThanOrEqual(ROUNDING);
  },
);

test('a folder of the files is read, each in its class', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'trikd-golden-images-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [path, content] of Object.entries(golden.files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), Buffer.from(content, 'base64'));
  }
  const data = { kind: 'images', folder, size: [4, 4], channels: 3, validation: 6 };
  const { classNames, train, test } = await loadSource(RunSpec.parse({ ...writtenSpec('bare'), batchSize: 1, data }));
  expect(classNames).toEqual(['even', 'odd']);
  const labelOf = new Map(
    golden.wanted
      .filter(({ channels }) => channels === 3)
      .map(({ file, pixels }) => [Buffer.from(pixels.map(Math.round)).toString('hex'), file.startsWith('odd') ? 1 : 0]),
  );
  let known = 0;
  for (const { images, labels } of [train, test]) {
    for (const [i, label] of labels.entries()) {
      const expected = labelOf.get(Buffer.from(images.subarray(48 * i, 48 * (i + 1))).toString('hex'));
      if (expected === undefined) continue;
      expect(label).toBe(expected);
      known += 1;
    }
  }
  expect(known).toBeGreaterThan(20);
});

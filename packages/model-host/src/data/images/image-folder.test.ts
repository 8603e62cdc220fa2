import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { allPixels } from '@trikd/core/data/image-source';
import { AdmissionLimits } from '@trikd/core/spec/admission-limits';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { greyPng, pngFile } from '@trikd/testing/images/png-file';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { encode } from 'jpeg-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadDataset } from '../load-dataset.js';
import { loadSource, ownData } from '../load-source.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trikd-images-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function put(path: string, content: Uint8Array | string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), content);
}

/** A run on the folder. */
const spec = (changes: object = {}, task?: string) => {
  const data = { kind: 'images', folder, size: [4, 4], channels: 1, validation: 2, ...changes };
  return RunSpec.parse({ ...writtenSpec('bare'), batchSize: 1, data, ...(task && { task }) });
};

/** Twelve pictures in three classes. */
async function putThree(prefix = '', from = 0): Promise<void> {
  for (let i = 0; i < 12; i++) await put(`${prefix}${['cat', 'dog', 'eel'][i % 3]}/${i}.png`, greyPng(from + i));
}

test('subfolders are classes in the order of their names', async () => {
  await putThree();
  const { classNames, classes, train, test } = await loadSource(spec());
  expect([classNames, classes, train.count, test.count]).toEqual([['cat', 'dog', 'eel'], 3, 10, 2]);
  const [images, labels] = [allPixels(train), train.labels];
  for (const [i, label] of labels.entries()) {
    const seed = [...Array(12).keys()].find((each) => (each * 7919) % 251 === images[16 * i]);
    expect(label).toBe(seed! % 3);
  }
});

test('test images are held out by content: other file names change nothing', async () => {
  await putThree();
  const before = await loadDataset(spec());
  expect([before.train.count, before.validation.count, before.test.count]).toEqual([8, 2, 2]);
  await rm(folder, { recursive: true });
  for (let i = 0; i < 12; i++) await put(`${['cat', 'dog', 'eel'][i % 3]}/${String(99 - i)}.PNG`, greyPng(i));
  expect(await loadDataset(spec())).toEqual(before);
});

test('the folders train and test set test images apart', async () => {
  await putThree('train/');
  await putThree('test/', 50);
  const { train, test } = await loadSource(spec());
  expect([train.count, test.count]).toEqual([12, 12]);
});

test('identities of train and test are numbered together', async () => {
  for (let i = 0; i < 16; i++) {
    await put(`train/ada-${i % 8}/${i}.png`, greyPng(i));
    await put(`test/bob-${i % 8}/${i}.png`, greyPng(50 + i));
  }
  const identities = spec({ split: 'identities', validation: 8 }, 'verification');
  const { train, validation, test, classes } = await loadDataset(identities);
  expect([train.count, validation.count, test.count, classes]).toEqual([8, 8, 16, 4]);
  expect(new Set([...train.labels, ...validation.labels, ...test.labels]).size).toBe(16);
});

test('images of one folder are not split by identity', async () => {
  await putThree();
  await expect(loadSource(spec({ split: 'identities' }, 'verification'))).rejects.toThrow(
    'a split by identity needs the folders train and test',
  );
});

test('PNG and JPEG files are scaled, whatever their ending says', async () => {
  const grey = { height: 16, width: 16, data: Buffer.alloc(4 * 256, 90) };
  for (let i = 0; i < 6; i++) {
    await put(`a/${i}.png`, encode({ ...grey, data: Buffer.alloc(4 * 256, 90 + i) }, 95).data);
    await put(`b/${i}.jpeg`, pngFile({ height: 8, width: 2 }, Buffer.alloc(48, 200 + i)));
  }
  const { train, test, height, width, channels } = await loadSource(spec({ channels: 3, size: [4, 6] }));
  expect([height, width, channels]).toEqual([4, 6, 3]);
  for (const split of [train, test]) {
    const { labels } = split;
    for (const [i, value] of allPixels(split).entries()) {
      const expected = labels[Math.floor(i / 72)] === 0 ? 92 : 202;
      expect(Math.abs(value - expected)).toBeLessThan(6);
    }
  }
});

test('more than 256 classes have labels of their own', async () => {
  for (let i = 0; i < 600; i++) await put(`class-${String(i % 300).padStart(3, '0')}/${i}.png`, greyPng(i, 3));
  const { classes, train, test } = await loadSource(spec({ size: [3, 3] }));
  expect(classes).toBe(300);
  expect(new Set([...train.labels, ...test.labels]).size).toBe(300);
});

test('hidden entries, and files beside the classes, are skipped', async () => {
  await putThree();
  for (const path of ['README.txt', '.git/config', 'cat/.DS_Store']) await put(path, 'no image');
  expect((await loadSource(spec())).classes).toBe(3);
});

describe('is refused, with what is expected,', () => {
  test('a folder that is not there', async () => {
    await expect(loadSource(spec({ folder: join(folder, 'gone') }))).rejects.toThrow(
      `there is no folder ${join(folder, 'gone')}`,
    );
  });

  test('a folder of files without classes', async () => {
    await put('1.png', greyPng(1));
    await expect(loadSource(spec())).rejects.toThrow('expected a subfolder of PNG or JPEG files for each class');
  });

  test('a folder beside train and test, and a class of test alone', async () => {
    await putThree('train/');
    await putThree('test/');
    await put('val/cat/1.png', greyPng(1));
    await put('test/zebra/1.png', greyPng(2));
    await expect(loadSource(spec())).rejects.toThrow(
      [
        `${folder} has 2 problems:`,
        'val: beside train and test no other folder is read',
        'test/zebra: is a class that train does not have',
      ].join('\n  '),
    );
  });

  test.each([
    ['datasetImages', 5, '6 images, limit admission.datasetImages: 5'],
    ['classes', 2, '3 classes, limit admission.classes: 2'],
    ['imageBytes', 15, '16 bytes in an image, limit admission.imageBytes: 15'],
    ['datasetBytes', 100, '192 bytes'],
  ])('data above the limit %s, before a file is read', async (limit, most, message) => {
    await putThree();
    await put('cat/0.png', 'damaged');
    const loading = loadSource(spec(), ownData(AdmissionLimits.parse({ [limit]: most })));
    await expect(loading).rejects.toThrow(message);
  });
});

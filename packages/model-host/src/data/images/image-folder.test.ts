import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { allPixels } from '@trikd/core/data/image-source';
import { AdmissionLimits } from '@trikd/core/spec/admission';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { greyPng, pngFile } from '@trikd/testing/images/png-file';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { encode } from 'jpeg-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadDataset, loadSource, ownData } from '../load-dataset.js';

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

describe('a list of pairs', () => {
  /** Eight people with three pictures each, beside the training identities. */
  async function putPeople(): Promise<string> {
    for (let i = 0; i < 24; i++) await put(`webface/${String(i % 8).padStart(7, '0')}/${i}.png`, greyPng(i));
    for (let i = 0; i < 24; i++)
      await put(`lfw/Person_${i % 8}/Person_${i % 8}_000${1 + (i >> 3)}.png`, greyPng(50 + i));
    return join(folder, 'lfw');
  }
  const people = (testFolder: string, changes: object = {}) => {
    const data = {
      folder: join(folder, 'webface'),
      testFolder,
      pairs: 'pairs.txt',
      split: 'identities',
      validation: 12,
    };
    return spec({ ...data, ...changes }, 'verification');
  };
  const LIST = [
    '2\t2',
    ...['Person_1\t1\t3', 'Person_2\t2\t3', 'Person_1\t1\tPerson_2\t2', 'Person_4\t1\tPerson_1\t3'],
    ...['Person_5\t1\t2', 'Person_6\t1\t3', 'Person_5\t2\tPerson_6\t1', 'Person_5\t1\tPerson_7\t3'],
  ];

  test('says which test images there are, and which are compared', async () => {
    const testFolder = await putPeople();
    await put('lfw/pairs.txt', `${LIST.join('\n')}\n`);
    const { train, validation, test: tested } = await loadDataset(people(testFolder));
    const { count, labels, images, pairs } = tested;
    expect([train.count, validation.count, count, pairs?.folds]).toEqual([12, 12, 10, 2]);
    const seedOf = (image: number) =>
      [...Array(24).keys()].find((i) => ((50 + i) * 7919) % 251 === allPixels(tested)[16 * image]);
    const named = (image: number) => `${seedOf(image)! % 8} ${1 + (seedOf(image)! >> 3)}`;
    expect(images.length).toBe(160);
    expect(Array.from(pairs!.left, named)).toEqual(['1 1', '2 2', '1 1', '4 1', '5 1', '6 1', '5 2', '5 1']);
    expect(Array.from(pairs!.right, named)).toEqual(['1 3', '2 3', '2 2', '1 3', '5 2', '6 3', '6 1', '7 3']);
    expect([...pairs!.same]).toEqual([1, 1, 0, 0, 1, 1, 0, 0]);
    expect([...pairs!.fold]).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
    for (const [pair, left] of pairs!.left.entries()) {
      expect(labels[left] === labels[pairs!.right[pair]!]).toBe(pairs!.same[pair] === 1);
    }
  });

  test('may be in a folder that has train and test', async () => {
    await putPeople();
    await rename(join(folder, 'webface'), join(folder, 'train'));
    await rename(join(folder, 'lfw'), join(folder, 'test'));
    await put('pairs.txt', LIST.join('\n'));
    const data = { folder, split: 'identities', pairs: 'pairs.txt', validation: 12 };
    expect((await loadDataset(spec(data, 'verification'))).test.pairs?.left.length).toBe(8);
  });

  test('names every image that it asks for and the folder does not have, beside damaged ones', async () => {
    const testFolder = await putPeople();
    await put('lfw/Person_5/Person_5_0001.png', 'damaged');
    await put('lfw/pairs.txt', LIST.map((line) => line.replace('Person_7', '../../secret')).join('\n'));
    await expect(loadDataset(people(testFolder))).rejects.toThrow(
      `webface has 2 problems:\n  ${testFolder}/pairs.txt: line 9: there is no image ../../secret/../../secret_0003\n  ${testFolder}/Person_5/Person_5_0001.png: it is neither`,
    );
  });

  test.each([
    [{ pairs: 'gone.txt' }, /there is no list of pairs \S+gone\.txt/],
    [{ pairs: undefined, testFolder: '/nowhere' }, /there is no folder \/nowhere/],
    [{ testFolder: undefined }, /needs the folders train and test, with other identities in each, or data\.testFolder/],
  ])('of %j is refused', async (changes, message) => {
    const testFolder = await putPeople();
    await expect(loadDataset(people(testFolder, changes))).rejects.toThrow(message);
  });

  test.each([
    [{ pairs: '../pairs.txt' }, 'the name of a text file'],
    [{ test: 4 }, 'the list of pairs says which test images there are'],
    [{ split: 'images' }, 'pairs are of identities'],
    [{ folder: undefined, name: 'lfw' }, 'a folder of test images goes with a folder'],
  ])('a spec with %j is refused', (changes, message) => {
    expect(() => people('/lfw', changes)).toThrow(message);
  });

  test('a folder of test images is a path, which a service may refuse', async () => {
    const testFolder = await putPeople();
    const admission = { ...ownData().admission, data: { paths: false } };
    await expect(loadDataset(people(testFolder), { ...ownData(), admission })).rejects.toThrow('data.testFolder: ');
  });
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

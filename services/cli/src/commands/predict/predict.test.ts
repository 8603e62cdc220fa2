import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { imageFiles } from './predict.js';

function folderWith(...names: readonly string[]): string {
  const root = mkdtempSync(join(tmpdir(), 'trikd-files-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const folder of ['sub', '.hidden', 'empty']) mkdirSync(join(root, folder));
  for (const name of names) writeFileSync(join(root, name), '');
  return root;
}

test('a folder stands for the images in it and below, in the order of their numbers', async () => {
  const root = folderWith('10.png', '2.JPG', 'notes.txt', 'sub/3.jpeg', '.hidden/4.png', '.5.png');
  symlinkSync(join(root, '10.png'), join(root, 'link.png'));
  const files = await imageFiles([root, join(root, 'link.png'), join(root, 'notes.txt')]);
  expect(files.map(({ name }) => name.slice(root.length + 1))).toEqual([
    ...['2.JPG', '10.png', 'sub/3.jpeg'],
    ...['link.png', 'notes.txt'],
  ]);
  expect(files.at(-2)?.path).toMatch(/10\.png$/);
});

test('what is not there, and a folder without images, is named', async () => {
  const root = folderWith();
  await expect(imageFiles([join(root, 'no.png')])).rejects.toMatchObject({
    ...{ kind: 'invalid', message: `cannot read ${root}/no.png: there is no such file` },
  });
  await expect(imageFiles([join(root, 'empty')])).rejects.toMatchObject({
    ...{ kind: 'invalid', message: `${root}/empty has no file that ends in .png, .jpg or .jpeg` },
  });
});

import { readFileSync } from 'node:fs';
import { pngFile } from '@trikd/testing/images/png-file';
import { readPage } from '@trikd/transport/http/send-file';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLASSES, dashboardOf, servedRun } from '../integration/serving-rig.js';
import { launch } from './dashboard.js';
import { stubModels } from './stub-models.js';
import { openWatched, seriousFaults, type WatchedPage } from './watched-page.js';

const FOLDER = 'services/dashboard/dist';
const axe = readFileSync('node_modules/axe-core/axe.min.js', 'utf8');
const page = readPage(FOLDER);

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

/** The page as a server of models has it, at its root. */
async function openTry(): Promise<WatchedPage> {
  const watched = await openWatched(await browser.newContext());
  await watched.page.route('http://models.test/**', (route) => {
    const path = new URL(route.request().url()).pathname;
    const file = page.get(path === '/' ? '/try.html' : path);
    return file ? route.fulfill({ body: file.content, contentType: file.type }) : route.fulfill({ status: 404 });
  });
  return watched;
}

/** Two rows of two pixels, in colour. */
const picture = pngFile(
  { height: 2, width: 2 },
  Uint8Array.from(
    [
      [255, 0, 0],
      [0, 255, 0],
      [0, 0, 255],
      [255, 255, 255],
    ].flat(),
  ),
);
const chosen = { name: 'four.png', mimeType: 'image/png', buffer: picture };

const red = () => [2, 1, 0];
const green = () => [1, 2, 0];

test('an image is scaled as the run reads its images, and student, teacher and the student before answer beside each other', async () => {
  const { page: tried, complaints, asked } = await openTry();
  const sent = await stubModels(tried, {
    shape: [1, 2, 3],
    classes: ['red', 'green', 'blue'],
    models: [
      { name: 'reef', version: '0', logits: green },
      { name: 'reef', version: '1', logits: red },
      { name: 'reef.teacher', version: '1', logits: red },
    ],
  });
  await tried.goto('http://models.test/#reef');
  await tried.getByLabel('Choose an image').setInputFiles(chosen);
  await tried.getByText('They disagree: student and teacher say red, previous student says green.').waitFor();
  const answers = await tried.getByRole('region', { name: /^Answer of/ }).allTextContents();
  expect(answers).toEqual([
    expect.stringMatching(/^studentversion 1 · [\d.]+ m?s.*red66\.5 %green24\.5 %blue9\.0 %$/),
    expect.stringMatching(/^teacherversion 1 · /),
    expect.stringMatching(/^previous studentversion 0 · .*green66\.5 %red/),
  ]);
  // The means of the columns.
  expect(sent.get('reef 1')).toEqual([128, 0, 128, 128, 255, 128]);
  await tried.getByLabel('Invert the image').check();
  await expect.poll(() => sent.get('reef 1')).toEqual([127, 255, 127, 127, 0, 127]);
  // An answer that is out of date is faint.
  await tried.locator('.answer[aria-busy="true"]').first().waitFor({ state: 'detached' });

  expect(await seriousFaults(tried, axe)).toEqual([]);
  await tried.emulateMedia({ colorScheme: 'dark' });
  await tried.setViewportSize({ width: 390, height: 844 });
  expect(await seriousFaults(tried, axe)).toEqual([]);
  expect(complaints().filter((text) => !text.includes('404'))).toEqual([]);
  expect(asked.filter((url) => !url.startsWith('http://models.test/'))).toEqual([]);
});

test('a file that is no image, and a model that refuses, are said to be so', async () => {
  const { page: tried } = await openTry();
  await stubModels(tried, {
    shape: [2, 2, 1],
    classes: ['red'],
    models: [{ name: 'reef', version: '0', logits: () => [] }],
  });
  await tried.goto('http://models.test/');
  await tried.getByLabel('Choose an image').setInputFiles({ ...chosen, buffer: Buffer.from('no image') });
  await tried.getByRole('alert').getByText('This is no image that the browser can read').waitFor();
  await tried.getByLabel('Choose an image').setInputFiles(chosen);
  await tried.getByRole('region', { name: 'Answer of the student' }).getByText('reef gave no numbers').waitFor();
});

test('where no models are served, the page says how to serve them', async () => {
  const { page: tried } = await openTry();
  await tried.goto('http://models.test/');
  await tried.getByRole('alert').getByText('trikd serve RUN').waitFor();
});

test('a server of models has the page at its root, and a dashboard asks it: student, teacher and the student before answer', async () => {
  const { url, address } = await servedRun(2, { page: FOLDER });
  const dashboard = await dashboardOf({ page: FOLDER, inference: address });
  for (const place of [`${url}/`, `${dashboard}/try.html#tiny`]) {
    const { page: tried, complaints } = await openWatched(await browser.newContext());
    await tried.goto(place);
    await tried.getByLabel('Version').selectOption('1');
    await tried.getByLabel('Choose an image').setInputFiles(chosen);
    const answers = tried.getByRole('region', { name: /^Answer of/ });
    await expect.poll(() => answers.getByText('%').count(), { timeout: 30_000 }).toBe(3 * CLASSES);
    expect(await answers.allTextContents()).toEqual([
      expect.stringMatching(/^studentversion 1 · /),
      expect.stringMatching(/^teacherversion 1 · /),
      expect.stringMatching(/^previous studentversion 0 · /),
    ]);
    // There is no run to ask for where its anchor comes from.
    expect(complaints().filter((text) => !/40[34]|50[0-9]/.test(text))).toEqual([]);
  }
});

import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateRunRequest } from '@trikd/protocol/gen/node/trikd/v1/run';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { unary } from '@trikd/transport/grpc/clients';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { launch, startTestServices, startViewer, type TestServices } from './dashboard.js';
import { openWatched, seriousFaults } from './watched-page.js';

const axe = readFileSync('node_modules/axe-core/axe.min.js', 'utf8');
const PHONE = { width: 390, height: 844 };
const RUNS = ['lr-45', 'lr-5', 'lr-10', 'lr-20', 'deep'] as const;

let services: TestServices;
let browser: Browser;

beforeAll(async () => {
  [services, browser] = await Promise.all([startTestServices(), launch()]);
  const { client } = services;
  for (const name of RUNS) {
    const learningRate = name === 'deep' ? 0.1 : Number(name.slice(3)) / 1000;
    const { student, ...spec } = writtenSpec('two stages', { name, epochs: 2, curriculum: { generations: 1 } });
    const request = CreateRunRequest.fromPartial({
      spec: JSON.stringify({ ...spec, student: { ...student, learningRate } }),
    });
    await unary(client.createRun.bind(client), request, { what: 'the orchestrator' });
    const tags = { runId: name, add: name === 'deep' ? ['deep'] : ['sweep'], remove: [] };
    await unary(client.tagRun.bind(client), tags, { what: 'the orchestrator' });
    for await (const _ of client.watchRun({ runId: name, fromEvent: 0, pastOnly: false, newestEvents: 0 })) void _;
  }
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await services?.stop();
});

/** The runs of the list, in its order. */
const listed = (page: Page) => page.locator('.runs.list tbody th a:not(.tag)').allTextContents();

/** Whether a page is as wide as its window, or narrower. */
const fits = (page: Page) => page.evaluate('document.documentElement.scrollWidth <= innerWidth');

test('the list finds a run by search, sorts names by their numbers, filters by tag, and is where its address says', async () => {
  const { page, complaints } = await openWatched(await browser.newContext({ viewport: { width: 1200, height: 900 } }));
  await page.goto(services.url);
  await page.getByRole('row', { name: 'deep' }).waitFor();
  await page.getByRole('button', { name: 'Name' }).click();
  expect(await listed(page)).toEqual(['deep', 'lr-5', 'lr-10', 'lr-20', 'lr-45']);
  await page.getByLabel('Tag', { exact: true }).selectOption('sweep');
  expect(await listed(page)).toEqual(['lr-5', 'lr-10', 'lr-20', 'lr-45']);
  await page.getByRole('searchbox').fill('lr-45');
  expect(await listed(page)).toEqual(['lr-45']);
  expect(await page.getByRole('status').textContent()).toBe('1 of 5 runs');
  expect(await page.locator('.runs.list .score').textContent()).toMatch(/^\d+\.\d\d %$/);

  await page.reload();
  await page.getByRole('row', { name: 'lr-45' }).waitFor();
  expect(await listed(page)).toEqual(['lr-45']);
  expect(await page.getByRole('searchbox').inputValue()).toBe('lr-45');
  expect(await seriousFaults(page, axe)).toEqual([]);
  expect(complaints()).toEqual([]);
});

test('five selected runs are compared by scores, curves, different settings and stages', async () => {
  const { page, complaints } = await openWatched(await browser.newContext({ viewport: { width: 1200, height: 900 } }));
  await page.goto(services.url);
  for (const name of RUNS) await page.getByRole('checkbox', { name: `Select ${name}` }).check();
  await page.getByRole('link', { name: 'Compare' }).click();
  await page.getByRole('heading', { level: 1, name: 'Comparison' }).waitFor();
  await page.locator('.chart canvas').first().waitFor();

  const part = (name: string) => page.getByRole('region', { name, exact: true });
  const scores = part('Scores').getByRole('table').getByRole('row');
  await expect.poll(() => scores.count()).toBe(2 + RUNS.length);
  expect(await scores.filter({ hasText: 'lr-20' }).textContent()).toMatch(/^lr-20\d+\.\d\d %.*generation 0trikd/);
  const accuracy = part('Validation curves').locator('.chart', { hasText: 'Accuracy' });
  expect(await accuracy.locator('.legend li').allTextContents()).toEqual(
    RUNS.map((name) => expect.stringMatching(new RegExp(`^${name} \\d+\\.\\d\\d %$`))),
  );
  const settings = part('Different settings').locator('tbody tr');
  expect(await settings.allTextContents()).toEqual(['student.learningRate0.0450.0050.010.020.1']);
  await page.getByLabel('all settings').check();
  expect(await part('All settings').locator('tbody tr').count()).toBeGreaterThan(20);
  expect(await part('Stages').getByRole('region').count()).toBe(RUNS.length);
  expect(await seriousFaults(page, axe)).toEqual([]);

  await page.getByRole('link', { name: 'Leave deep out' }).click();
  await expect.poll(() => accuracy.locator('.legend li').count()).toBe(4);
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize(PHONE);
  expect(await fits(page)).toBe(true);
  expect(await seriousFaults(page, axe)).toEqual([]);
  expect(complaints()).toEqual([]);
});

test('a phone shows the phase and the score of each run, and the result of a run first', async () => {
  const { page, complaints } = await openWatched(await browser.newContext({ viewport: PHONE }));
  await page.goto(services.url);
  const row = page.getByRole('row', { name: 'lr-20' });
  await row.waitFor();
  for (const shown of [row.locator('.phase'), row.locator('.score')]) {
    const { x, width } = (await shown.boundingBox()) ?? { x: 0, width: 1000 };
    expect(x + width).toBeLessThanOrEqual(PHONE.width);
  }
  const score = await row.locator('.score').textContent();
  await row.getByRole('link', { name: 'lr-20' }).click();
  const result = page.locator('.head .result .value');
  await result.waitFor();
  expect(await result.textContent()).toBe(score);
  expect((await result.boundingBox())?.y).toBeLessThan(PHONE.height);
  expect(await fits(page)).toBe(true);
  expect(complaints()).toEqual([]);
});

test('tags are added to a run and removed, and lead to the runs that have them', async () => {
  const { page, complaints } = await openWatched(await browser.newContext());
  await page.goto(`${services.url}/#/runs/deep`);
  await page.getByLabel('Tags to add').fill('paper, sweep');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('button', { name: 'Remove the tag paper' }).click();
  await page.getByRole('button', { name: 'Remove the tag paper' }).waitFor({ state: 'detached' });
  await page.locator('.tag-editor').getByRole('link', { name: 'sweep' }).click();
  await page.getByRole('row', { name: 'deep' }).waitFor();
  expect((await listed(page)).toSorted()).toEqual(RUNS.toSorted());
  expect(complaints()).toEqual([]);
});

test('a store is shown without its services: runs are compared, and nothing can be changed', async () => {
  const store = join(services.events, 'copy');
  cpSync(join(services.events, 'services', 'store'), store, { recursive: true });
  const viewer = await startViewer(store);
  onTestFinished(viewer.stop);
  const { page, complaints } = await openWatched(await browser.newContext());
  await page.goto(`${viewer.url}/#/compare?run=lr-5&run=lr-45`);
  await page.locator('.chart canvas').first().waitFor();
  await expect.poll(() => page.getByRole('region', { name: 'Stages' }).getByRole('region').count()).toBe(2);
  await page.getByRole('link', { name: 'Runs' }).click();
  await page.getByRole('row', { name: 'lr-5' }).getByRole('link', { name: 'lr-5' }).click();
  await page.locator('.head .result .value').waitFor();
  expect(await page.getByRole('button', { name: /^(Delete|Add|Roll back|Promote)$/ }).count()).toBe(0);
  expect(complaints()).toEqual([]);
});

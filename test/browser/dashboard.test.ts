import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { eventsIn } from '@trikd/events/event';
import { percent } from '@trikd/events/names';
import { renderReport } from '@trikd/events/report';
import { foldAll } from '@trikd/events/run-history';
import { AnchorMoveKind, type LearnerResult, type Run, RunPhase } from '@trikd/protocol/gen/node/trikd/v1/run';
import { hears } from '@trikd/testing/specs/presets';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { unary } from '@trikd/transport/grpc/clients';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openRelay, type Relay } from '../integration/relay.js';
import { launch, startTestServices, type TestServices } from './dashboard.js';
import { openWatched, seriousFaults, type WatchedPage } from './watched-page.js';

const axe = readFileSync('node_modules/axe-core/axe.min.js', 'utf8');

let services: TestServices;
let relay: Relay;
let browser: Browser;

beforeAll(async () => {
  [services, browser] = await Promise.all([startTestServices(), launch()]);
  relay = await openRelay(new URL(services.url).host);
});
afterAll(async () => {
  await browser?.close();
  relay?.close();
  await services?.stop();
});

/** A spec as a user submits it: it need not be one. */
const specOf = (name: string, more: object) => ({
  ...writtenSpec('two stages', {
    name,
    data: { kind: 'synthetic', noise: 48 },
    epochs: 20,
    student: { model: { kind: 'plain-cnn', channels: [4] } },
    teacher: { model: { kind: 'plain-cnn', channels: [8] }, objective: hears() },
    curriculum: {},
  }),
  ...more,
});

async function getRun(runId: string): Promise<Run> {
  const { client } = services;
  const { run } = await unary(client.getRun.bind(client), { runId }, { what: 'the orchestrator' });
  if (!run) throw new Error(`no run ${runId}`);
  return run;
}

/** The best params of a learner of a stage, with their scores. */
function bestOf(learners: readonly LearnerResult[], name: string) {
  return learners.find(({ participant }) => participant === name)?.best;
}

async function submit(page: Page, spec: object): Promise<void> {
  const field = page.getByLabel('Spec, in YAML or JSON');
  await page.getByText('Start a run', { exact: true }).waitFor();
  if (!(await field.isVisible())) await page.getByText('Start a run', { exact: true }).click();
  await field.fill(JSON.stringify(spec, undefined, 2));
  await page.getByRole('button', { name: 'Start the run' }).click();
}

/** Presses a button, and then the one in the dialog that asks. */
async function confirm(within: Page | Locator, label: string): Promise<void> {
  await within.getByRole('button', { name: label, exact: true }).click();
  await within.getByRole('dialog').getByRole('button', { name: label, exact: true }).click();
}

const phase = (page: Page, name: string) => page.locator(`.head .phase.${name}`).waitFor({ timeout: 60_000 });
const card = (page: Page, stage: number) => page.locator(`[data-stage="${stage}"]`);
const marked = (page: Page, stage: number, mark: string) =>
  card(page, stage).locator('.mark', { hasText: mark }).waitFor({ timeout: 60_000 });

/** The page as it was loaded: a reload would lose the mark. */
const markPage = (page: Page) => page.evaluate('window.untouched = true');
const isUntouched = (page: Page) => page.evaluate('window.untouched === true');

async function openDashboard(): Promise<WatchedPage> {
  const watched = await openWatched(await browser.newContext({ viewport: { width: 1200, height: 900 } }));
  await watched.page.goto(`http://${relay.address}/`);
  return watched;
}

test('a run is started, followed, paused, resumed, rolled back and cancelled, all in one page', async () => {
  const { page, complaints, asked } = await openDashboard();
  await markPage(page);

  await submit(page, specOf('coast', { epochs: 'many', batchSize: -1 }));
  const problem = page.getByRole('alert');
  await problem.waitFor();
  expect(await problem.textContent()).toMatch(/epochs/);
  expect(await problem.textContent()).toMatch(/batchSize/);
  expect(complaints().join()).toMatch(/^Failed to load resource.*400/);

  await submit(page, specOf('coast', { curriculum: { generations: 40 } }));
  await page.getByRole('heading', { level: 1, name: 'coast' }).waitFor();
  await marked(page, 0, 'promoted');

  const connections = relay.connections;
  relay.cut();
  await page.locator('.connection.lost').waitFor({ timeout: 10_000 });
  await page.locator('.connection.live').waitFor({ timeout: 20_000 });
  await marked(page, 1, 'promoted');
  expect(relay.connections).toBeGreaterThan(connections);
  expect(complaints().every((text) => /ERR_|Failed to load/.test(text))).toBe(true);
  expect(await seriousFaults(page, axe)).toEqual([]);

  await confirm(page, 'Pause');
  await phase(page, 'paused');
  const paused = await getRun('coast');
  expect(paused.phase).toBe(RunPhase.RUN_PHASE_PAUSED);
  for (const { stage, learners } of paused.stages) {
    const shown = (score: string) => card(page, stage).locator(`[data-score="${score}"]`).textContent();
    expect(await shown('student-validation')).toBe(
      percent(bestOf(learners, 'student')?.validation?.metrics['accuracy'] ?? -1),
    );
    expect(await shown('teacher-validation')).toBe(
      percent(bestOf(learners, 'teacher')?.validation?.metrics['accuracy'] ?? -1),
    );
    expect(await shown('student-test')).toBe(percent(bestOf(learners, 'student')?.test?.metrics['accuracy'] ?? -1));
  }
  const steps = `${paused.progress?.stepsDone}`;
  expect((await page.locator('.head .facts').textContent())?.replaceAll('\u202f', '')).toContain(`${steps} of `);

  await confirm(page, 'Resume');
  await phase(page, 'training');

  await confirm(card(page, 0), 'Roll back');
  await marked(page, 0, 'the anchor');
  await marked(page, 0, 'rolled back to');
  expect((await getRun('coast')).rollbacks).toBe(1);

  await confirm(page, 'Cancel');
  await phase(page, 'cancelled');
  await page.getByText('the run was cancelled').first().waitFor();
  expect((await getRun('coast')).phase).toBe(RunPhase.RUN_PHASE_CANCELLED);
  expect(await page.locator('.chart canvas').count()).toBeGreaterThanOrEqual(5);
  expect(await isUntouched(page)).toBe(true);
  expect(complaints()).toEqual([]);
  expect(asked.filter((url) => !url.startsWith(`http://${relay.address}/`))).toEqual([]);
});

test('a generation begins when it is triggered; the run is listed, and deleted at its end', async () => {
  const { page, complaints } = await openDashboard();
  await submit(page, specOf('island', { epochs: 3, curriculum: { generations: 2, advance: 'manual' } }));
  await phase(page, 'waiting');
  await confirm(page, 'Start the generation');
  await phase(page, 'completed');
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(await seriousFaults(page, axe)).toEqual([]);
  await page.setViewportSize({ width: 390, height: 844 });
  expect(await seriousFaults(page, axe)).toEqual([]);
  await page.getByRole('link', { name: 'Runs' }).click();
  const listed = page.getByRole('row', { name: 'island' });
  await listed.waitFor();
  expect(await listed.textContent()).toContain('completed');
  expect(await seriousFaults(page, axe)).toEqual([]);
  await listed.getByRole('link').click();
  await confirm(page, 'Delete');
  await page.getByRole('heading', { level: 1, name: 'Runs' }).waitFor();
  await listed.waitFor({ state: 'detached' });
  expect(complaints()).toEqual([]);
});

test('a run of another method shows its stages and their learners by name', async () => {
  const { page, complaints } = await openDashboard();
  const model = { kind: 'plain-cnn', channels: [4] };
  const stages = [
    { name: 'guide', learners: { guide: { model } } },
    {
      name: 'pupil',
      learners: { pupil: { model, objective: [{ kind: 'task' }, { kind: 'distillation', from: 'guide' }] } },
      frozen: { guide: { stage: 'guide', participant: 'guide' } },
    },
  ];
  await submit(page, specOf('delta', { epochs: 2, student: undefined, teacher: undefined, stages }));
  await phase(page, 'completed');
  expect(await page.locator('.head .facts').textContent()).toMatch(/Stage.*pupil \(2 of 2\).*Method.*own stages/);
  await page.getByRole('heading', { name: 'Stage guide' }).waitFor();
  expect(await card(page, 1).textContent()).toContain('guide of stage guide');
  const guide = await card(page, 0).locator('[data-score="guide-validation"]').textContent();
  expect(await card(page, 1).locator('[data-score="guide-validation"]').textContent()).toBe(guide);
  await marked(page, 1, 'result');
  const legends = await page.locator('.chart', { hasText: 'Task loss' }).locator('.legend').textContent();
  expect(legends).toMatch(/guide.*pupil/);
  expect(await seriousFaults(page, axe)).toEqual([]);
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(await seriousFaults(page, axe)).toEqual([]);
  expect(complaints()).toEqual([]);
});

test('a run that waits for a trio is in the queue, with its place and the reason, until it gets one', async () => {
  const { page, complaints } = await openDashboard();
  await submit(page, specOf('first', { epochs: 400, curriculum: { generations: 1 } }));
  await phase(page, 'training');
  await page.getByRole('link', { name: 'Runs' }).click();
  await submit(page, specOf('second', { epochs: 2, curriculum: { generations: 1 } }));
  await phase(page, 'queued');
  await page.locator('.head', { hasText: 'Position in the queue' }).waitFor();
  await page.getByRole('link', { name: 'Runs' }).click();
  const queued = page.getByRole('region', { name: 'Queue' }).getByRole('row', { name: 'second' });
  await queued.waitFor();
  expect(await queued.textContent()).toMatch(/^1second.*Position 1 of 1: the only trio is taken\.$/);
  expect(await seriousFaults(page, axe)).toEqual([]);
  await page.getByRole('row', { name: 'first' }).getByRole('link', { name: 'first' }).click();
  await confirm(page, 'Cancel');
  await phase(page, 'cancelled');
  await page.getByRole('link', { name: 'Runs' }).click();
  await queued.waitFor({ state: 'detached' });
  expect(complaints()).toEqual([]);
});

test('a student that the rule has refused is promoted by hand', async () => {
  const { page, complaints } = await openDashboard();
  // With little noise the first student makes no mistake, and no later one is better.
  const curriculum = { generations: 3, advance: 'manual', promotion: 'if-better' };
  await submit(page, specOf('cliff', { data: { kind: 'synthetic', noise: 8 }, curriculum }));
  await phase(page, 'waiting');
  await confirm(page, 'Start the generation');
  await marked(page, 1, 'not promoted');
  await confirm(card(page, 1), 'Promote');
  await marked(page, 1, 'promoted by hand');
  await marked(page, 1, 'the anchor');
  const { anchor, anchorMoves } = await getRun('cliff');
  expect(anchor?.stage).toBe(1);
  expect(anchorMoves.at(-1)?.kind).toBe(AnchorMoveKind.ANCHOR_MOVE_KIND_OVERRIDE);
  expect(complaints()).toEqual([]);
});

test('a failed run says why once, and offers no resume that would fail again', async () => {
  const { page, complaints } = await openDashboard();
  const wild = { ...specOf('reef', {}).student, learningRate: 1e30, clipNorm: null };
  await submit(page, specOf('reef', { epochs: 2, student: wild, curriculum: { generations: 2 } }));
  await phase(page, 'failed');
  const { failure } = await getRun('reef');
  expect(failure).toMatch(/not finite|computed a logit of/);
  const head = (await page.locator('.head').textContent()) ?? '';
  expect(head.split(failure)).toHaveLength(2);
  expect(await page.getByRole('button', { name: 'Resume' }).count()).toBe(0);
  expect(await page.getByRole('button', { name: 'Delete', exact: true }).count()).toBe(1);
  const configuration = page.locator('.configuration');
  expect(await configuration.getByText('Student, learning rate').locator('xpath=..').textContent()).toContain('1e+30');
  expect(await configuration.locator('pre').textContent()).toContain('"seed": 0');
  expect(await seriousFaults(page, axe)).toEqual([]);
  await page.getByRole('link', { name: 'Runs' }).click();
  const listed = page.getByRole('row', { name: 'reef' });
  await listed.locator('.phase.failed').waitFor();
  expect(await listed.getByRole('cell', { name: 'failed' }).getAttribute('title')).toBe(failure);
  expect(complaints()).toEqual([]);
});

test('the keyboard reaches everything, and a dialog gives the focus back', async () => {
  const { page } = await openDashboard();
  await submit(page, specOf('harbour', { epochs: 2, curriculum: { generations: 1 } }));
  await phase(page, 'completed');
  const button = page.getByRole('button', { name: 'Delete', exact: true });
  await button.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  expect(await button.evaluate((element) => element.matches(':focus'))).toBe(true);
});

test('a run that does not exist is said not to', async () => {
  const { page } = await openDashboard();
  await page.goto(`http://${relay.address}/#/runs/nowhere`);
  await page.getByRole('alert').waitFor();
  expect(await page.getByRole('alert').textContent()).toContain('nowhere');
});

test('an address that changes while the page loads is followed', async () => {
  const { page } = await openWatched(await browser.newContext());
  await page.addInitScript("addEventListener('DOMContentLoaded', () => { location.hash = '#/runs/nowhere'; })");
  await page.goto(`http://${relay.address}/`);
  await page.getByRole('heading', { level: 1, name: 'nowhere' }).waitFor();
});

test('a report opens from the disk, without a network, with plots', async () => {
  const lines = readFileSync(join(services.events, 'coast', 'events.jsonl'), 'utf8');
  const history = foldAll(eventsIn(lines));
  const path = join(services.events, 'report.html');
  writeFileSync(path, renderReport(readFileSync('services/dashboard/dist/report.html', 'utf8'), history));
  const context = await browser.newContext({ offline: true });
  const { page, complaints, asked } = await openWatched(context);
  await page.goto(pathToFileURL(path).href);
  await page.getByRole('heading', { level: 1, name: 'coast' }).waitFor();
  expect(await page.locator('.chart canvas').count()).toBeGreaterThanOrEqual(5);
  const student = bestOf(history.run?.stages[0]?.learners ?? [], 'student');
  const score = card(page, 0).locator('[data-score="student-validation"]');
  expect(await score.textContent()).toBe(percent(student?.validation?.metrics['accuracy'] ?? -1));
  expect(await page.getByRole('button', { name: /Pause|Cancel|Delete|Roll back/ }).count()).toBe(0);
  expect(await seriousFaults(page, axe)).toEqual([]);
  expect(complaints()).toEqual([]);
  expect(asked.filter((url) => !url.startsWith('data:'))).toEqual([pathToFileURL(path).href]);
});

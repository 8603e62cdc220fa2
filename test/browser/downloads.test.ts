import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { newRun } from '@trikd/core/spec/new-run';
import { RunSpec, specDigest } from '@trikd/core/spec/run-spec';
import { CreateRunRequest } from '@trikd/protocol/gen/node/trikd/v1/run';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { unary } from '@trikd/transport/grpc/clients';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { launch, startTestServices, type TestServices } from './dashboard.js';
import { openWatched, seriousFaults } from './watched-page.js';

const axe = readFileSync('node_modules/axe-core/axe.min.js', 'utf8');
const spec = writtenSpec('two stages', { name: 'bay', epochs: 20, curriculum: { generations: 1 } });

let services: TestServices;
let browser: Browser;

beforeAll(async () => {
  [services, browser] = await Promise.all([startTestServices(), launch()]);
});
afterAll(async () => {
  await browser?.close();
  await services?.stop();
});

/** The path of what the browser saves when a button or link is pressed. */
async function saved(page: Page, role: 'button' | 'link', name: string | RegExp): Promise<string> {
  const coming = page.waitForEvent('download');
  await page.getByRole(role, { name, exact: true }).click();
  const download = await coming;
  const path = join(services.events, download.suggestedFilename());
  await download.saveAs(path);
  return path;
}

test('a run shows what each process uses; its file, report, events and student are saved, and the report holds the file', async () => {
  const { client } = services;
  const request = CreateRunRequest.fromPartial({ spec: JSON.stringify(spec) });
  await unary(client.createRun.bind(client), request, { what: 'the orchestrator' });
  const { page, complaints } = await openWatched(await browser.newContext());
  await page.goto(`${services.url}/#/runs/bay`);
  await page.locator('.head .phase.completed').waitFor({ timeout: 120_000 });

  const usage = page.getByRole('region', { name: 'What the processes use' }).getByRole('figure');
  expect(await usage.allTextContents()).toEqual([
    expect.stringMatching(/^studentCPU[\d.]+ cores?.*Memory\d+ MiB at most \d+ MiB$/),
    expect.stringMatching(/^teacherCPU/),
  ]);
  expect(await seriousFaults(page, axe)).toEqual([]);

  const file = readFileSync(await saved(page, 'button', 'Save the run file'), 'utf8');
  const ofSpec = specDigest(newRun(RunSpec.parse(spec)));
  expect(specDigest(RunSpec.parse(parse(file)))).toBe(ofSpec);
  expect(file).toMatch(new RegExp(`^# SHA-256 of the spec: ${ofSpec}$`, 'm'));
  expect(file).toMatch(/^# The student computed with TensorFlow /m);

  const lines = readFileSync(await saved(page, 'link', 'Save the events'), 'utf8')
    .trimEnd()
    .split('\n');
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ phaseChanged: { phase: 'RUN_PHASE_COMPLETED' } });

  const student = await saved(page, 'link', /^Save the student/);
  await page.getByText('Models and checkpoints').click();
  const digest = hash('sha256', readFileSync(student));
  const best = page.getByRole('table', { name: 'Best models, by validation' });
  await best.getByRole('row').filter({ hasText: 'Student, best params' }).getByText(digest).waitFor();
  const states = page.getByRole('table', { name: 'Checkpoints' }).getByRole('link');
  await states.first().waitFor();
  expect(await states.allTextContents()).toEqual(['Student, state', 'Teacher, state']);
  expect(await seriousFaults(page, axe)).toEqual([]);

  const report = await saved(page, 'button', 'Save the report');
  expect(complaints()).toEqual([]);
  await page.goto(pathToFileURL(report).href);
  await page.getByRole('heading', { level: 1, name: 'bay' }).waitFor();
  expect(await page.locator('#run-file').textContent()).toBe(file);
  expect(await usage.count()).toBe(2);
  expect(await seriousFaults(page, axe)).toEqual([]);
  expect(complaints()).toEqual([]);
});

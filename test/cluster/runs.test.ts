import { expect, test } from 'vitest';
import { tracedSteps } from './jaeger.js';
import { completed, createRun, getRun, stepsOf, until } from './orchestrator.js';
import { outcomeHere, outcomeOf, promotionsOf } from './outcome.js';
import { lastingSpec } from './specs.js';

const SERVICES = ['anchor-server', 'orchestrator', 'student-trainer', 'teacher-trainer'];

test('a run that is created from outside ends with the digests of `trikd run`', async () => {
  const spec = lastingSpec('first', 12);
  const began = performance.now();
  await createRun(spec);
  await until(spec.name, (run) => stepsOf(run) > 0);
  const seconds = (performance.now() - began) / 1000;
  console.log(`from CreateRun to the first step: ${seconds.toFixed(1)} s`);
  expect(outcomeOf(await until(spec.name, completed))).toEqual(await outcomeHere(spec));
});

test('two runs at once have the digests of `trikd run`, and a third one waits for quota', async () => {
  const specs = ['one', 'two', 'three'].map((name) => lastingSpec(name, 60));
  for (const spec of specs.slice(0, 2)) {
    await createRun(spec);
    await until(spec.name, (run) => stepsOf(run) > 0);
  }
  await createRun(specs[2]!);
  // In the words of Kueue, which come a moment after the JobSet.
  await until(specs[2]!.name, (run) => {
    const { reason, message } = run.conditions.find(({ type }) => type === 'Queued') ?? {};
    return reason === 'QuotaWait' && /insufficient .*quota/.test(message ?? '');
  });
  for (const { name } of specs.slice(0, 2)) expect(stepsOf(await getRun(name))).toBeGreaterThan(0);

  const expected = await outcomeHere(specs[0]!);
  for (const { name } of specs) {
    const run = await until(name, completed);
    expect(outcomeOf(run), name).toEqual(expected);
    expect(promotionsOf(run), name).toEqual([0, 1]);
  }
  // The anchor takes no part in generation 0.
  const steps = await tracedSteps(specs[0]!.name);
  expect(steps).toContainEqual(SERVICES);
  expect(steps).toContainEqual(SERVICES.filter((service) => service !== 'anchor-server'));
});

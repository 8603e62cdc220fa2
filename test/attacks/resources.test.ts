import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AttackedCluster, startTraining } from './attacked-cluster.js';
import { type Damage, underAttack } from './under-attack.js';

/** Of each attack. `make attacks` takes a minute. */
const SECONDS = Number(process.env['ATTACK_SECONDS'] ?? 3);
/** Long enough to measure what a busy machine does. */
const CONTROLLED = SECONDS >= 20;
/** Of the full rate: other tests may keep the machine busy. */
const SHORT_RATE = 0.2;
const MOST_SECONDS_PER_ANSWER = 2;
const MOST_MB = 300;

/** Answers that only a long attack gets. */
const afterTheBurst = (answer: RegExp) => (CONTROLLED ? [answer] : []);

let cluster: AttackedCluster;
beforeAll(async () => {
  cluster = await startTraining();
});
afterAll(() => cluster?.end());

describe('while services train', () => {
  test.each<[attack: string, answers: readonly RegExp[]]>([
    [
      'watch-resets',
      [/^limits\.callsPerSecond allows 50 calls of trikd\.v1\.RunService\/WatchRun a second to 127\.0\.0\.1/],
    ],
    [
      'event-streams',
      [/^a stream of events$/, /^429 http\.limits\.streamsPerCaller allows 32 open streams to 127\.0\.0\.1/],
    ],
    ['idle-connections', [/^the connection was closed$/]],
    ['large-messages', [/larger than max|limits\.callsPerSecond/i]],
    [
      'triggers',
      [
        /^the run cannot be triggered: it is training/,
        ...afterTheBurst(/^limits\.callsPerSecond allows 50 calls of trikd\.v1\.RunService\/TriggerGeneration/),
      ],
    ],
  ])('%s are refused by name, and RunService answers within 2 s', async (attack, answers) => {
    const attempts = cluster.steps.attempts();
    const target = { ...cluster.target, rate: CONTROLLED ? 1 : SHORT_RATE };
    const damage = await underAttack({ ...cluster, target }, attack, SECONDS, CONTROLLED);
    console.log(summary(attack, damage));
    for (const answer of answers) expect(Object.keys(damage.answers)).toContainEqual(expect.stringMatching(answer));
    expect(damage.slowestAnswer).toBeLessThan(MOST_SECONDS_PER_ANSWER);
    expect(damage.grownMb).toBeLessThan(MOST_MB);
    expect(cluster.steps.attempts()).toBe(attempts);
  });
});

function summary(attack: string, damage: Damage): string {
  const {
    stepBefore,
    stepDuring,
    stepBesideBusyLoop,
    slowestAnswer,
    grownMb,
    attackerCores,
    orchestratorCores,
    attempts,
    answers,
  } = damage;
  const times = (step: number) => `${step.toFixed(1)} ms (${(step / stepBefore).toFixed(2)} times)`;
  return [
    `${attack} for ${SECONDS} s, ${attempts} attempts:`,
    `  median step ${stepBefore.toFixed(1)} ms before, ${times(stepDuring)} during the attack`,
    ...(stepBesideBusyLoop
      ? [`  ${times(stepBesideBusyLoop)} beside a busy loop of ${attackerCores.toFixed(2)} cores`]
      : []),
    `  RunService answered within ${slowestAnswer.toFixed(2)} s; memory grew by ${grownMb.toFixed(0)} MB; the attacker used ${attackerCores.toFixed(2)} cores, the orchestrator ${orchestratorCores.toFixed(2)}`,
    ...Object.entries(answers).map(([answer, count]) => `  ${count} times: ${answer}`),
  ].join('\n');
}

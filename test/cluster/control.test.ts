import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { lasting } from '@trikd/testing/clock/lasting';
import { API_PORT } from '@trikd/testing/kubernetes/addresses';
import { MAIN, NAMESPACE, RUNS, tlsFiles, upgrade, VALUES } from '@trikd/testing/kubernetes/installation';
import { describe, expect, test } from 'vitest';
import { facts, get, kubectl } from './kubernetes.js';
import { completed, createRun, getRun, until } from './orchestrator.js';
import { outcomeHere, outcomeOf, promotionsOf } from './outcome.js';
import { lastingSpec } from './specs.js';
import { inStageOne, type Pod, survives, untilTrue } from './struck-run.js';

/** How long the orchestrators cannot reach the API server. */
const AWAY_MS = 60_000;
const inOwn = `--namespace=${NAMESPACE}`;

/** Changes a rule for packets in the network of the cluster. */
function iptables(...rule: readonly string[]): void {
  const { inside, runtime } = facts();
  const [program = '', ...args] = [...inside, join(runtime, 'iptables'), '--wait', ...rule];
  execFileSync(program, args, { stdio: 'pipe' });
}

const DENIED = 'no JobSet may be created';

/** Has the API server refuse new JobSets while something is done. */
async function withoutNewJobSets(during: () => Promise<void>): Promise<void> {
  const metadata = { name: 'no-jobsets' };
  const apiVersion = 'admissionregistration.k8s.io/v1';
  const resourceRules = [
    { apiGroups: ['jobset.x-k8s.io'], apiVersions: ['*'], resources: ['jobsets'], operations: ['CREATE'] },
  ];
  const policy = {
    ...{ apiVersion, kind: 'ValidatingAdmissionPolicy', metadata },
    spec: { matchConstraints: { resourceRules }, validations: [{ expression: 'false', message: DENIED }] },
  };
  const binding = {
    ...{ apiVersion, kind: 'ValidatingAdmissionPolicyBinding', metadata },
    spec: { policyName: metadata.name, validationActions: ['Deny'] },
  };
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [policy, binding] });
  await kubectl('apply', '--filename=-', { input });
  try {
    await untilTrue('JobSets are refused', jobSetsAreRefused);
    await during();
  } finally {
    await kubectl('delete', '--filename=-', { input });
  }
}

async function jobSetsAreRefused(): Promise<boolean> {
  const jobSet = {
    ...{ apiVersion: 'jobset.x-k8s.io/v1alpha2', kind: 'JobSet', metadata: { name: 'refused', namespace: RUNS } },
    spec: { replicatedJobs: [] },
  };
  const create = kubectl('create', '--dry-run=server', '--filename=-', { input: JSON.stringify(jobSet) });
  return create.then(
    () => false,
    (error: unknown) => `${error}`.includes(DENIED),
  );
}

const orchestrators = async () =>
  (await get<{ readonly items: readonly Pod[] }>('pods', inOwn, '--selector=app.kubernetes.io/component=orchestrator'))
    .items;

describe('no bit changes, and no generation is promoted twice, when', () => {
  test('the leader is killed', async () => {
    await survives('leader-killed', async () => {
      await kubectl('delete', 'pod', inOwn, '--selector=trikd.dev/leader=true', '--force', '--grace-period=0');
    });
  });

  test('the leader is killed after it has numbered a placement and before the JobSet exists', async () => {
    const spec = lastingSpec('between-writes', 50);
    const { name } = spec;
    await withoutNewJobSets(async () => {
      await createRun(spec);
      const numbered = await until(name, ({ conditions }) =>
        conditions.some(({ message }) => message.includes(DENIED)),
      );
      expect(numbered.placement?.number).toBe(1);
      await kubectl('delete', 'pod', inOwn, '--selector=trikd.dev/leader=true', '--force', '--grace-period=0');
    });
    await inStageOne(name);
    const ofRun = [`--namespace=${RUNS}`, `--selector=trikd.dev/run=${name}`];
    const { items } = await get<{ readonly items: readonly unknown[] }>('jobsets', ...ofRun);
    expect(items).toHaveLength(1);
    const run = await until(name, completed, 400);
    expect(outcomeOf(run)).toEqual(await outcomeHere(spec));
    expect(promotionsOf(run)).toEqual([0, 1]);
  });

  test('the release is upgraded', async () => {
    await survives('upgraded', async () => {
      const podAnnotations = { upgraded: 'yes' };
      await upgrade(facts(), { ...VALUES, orchestrator: { ...VALUES.orchestrator, podAnnotations } });
    });
  });

  test('the orchestrators cannot reach the API server for a minute', async () => {
    await survives('api-away', async () => {
      const addresses = (await orchestrators()).map(({ status }) => status.podIP);
      const rules = addresses.map((ip) => ['INPUT', '-s', ip, '-p', 'tcp', '--dport', `${API_PORT}`, '-j', 'DROP']);
      for (const rule of rules) iptables('-I', ...rule);
      try {
        await lasting(AWAY_MS);
      } finally {
        for (const rule of rules) iptables('-D', ...rule);
      }
    });
  });

  test('all certificates are replaced, and a trainer then connects with a new one', async () => {
    await survives('rotated', async ({ pod }) => {
      const { certs } = facts();
      await promisify(execFile)(process.execPath, [MAIN, 'certs', 'issue', certs]);
      const services = {
        [NAMESPACE]: ['orchestrator'],
        [RUNS]: ['anchor-server', 'teacher-trainer', 'student-trainer'],
      };
      for (const [namespace, names] of Object.entries(services)) {
        for (const name of names) {
          const create = ['create', 'secret', 'generic', `${name}-tls`, `--namespace=${namespace}`];
          const secret = await kubectl(...create, ...tlsFiles(certs, name), '--dry-run=client', '--output=json');
          await kubectl('replace', '--filename=-', { input: secret });
        }
      }
      await kubectl('delete', 'pod', (await pod('teacher')).metadata.name, `--namespace=${RUNS}`, '--wait=false');
    });
  });

  test('Kueue preempts one of two runs for a more important one', async () => {
    const specs = ['preempted-1', 'preempted-2', 'important'].map((name) => lastingSpec(name, 100));
    const [first, second, important] = specs;
    for (const spec of [first!, second!]) await createRun(spec);
    for (const spec of [first!, second!]) await inStageOne(spec.name);
    await createRun(important!, { priority: 1 }, 'grace');
    // What it waits for after that is its second JobSet, which has reasons of its own.
    await untilTrue('one of them was given up and wants another JobSet', async () => {
      const runs = await Promise.all([getRun(first!.name), getRun(second!.name)]);
      return runs.some(({ placement }) => (placement?.number ?? 0) > 1);
    });
    const events = await kubectl('get', 'events', `--namespace=${RUNS}`, '--field-selector=reason=Preempted');
    expect(events).toContain('Preempted to accommodate a workload');
    const expected = await outcomeHere(first!);
    for (const { name } of specs) {
      const run = await until(name, completed, 600);
      expect(outcomeOf(run), name).toEqual(expected);
      expect(promotionsOf(run), name).toEqual([0, 1]);
    }
  });
});

test('nothing of a run is left in the cluster when it has ended', async () => {
  await untilTrue('there is no JobSet and no pod of a run', async () => {
    const { items } = await get<{ readonly items: readonly unknown[] }>('jobsets,pods', `--namespace=${RUNS}`);
    return items.length === 0;
  });
});

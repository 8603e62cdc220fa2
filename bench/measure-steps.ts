import { fileURLToPath } from 'node:url';
import { startDistributed } from './distributed.ts';
import type { Finding } from './finding.ts';
import { startLineProcess } from './line-process.ts';
import { type Contestant, compare, ratio } from './rounds.ts';
import { TRIO, trioSpec } from './trio-spec.ts';

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** PyTorch eager with channels last; idle OpenMP threads sleep instead of burning a core that the other side measures on. */
async function pytorch(name: string, python: string, mode: string): Promise<Contestant> {
  const { threads, classes, batchSize: batch, studentDepth: student, teacherDepth: teacher } = TRIO;
  const child = startLineProcess(python, [path('pytorch/peer.py')], {
    OMP_WAIT_POLICY: 'PASSIVE',
    OMP_NUM_THREADS: String(threads),
  });
  await child.ask(
    `setup ${mode} ${JSON.stringify({ threads, classes, batch, student, teacher, channelsLast: true, clipNorm: 5 })}`,
  );
  return lineContestant(name, child);
}

async function oneProcess(name: string, mode: string): Promise<Contestant> {
  const child = startLineProcess(process.execPath, [path('one-process.ts')]);
  await child.ask(`setup ${mode} ${JSON.stringify(TRIO)}`);
  return lineContestant(name, child);
}

function lineContestant(name: string, child: ReturnType<typeof startLineProcess>): Contestant {
  return {
    name,
    async step(count) {
      const { ms } = (await child.ask(`step ${count}`)) as { ms: number[] };
      return ms;
    },
    end: () => child.end(),
  };
}

/** The student alone: our step, data and bookkeeping included, against PyTorch's bare step. */
export async function measureStudent(python: string, rounds: number): Promise<Finding> {
  const contestants = [await oneProcess('ours', 'solo'), await pytorch('PyTorch eager, channels last', python, 'solo')];
  const comparison = await compare('ResNet-20, batch 128, one training step', contestants, {
    rounds,
    steps: 20,
    warmup: 10,
  });
  const value = ratio(comparison, 'ours', 'PyTorch eager, channels last');
  return { comparisons: [comparison], ratios: [{ what: 'ours / PyTorch', value, goal: 0.9 }] };
}

/** The whole trio: as services, in one process of ours, and in one process of PyTorch. */
export async function measureTrio(python: string, rounds: number): Promise<Finding> {
  const services = await startDistributed('ours, as services', trioSpec(TRIO));
  const contestants = [
    services,
    await oneProcess('ours, one process', 'trio'),
    await pytorch('PyTorch, one process', python, 'trio'),
  ];
  const title = 'TriKD: student ResNet-20, teacher ResNet-56, anchor ResNet-20, batch 128, one step';
  const comparison = await compare(title, contestants, { rounds, steps: 10, warmup: 4 });
  return {
    comparisons: [comparison],
    ratios: [
      {
        what: 'services / one process',
        value: ratio(comparison, 'ours, as services', 'ours, one process'),
        goal: 1.05,
      },
      { what: 'services / PyTorch', value: ratio(comparison, 'ours, as services', 'PyTorch, one process'), goal: 0.85 },
    ],
    lags: await services.lags(),
  };
}

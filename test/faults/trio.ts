import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import { openStore } from '@trikd/store/open-store';
import { StoreConfig } from '@trikd/store/store-config';
import {
  type Cluster,
  type ClusterEvent,
  type ClusterOptions,
  type ServiceUnderTest,
  startCluster,
} from '@trikd/testing/processes/cluster';
import type { WrittenSpec } from '@trikd/testing/specs/presets';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { onTestFinished } from 'vitest';
import { scratch } from '../e2e/trikd.js';
import { ownServer } from '../integration/s3-rig.js';
import type { Victim } from './fault-plan.js';
import { writeFirstImages } from './small-data.js';
import { type StepBook, stepBook } from './step-book.js';

/** Steps between two checkpoints of `specOf`. */
export const INTERVAL = 32;

/** Two stages of 8 steps an epoch on the first 1152 images of Fashion-MNIST. */
export function specOf(name: string, data: string, epochs = 32): WrittenSpec {
  return writtenSpec('1024 images', {
    name,
    data: { kind: 'idx', folder: data, train: 1024, validation: 128, test: 128 },
    epochs,
  });
}

/** The services on small data, followed step by step. */
export interface Trio extends Cluster {
  readonly folder: string;
  readonly data: string;
  readonly openStore: () => Promise<ObjectStore>;
  /** Kills MinIO and starts it again where it was. Absent where the store is a folder. */
  readonly restartStore?: () => Promise<void>;
  readonly steps: StepBook;
  readonly events: readonly ClusterEvent[];
  /** Resolves with the next event that fits. */
  readonly until: <E extends ClusterEvent>(fits: (event: ClusterEvent) => event is E) => Promise<E>;
  readonly of: (victim: Exclude<Victim, 'store'>) => readonly ServiceUnderTest[];
}

/** Runs the body of a test; when it fails, prints the story so far and the last lines of every log. */
export async function explained<T>({ services }: Trio, story: readonly string[], work: () => Promise<T>): Promise<T> {
  const linesOf = (log: string) =>
    readFileSync(log, 'utf8')
      .trimEnd()
      .split('\n')
      .slice(-5)
      .map((line) => line.slice(0, 600));
  try {
    return await work();
  } catch (error) {
    console.log([...story, ...services.flatMap(({ name, log }) => [`${name}:`, ...linesOf(log)])].join('\n'));
    throw error;
  }
}

/** Starts them for one test, and ends them with it. Their store is a bucket of MinIO, or a folder. */
export async function startTrio(kind: 'folder' | 'minio', options: Partial<ClusterOptions> = {}): Promise<Trio> {
  const folder = scratch();
  const data = join(folder, 'data');
  mkdirSync(data);
  const minio = kind === 'minio' ? await ownServer('minio') : undefined;
  if (minio) onTestFinished(() => minio.end());
  const store = minio
    ? {
        kind: 's3',
        endpoint: minio.endpoint,
        bucket: minio.bucket,
        accessKey: minio.accessKey,
        secretKey: minio.secretKey,
      }
    : { kind: 'folder', path: join(folder, 'store') };
  writeFirstImages(data, 1152, 128);
  const steps = stepBook();
  const events: ClusterEvent[] = [];
  const waiting = new Set<(event: ClusterEvent) => void>();
  const onEvent = (event: ClusterEvent) => {
    if (event.kind === 'reported' && event.report.kind === 'step') {
      steps.trained(event.service, event.report.at, event.at);
      return;
    }
    events.push(event);
    for (const look of waiting) look(event);
  };
  const cluster = await startCluster({ folder: join(folder, 'logs'), store, faults: true, onEvent, ...options });
  onTestFinished(() => cluster.stop());
  const { anchor, teacher, student, orchestrators } = cluster;
  const present = (service: ServiceUnderTest | undefined) => (service ? [service] : []);
  return {
    ...cluster,
    folder,
    data,
    openStore: () => openStore(StoreConfig.parse(store)),
    ...(minio && { restartStore: () => minio.killAndRestart() }),
    steps,
    events,
    until: (fits) =>
      new Promise((resolve) => {
        const look = (event: ClusterEvent) => {
          if (!fits(event)) return;
          waiting.delete(look);
          resolve(event);
        };
        waiting.add(look);
      }),
    of: (victim) =>
      ({ anchor: present(anchor), teacher: present(teacher), student: present(student), leader: orchestrators })[
        victim
      ],
  };
}

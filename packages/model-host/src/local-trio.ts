import type { Clock } from '@trikd/core/async/clock';
import type { ObjectStore } from '@trikd/core/domain/object-store';
import type { Role, TrainedRole } from '@trikd/core/domain/position';
import type { Dial } from '@trikd/core/exchange/subscribe';
import type { ProcessUsage } from '@trikd/core/timing/role-step';
import { openFrozen } from '@trikd/core/training/frozen';
import { trainStage } from '@trikd/core/training/trainer';
import { type AdmissionConfig, admissionOf } from '@trikd/process/data-settings';
import { environment } from '@trikd/process/environment';
import type { Logger } from '@trikd/process/logging';
import { usageReader } from '@trikd/process/process-usage';
import type { Telemetry } from '@trikd/telemetry/telemetry';
import type { SecurityConfig } from '@trikd/transport/access/tls-config';
import { type EndpointConfig, endpointAccessOf } from '@trikd/transport/inference/endpoint-settings';
import { openEndpointWith } from '@trikd/transport/inference/inference-server';
import { type AnchorHolder, createAnchorHolder } from './anchor/anchor-holder.js';
import { datasetLoader } from './data/load-dataset.js';
import type { ExchangeSource } from './exchange-source.js';
import { readNumerics } from './numerics.js';
import { createTrainer, type Trainer } from './trainer/trainer.js';
import { weightsReader } from './weights.js';

/** The models of a trio in this process. Frames pass from one to another in memory. */
export interface LocalTrio extends Readonly<Record<TrainedRole, Trainer>> {
  readonly anchor: AnchorHolder;
  /** What the process uses, for all three. */
  usage(): ProcessUsage;
  /** Ends the current attempt and rejects new ones. */
  stop(): Promise<void>;
}

/** The settings that the services of models have, too. */
interface LocalTrioConfig extends AdmissionConfig, Pick<SecurityConfig, 'plaintext'> {
  readonly endpoints: Readonly<Record<string, EndpointConfig>>;
  readonly endpointAddresses?: 'allowed' | 'refused' | undefined;
}

interface LocalTrioPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
  /** Uniform on [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  readonly telemetry: Telemetry;
}

/** Opens a trio that loads models and data as the services of models do. They share the data. */
export function openLocalTrio(config: LocalTrioConfig, ports: LocalTrioPorts): LocalTrio {
  const admission = admissionOf(config);
  const common = {
    ...ports,
    loadDataset: datasetLoader({ ...config, admission }),
    readWeights: weightsReader(config.weights),
    numerics: readNumerics(environment()),
  };
  const dial = dialTo((role) => trio[role]);
  const trainer = (role: TrainedRole) =>
    createTrainer({
      ...{ ...common, role, dial },
      // This process computes all replicas of its learners.
      trainStage: (start, dataset, ports) => trainStage(start, dataset, ports),
    });
  const openEndpoint = openEndpointWith(config, endpointAccessOf(config));
  const trio: LocalTrio = {
    teacher: trainer('teacher'),
    student: trainer('student'),
    anchor: createAnchorHolder({ ...common, openFrozen, openEndpoint }),
    usage: usageReader(),
    stop: async () => {
      await Promise.all([trio.teacher.stop(), trio.student.stop(), trio.anchor.stop()]);
    },
  };
  return trio;
}

/** Connects to producers in this process, whatever their addresses. */
export function dialTo(sourceOf: (role: Role) => ExchangeSource): Dial {
  return (producer) => ({
    stream: (request, signal) => sourceOf(producer).frames(request, signal),
    connected: () => true,
    close: () => undefined,
  });
}

import { INTEL } from '@trikd/testing/runs/numerics';
import { memoryStore } from '@trikd/testing/stores/memory-store';
import { afterEach, expect } from 'vitest';
import { serverRuns } from '../../services/cli/src/commands/study/server/server-runs.js';
import {
  type ServerRunsRig,
  serverRunsContract,
} from '../../services/cli/src/commands/study/server/testing/server-runs.contract.js';
import { placingOf } from '../../services/cli/src/options/args.js';
import type { ToyWorld } from './orchestrator-doubles.js';
import { cleanUp, later, serve, trio } from './orchestrator-rig.js';

afterEach(cleanUp);

/** An orchestrator as its process wires it, whose models train no step before a test says how their run ends. */
async function open(): Promise<ServerRunsRig> {
  let wanted = Promise.withResolvers<'completed' | 'failed'>();
  let fails = false;
  const world: ToyWorld = {
    gate: async () => {
      fails = (await wanted.promise) === 'failed';
    },
    failureAt: () => (fails ? { kind: 'unavailable', message: 'it was told to' } : undefined),
    numericsAt: () => INTEL,
  };
  const store = memoryStore();
  const { client } = await serve(store, await trio(store, world));
  later(() => wanted.resolve('completed'));
  const how = { what: 'it', deadlineSeconds: 10, signal: new AbortController().signal };
  const runs = serverRuns({ client, how }, placingOf({}));
  return {
    runs,
    async end(runId, phase) {
      wanted.resolve(phase);
      await expect.poll(async () => (await runs.find(runId))?.phase, { timeout: 20_000 }).toBe(phase);
      wanted = Promise.withResolvers();
    },
  };
}

serverRunsContract(open);

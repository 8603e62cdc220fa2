/** The bugs in the placement of JobSets that the simulation of a cluster must find. */
import type * as followed from '../../services/orchestrator/src/placement/jobset/followed-objects.js';
import type * as jobset from '../../services/orchestrator/src/placement/jobset/jobset.js';
import { type Replacement, replacing } from './replacement.ts';

/** The modules that have an export replaced, by the name that an import in this folder gives them. */
interface Modules {
  '../../services/orchestrator/src/placement/jobset/followed-objects.js': typeof followed;
  '../../services/orchestrator/src/placement/jobset/jobset.js': typeof jobset;
}

const replace = replacing<Modules>();
const JOBSET = '../../services/orchestrator/src/placement/jobset/jobset.js';

/** By name. Each is found within 200 seeds of many runs in a cluster. */
export const JOBSET_MUTATIONS: Readonly<Record<string, readonly Replacement[]>> = {
  'a leader does not look for JobSets that others have left': [
    replace(JOBSET, 'jobSetPlacement', (real) => (ports) => ({ ...real(ports), list: async () => [] })),
  ],
  'a JobSet is not deleted when its run needs it no more': [
    replace(JOBSET, 'jobSetPlacement', (real) => (ports) => ({ ...real(ports), release: async () => undefined })),
  ],
  'a cluster is listed and watched once': [
    replace(
      '../../services/orchestrator/src/placement/jobset/followed-objects.js',
      'followObjects',
      (real) => (ports) => {
        let lists = 0;
        const list: typeof ports.api.list = async (kind) => {
          lists += 1;
          return lists > 1 ? new Promise<never>(() => undefined) : ports.api.list(kind);
        };
        let watches = 0;
        const watch: typeof ports.api.watch = async function* (...args) {
          watches += 1;
          if (watches === 1) yield* ports.api.watch(...args);
          await new Promise<never>(() => undefined);
        };
        return real({ ...ports, api: { list, watch } });
      },
    ),
  ],
};

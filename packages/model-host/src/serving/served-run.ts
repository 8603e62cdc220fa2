import type { Serial } from '@trikd/core/async/serial';
import { messageOf, TrikdError } from '@trikd/core/domain/errors';
import { readPointer } from '@trikd/core/run/stored/anchor-pointer';
import { loadRun } from '@trikd/core/run/stored/run-store';
import type { IndexedVersion } from '@trikd/core/serving/inference';
import {
  type RunFacts,
  type RunVersion,
  type RunVersions,
  runVersions,
  servedLearners,
} from '@trikd/core/serving/run-versions';
import {
  createVersionCache,
  openRunContext,
  openVersion,
  type RunContext,
  type ServedVersion,
} from './served-version.js';
import type { ServingParts } from './serving-parts.js';

/** The name of the version that is served when none is named. */
export const LATEST = 'latest';

/** The models of a run, of which the current version of the result is always loaded. */
export interface ServedRun {
  /** Looks at the run, and serves what it stands by. Until a new version is warm, the one before answers. */
  follow(): Promise<void>;
  /** Whether the current version of the result is loaded. */
  ready(): boolean;
  /** Whether a version of a model can be asked without loading it. @throws TrikdError 'not-found' */
  isLoaded(learner: string | undefined, version: string): boolean;
  /** Versions of a model. @throws TrikdError 'not-found' for a learner that the run does not have, 'unavailable' before it has a result */
  versions(learner: string | undefined): RunVersions;
  /**
   * Does work with a version of a model. All of it sees that version, whatever is promoted meanwhile.
   * @param learner undefined: the one of the result
   * @throws TrikdError 'not-found' for what the run does not have, 'unavailable' before it has a result
   */
  use<T>(
    learner: string | undefined,
    version: string,
    work: (version: ServedVersion, context: RunContext) => Promise<T>,
  ): Promise<T>;
  /** All versions, with the names of their models. */
  index(): readonly IndexedVersion[];
  /** Computes what was asked for, then closes all models. */
  close(): Promise<void>;
}

interface Current {
  readonly served: ServedVersion;
  /** Requests that use it, and the swap that waits for them. */
  users: number;
  retired?: () => void;
}

/** @param loads loads of the process, one at a time: each takes memory and processors */
export function createServedRun(runId: string, parts: ServingParts, loads: Serial, over: AbortSignal): ServedRun {
  const { store, settings } = parts;
  const log = parts.log.child({ run: runId });
  const pinned = createVersionCache(settings.pinnedVersions, (err) => log.error({ err }, 'version not closed'));
  let facts: RunFacts | undefined;
  let context: RunContext | undefined;
  let current: Current | undefined;
  /** Why there is no current version, or no newer one. */
  let problem = 'it was not looked at yet';

  const open = (version: RunVersion, learner: string): Promise<ServedVersion> =>
    loads.run(async () => {
      over.throwIfAborted();
      const started = parts.clock.now();
      const served = await openVersion(parts, context!, version, modelName(learner), over);
      const seconds = (parts.clock.now() - started) / 1000;
      const { stage, params } = version;
      const { sizes, singleThreadSizes, isExact } = served;
      const loaded = { learner, version: stage, params: params.key, seconds, sizes, singleThreadSizes, isExact };
      log.info(loaded, 'version loaded');
      return served;
    });
  const main = () => servedLearners(facts!.spec)[0]!;
  const modelName = (learner: string) => (learner === main() ? runId : `${runId}.${learner}`);

  async function swap(version: RunVersion): Promise<void> {
    const served = await open(version, main());
    const before = current;
    current = { served, users: 0 };
    if (before) void retire(before);
  }

  async function retire(old: Current): Promise<void> {
    if (old.users > 0) {
      await new Promise<void>((resolve) => {
        old.retired = resolve;
      });
    }
    await old.served.close().catch((err: unknown) => log.error({ err }, 'version not closed'));
    log.info({ version: old.served.version.stage }, 'version unloaded');
  }

  async function useCurrent<T>(work: (version: ServedVersion) => Promise<T>): Promise<T> {
    const own = current!;
    own.users += 1;
    try {
      return await work(own.served);
    } finally {
      own.users -= 1;
      if (own.users === 0) own.retired?.();
    }
  }

  function known(): RunFacts {
    if (facts) return facts;
    throw new TrikdError('unavailable', `run ${runId} is not served yet: ${problem}`);
  }

  function learnerOf(name: string | undefined): string {
    const learners = servedLearners(known().spec);
    const learner = name ?? learners[0]!;
    if (learners.includes(learner)) return learner;
    throw new TrikdError(
      'not-found',
      `run ${runId} has no learner ${learner.slice(0, 64)}, only ${learners.join(', ')}`,
    );
  }

  /** The version of a name, and whether it is the one that is always loaded. */
  function chosen(learner: string, name: string): { readonly version: RunVersion; readonly isCurrent: boolean } {
    const versions = runVersions(known(), learner);
    const isMain = learner === main();
    // Until the newer one is warm, the one before is what is served.
    const latest = (isMain && current?.served.version) || versions.current;
    if (name === '' || name === LATEST) {
      if (latest && (!isMain || current)) return { version: latest, isCurrent: isMain };
      throw new TrikdError('unavailable', `model ${modelName(learner)} is not served yet: ${problem}`);
    }
    const version = versions.all.find(({ stage }) => String(stage) === name);
    if (version) return { version, isCurrent: isMain && isSame(current?.served.version, version) };
    const all = versions.all.map(({ stage }) => stage).join(', ') || 'none yet';
    throw new TrikdError('not-found', `model ${modelName(learner)} has no version ${name.slice(0, 64)}; it has ${all}`);
  }

  async function look(): Promise<void> {
    const { spec, state } = await loadRun(store, runId);
    const pointer = await readPointer(store, runId);
    context ??= await openRunContext(parts, spec, state);
    facts = { spec, state, pointer };
    const wanted = runVersions(facts, main()).current;
    problem = 'no stage of its result has ended';
    if (wanted && !isSame(current?.served.version, wanted)) await swap(wanted);
  }

  return {
    async follow() {
      try {
        await look();
      } catch (error) {
        if (over.aborted) return;
        const reason = messageOf(error);
        if (reason !== problem) log.warn({ err: error }, 'run not followed');
        problem = reason;
        if (!(error instanceof TrikdError && error.kind === 'not-found')) return;
        // It was deleted. To everybody it does not exist any more.
        const last = current;
        [facts, context, current] = [undefined, undefined, undefined];
        if (last) void retire(last);
        await pinned.close();
      }
    },
    ready: () => current !== undefined,
    isLoaded(name, versionName) {
      const learner = learnerOf(name);
      const { version, isCurrent } = chosen(learner, versionName);
      return isCurrent || pinned.has(keyOf(learner, version));
    },
    versions: (name) => runVersions(known(), learnerOf(name)),
    async use(name, versionName, work) {
      const learner = learnerOf(name);
      const { version, isCurrent } = chosen(learner, versionName);
      const own = context!;
      if (isCurrent) return useCurrent((served) => work(served, own));
      return pinned.use(
        keyOf(learner, version),
        () => open(version, learner),
        (served) => work(served, own),
      );
    },
    index() {
      if (!facts) return [{ model: runId, version: '', loaded: false, reason: problem }];
      const run = facts;
      return servedLearners(run.spec).flatMap((learner) => {
        const model = modelName(learner);
        const { all } = runVersions(run, learner);
        if (all.length === 0)
          return [{ model, version: '', loaded: false, reason: 'no stage that trains it has ended' }];
        return all.map((version) => {
          const isCurrent = learner === main() && isSame(current?.served.version, version);
          const loaded = isCurrent || pinned.has(keyOf(learner, version));
          return {
            model,
            version: String(version.stage),
            loaded,
            reason: loaded ? '' : 'it is loaded when it is asked for',
          };
        });
      });
    },
    async close() {
      const last = current;
      current = undefined;
      await Promise.all([last && retire(last), pinned.close()]);
    },
  };
}

function isSame(one: RunVersion | undefined, other: RunVersion): boolean {
  return one?.stage === other.stage && one.params.sha256 === other.params.sha256;
}

function keyOf(learner: string, { stage, params }: RunVersion): string {
  return `${learner}/${stage}/${params.sha256}`;
}

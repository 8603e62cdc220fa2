import { z } from 'zod';
import { TrikdError } from '../../domain/errors.js';
import type { ObjectStore } from '../../domain/object-store.js';
import { decodeVersionedJson, encodeJson } from './json-object.js';
import { noSuchRun, stateKey } from './run-store.js';

/** Characters of a tag, at most. */
export const LONGEST_TAG = 63;

/** Tags of a run, at most. */
export const MOST_TAGS = 32;

/** What a tag is, for people. */
export const tagRule = `1 to ${LONGEST_TAG} letters, digits and ._:=/@-, beginning with a letter or a digit`;

/** A word by which people find runs. It decides nothing. */
export const Tag = z
  .string()
  .max(LONGEST_TAG)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:=/@-]*$/);

/** Of the files of tags that are written and read. */
const TAGS_VERSION = 1;

const TagsRecord = z.strictObject({
  version: z.literal(TAGS_VERSION),
  revision: z.int().positive().describe('rises with every write, so that no two contents of the file are the same'),
  tags: z.array(Tag).max(MOST_TAGS).readonly().describe('sorted'),
});

/** Tags to add and to remove. */
export interface TagChange {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** Writes that may lose a race against another change of the tags. */
const TRIES = 5;

/** Key of the tags: an object of their own, because the state belongs to the process that drives the run. */
export function tagsKey(runId: string): string {
  return `runs/${runId}/tags.json`;
}

/** The names of the runs whose tags are among some keys. */
export function taggedIn(keys: readonly string[]): ReadonlySet<string> {
  return new Set(keys.flatMap((key) => /^runs\/([^/]+)\/tags\.json$/.exec(key)?.[1] ?? []));
}

/** The tags of a run, sorted; none for a run that does not exist. @throws TrikdError `corrupt` */
export async function readTags(store: ObjectStore, runId: string): Promise<readonly string[]> {
  return (await find(store, runId)).tags;
}

/**
 * Adds tags to a run and removes others; a tag in both lists is removed. Repeating a change has no further effect.
 * @returns all tags of the run, sorted
 * @throws TrikdError `invalid` for a text that is no tag and for more than `MOST_TAGS`, `not-found` when there is no such run
 */
export async function changeTags(store: ObjectStore, runId: string, change: TagChange): Promise<readonly string[]> {
  const remove = new Set(change.remove.map(checked));
  const add = change.add.map(checked);
  const assertExists = async () => {
    if ((await store.size(stateKey(runId))) === undefined) throw noSuchRun(runId);
  };
  await assertExists();
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const { tags: before, revision, version } = await find(store, runId);
    const tags = [...new Set([...before, ...add])].filter((tag) => !remove.has(tag)).sort();
    if (tags.join() === before.join()) return before;
    if (tags.length > MOST_TAGS) {
      throw new TrikdError('invalid', `a run has at most ${MOST_TAGS} tags, and would have ${tags.length}`);
    }
    const bytes = encodeJson(TagsRecord.parse({ version: TAGS_VERSION, revision: revision + 1, tags }));
    const outcome =
      version === undefined
        ? await store.create(tagsKey(runId), bytes)
        : await store.replace(tagsKey(runId), bytes, version);
    if (outcome === 'exists' || outcome === 'conflict') continue;
    // A run that was deleted in between leaves no tags to a later one of its name.
    await assertExists().catch(async (error: unknown) => {
      await store.remove(tagsKey(runId));
      throw error;
    });
    return tags;
  }
  throw new TrikdError('unavailable', `the tags of run ${runId} are being changed by others: retry`);
}

function checked(tag: string): string {
  if (Tag.safeParse(tag).success) return tag;
  throw new TrikdError('invalid', `${JSON.stringify(tag.slice(0, 80))} is no tag: ${tagRule}`, { field: 'tag' });
}

async function find(
  store: ObjectStore,
  runId: string,
): Promise<{ readonly tags: readonly string[]; readonly revision: number; readonly version?: string }> {
  const stored = await store.get(tagsKey(runId));
  if (stored === undefined) return { tags: [], revision: 0 };
  const { tags, revision } = decodeVersionedJson(TagsRecord, stored.bytes, tagsKey(runId), TAGS_VERSION);
  return { tags, revision, version: stored.version };
}

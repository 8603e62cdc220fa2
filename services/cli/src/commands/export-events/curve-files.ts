import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type RoleScalar, scalarRecord, versionRecord } from './scalars.js';

/** Files that values are appended to. */
export interface CurveFiles {
  readonly add: (scalars: readonly RoleScalar[]) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Drops repeated values: an attempt that continues at a checkpoint trains the steps after it again, with the same result. */
export function newScalars(): (scalars: readonly RoleScalar[]) => readonly RoleScalar[] {
  const last = new Map<string, number>();
  return (scalars) =>
    scalars.filter(({ stage, role, tag, step }) => {
      const curve = `${stage} ${role} ${tag}`;
      const isNew = step > (last.get(curve) ?? -1);
      if (isNew) last.set(curve, step);
      return isNew;
    });
}

/**
 * TensorBoard's files below a folder, one for each model of each stage: `generation-0/student/events.out.tfevents.<time>.trikd`.
 * Steps count from 0 in each file, so that TensorBoard shows stages above each other.
 */
export function tensorboardFiles(folder: string): CurveFiles {
  const files = new Map<string, Awaited<ReturnType<typeof open>>>();
  const unseen = newScalars();
  const fileOf = async ({ stageName, role, time }: RoleScalar) => {
    const place = join(folder, stageName, role);
    const known = files.get(place);
    if (known) return known;
    await mkdir(place, { recursive: true });
    const file = await open(join(place, `events.out.tfevents.${Math.floor(time)}.trikd`), 'w');
    files.set(place, file);
    await file.write(versionRecord(time));
    return file;
  };
  return {
    add: async (scalars) => {
      for (const scalar of unseen(scalars)) await (await fileOf(scalar)).write(scalarRecord(scalar));
    },
    close: async () => {
      for (const file of files.values()) await file.close();
    },
  };
}

/** One table of all values with the columns stage, role, step, time, what, value. */
export async function csvFile(path: string): Promise<CurveFiles> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'w');
  const unseen = newScalars();
  await file.write('stage,role,step,time,what,value\n');
  return {
    add: async (scalars) => {
      const lines = unseen(scalars).map(
        ({ stage, role, step, time, tag, value }) =>
          `${stage},${role},${step},${new Date(time * 1000).toISOString()},${quoted(tag)},${value}\n`,
      );
      if (lines.length > 0) await file.write(lines.join(''));
    },
    close: () => file.close(),
  };
}

/** Quoted by RFC 4180. */
function quoted(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';

const Committed = z.object({ time: z.iso.datetime(), committed: z.object({ manifestKey: z.string() }) });

/** When manifests were written, by key, from a log of events. Other lines, and lines that cannot be read, are skipped. */
export async function committedTimes(path: string): Promise<ReadonlyMap<string, string>> {
  const times = new Map<string, string>();
  if (!existsSync(path)) return times;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    const event = line.includes('"committed"') ? Committed.safeParse(jsonOf(line)) : undefined;
    if (event?.success) times.set(event.data.committed.manifestKey, event.data.time);
  }
  return times;
}

/** A process that was killed while it wrote leaves half a line. */
function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

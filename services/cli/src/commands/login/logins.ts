import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf, TrikdError } from '@trikd/core/domain/errors';
import { hasCode } from '@trikd/process/error-code';
import { PRIVATE_FILE, PRIVATE_FOLDER } from '@trikd/process/private-files';
import { z } from 'zod';

const Login = z.strictObject({
  issuer: z.string(),
  clientId: z.string(),
  /** Sent to the server, and to no other. */
  token: z.string(),
  /** Seconds since 1970. */
  expires: z.number(),
  /** Absent: the issuer gives none, so that a login ends with its token. */
  refresh: z.string().exactOptional(),
});
/** What a person has from logging in for a server. */
export type Login = z.infer<typeof Login>;

/** Of the files that are written and read. */
const FILE_VERSION = 1;

const File = z.strictObject({ version: z.literal(FILE_VERSION), logins: z.record(z.string(), Login) });

/** The logins of this user, by the address of the server. */
export interface Logins {
  get(target: string): Login | undefined;
  set(target: string, login: Login | undefined): void;
  /** Does work that no other command of this user does at the same time: two refreshes at once could end a login. */
  alone<T>(work: () => Promise<T>): Promise<T>;
}

/** Longest that a command waits for another one, in milliseconds: longer than a request to an issuer. */
const LOCK_MS = 15_000;
const LOOK_MS = 50;

/** The file of logins, readable by this user alone: `trikd/logins.json` in the user's folder for configuration. */
export function loginsOf(env: Readonly<Record<string, string | undefined>>): Logins {
  const folder = join(env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'trikd');
  const file = join(folder, 'logins.json');
  const lock = join(folder, 'logins.lock');
  const read = () => parsed(file, readIfThere(file));
  return {
    get: (target) => {
      const { logins } = read();
      return Object.hasOwn(logins, target) ? logins[target] : undefined;
    },
    set: (target, login) => {
      const { [target]: _, ...others } = read().logins;
      const logins = login ? { ...others, [target]: login } : others;
      mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER });
      writeDurably(file, JSON.stringify({ version: FILE_VERSION, logins }));
    },
    alone: async (work) => {
      mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER });
      await acquired(lock);
      try {
        return await work();
      } finally {
        rmSync(lock, { force: true });
      }
    },
  };
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw new TrikdError('invalid', `cannot read ${file}: ${messageOf(error)}`);
  }
}

function parsed(file: string, text: string | undefined): z.infer<typeof File> {
  if (text === undefined) return { version: FILE_VERSION, logins: {} };
  let fields: unknown;
  try {
    fields = JSON.parse(text);
    return File.parse(fields);
  } catch {
    const versioned = z.object({ version: z.int() }).safeParse(fields).data;
    if (versioned && versioned.version !== FILE_VERSION) {
      const problem = `${file} has version ${versioned.version}, and only version ${FILE_VERSION} is read`;
      throw new TrikdError(
        'invalid',
        `${problem}: use the version of trikd that wrote it, or remove it and log in again`,
      );
    }
    // The error would quote tokens.
    throw new TrikdError('invalid', `${file} is damaged; remove it and log in again`);
  }
}

/** A reader sees all of the old file or all of the new one. */
function writeDurably(file: string, text: string): void {
  const next = `${file}.${process.pid}`;
  rmSync(next, { force: true });
  const handle = openSync(next, 'wx', PRIVATE_FILE);
  try {
    writeFileSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(next, file);
}

/** Takes a lock file. One that is older than any command that works under it is left over from a killed command. */
async function acquired(lock: string): Promise<void> {
  const until = performance.now() + LOCK_MS;
  for (;;) {
    try {
      closeSync(openSync(lock, 'wx', PRIVATE_FILE));
      return;
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
    if (performance.now() >= until) rmSync(lock, { force: true });
    else await pause(LOOK_MS);
  }
}

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { TrikdError } from '@trikd/core/domain/errors';
import { mostInflation, openRegular, type RegularFile, storedChunks, unpackedChunks } from './data-files.js';
import { type Problems, problemsOf } from './images/image-folder.js';

/** A file with the SHA-256 that it must have. */
export interface SummedFile {
  /** Relative to its folder. */
  readonly path: string;
  readonly sha256: string;
  /** Whether the file has `.gz` after its path, and the SHA-256 is that of what it unpacks to. */
  readonly gzip?: boolean;
}

/**
 * Reads files and compares them with their SHA-256.
 * @param read receives the number of bytes, as they are read
 * @throws TrikdError 'invalid' with all files that are missing or have other content
 */
export async function verifyFiles(
  folder: string,
  files: readonly SummedFile[],
  read: (bytes: number) => void,
): Promise<void> {
  const problems = problemsOf(folder);
  for (const file of files) await verifyFile(folder, file, problems, read);
  problems.assertNone();
}

async function verifyFile(
  folder: string,
  { path, sha256, gzip = false }: SummedFile,
  problems: Problems,
  read: (bytes: number) => void,
): Promise<void> {
  const name = gzip ? `${path}.gz` : path;
  const file = await openRegular(join(folder, name));
  if (!file) {
    problems.add(name, 'is missing');
    return;
  }
  try {
    const actual = await digestOf(file, gzip, read);
    if (actual !== sha256) problems.add(name, `holds other data: SHA-256 ${actual}, expected ${sha256}`);
  } catch (error) {
    if (!(error instanceof TrikdError)) throw error;
    problems.add(name, error.message);
  } finally {
    await file.handle.close();
  }
}

async function digestOf(file: RegularFile, gzip: boolean, read: (bytes: number) => void): Promise<string> {
  const digest = createHash('sha256');
  let bytes = 0;
  for await (const chunk of gzip ? unpackedChunks(file, true) : storedChunks(file)) {
    digest.update(chunk);
    read(chunk.length);
    bytes += chunk.length;
    if (gzip && bytes > mostInflation(bytes) * file.bytes) throw new TrikdError('invalid', 'unpacks to too many bytes');
  }
  return digest.digest('hex');
}

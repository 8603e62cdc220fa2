import { pipeline } from 'node:stream';
import { crc32, createInflateRaw } from 'node:zlib';
import { messageOf, TrikdError } from '@trikd/core/domain/errors';
import { CHUNK, mostInflation, openRegular, type RegularFile, storedChunks } from './data-files.js';

/** A file in a zip archive. */
export interface ZipMember {
  readonly name: string;
  /** Unpacked. */
  readonly bytes: number;
  /** The content from its start, unpacked. A content that differs from what the archive says of it ends in a TrikdError 'invalid'. */
  chunks(): AsyncGenerator<Buffer, void>;
}

/** A zip archive of which only the list of its members is read. */
export interface ZipFile {
  readonly path: string;
  /** By name. */
  readonly members: ReadonlyMap<string, ZipMember>;
  close(): Promise<void>;
}

/** Records of the format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16. */
const LOCAL = { signature: 0x04034b50, bytes: 30 };
const CENTRAL = { signature: 0x02014b50, bytes: 46 };
const END = { signature: 0x06054b50, bytes: 22 };

/** A comment of at most this length may follow. */
const LONGEST_COMMENT = 0xffff;
/** Such a value says that the true one is in a record of zip64. */
const ZIP64 = { count: 0xffff, size: 0xffff_ffff };

/** Members of an archive, and bytes of their list, at most. */
const MOST_MEMBERS = 1024;
const LONGEST_LIST = 1024 ** 2;

const STORED = 0;
const DEFLATED = 8;

interface Entry {
  readonly name: string;
  readonly encrypted: boolean;
  readonly method: number;
  readonly checksum: number;
  readonly packed: number;
  readonly unpacked: number;
  /** Where its own header starts. */
  readonly start: number;
}

/**
 * Opens a zip archive.
 * @returns undefined when there is no such file
 * @throws TrikdError 'invalid' for any other file, 'unavailable' for one that cannot be read
 */
export async function openZip(path: string): Promise<ZipFile | undefined> {
  const file = await openRegular(path);
  if (!file) return undefined;
  const close = () => file.handle.close();
  try {
    const entries = entriesIn(path, await listOf(file));
    return { path, members: new Map(entries.map((entry) => [entry.name, memberOf(file, entry)])), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The bytes of the list of members. */
async function listOf(file: RegularFile): Promise<Buffer> {
  const tail = await bytesAt(file, Math.max(0, file.bytes - END.bytes - LONGEST_COMMENT), file.bytes);
  for (let at = tail.length - END.bytes; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== END.signature) continue;
    if (at + END.bytes + tail.readUInt16LE(at + 20) !== tail.length) continue;
    const [count, length, start] = [tail.readUInt16LE(at + 10), tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16)];
    if (count === ZIP64.count || length === ZIP64.size || start === ZIP64.size) throw tooLarge(file.path);
    if (count > MOST_MEMBERS || length > LONGEST_LIST) {
      throw unusable(file.path, `has ${count} members: at most ${MOST_MEMBERS} are read`);
    }
    if (start + length > file.bytes) throw unusable(file.path, 'is cut off');
    return await bytesAt(file, start, start + length);
  }
  throw unusable(file.path, 'is no zip archive, or is cut off');
}

function entriesIn(path: string, list: Buffer): readonly Entry[] {
  const entries: Entry[] = [];
  for (let at = 0; at < list.length; ) {
    if (at + CENTRAL.bytes > list.length || list.readUInt32LE(at) !== CENTRAL.signature) {
      throw unusable(path, 'has a damaged list of members');
    }
    const [name, extra, comment] = [28, 30, 32].map((place) => list.readUInt16LE(at + place)) as [
      number,
      number,
      number,
    ];
    const entry = {
      name: list.toString('utf8', at + CENTRAL.bytes, at + CENTRAL.bytes + name),
      encrypted: (list.readUInt16LE(at + 8) & 1) === 1,
      method: list.readUInt16LE(at + 10),
      checksum: list.readUInt32LE(at + 16),
      packed: list.readUInt32LE(at + 20),
      unpacked: list.readUInt32LE(at + 24),
      start: list.readUInt32LE(at + 42),
    };
    if ([entry.packed, entry.unpacked, entry.start].includes(ZIP64.size)) throw tooLarge(path);
    entries.push(entry);
    if (entries.length > MOST_MEMBERS) throw unusable(path, `has more than ${MOST_MEMBERS} members`);
    at += CENTRAL.bytes + name + extra + comment;
  }
  return entries;
}

function memberOf(file: RegularFile, entry: Entry): ZipMember {
  const { name, unpacked } = entry;
  return { name, bytes: unpacked, chunks: () => checked(file, entry) };
}

/** The content of a member, which is compared with its length and its checksum. */
async function* checked(file: RegularFile, entry: Entry): AsyncGenerator<Buffer, void> {
  const { name, method, packed, unpacked, checksum, encrypted } = entry;
  const what = `${file.path}: ${name}`;
  if (encrypted) throw unusable(what, 'is encrypted');
  if (method !== STORED && method !== DEFLATED) throw unusable(what, `is packed by method ${method}`);
  const most = mostInflation(unpacked);
  if (unpacked > most * packed)
    throw unusable(what, `unpacks ${packed} bytes to ${unpacked}, more than ${most} times as many`);
  const start = await contentStart(file, entry);
  const stored = storedChunks(file, start, start + packed);
  let bytes = 0;
  let sum = 0;
  for await (const chunk of method === STORED ? stored : inflated(what, stored)) {
    bytes += chunk.length;
    if (bytes > unpacked) throw unusable(what, `has more than the ${unpacked} bytes that the archive says`);
    sum = crc32(chunk, sum);
    yield chunk;
  }
  if (bytes < unpacked) throw unusable(what, `has ${bytes} of the ${unpacked} bytes that the archive says`);
  if (sum !== checksum) throw unusable(what, 'has another checksum than the archive says');
}

async function contentStart(file: RegularFile, { name, start, packed }: Entry): Promise<number> {
  const header = await bytesAt(file, start, Math.min(file.bytes, start + LOCAL.bytes));
  if (header.length < LOCAL.bytes || header.readUInt32LE(0) !== LOCAL.signature) {
    throw unusable(`${file.path}: ${name}`, 'is not where the archive says');
  }
  const begin = start + LOCAL.bytes + header.readUInt16LE(26) + header.readUInt16LE(28);
  if (begin + packed > file.bytes) throw unusable(`${file.path}: ${name}`, 'is cut off');
  return begin;
}

/** Ending the iteration early stops the unpacking. */
async function* inflated(what: string, packed: AsyncGenerator<Buffer, void>): AsyncGenerator<Buffer, void> {
  const unpacked = createInflateRaw({ chunkSize: CHUNK });
  // An error of either ends the iteration.
  pipeline(packed, unpacked, () => undefined);
  try {
    yield* unpacked;
  } catch (cause) {
    throw new TrikdError('invalid', `${what} does not unpack: ${messageOf(cause)}`, {}, { cause });
  }
}

async function bytesAt(file: RegularFile, begin: number, end: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of storedChunks(file, begin, end)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function tooLarge(path: string): TrikdError {
  return unusable(
    path,
    'is an archive of the format zip64, which is not read: it holds more than 4 GiB or 65,534 members',
  );
}

function unusable(what: string, problem: string): TrikdError {
  return new TrikdError('invalid', `${what} ${problem}`);
}

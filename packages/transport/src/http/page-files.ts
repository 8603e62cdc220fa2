import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, sep } from 'node:path';
import { gzipSync } from 'node:zlib';

/** A file of the dashboard page. */
export interface PageFile {
  readonly content: Buffer;
  /** The same in gzip, for clients that accept it. */
  readonly gzip: Buffer;
  readonly type: string;
  /** Whether its name changes with its content, so that it can be cached forever. */
  readonly immutable: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Reads the files of a built page, by URL path; empty if it is not built. No other file can be served. */
export function readPage(folder: string): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>();
  for (const entry of entriesOf(folder)) {
    const type = TYPES[extname(entry)];
    if (type === undefined) continue;
    const path = `/${entry.split(sep).join('/')}`;
    const content = readFileSync(join(folder, entry));
    const file = { content, gzip: gzipSync(content), type, immutable: path.startsWith('/assets/') };
    files.set(path === '/index.html' ? '/' : path, file);
  }
  return files;
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' });
  } catch {
    return [];
  }
}

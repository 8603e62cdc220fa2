import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, sep } from 'node:path';

/** A file of the page, ready to be sent. */
export interface PageFile {
  readonly content: Buffer;
  readonly type: string;
  /** Whether its name changes with its content. */
  readonly immutable: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The files of a built page by path. Only what was there is ever served, whatever path is asked for. None when there is no page. */
export function readPage(folder: string): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>();
  for (const entry of entriesOf(folder)) {
    const type = TYPES[extname(entry)];
    if (type === undefined) continue;
    const path = `/${entry.split(sep).join('/')}`;
    const file = { content: readFileSync(join(folder, entry)), type, immutable: path.startsWith('/assets/') };
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

import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { findModule, importModule, keepModule, type ModuleText, readModule } from '../user-modules.js';

const root = mkdtempSync(join(tmpdir(), 'trikd-modules-'));
afterAll(() => rmSync(root, { recursive: true }));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'folder-'));
});

/** A file in the folder. */
function file(text: string | Uint8Array, name = 'net.ts'): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const textOf = (text: string, name?: string): ModuleText => readModule(file(text, name));

describe('a module', () => {
  test('is TypeScript, or JavaScript, and returns the function that is asked for', async () => {
    const typed = textOf('export default (of: number): number => of + 1; export const other = () => 7;');
    expect((await importModule(typed))(1 as never)).toBe(2);
    expect((await importModule(typed, 'other'))(1 as never)).toBe(7);
    expect((await importModule(textOf('export default (of) => -of;', 'net.js')))(1 as never)).toBe(-1);
  });

  test('is executed once, and as it was when its digest was taken', async () => {
    const module = textOf('let calls = 0; export default () => ++calls;');
    file('throw new Error("another text");');
    expect([(await importModule(module))({} as never), (await importModule(module))({} as never)]).toEqual([1, 2]);
  });
});

describe('refused by name is a module that', () => {
  test.each<[string, string, RegExp]>([
    ['throws', 'throw new Error("no luck")', /^the module net\.ts is refused: it threw: no luck$/],
    ['is no program', 'export default function (', /^the module net\.ts is refused: it is not TypeScript/],
    ['has types that are code', 'enum A { B } export default () => A.B', /types can be left out/],
    ['exports no function', 'export default 3', /it exports no function as its default$/],
    ['imports a file', 'import "./other.js"; export default () => 1', /it imports \.\/other\.js: a module is one file/],
    ['imports a package', 'import "zod"; export default () => 1', /it imports zod:/],
    ['imports what Node has', 'import "node:fs"; export default () => 1', /it imports node:fs:/],
    ['imports any file', 'import "file:///etc/passwd"; export default () => 1', /it imports file:\/\/\/etc\/passwd:/],
    ['imports when it runs', 'await import("node:fs"); export default () => 1', /it imports node:fs:/],
  ])('%s', async (_what, text, message) => {
    await expect(importModule(textOf(text))).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringMatching(message),
    });
  });

  test.each<[string, () => string, RegExp]>([
    ['is not there', () => join(folder, 'gone.ts'), /^cannot read the module .*gone\.ts: there is no such file$/],
    ['is a folder', () => folder, /it is no regular file$/],
    ['is too large', () => file('/'.repeat(256 * 1024 + 1)), /it has more than 262144 bytes$/],
    ['is no text', () => file(Uint8Array.of(0x2f, 0x2f, 0xff)), /it is no text in UTF-8$/],
  ])('%s', (_what, path, message) => {
    expect(() => readModule(path())).toThrow(
      expect.objectContaining({ kind: 'invalid', message: expect.stringMatching(message) }),
    );
  });
});

describe('a folder of modules', () => {
  test('has what was kept, for this user alone, and finds it by its digest, whatever its name', () => {
    const module = textOf('export default () => 1');
    const kept = join(folder, 'kept');
    keepModule(kept, module);
    const [name = ''] = readdirSync(kept);
    expect(statSync(join(kept, name)).mode & 0o777).toBe(0o600);
    expect(findModule(kept, { file: 'other.ts', sha256: module.sha256 })).toEqual({ ...module, name: 'other.ts' });
  });

  test.each(['absent', '.'])('does not have a text that was changed since: %s', (where) => {
    const { sha256 } = textOf('export default () => 1');
    file('export default () => 2');
    expect(() => findModule(join(folder, where), { file: 'net.ts', sha256 })).toThrow(
      new RegExp(`is the module net\\.ts with the SHA-256 ${sha256}: put that version of the file there`),
    );
  });
});

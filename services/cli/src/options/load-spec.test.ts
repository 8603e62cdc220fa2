import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { loadSpec } from './load-spec.js';

describe('load spec', () => {
  const examples = fileURLToPath(new URL('../../../../examples', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'trikd-spec-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  function file(text: string): string {
    const path = join(folder, 'run.yaml');
    writeFileSync(path, text);
    return path;
  }

  const GOOD = `name: trial
data: { kind: synthetic }
epochs: 2
student:
  model: { kind: plain-cnn, channels: [4] }
  objective: [{ kind: task }]
teacher:
  model: { kind: plain-cnn, channels: [8] }
  objective: [{ kind: task }]
`;

  describe('the examples', () => {
    test.each(readdirSync(examples).filter((name) => name.endsWith('.yaml')))(
      '%s is a valid spec of its own name',
      (name) => {
        expect(`${loadSpec(join(examples, name), []).name}.yaml`).toBe(name);
      },
    );

    test('are there', () => {
      expect(readdirSync(examples)).toEqual(
        expect.arrayContaining(['fashion-mnist.yaml', 'fashion-mnist-full.yaml', 'tiny.yaml']),
      );
    });
  });

  describe('loadSpec', () => {
    test('reads the run file in a report', () => {
      const report = join(folder, 'report.html');
      const page = (text: string) => `<html><script type="application/yaml" id="run-file">${text}</script></html>`;
      writeFileSync(report, page(`# The run trial.\n${GOOD}`));
      expect(loadSpec(report, [])).toEqual(loadSpec(file(GOOD), []));
      writeFileSync(report, page(GOOD.replace('epochs: 2', 'epochs: 0')));
      expect(() => loadSpec(report, [])).toThrow(`the run file in ${report}:3: epochs: `);
      writeFileSync(report, page(''));
      expect(() => loadSpec(report, [])).toThrow(`${report} holds no run file`);
    });

    test('names every mistake and its line', () => {
      const path = file(GOOD.replace('epochs: 2', 'epochs: 0\ntemprature: 4').replace('channels: [8]', 'channels: []'));
      const message = (() => {
        try {
          loadSpec(path, []);
          return '';
        } catch (error) {
          return error instanceof Error ? error.message : '';
        }
      })();
      expect(message).toMatch(`${path} has 3 mistakes:`);
      expect(message).toMatch(`${path}:3: epochs: `);
      expect(message).toMatch(`${path}:4: temprature: there is no such setting`);
      expect(message).toMatch(`${path}:9: teacher.model.channels: `);
    });

    test('names the line of YAML that cannot be read', () => {
      expect(() => loadSpec(file(`${GOOD}broken: [1\n`), [])).toThrow(/run\.yaml:1\d: /);
    });

    test('says which setting is missing', () => {
      expect(() => loadSpec(file(GOOD.replace('epochs: 2\n', '')), [])).toThrow('epochs: missing: expected a number');
    });

    test('names the setting that was probably meant', () => {
      expect(() => loadSpec(file(`${GOOD}batch_size: 32\n`), [])).toThrow(
        'batch_size: there is no such setting; did you mean batchSize?',
      );
      expect(() => loadSpec(file(GOOD), [{ path: ['student', 'learnRate'], value: '1' }])).toThrow(
        'student.learnRate: there is no such setting; did you mean learningRate?',
      );
    });

    test('says that a file is a folder', () => {
      expect(() => loadSpec(folder, [])).toThrow(`cannot read ${folder}: it is a folder`);
    });

    test('says that a file is not there', () => {
      expect(() => loadSpec(join(folder, 'absent.yaml'), [])).toThrow(
        /cannot read .*absent.yaml: there is no such file/,
      );
    });

    test('applies overrides as YAML, into lists and into sections that the file leaves out', () => {
      const spec = loadSpec(file(GOOD), [
        { path: ['student', 'objective', '0', 'weight'], value: '0.5' },
        { path: ['curriculum', 'generations'], value: '7' },
        { path: ['teacher', 'model', 'channels'], value: '[2, 3]' },
        { path: ['name'], value: 'other' },
      ]);
      expect(spec).toMatchObject({
        name: 'other',
        student: { objective: [{ weight: 0.5 }] },
        curriculum: { generations: 7 },
        teacher: { model: { channels: [2, 3] } },
      });
    });

    test('removes what an override sets to null, so that its default applies', () => {
      const removed = ['teacher', 'student.objective', 'batchSize'].map((path) => ({
        path: path.split('.'),
        value: 'null',
      }));
      const spec = loadSpec(file(`${GOOD}batchSize: 2\n`), [{ path: ['method'], value: 'ce' }, ...removed]);
      expect(spec).toMatchObject({ method: 'ce', batchSize: loadSpec(file(GOOD), []).batchSize });
      expect(spec.teacher).toBeUndefined();
    });

    test('sets null where it is a value', () => {
      expect(loadSpec(file(GOOD), [{ path: ['student', 'clipNorm'], value: 'null' }]).student?.clipNorm).toBe(null);
    });

    test('builds a section anew after it was removed', () => {
      const model = { kind: 'plain-cnn', channels: [2] };
      const overrides = [
        { path: ['teacher'], value: 'null' },
        { path: ['teacher', 'model'], value: JSON.stringify(model) },
      ];
      expect(loadSpec(file(GOOD), overrides).teacher?.objective).not.toEqual(
        loadSpec(file(GOOD), []).teacher?.objective,
      );
    });

    test.each([
      ['student.model', 'student.model: missing: expected'],
      ['name', 'name: missing: expected text'],
      ['teachr', 'teachr: there is no such setting; did you mean teacher?'],
    ])('refuses to remove %s', (path, message) => {
      expect(() => loadSpec(file(GOOD), [{ path: path.split('.'), value: 'null' }])).toThrow(message);
    });

    test('refuses an override of a setting that does not exist', () => {
      expect(() => loadSpec(file(GOOD), [{ path: ['student', 'learnRate'], value: '1' }])).toThrow(
        'student.learnRate: there is no such setting',
      );
    });
  });

  describe('refused by name, before it is parsed for long, is a file', () => {
    test.each([
      ['of more than 64 KiB', `${GOOD}#${'x'.repeat(70_000)}`, /it has more than 65536 bytes$/],
      ['of 30,000 numbers', `${GOOD}x: [${Array(30_000).fill(1)}]`, /more than 10000 words and marks$/],
      [
        'of 7,000 settings',
        Array.from({ length: 7000 }, (_, i) => `k${i}: 1`).join('\n'),
        /more than 10000 words and marks$/,
      ],
      ['of 2,000 nested lists', `x: ${'['.repeat(2000)}${']'.repeat(2000)}`, /nested too deeply/],
      ['of 2,000 nested items', '- '.repeat(2000), /nested too deeply/],
      [
        'of a thousand mistakes',
        `${GOOD}${Array.from({ length: 1000 }, (_, i) => `k${i}: 1\n`).join('')}`,
        /has 1000 mistakes:/,
      ],
      ['of aliases that multiply', aliases(), /Excessive alias count/],
    ])('%s', (_what, text, message) => {
      const began = performance.now();
      expect(() => loadSpec(file(text), [])).toThrow(message);
      expect(performance.now() - began).toBeLessThan(1000);
    });
  });

  /** Nine lists, each of nine times the one before. */
  function aliases(): string {
    const names = [...'abcdefghij'];
    const lists = names.slice(1).map((name, index) => `${name}: &${name} [${Array(9).fill(`*${names[index]}`)}]`);
    return ['a: &a [x, x, x, x, x, x, x, x, x]', ...lists].join('\n');
  }
});

describe('named modules', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trikd-named-'));
  beforeAll(() => {
    vi.stubEnv('TRIKD_MODULES', join(folder, 'kept'));
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });

  const TEXT = 'export default () => undefined;';
  const sha256 = createHash('sha256').update(TEXT).digest('hex');

  function specOf(model: object): string {
    mkdirSync(join(folder, 'nets'), { recursive: true });
    writeFileSync(join(folder, 'nets/net.ts'), TEXT);
    const path = join(folder, 'run.yaml');
    const other = { model: { kind: 'plain-cnn', channels: [2] } };
    const spec = {
      name: 'r',
      method: 'kd',
      data: { kind: 'synthetic' },
      epochs: 1,
      student: { model },
      teacher: other,
    };
    writeFileSync(path, JSON.stringify(spec));
    return path;
  }

  test('a run has the digest of its module and the name of the file alone, and the text is kept', () => {
    const { student } = loadSpec(specOf({ kind: 'module', file: './nets/net.ts' }), []);
    expect(student?.model).toEqual({ kind: 'module', file: 'net.ts', sha256 });
    expect(readdirSync(join(folder, 'kept'))).toEqual([`net-${sha256.slice(0, 16)}.ts`]);
  });

  test('a module that is not there is found by its digest among those that were kept', () => {
    loadSpec(specOf({ kind: 'module', file: './nets/net.ts' }), []);
    const { student } = loadSpec(specOf({ kind: 'module', file: 'elsewhere.ts', sha256 }), []);
    expect(student?.model).toEqual({ kind: 'module', file: 'elsewhere.ts', sha256 });
    const other = specOf({ kind: 'module', file: 'elsewhere.ts', sha256: 'a'.repeat(64) });
    expect(() => loadSpec(other, [])).toThrow(/no file in .*kept is the module elsewhere\.ts with the SHA-256 aaaa/);
  });

  test.each([
    [{ sha256: 'a'.repeat(64) }, /the module \.\/nets\/net\.ts has the SHA-256 .*, not aaaa/],
    [{ file: 'nets/other.ts' }, /cannot read the module .*nets\/other\.ts: there is no such file/],
    [{ file: 'nets/net.py' }, /student\.model\.file: a file named \*\.ts/],
  ])('a module of another digest, or without a file, is refused: %o', (changes, message) => {
    expect(() => loadSpec(specOf({ kind: 'module', file: './nets/net.ts', ...changes }), [])).toThrow(message);
  });
});

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { writeEvents } from '../../services/cli/src/commands/export-events/event-files.js';
import { emitted } from '../../services/cli/src/commands/export-events/testing/emitted-run.js';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const python = (args: readonly string[], PYTHONPATH: string) =>
  execFileSync('python3', args, { encoding: 'utf8', env: { ...process.env, PYTHONPATH }, stdio: 'pipe' });

/** By folder and tag: step, seconds since 1970, value. */
type Curves = Readonly<Record<string, Readonly<Record<string, readonly (readonly number[])[]>>>>;

const folder = mkdtempSync(join(tmpdir(), 'trikd-tensorboard-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('the Python package tensorboard reads the curves that we write: tags, steps, times and every value', async () => {
  const [written = ''] = await writeEvents('r', emitted(), ['tensorboard'], folder);
  const runs = ['student', 'teacher', 'anchor'].map((role) => join(written, 'generation-1', role));
  const packages = python([path('../../scripts/fetch-python-packages.py'), 'tensorboard'], '').trim();
  const read: Curves = JSON.parse(python([path('tensorboard_python.py'), ...runs], packages));
  const [student = {}, teacher = {}, anchor = {}] = runs.map((run) => read[run]);
  const second = (count: number) => Date.UTC(2026, 0, 1) / 1000 + count;
  expect(student).toEqual({
    'loss/task': [
      [1, second(1), 1.5],
      [3, second(2), 1.125],
    ],
    'loss/teacher': [
      [1, second(1), 0.125],
      [3, second(2), 0.125],
    ],
    'loss/all': [
      [1, second(1), 1.625],
      [3, second(2), 1.25],
    ],
    'wait share/anchor': [
      [1, second(1), 0.0625],
      [3, second(2), 0.0625],
    ],
    'accuracy/batch': [
      [1, second(1), 0.75],
      [3, second(2), 0.75],
    ],
    'training/steps per second': [
      [1, second(1), 12.5],
      [3, second(2), 12.5],
    ],
    'training/gradient norm': [
      [1, second(1), 1.5],
      [3, second(2), 1.5],
    ],
    'training/learning rate': [
      [1, second(1), Math.fround(0.1)],
      [3, second(2), Math.fround(0.1)],
    ],
    'accuracy/validation': [[4, second(3), 0.5]],
    'nll/validation': [[4, second(3), 0.25]],
    'accuracy/test': [[12, second(7), 0.625]],
    'nll/test': [[12, second(7), 0.25]],
  });
  expect(Object.keys(teacher)).toContain('loss/task');
  expect(anchor['milliseconds/forward, median']).toEqual([[5, second(6), 1.5]]);
});

import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { eventOf } from './event.js';
import { renderReport, runFile, runFileIn } from './report.js';
import { foldAll } from './run-history.js';

const template =
  '<html><script type="application/json" id="history"></script><script type="application/yaml" id="run-file"></script>' +
  '<script>draw()</script></html>';

test('a report has the history in it, whatever text is in the history', () => {
  const failure = '</script><script>alert(1)</script> $& <!--';
  const history = foldAll([eventOf({ run: { runId: 'tiny', failure } })]);
  const report = renderReport(template, history);
  expect(report.match(/<script/g)).toHaveLength(3);
  const [, data = ''] = /id="history">(.*?)<\/script>/.exec(report) ?? [];
  expect(JSON.parse(data)).toEqual(JSON.parse(JSON.stringify(history)));
});

test('a report has the file in it that starts its run again', () => {
  const history = foldAll([eventOf({ run: { runId: 'tiny', spec: '{"name":"tiny","seed":3}' } })]);
  expect(parse(runFileIn(renderReport(template, history)) ?? '')).toEqual({ name: 'tiny', seed: 3 });
  expect(runFileIn(renderReport(template, foldAll([])))).toBeUndefined();
  expect(runFileIn('<html></html>')).toBeUndefined();
});

test('what is no template makes no report', () => {
  expect(() => renderReport('<html></html>', foldAll([]))).toThrow('no template');
});

const spec = { name: 'tiny', seed: 3, student: { model: { kind: 'plain-cnn', channels: [4, 4] } } };
const numerics = (processor: string) => ({
  ...{ tensorflow: '2.20.0', processor, device: 'cpu', threads: 1, precision: 'float32' },
  kernels: ['avx2', 'fma'],
});
const historyOf = (more: object, trained: object = numerics('GenuineIntel 6 143')) =>
  foldAll([
    eventOf({ run: { runId: 'tiny', spec: JSON.stringify(spec), specDigest: 'ab12', ...more } }),
    eventOf({
      number: '5',
      phaseChanged: {
        phase: 'RUN_PHASE_TRAINING',
        attempt: 1,
        numerics: [{ role: 'ROLE_STUDENT', numerics: trained }],
      },
    }),
  ]);

test('a run file is the spec', () => {
  expect(parse(runFile(historyOf({})) ?? '')).toEqual(spec);
});

test('a run file names the kernels of TensorFlow where the spec names none', () => {
  const engineOf = (engine: object) => {
    const text = runFile(historyOf({ spec: JSON.stringify({ ...spec, engine }) })) ?? '';
    return (parse(text) as { engine: object }).engine;
  };
  expect(engineOf({ threads: 1 })).toEqual({ threads: 1, kernels: 'tensorflow' });
  expect(engineOf({ kernels: 'own' })).toEqual({ kernels: 'own' });
});

test('a run file says the digest, and what its models computed with', () => {
  const comments = (runFile(historyOf({})) ?? '').split('\n').filter((line) => line.startsWith('#'));
  expect(comments).toEqual([
    '# The run tiny. To train it again: trikd run FILE --set name=ANOTHER-NAME',
    '# SHA-256 of the spec: ab12',
    '# The student computed with TensorFlow 2.20.0, cpu (GenuineIntel 6 143), 1 thread, float32, kernels avx2 fma',
  ]);
});

test('no text of a run can end the script that holds its file, or become a setting', () => {
  const data = { kind: 'folder', path: '</script><script>alert(1)//' };
  const hostile = historyOf({ spec: JSON.stringify({ name: 'tiny', data }) }, numerics('x\nseed: 7 <!--'));
  const text = runFile(hostile) ?? '';
  expect(text).not.toContain('<');
  expect(parse(text)).toEqual({ name: 'tiny', data });
});

test('there is no file of a run whose spec is not known', () => {
  expect(runFile(historyOf({ spec: '' }))).toBeUndefined();
});

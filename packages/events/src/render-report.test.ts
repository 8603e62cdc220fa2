import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { eventOf } from './event.js';
import { renderReport, runFileIn } from './render-report.js';
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

import { RunSpec, specDigest } from '@trikd/core/spec/run-spec';
import { eventOf } from '@trikd/events/event';
import { runFile } from '@trikd/events/report';
import { foldAll } from '@trikd/events/run-history';
import { specFor } from '@trikd/testing/specs/spec-for';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

test('the run file in a report trains the same run again', () => {
  const spec = specFor('two stages', { name: 'tiny' });
  const file = runFile(foldAll([eventOf({ run: { runId: 'tiny', spec: JSON.stringify(spec) } })])) ?? '';
  expect(specDigest(RunSpec.parse(parse(file)))).toBe(specDigest(spec));
});

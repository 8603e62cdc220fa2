import { expect, test } from 'vitest';
import { type AuditedCall, auditLog } from './audit-log.js';

const call: AuditedCall = {
  method: 'trikd.v1.RunService/PauseRun',
  peer: '127.0.0.1:4000',
  outcome: 'UNAUTHENTICATED',
  caller: undefined,
};
const ada = { kind: 'user', subject: 'ada', teams: [], verbs: [] } as const;

function logged() {
  const lines: Record<string, unknown>[] = [];
  return { lines, audit: auditLog({ info: (fields: object) => void lines.push({ ...fields }) }) };
}

test('a flood of unknown callers writes 50 lines a second, and every call of a known caller is written beside it', () => {
  const { lines, audit } = logged();
  for (let n = 0; n < 10_000; n++) audit(call);
  // The flood may last into another second.
  expect(lines.length).toBeGreaterThanOrEqual(50);
  expect(lines.length).toBeLessThanOrEqual(100);
  for (let n = 0; n < 100; n++) audit({ ...call, caller: ada, outcome: 'OK' });
  expect(lines.filter(({ subject }) => subject === 'ada')).toHaveLength(100);
});

test('the next line counts those that were not written', () => {
  const { lines, audit } = logged();
  for (let n = 0; n < 1000; n++) audit(call);
  audit({ ...call, caller: ada, outcome: 'OK' });
  const counted = lines.reduce((sum, { left }) => sum + (typeof left === 'number' ? left : 0), 0);
  expect(lines.length - 1 + counted).toBe(1000);
});

import { PROTOCOL_METHODS } from '@trikd/testing/servers/protocol-methods';
import { service as healthService } from 'grpc-health-check';
import { describe, expect, test } from 'vitest';
import { type Caller, VERBS, type Verb } from './caller.js';
import { assertAllowed, POLICY } from './policy.js';

const service = (role: Extract<Caller, { kind: 'service' }>['role']): Caller => ({
  kind: 'service',
  role,
  id: `spiffe://trikd/ns/lab/sa/${role}`,
});
const person = (...verbs: Verb[]): Caller => ({ kind: 'user', subject: 'ada', teams: [], verbs });

describe('policy', () => {
  test('has a rule for every method of the protocol, of health and of reflection, and for no other', () => {
    const health = Object.values(healthService).map(({ path }) => path);
    const reflection = ['v1', 'v1alpha'].map((v) => `/grpc.reflection.${v}.ServerReflection/ServerReflectionInfo`);
    expect([...POLICY.keys()].sort()).toEqual(
      [...PROTOCOL_METHODS.map(({ path }) => path), ...health, ...reflection].sort(),
    );
  });

  test.each<[string, string, readonly Caller[]]>([
    ['orders', '/trikd.v1.TrainerService/Assign', [service('orchestrator')]],
    ['orders', '/trikd.v1.AnchorService/LoadAnchor', [service('orchestrator')]],
    ['step times', '/trikd.v1.TimingService/ReadSteps', [service('orchestrator')]],
    ['logits', '/trikd.v1.ExchangeService/StreamLogits', [service('teacher-trainer'), service('student-trainer')]],
    ['runs', '/trikd.v1.RunService/GetRun', [service('orchestrator'), person('view'), person(...VERBS)]],
    ['deletion', '/trikd.v1.RunService/DeleteRun', [service('orchestrator'), person('delete'), person(...VERBS)]],
    ['steering', '/trikd.v1.RunService/PauseRun', [service('orchestrator'), person('steer'), person(...VERBS)]],
    [
      'outputs',
      '/inference.GRPCInferenceService/ModelInfer',
      [service('orchestrator'), service('anchor-server'), person('view'), person(...VERBS)],
    ],
    ['the protocol', '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', []],
  ])('opens %s of %s to its callers alone', (_, path, admitted) => {
    const everybody = [
      ...(['orchestrator', 'anchor-server', 'teacher-trainer', 'student-trainer'] as const).map(service),
      ...[...VERBS.map((verb) => person(verb)), person(), person(...VERBS)],
    ];
    const passed = everybody.filter((caller) => {
      try {
        assertAllowed(path, caller);
        return true;
      } catch (error) {
        expect(error).toMatchObject({ kind: 'forbidden', message: expect.stringContaining(path.slice(1)) });
        return false;
      }
    });
    expect(passed).toEqual(everybody.filter((caller) => admitted.some((each) => isSame(each, caller))));
    expect(() => assertAllowed(path, { kind: 'anonymous' })).not.toThrow();
  });

  test('states what a caller without credentials lacks', () => {
    expect(() => assertAllowed('/trikd.v1.TrainerService/Assign', undefined)).toThrow(
      expect.objectContaining({
        kind: 'unauthenticated',
        message:
          'trikd.v1.TrainerService/Assign requires the certificate of the orchestrator, and this caller has shown no valid one',
      }),
    );
  });

  test('refuses a method without a rule, even to anonymous callers', () => {
    const path = '/trikd.v1.TrainerService/Fire';
    for (const caller of [service('orchestrator'), person(...VERBS), { kind: 'anonymous' } as const]) {
      expect(() => assertAllowed(path, caller)).toThrow(expect.objectContaining({ kind: 'forbidden' }));
    }
  });
});

function isSame(a: Caller, b: Caller): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

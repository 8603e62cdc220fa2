import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FAULT_POINT_CHANNEL, faultPoint } from './fault-points.js';

describe('a fault point', () => {
  test('evaluates no details without subscribers', () => {
    faultPoint('step.trained', () => {
      throw new Error('evaluated');
    });
  });

  test('is delivered before the process continues, with its name and its details', () => {
    const delivered: unknown[] = [];
    const listen = (message: unknown) => void delivered.push(message);
    subscribe(FAULT_POINT_CHANNEL, listen);
    onTestFinished(() => void unsubscribe(FAULT_POINT_CHANNEL, listen));
    faultPoint('drain.started');
    expect(delivered).toEqual([{ point: 'drain.started' }]);
    faultPoint('step.trained', () => ({ role: 'student', stage: 1, attempt: 2, step: 7 }));
    expect(delivered[1]).toEqual({ point: 'step.trained', role: 'student', stage: 1, attempt: 2, step: 7 });
  });
});

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, onTestFinished, test } from 'vitest';
import { POINT_CHANNEL, reach } from './points.js';

describe('a point', () => {
  test('asks nobody for details that nobody wants', () => {
    reach('step.trained', () => {
      throw new Error('asked');
    });
  });

  test('is heard before it is left, with its name and what is known there', () => {
    const heard: unknown[] = [];
    const listen = (message: unknown) => void heard.push(message);
    subscribe(POINT_CHANNEL, listen);
    onTestFinished(() => void unsubscribe(POINT_CHANNEL, listen));
    reach('drain.begun');
    expect(heard).toEqual([{ point: 'drain.begun' }]);
    reach('step.trained', () => ({ role: 'student', generation: 1, attempt: 2, step: 7 }));
    expect(heard[1]).toEqual({ point: 'step.trained', role: 'student', generation: 1, attempt: 2, step: 7 });
  });
});

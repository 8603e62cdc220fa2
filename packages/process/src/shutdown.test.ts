import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import { createLogger } from './logging.js';
import { exitOnEarlySignals, exitStatusOf, shutdownSignal, unlessShutDown } from './shutdown.js';

function fakeProcess(connected = false) {
  const lines: string[] = [];
  const exits: number[] = [];
  const own = Object.assign(new EventEmitter(), { connected, exit: (code: number) => void exits.push(code) });
  exitOnEarlySignals(own);
  const signal = shutdownSignal(
    createLogger({ level: 'info' }, 'test', { write: (line) => void lines.push(line) }),
    own,
  );
  return { own, signal, lines, exits };
}

describe('the shutdown signal', () => {
  test.each(['SIGTERM', 'SIGINT'])('aborts on %s, and logs it once', (name) => {
    const { own, signal, lines } = fakeProcess();
    expect(signal.aborted).toBe(false);
    own.emit(name);
    own.emit(name);
    expect(signal.aborted).toBe(true);
    expect(lines).toHaveLength(1);
  });

  test('aborts when the parent process has exited', () => {
    const { own, signal } = fakeProcess(true);
    own.emit('disconnect');
    expect(signal.aborted).toBe(true);
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['disconnect', 0],
  ])('gives %s the exit status %i, whatever comes after it', (event, status) => {
    const { own, signal } = fakeProcess(true);
    own.emit(event);
    own.emit('SIGTERM');
    expect(exitStatusOf(signal)).toBe(status);
  });

  test.each(['uncaughtException', 'unhandledRejection'])('exits on an %s, and logs it', (event) => {
    const { own, signal, lines, exits } = fakeProcess();
    own.emit(event, new Error('a defect'));
    expect(exits).toEqual([1]);
    expect(lines.join()).toContain('a defect');
    expect(signal.aborted).toBe(false);
  });
});

describe('a process that is asked to exit', () => {
  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ])('by %s while its program is loaded exits with status %i', (signal, status) => {
    const exits: number[] = [];
    const own = Object.assign(new EventEmitter(), { connected: false, exit: (code: number) => void exits.push(code) });
    exitOnEarlySignals(own);
    own.emit(signal);
    expect(exits).toEqual([status]);
  });

  test('ends in order once it listens for that itself', () => {
    const { own, signal, exits } = fakeProcess();
    own.emit('SIGTERM');
    expect([signal.aborted, exits]).toEqual([true, []]);
  });

  test('exits at once while it prepares, and not afterwards', async () => {
    const { own, signal, exits } = fakeProcess();
    const { promise: opened, resolve: open } = Promise.withResolvers<string>();
    const opening = unlessShutDown(signal, opened, own);
    own.emit('SIGTERM');
    expect(exits).toEqual([143]);
    open('store');
    expect(await opening).toBe('store');
    const later = fakeProcess();
    expect(await unlessShutDown(later.signal, opened, later.own)).toBe('store');
    later.own.emit('SIGTERM');
    expect(later.exits).toEqual([]);
  });
});

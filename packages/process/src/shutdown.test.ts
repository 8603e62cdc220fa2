import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import { createLogger } from './logging.js';
import { shutdownSignal } from './shutdown.js';

function fakeProcess(connected = false) {
  const lines: string[] = [];
  const exits: number[] = [];
  const own = Object.assign(new EventEmitter(), { connected, exit: (code: number) => void exits.push(code) });
  const signal = shutdownSignal(
    createLogger({ level: 'info' }, 'test', { write: (line) => void lines.push(line) }),
    own,
  );
  return { own, signal, lines, exits };
}

describe('the shutdown signal', () => {
  test.each(['SIGTERM', 'SIGINT'])('aborts on %s, and says so once', (name) => {
    const { own, signal, lines } = fakeProcess();
    expect(signal.aborted).toBe(false);
    own.emit(name);
    own.emit(name);
    expect(signal.aborted).toBe(true);
    expect(lines).toHaveLength(1);
  });

  test('aborts when the parent process is gone', () => {
    const { own, signal } = fakeProcess(true);
    own.emit('disconnect');
    expect(signal.aborted).toBe(true);
  });

  test.each(['uncaughtException', 'unhandledRejection'])('does not survive an %s, and logs it', (event) => {
    const { own, signal, lines, exits } = fakeProcess();
    own.emit(event, new Error('what nobody expected'));
    expect(exits).toEqual([1]);
    expect(lines.join()).toContain('what nobody expected');
    expect(signal.aborted).toBe(false);
  });
});

import { ChildProcess } from 'node:child_process';
import { TrikdError } from '@trikd/core/domain/errors';
import type { StartedService } from '@trikd/process/service-process';
import { virtualClock } from '@trikd/testing/clock/virtual-clock';
import { describe, expect, test } from 'vitest';
import { type SupervisedSetup, supervise } from './stack.js';

type Before = Parameters<SupervisedSetup['start']>[0];

/** Services that listen at once, or never, and end when they are told to. */
function rig({ starts = () => true }: { readonly starts?: (life: number) => boolean } = {}) {
  const clock = virtualClock();
  const lines: string[] = [];
  const befores: Before[] = [];
  const ends: ((how: string) => void)[] = [];
  const signals: string[] = [];
  const killed = new AbortController();
  const start = (before: Before): StartedService => {
    befores.push(before);
    const { promise: ended, resolve } = Promise.withResolvers<string>();
    ends.push(resolve);
    const child = Object.assign(new ChildProcess(), {
      kill: (signal: string) => {
        signals.push(signal);
        resolve(signal);
        return true;
      },
    });
    const kill = () => void child.kill('SIGKILL');
    const service = { name: 'teacher-trainer', address: 'here:1', ended, kill, terminate: () => undefined } as const;
    const ready = starts(befores.length)
      ? Promise.resolve(service)
      : Promise.reject(new TrikdError('unavailable', 'it ended (status 1)'));
    ready.catch(() => undefined);
    return { child, kill, ready };
  };
  const say = (line: string) => lines.push(line);
  const setup = { name: 'trio-1', start, say, killed: killed.signal, clock, random: () => 1 };
  return { clock, lines, befores, ends, signals, killed, setup };
}

describe('a supervised service', () => {
  test('that ends is started again at its address after a pause, with a line', async () => {
    const { setup, clock, lines, befores, ends } = rig();
    await supervise(setup);
    ends[0]?.('the teacher-trainer ended (SIGKILL)');
    await clock.advance(199);
    expect(befores).toEqual([undefined]);
    await clock.advance(1);
    expect(befores[1]).toMatchObject({ address: 'here:1' });
    expect(lines).toEqual(['trio-1: the teacher-trainer ended (SIGKILL); starting again in 0.2 s']);
  });

  test('that ends again and again is started after longer pauses, up to a bound', async () => {
    const { setup, clock, lines, ends } = rig({ starts: (life) => life === 1 });
    await supervise(setup);
    ends[0]?.('it ended');
    await clock.advance(50_000);
    const pauses = lines.map((line) => line.replace(/^.* in /, ''));
    expect(pauses).toEqual(['0.2 s', '0.4 s', '0.8 s', '1.6 s', '3.2 s', '6.4 s', '12.8 s', '15.0 s', '15.0 s']);
  });

  test('that lived long is started after the shortest pause', async () => {
    const { setup, clock, lines, ends } = rig();
    await supervise(setup);
    ends[0]?.('it ended');
    await clock.advance(200);
    await clock.advance(30_000);
    ends[1]?.('it ended');
    await clock.advance(200);
    expect(lines.map((line) => line.replace(/^.* in /, ''))).toEqual(['0.2 s', '0.2 s']);
  });

  test('that is asked to end is not started again, nor is one that pauses', async () => {
    const { setup, clock, befores, ends, signals, lines } = rig();
    const living = await supervise(setup);
    living.terminate();
    await living.ended;
    const pausing = rig();
    const { terminate, ended } = await supervise(pausing.setup);
    pausing.ends[0]?.('it ended');
    await pausing.clock.advance(100);
    terminate();
    await ended;
    await clock.advance(60_000);
    expect([befores.length, pausing.befores.length, signals, lines]).toEqual([1, 1, ['SIGTERM'], []]);
    expect(ends).toHaveLength(1);
  });

  test('is killed with the others, at its start too', async () => {
    const { setup, killed, signals } = rig();
    const starting = supervise(setup);
    killed.abort();
    const { ended } = await starting;
    await ended;
    expect(signals).toEqual(['SIGKILL']);
  });

  test('whose first life does not start is none', async () => {
    const { setup } = rig({ starts: () => false });
    await expect(supervise(setup)).rejects.toThrow('it ended (status 1)');
  });
});

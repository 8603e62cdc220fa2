import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { lastError, lastErrorIn, type ServiceSetup, startService } from './service-process.js';

describe('last error', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trikd-log-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };

  describe('lastError', () => {
    const stderr = file('stderr', 'noise\nlast words\n\n');

    test('is the last error of the log, with its cause, whatever was logged later and however the log ends', () => {
      const log = file(
        'log.jsonl',
        [
          '{"level":50,"msg":"a call failed","err":{"message":"first"}}',
          '{"level":60,"msg":"unhandled error","err":{"message":"out of memory"}}',
          '{"level":30,"msg":"shutting down"}',
          '{"level":60,"ms',
        ].join('\n'),
      );
      expect(lastError(log, stderr)).toBe('unhandled error: out of memory');
    });

    test('is the last line of standard error when the log has no error', () => {
      expect(lastError(file('calm.jsonl', '{"level":30,"msg":"listening"}\n'), stderr)).toBe('last words');
    });

    test('is nothing that TensorFlow says when all is well', () => {
      const chatter = 'I0000 00:00:1795487486.337103    2336 port.cc:153] oneDNN custom operations are on.\n';
      expect(lastError(join(folder, 'absent'), file('chatter', `Aborted\n${chatter}`))).toBe('Aborted');
    });

    test('is undefined when there is nothing', () => {
      expect(lastError(join(folder, 'absent'), join(folder, 'absent too'))).toBeUndefined();
    });
  });

  describe('lastErrorIn', () => {
    const chatter = 'I0000 00:00:1795487486.337103    2336 port.cc:153] oneDNN custom operations are on.';

    test.each([
      ['the last error of the log', ['{"level":60,"msg":"no store"}', '{"level":30,"msg":"bye"}', chatter], 'no store'],
      ['the last other line when the log has no error', ['Killed', '{"level":30,"msg":"bye"}', chatter], 'Killed'],
      ['undefined when there is nothing else', ['{"level":30,"msg":"bye"}', chatter, ''], undefined],
    ])('is %s', (_, lines, expected) => {
      expect(lastErrorIn(lines.join('\n'))).toBe(expected);
    });
  });
});

describe('service process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trikd-service-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  function service(name: string, text: string, more: Pick<ServiceSetup, 'later'> = {}) {
    const entry = join(folder, `${name}.mjs`);
    writeFileSync(entry, text);
    return startService('anchor-server', {
      entry,
      logs: join(folder, name),
      settings: { 'store.path': '/a: b' },
      ...more,
    });
  }

  describe('startService', () => {
    test('passes the settings to the service, learns its address, and ends it in order', async () => {
      const { ready } = service(
        'good',
        `process.on('SIGTERM', () => process.exit(143));
       process.send({ type: 'listening', address: JSON.parse(process.env.TRIKD_STORE__PATH) });
       setInterval(() => undefined, 1000);`,
      );
      const running = await ready;
      expect(running.address).toBe('/a: b');
      running.terminate();
      expect(await running.ended).toBe('the anchor-server ended (in order, by SIGTERM)');
    });

    test('sends settings that are known later to the service, which was started before', async () => {
      const known = Promise.withResolvers<Readonly<Record<string, unknown>>>();
      const { child, ready } = service(
        'later',
        `process.once('message', ({ env }) => {
         process.send({ type: 'listening', address: process.argv.at(-1) + ' ' + env.TRIKD_ANCHOR });
         process.disconnect();
       });
       process.send({ type: 'started' });`,
        { later: known.promise },
      );
      await once(child, 'message');
      known.resolve({ anchor: '127.0.0.1:1' });
      const running = await ready;
      expect(running.address).toBe('--settings-follow "127.0.0.1:1"');
      expect(await running.ended).toBe('the anchor-server ended (status 0)');
    });

    test('ends a service that does not want to', async () => {
      const { ready } = service(
        'stubborn',
        `process.on('SIGTERM', () => undefined);
       process.send({ type: 'listening', address: 'here' });
       setInterval(() => undefined, 1000);`,
      );
      const running = await ready;
      running.terminate();
      running.kill();
      expect(await running.ended).toBe('the anchor-server ended (SIGKILL)');
    });

    test('says what a service died of before it listened', async () => {
      const { ready } = service('bad', `console.error('configuration is invalid'); process.exit(1);`);
      await expect(ready).rejects.toMatchObject({
        kind: 'unavailable',
        message: 'the anchor-server ended (status 1): configuration is invalid',
      });
    });
  });
});

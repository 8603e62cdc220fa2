import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writtenSpec } from '@trikd/testing/specs/spec-for';
import { expect, test } from 'vitest';
import { reference, resultOf } from './outcome.js';
import { expectNoProcess } from './processes.js';
import { MAIN, run, scratch, specFile, trikd } from './trikd.js';

const tiny = writtenSpec('two stages');

const credentials = (folder: string, owner: string) => {
  const own = join(folder, owner);
  return ['--ca', join(own, 'ca.crt'), '--cert', join(own, 'tls.crt'), '--key', join(own, 'tls.key')];
};

test('a run whose services speak TLS has the digests of one process', async () => {
  const folder = scratch();
  const certs = join(folder, 'certs');
  expect(await trikd(['certs', 'init', certs]).ended).toMatchObject({ status: 0, stderr: '' });
  const ended = await run(folder, tiny, '--tls', certs);
  expect(ended).toMatchObject({ status: 0, stderr: '' });
  expect(resultOf(ended).stages).toEqual(await reference(tiny));
});

test('a stack with certificates answers the person who has one, and nobody else', async () => {
  const folder = scratch();
  const certs = join(folder, 'certs');
  expect(await trikd(['certs', 'init', certs, '--user', 'ada']).ended).toMatchObject({ status: 0 });
  const stack = trikd([
    'up',
    '--store',
    join(folder, 'stack'),
    '--listen',
    '127.0.0.1:0',
    '-o',
    'json',
    '--tls',
    certs,
  ]);
  const { orchestrators, trios } = await stack.said(({ event }) => event === 'listening');
  const [server = ''] = orchestrators as string[];
  const ada = credentials(certs, 'users/ada');

  const created = await trikd(['run', specFile(folder, tiny), '--server', server, ...ada]).ended;
  expect(created).toMatchObject({ status: 0 });
  const ask = (...args: string[]) => trikd(['runs', 'list', '-o', 'json', '--timeout', '5', ...args]).ended;
  expect(await ask('--server', server, ...ada)).toMatchObject({ status: 0, stderr: '' });

  const stranger = await ask('--server', server, '--ca', join(certs, 'ca.crt'));
  expect(stranger).toMatchObject({ status: 3, stderr: expect.stringMatching(/ListRuns requires a person/) });
  const teacher = await ask('--server', server, ...credentials(certs, 'teacher-trainer'));
  expect(teacher).toMatchObject({ status: 3, stderr: expect.stringMatching(/this caller is the teacher-trainer/) });
  const [trio] = trios as { teacher: string }[];
  const astray = await ask('--server', trio!.teacher, ...ada);
  expect(astray).toMatchObject({ status: 4, stderr: expect.stringMatching(/is no orchestrator/) });

  stack.kill('SIGINT');
  expect(await stack.ended).toMatchObject({ status: 0 });
  await expectNoProcess(folder);
});

test('other commands do not load the library that makes certificates', async () => {
  const hooks = `import { registerHooks } from 'node:module';
    registerHooks({ load: (url, context, next) => {
      if (url.includes('@peculiar')) process.stderr.write('loaded ' + url);
      return next(url, context);
    } });`;
  const watching = ['--import', `data:text/javascript,${encodeURIComponent(hooks)}`, MAIN];
  const trikdWatched = (...args: string[]) => promisify(execFile)(process.execPath, [...watching, ...args]);
  expect((await trikdWatched('runs', '--help')).stderr).toBe('');
  expect((await trikdWatched('certs', 'init', join(scratch(), 'certs'))).stderr).toMatch(/^loaded /);
});

import { Server, ServerCredentials } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runProgram } from '../../services/cli/src/program.js';
import { printedBy } from './printed.js';

const server = new Server();
let address: string;
beforeAll(async () => {
  new HealthImplementation({ '': 'SERVING', readiness: 'NOT_SERVING' }).addToServer(server);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  address = `127.0.0.1:${port}`;
});
afterAll(() => server.forceShutdown());

const health = (...args: readonly string[]) => printedBy((shell) => runProgram(['health', ...args], shell));

test('trikd health ends with 0 for a service that serves, and with 1 for one that does not', async () => {
  expect(await health(address)).toEqual({ status: 0, stdout: 'serving\n', stderr: '' });
  expect(await health(address, '--service', 'readiness')).toMatchObject({ status: 1, stdout: 'not serving\n' });
});

test('trikd health ends with 3 for a name that the service does not know, and with 4 without an answer', async () => {
  expect(await health(address, '--service', 'unheard')).toMatchObject({ status: 3, stdout: '' });
  expect(await health('127.0.0.1:1', '--timeout', '0.5')).toMatchObject({ status: 4, stdout: '' });
});

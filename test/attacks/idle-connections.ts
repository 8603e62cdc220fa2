import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { type Attack, answered, newTally } from './attack.ts';

const CONNECTIONS = 1000;
const RETRY_MS = 1000;

/** Holds 1,000 connections without a call, half of them silent TCP, and opens those again that are closed. */
export const idleConnections: Attack = async ({ orchestrator }, signal) => {
  const tally = newTally();
  const [host, port] = orchestrator.split(':');
  const hold = async (index: number) => {
    while (!signal.aborted) {
      tally.attempts += 1;
      const held =
        index % 2 === 0 ? connect({ host, port: Number(port) }).resume() : connectHttp2(`http://${orchestrator}`);
      held.on('error', () => undefined);
      await once(held, 'close', { signal }).then(
        () => answered(tally, 'the connection was closed'),
        () => held.destroy(),
      );
      await pause(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, (_, index) => hold(index)));
  return tally;
};

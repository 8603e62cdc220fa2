import { Agent, get } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { type Attack, answered, newTally } from './attack.ts';

const STREAMS = 400;
const RETRY_MS = 1000;

/** Wants 400 histories of the run as server-sent events, and asks again for each that ends or is refused. */
export const eventStreams: Attack = async ({ dashboard, runId }, signal) => {
  const tally = newTally();
  const agent = new Agent({ keepAlive: false });
  const stream = () =>
    new Promise<void>((resolve) => {
      tally.attempts += 1;
      const asked = get(`${dashboard}/api/runs/${runId}/events?from=1`, { agent, signal }, (response) => {
        let text = '';
        if (response.statusCode === 200) answered(tally, 'a stream of events');
        response.on('data', (part) => {
          if (response.statusCode !== 200) text += part;
        });
        response.on('end', () => {
          if (text !== '') answered(tally, `${response.statusCode} ${JSON.parse(text).error.message}`);
        });
        response.on('error', () => undefined).on('close', resolve);
      });
      asked.on('error', (error) => {
        if (!signal.aborted) answered(tally, error.message);
        resolve();
      });
    });
  const insist = async () => {
    while (!signal.aborted) {
      await stream();
      await pause(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: STREAMS }, insist));
  agent.destroy();
  return tally;
};

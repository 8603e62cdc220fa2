// A process that follows a run many times over. It yields to all other processes: real watchers have machines of their own.
import { setPriority } from 'node:os';
import { type ClientReadableStream, credentials } from '@grpc/grpc-js';
import { RunServiceClient, WatchRunRequest } from '@trikd/protocol/gen/node/trikd/v1/run';
import { answerLines } from './line-process.ts';

/** Streams of one connection; a server takes 64. */
const STREAMS = 50;

setPriority(19);
let clients: RunServiceClient[] = [];
let calls: ClientReadableStream<Buffer>[] = [];
let messages = 0;

/** Resolves when each of so many watchers has heard how things stand. */
async function open(address: string, runId: string, count: number): Promise<void> {
  const request = { runId, fromEvent: 0, pastOnly: false };
  const encode = (value: WatchRunRequest) => Buffer.from(WatchRunRequest.encode(value).finish());
  const heard: Promise<void>[] = [];
  for (let i = 0; i < count; i++) {
    if (i % STREAMS === 0) {
      const options = { 'grpc.use_local_subchannel_pool': 1 };
      clients.push(new RunServiceClient(address, credentials.createInsecure(), options));
    }
    const path = '/trikd.v1.RunService/WatchRun';
    const call = clients.at(-1)!.makeServerStreamRequest(path, encode, (bytes) => bytes, request);
    call.on('error', () => undefined);
    heard.push(new Promise((resolve) => call.once('data', () => resolve())));
    call.on('data', () => {
      messages += 1;
    });
    calls.push(call);
  }
  await Promise.all(heard);
}

function close(): void {
  for (const call of calls) call.cancel();
  for (const client of clients) client.close();
  calls = [];
  clients = [];
}

await answerLines(async ([word, address = '', runId = '', count]) => {
  const counted = messages;
  if (word === 'open') await open(address, runId, Number(count));
  else close();
  messages = 0;
  return { messages: counted };
});

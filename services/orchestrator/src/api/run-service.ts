import { RunServiceService, WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';

const encoded = new WeakMap<WatchRunResponse, Buffer>();

/** RunService, but that an event is encoded once, however many follow it: everybody gets the same message. */
export const RUN_SERVICE = {
  ...RunServiceService,
  watchRun: {
    ...RunServiceService.watchRun,
    responseSerialize(message: WatchRunResponse): Buffer {
      const known = encoded.get(message) ?? encode(message);
      encoded.set(message, known);
      return known;
    },
  },
} as const satisfies typeof RunServiceService;

/** Without the copy of the generated code, which lies in a pool of 64 KiB that lives as long as any part of it does. */
function encode(message: WatchRunResponse): Buffer {
  const { buffer, byteOffset, byteLength } = WatchRunResponse.encode(message).finish();
  return Buffer.from(buffer, byteOffset, byteLength);
}

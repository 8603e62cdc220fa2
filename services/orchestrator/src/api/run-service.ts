import { RunServiceService, WatchRunResponse } from '@trikd/protocol/gen/node/trikd/v1/run';

const encoded = new WeakMap<WatchRunResponse, Buffer>();

/** RunService, except that an event is encoded once, however many followers get it: all get the same message. */
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

/** A copy of its own: the generated code's lies in a pool of 64 KiB, which lives as long as any part of it is referenced. */
function encode(message: WatchRunResponse): Buffer {
  const { buffer, byteOffset, byteLength } = WatchRunResponse.encode(message).finish();
  return Buffer.from(buffer, byteOffset, byteLength);
}

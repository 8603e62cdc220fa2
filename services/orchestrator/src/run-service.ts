import { RunServiceService, type WatchRunResponse } from '@trikd/platform/gen/trikd/v1/run';

const encoded = new WeakMap<WatchRunResponse, Buffer>();

/** RunService, but that an event is encoded once, however many follow it: everybody gets the same message. */
export const RUN_SERVICE = {
  ...RunServiceService,
  watchRun: {
    ...RunServiceService.watchRun,
    responseSerialize(message: WatchRunResponse): Buffer {
      const known = encoded.get(message) ?? unpooled(RunServiceService.watchRun.responseSerialize(message));
      encoded.set(message, known);
      return known;
    },
  },
} as const satisfies typeof RunServiceService;

/** A copy with memory of its own. Small buffers are parts of a pool of 64 KiB, all of which lives as long as any of them does. */
function unpooled(bytes: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length);
  own.set(bytes);
  return own;
}

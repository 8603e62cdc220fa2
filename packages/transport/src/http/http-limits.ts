import { ServiceSeconds as Seconds } from '@trikd/core/spec/fields';
import { z } from 'zod';

/**
 * The limits of the HTTP server. A caller is a bearer token, or the IP address of a client without one: behind a proxy that passes no
 * tokens, all people are one caller.
 */
export const HttpLimits = z.strictObject({
  connections: z.int().positive().default(512).describe('open connections, at most'),
  connectionsPerAddress: z
    .int()
    .positive()
    .default(256)
    .describe('maximum open connections from one IP address; when it is reached, the longest-idle one is closed'),
  firstCallSeconds: Seconds.default(10).describe(
    'for a new connection to make its first request, and for the header of each',
  ),
  streams: z.int().positive().default(100).describe('open event streams and downloads, at most'),
  streamsPerCaller: z
    .int()
    .positive()
    .default(32)
    .describe('open event streams of one caller, and downloads of one caller, at most'),
  callsPerCaller: z
    .int()
    .positive()
    .default(64)
    .describe('requests of one kind by one caller that wait for their response, at most'),
  callsPerSecond: z.number().positive().default(50).describe('requests of one kind by one caller, on average'),
  burst: z.int().positive().default(200).describe('requests of one kind that a caller may make at once'),
  history: z
    .int()
    .positive()
    .default(512)
    .describe(
      'events of the past that an event stream starts with, at least, unless the request names its first event',
    ),
});
export type HttpLimits = z.infer<typeof HttpLimits>;

export const DEFAULT_HTTP_LIMITS: HttpLimits = HttpLimits.parse({});

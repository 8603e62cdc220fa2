import { ServiceSeconds as Seconds } from '@trikd/core/spec/fields';
import { z } from 'zod';

/**
 * The limits of a gRPC server. A caller is the identity that a client has proved, or its IP address when it has proved none.
 * Connections have limits of their own, because anybody who reaches the port can open them.
 */
export const ServerLimits = z.strictObject({
  connections: z.int().positive().default(1024).describe('open connections, at most'),
  connectionsPerAddress: z
    .int()
    .positive()
    .default(256)
    .describe('maximum open connections from one IP address; when it is reached, the longest-idle one is closed'),
  firstCallSeconds: Seconds.default(10).describe('for a new connection to make its first call'),
  idleSeconds: Seconds.default(300).describe('without a call, after which a connection is closed'),
  callsPerConnection: z.int().positive().default(256).describe('open calls of one connection, at most'),
  callsPerCaller: z
    .int()
    .positive()
    .default(64)
    .describe('calls of one method by one caller that wait for their response, at most, over all of its connections'),
  streamsPerCaller: z
    .int()
    .positive()
    .default(128)
    .describe('open response streams of one caller, at most, over all of its connections'),
  callsPerSecond: z.number().positive().default(50).describe('calls of one method by one caller, on average'),
  burst: z.int().positive().default(200).describe('calls of one method that a caller may make at once'),
  refusalsPerConnection: z
    .int()
    .positive()
    .default(25)
    .describe(
      'refused calls of one connection, for a limit or invalid credentials, and a tenth more for each second; then it is closed',
    ),
  requestBytes: z
    .int()
    .min(1024)
    .max(64 * 1024 * 1024)
    .default(1024 * 1024)
    .describe('largest request; only responses are large'),
});
export type ServerLimits = z.infer<typeof ServerLimits>;

export const DEFAULT_LIMITS: ServerLimits = ServerLimits.parse({});

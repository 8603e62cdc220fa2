import type { EndpointAccess } from '@trikd/core/spec/access';
import { DatasetName } from '@trikd/core/spec/data-spec';
import { Address, isLoopback } from '@trikd/process/address';
import { z } from 'zod';

const File = z.string().min(1);

/** A server of the Open Inference Protocol. */
export const EndpointConfig = z.strictObject({
  address: Address.describe('host:port of the server'),
  tls: z
    .strictObject({
      ca: File.optional().describe(
        'PEM file: authorities that sign its certificate; default: those that Node.js trusts',
      ),
      cert: File.optional().describe('PEM file: certificate of this service, where the server asks for one'),
      key: File.optional().describe('PEM file: private key of the certificate'),
      name: z.string().min(1).optional().describe('name in its certificate; default: the host of the address'),
    })
    .refine(
      ({ ca, cert, key }) => (cert === undefined) === (key === undefined) && (cert === undefined || ca !== undefined),
      'expected ca alone, or together with cert and key',
    )
    .optional()
    .describe('TLS, such as `{}`; default: plain text'),
  token: File.optional().describe(
    'file with a bearer token that is sent with each call, over TLS or within this machine',
  ),
});
export type EndpointConfig = z.infer<typeof EndpointConfig>;

/** Settings of a service that asks models of other servers, or refuses runs that name others than it knows. */
export const endpointSettings = {
  endpoints: z
    .record(DatasetName, EndpointConfig)
    .default({})
    .describe(
      'servers of the Open Inference Protocol that a run may name, such as `{ triton: { address: triton:8001 } }`; default: none',
    ),
  endpointAddresses: z
    .enum(['allowed', 'refused'])
    .optional()
    .describe(
      'whether the spec of a run may name a server by its address; default: allowed where no endpoint is registered and the service listens within this machine, in plain text',
    ),
};

/** The settings that decide which endpoints a service asks. */
interface EndpointsConfig {
  readonly listen: string;
  readonly tls?: unknown;
  readonly endpoints: Readonly<Record<string, EndpointConfig>>;
  readonly endpointAddresses?: 'allowed' | 'refused' | undefined;
}

/** Which endpoints a service asks. Where others can connect, an address would let them look around in its network. */
export function endpointAccessOf({ listen, tls, endpoints, endpointAddresses }: EndpointsConfig): EndpointAccess {
  const names = Object.keys(endpoints);
  const alone = names.length === 0 && tls === undefined && isLoopback(listen);
  return { names, addresses: endpointAddresses === undefined ? alone : endpointAddresses === 'allowed' };
}

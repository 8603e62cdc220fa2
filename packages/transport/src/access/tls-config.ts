import { MAX_SERVICE_SECONDS } from '@trikd/core/spec/fields';
import { Address } from '@trikd/process/address';
import { z } from 'zod';

/** The shortest age at which a connection is replaced, in seconds. */
const MIN_CONNECTION_AGE = 1;

const TlsConfig = z.strictObject({
  cert: z.string().min(1).describe('PEM file: certificate of this service, then intermediate ones'),
  key: z.string().min(1).describe('PEM file: private key of the certificate'),
  ca: z.string().min(1).describe('PEM file: authorities that sign the certificates of clients and of other services'),
  trustDomain: z
    .string()
    .regex(/^[a-z0-9._-]+$/, 'expected a name such as trikd or ml.example.org')
    .default('trikd')
    .describe('of the URIs in certificates: spiffe://TRUST_DOMAIN/ns/NAMESPACE/sa/SERVICE'),
  connectionAge: z
    .number()
    .min(MIN_CONNECTION_AGE)
    .max(MAX_SERVICE_SECONDS)
    .default(1800)
    .describe(
      'seconds after which clients connect anew and show their certificate again; open streams get as long again',
    ),
});
export type TlsConfig = z.infer<typeof TlsConfig>;

/** Settings of a process that listens and connects. */
export const securitySettings = {
  tls: TlsConfig.optional().describe('certificates of both ends of every connection; default: plain text'),
  plaintext: z
    .enum(['loopback', 'anywhere'])
    .default('loopback')
    .describe('where plain text is allowed: within this machine, or anywhere, where everybody may do everything'),
  health: z
    .strictObject({
      listen: Address.optional().describe(
        'address of a second server in plain text that answers health checks alone, for probes; default: none',
      ),
    })
    .prefault({}),
};

export interface SecurityConfig {
  readonly tls?: TlsConfig | undefined;
  readonly plaintext: 'loopback' | 'anywhere';
}

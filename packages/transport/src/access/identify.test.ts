import { X509Certificate } from 'node:crypto';
import { Metadata } from '@grpc/grpc-js';
import { certificateOf, newAuthority } from '@trikd/testing/servers/certificates';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Caller } from './caller.js';
import { identifyBy } from './identify.js';

const ada: Caller = { kind: 'user', subject: 'ada', teams: [], verbs: ['view'] };
const tokens = {
  async verify(token: string): Promise<Caller> {
    if (token !== 'good') throw new Error('not this one');
    return ada;
  },
};
let orchestrator: Buffer;
beforeAll(async () => {
  const { cert } = await certificateOf(await newAuthority(), 'orchestrator');
  orchestrator = new X509Certificate(cert).raw;
});

function withHeaders(...headers: string[]): Metadata {
  const metadata = new Metadata();
  for (const header of headers) metadata.add('authorization', header);
  return metadata;
}

describe('identifyBy', () => {
  test('takes everybody for anonymous where nothing is configured', () => {
    expect(identifyBy({})(undefined, withHeaders('Bearer good'))).toEqual({ kind: 'anonymous' });
  });

  test('recognises a service by its certificate, and nobody without one', () => {
    const identify = identifyBy({ trustDomain: 'trikd', tokens });
    expect(identify(orchestrator, new Metadata())).toMatchObject({ kind: 'service', role: 'orchestrator' });
    expect(identify(undefined, new Metadata())).toBeUndefined();
    expect(identifyBy({ tokens })(undefined, new Metadata())).toBeUndefined();
  });

  test('takes a service that forwards a token for the person, with no more rights', async () => {
    const identify = identifyBy({ trustDomain: 'trikd', tokens });
    expect(await identify(orchestrator, withHeaders('Bearer good'))).toBe(ada);
    await expect(identify(orchestrator, withHeaders('Bearer bad'))).rejects.toThrow('not this one');
  });

  test('ignores tokens where nobody can verify them', () => {
    const identify = identifyBy({ trustDomain: 'trikd' });
    expect(identify(undefined, withHeaders('Bearer good'))).toBeUndefined();
  });

  test.each([[['Basic good']], [['Bearer good', 'Bearer good']], [['Bearer']], [['Bearer a b']]])(
    'refuses the authorization %j, whatever certificate comes with it',
    (headers) => {
      const identify = identifyBy({ trustDomain: 'trikd', tokens });
      expect(() => identify(orchestrator, withHeaders(...headers))).toThrow(
        expect.objectContaining({ kind: 'unauthenticated' }),
      );
    },
  );
});

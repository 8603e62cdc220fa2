import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type handleUnaryCall, type Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { InferenceRequest } from '@trikd/core/remote/ask-model';
import {
  GRPCInferenceServiceService,
  type ModelInferRequest,
  type ModelInferResponse,
} from '@trikd/protocol/gen/node/inference/inference';
import { certificateOf, newAuthority, writeTls } from '@trikd/testing/servers/certificates';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { EndpointConfig } from './endpoint-settings.js';
import { openEndpointWith, openInferenceServer } from './inference-server.js';

describe('inference server', () => {
  type Answer = Partial<ModelInferResponse> | { readonly code: status; readonly details: string } | 'silence';

  const folder = mkdtempSync(join(tmpdir(), 'trikd-endpoint-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const options = { seconds: 20, signal: new AbortController().signal };
  const request: InferenceRequest = {
    ...{ model: { model: 'm' }, input: 'images', datatype: 'UINT8', shape: [1, 2], output: 'logits' },
    raw: Uint8Array.of(9, 1, 2).subarray(1),
  };

  const EMPTY: ModelInferResponse = {
    ...{ modelName: 'm', modelVersion: '1', id: '', parameters: {}, outputs: [], rawOutputContents: [] },
  };

  /** A server that answers as it is told. */
  async function serve(answer: Answer, credentials = ServerCredentials.createInsecure()) {
    const heard: { readonly request: ModelInferRequest; readonly metadata: Metadata }[] = [];
    const infer: handleUnaryCall<ModelInferRequest, ModelInferResponse> = (call, callback) => {
      heard.push(call);
      if (answer === 'silence') return;
      if ('code' in answer) callback(answer);
      else callback(null, { ...EMPTY, ...answer });
    };
    const server = new Server();
    server.addService(GRPCInferenceServiceService, { modelInfer: infer });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
    });
    onTestFinished(() => server.forceShutdown());
    return { address: `127.0.0.1:${port}`, heard };
  }

  function open(config: EndpointConfig, answerBytes = 1000) {
    const server = openInferenceServer(config, answerBytes);
    onTestFinished(() => server.close());
    return server;
  }

  test('images are sent as bytes, and the bytes of an answer come with its tensors', async () => {
    const logits = { name: 'logits', datatype: 'FP32', shape: [1, 1], parameters: {}, contents: undefined };
    const { address, heard } = await serve({ outputs: [logits], rawOutputContents: [Buffer.of(1, 2, 3, 4)] });
    const [tensor] = await open({ address }).infer(request, options);
    expect(tensor).toEqual({ name: 'logits', datatype: 'FP32', shape: [1, 1], raw: Buffer.of(1, 2, 3, 4) });
    expect(heard[0]?.request).toMatchObject({
      modelName: 'm',
      modelVersion: '',
      inputs: [{ name: 'images', datatype: 'UINT8', shape: [1, 2] }],
      outputs: [{ name: 'logits' }],
      rawInputContents: [Buffer.of(1, 2)],
    });
  });

  describe('a failure says whether it may pass:', () => {
    test.each([
      [status.UNAVAILABLE, 'unavailable'],
      [status.RESOURCE_EXHAUSTED, 'exhausted'],
      [status.NOT_FOUND, 'not-found'],
      [status.PERMISSION_DENIED, 'invalid'],
      [status.INTERNAL, 'wrong-state'],
    ])('status %s is %s', async (code, kind) => {
      const { address } = await serve({ code, details: 'because' });
      await expect(open({ address }).infer(request, options)).rejects.toMatchObject({
        kind,
        message: `because (${status[code]})`,
      });
    });

    test('no server', async () => {
      await expect(open({ address: '127.0.0.1:1' }).infer(request, options)).rejects.toMatchObject({
        kind: 'unavailable',
      });
    });

    test('no answer in time', async () => {
      const { address } = await serve('silence');
      await expect(open({ address }).infer(request, { ...options, seconds: 0.1 })).rejects.toMatchObject({
        kind: 'unavailable',
        message: 'no answer for 0.1 s (DEADLINE_EXCEEDED)',
      });
    });

    test('a service of another protocol', async () => {
      const { address } = await serve('silence');
      await expect(open({ address }).metadata({ model: 'm' }, options)).rejects.toMatchObject({
        kind: 'invalid',
        message: expect.stringContaining('it does not speak the Open Inference Protocol'),
      });
    });

    test('an answer that is larger than logits can be is not received', async () => {
      const { address } = await serve({ rawOutputContents: [Buffer.alloc(2_000_000)] });
      await expect(open({ address }).infer(request, options)).rejects.toMatchObject({
        kind: 'wrong-state',
        message: expect.stringContaining('its answer is too large'),
      });
    });
  });

  describe('over TLS', () => {
    let credentials: ServerCredentials;
    let ca: string;
    beforeAll(async () => {
      const authority = await newAuthority();
      const pair = await certificateOf(authority, 'anchor-server');
      ca = writeTls(folder, authority.cert, pair).ca;
      const [cert, key] = [Buffer.from(pair.cert), Buffer.from(pair.key)];
      credentials = ServerCredentials.createSsl(null, [{ cert_chain: cert, private_key: key }]);
    });

    test('each call has the token as the file has it then', async () => {
      const { address, heard } = await serve({}, credentials);
      const token = join(folder, 'token');
      const server = open({ address, tls: { ca }, token });
      for (const text of ['first', 'second']) {
        writeFileSync(token, `${text}\n`);
        await server.infer(request, options);
      }
      expect(heard.map(({ metadata }) => metadata.get('authorization'))).toEqual([['Bearer first'], ['Bearer second']]);
      writeFileSync(token, 'two words');
      await expect(server.infer(request, options)).rejects.toMatchObject({
        message: expect.stringContaining(`${token} has no token`),
      });
    });

    test('a server of another authority, or of another name, gets nothing', async () => {
      const { address, heard } = await serve({}, credentials);
      for (const tls of [{}, { ca, name: 'other' }]) {
        await expect(open({ address, tls }).infer(request, { ...options, seconds: 2 })).rejects.toMatchObject({
          kind: 'unavailable',
        });
      }
      expect(heard).toEqual([]);
    });

    test('a token is not sent in plain text to another machine', () => {
      expect(() => openInferenceServer({ address: 'there:1', token: 'file' }, 1)).toThrow('set tls');
    });
  });
});

describe('open endpoint', () => {
  const endpoints = { triton: { address: 'triton:8001' } };
  const open = (endpoint: string, addresses = true, plaintext: 'loopback' | 'anywhere' = 'loopback') =>
    openEndpointWith({ endpoints, plaintext }, { names: Object.keys(endpoints), addresses })(endpoint, 1).close();

  test('registered endpoints are asked, and addresses where the service allows them', () => {
    for (const endpoint of ['triton', '127.0.0.1:8001', 'https://models.example.org']) open(endpoint);
    open('triton', false);
    open('models:8001', true, 'anywhere');
  });

  test.each([
    ['other', true, 'endpoint other: this service has no endpoint other: name one of triton'],
    [
      '127.0.0.1:1',
      false,
      'endpoint 127.0.0.1:1: this service asks no address that a spec names: name an endpoint, one of triton',
    ],
    [
      'unix:/x',
      true,
      'endpoint unix:/x: expected host:port, https://host, or the name of an endpoint that the services have registered',
    ],
    [
      'models:8001',
      true,
      'images would be sent to models:8001 in plain text: take https://models:8001, or register it in endpoints of the anchor-server',
    ],
  ])('%s is not asked, and the error says why', (endpoint, addresses, message) => {
    expect(() => open(endpoint, addresses)).toThrow(message);
  });
});

import { readFile } from 'node:fs/promises';
import {
  type ChannelCredentials,
  type ChannelOptions,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { type ErrorKind, TrikdError } from '@trikd/core/domain/errors';
import type { CallOptions, InferenceRequest, InferenceServer, OpenEndpoint } from '@trikd/core/remote/ask-model';
import type { ModelMetadata } from '@trikd/core/remote/remote-form';
import { allowedEndpoint, type EndpointAccess } from '@trikd/core/spec/access';
import { isLoopback } from '@trikd/process/address';
import { GRPCInferenceServiceClient, type ModelInferRequest } from '@trikd/protocol/gen/node/inference/inference';
import { readTlsFiles } from '../access/certificates.js';
import type { SecurityConfig } from '../access/tls-config.js';
import { LONGEST_TOKEN } from '../access/tokens.js';
import type { UnaryMethod } from '../grpc/clients.js';
import { sendToken } from '../grpc/open-user-client.js';
import type { EndpointConfig } from './endpoint-settings.js';

/** Bytes of an answer besides its logits, and of the metadata of a model, at most. */
const MOST_OTHER_BYTES = 1024 * 1024;

/**
 * Options of a channel to a server that is not of this project. Many servers end a connection on which pings arrive that carry no data, so
 * there is no keepalive: each call has a deadline. What a name server says about the service is not believed.
 */
const FOREIGN: ChannelOptions = {
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2000,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_http_proxy': 0,
  // Calls are made again by who knows for how long.
  'grpc.enable_retries': 0,
};

/**
 * A client of a server of the Open Inference Protocol. It connects with the first call.
 * @param answerBytes bytes of the logits of one answer
 * @throws TrikdError 'invalid' for files of TLS that cannot be used, and for a token that would be sent in plain text
 */
export function openInferenceServer({ address, tls, token }: EndpointConfig, answerBytes: number): InferenceServer {
  if (token !== undefined && !tls && !isLoopback(address)) {
    throw new TrikdError('invalid', `the token for ${address} would be sent in plain text: set tls`);
  }
  const client = new GRPCInferenceServiceClient(address, credentialsOf(tls), {
    ...FOREIGN,
    'grpc.max_receive_message_length': answerBytes + MOST_OTHER_BYTES,
    ...(tls?.name !== undefined && { 'grpc.ssl_target_name_override': tls.name, 'grpc.default_authority': tls.name }),
    ...(token !== undefined && { interceptors: [sendToken(() => readToken(token))] }),
  });
  return {
    async metadata({ model, version = '' }, options): Promise<ModelMetadata> {
      const { inputs, outputs } = await call(client.modelMetadata.bind(client), { name: model, version }, options);
      return { inputs, outputs };
    },
    async infer(request, options) {
      const { outputs, rawOutputContents } = await call(client.modelInfer.bind(client), messageOf(request), options);
      return outputs.map(({ name, datatype, shape }, at) => ({ name, datatype, shape, raw: rawOutputContents[at] }));
    },
    close: () => client.close(),
  };
}

function messageOf({
  model: { model, version = '' },
  input,
  datatype,
  shape,
  raw,
  output,
}: InferenceRequest): ModelInferRequest {
  return {
    modelName: model,
    modelVersion: version,
    id: '',
    parameters: {},
    inputs: [{ name: input, datatype, shape: [...shape], parameters: {}, contents: undefined }],
    outputs: [{ name: output, parameters: {} }],
    rawInputContents: [Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength)],
  };
}

function credentialsOf(tls: EndpointConfig['tls']): ChannelCredentials {
  if (!tls) return credentials.createInsecure();
  const { ca, cert, key } = tls;
  if (ca === undefined) return credentials.createSsl();
  const files = readTlsFiles({ ca, cert, key });
  return credentials.createSsl(files.ca, files.key ?? null, files.cert ?? null);
}

function call<Request, Response>(
  method: UnaryMethod<Request, Response>,
  request: Request,
  { seconds, signal }: CallOptions,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const running = method(request, new Metadata(), { deadline: Date.now() + 1000 * seconds }, (error, response) => {
      signal.removeEventListener('abort', cancel);
      if (signal.aborted) reject(signal.reason);
      else if (error) reject(failureOf(error, seconds));
      else resolve(response);
    });
    const cancel = () => running.cancel();
    signal.addEventListener('abort', cancel, { once: true });
  });
}

/** What statuses of a server that is not ours mean. Others are mistakes that remain. */
const KINDS: Readonly<Partial<Record<status, ErrorKind>>> = {
  [status.UNAVAILABLE]: 'unavailable',
  [status.ABORTED]: 'unavailable',
  // A server that is shut down by force cancels its calls.
  [status.CANCELLED]: 'unavailable',
  [status.DEADLINE_EXCEEDED]: 'unavailable',
  [status.RESOURCE_EXHAUSTED]: 'exhausted',
  [status.NOT_FOUND]: 'not-found',
  [status.INVALID_ARGUMENT]: 'invalid',
  [status.UNIMPLEMENTED]: 'invalid',
  [status.UNAUTHENTICATED]: 'invalid',
  [status.PERMISSION_DENIED]: 'invalid',
};

/** Characters of a server's own words that a message quotes, at most. */
const LONGEST_QUOTE = 300;

function failureOf({ code, details }: ServiceError, seconds: number): TrikdError {
  const said = details.length > LONGEST_QUOTE ? `${details.slice(0, LONGEST_QUOTE)}...` : details;
  const text = `${said} (${status[code]})`;
  if (code === status.DEADLINE_EXCEEDED)
    return new TrikdError('unavailable', `no answer for ${seconds} s (${status[code]})`);
  // The limit of this client, and not one of the server that may pass.
  if (code === status.RESOURCE_EXHAUSTED && /^Received message larger than/.test(details)) {
    return new TrikdError('wrong-state', `its answer is too large: ${text}`);
  }
  if (code === status.UNIMPLEMENTED) {
    return new TrikdError('invalid', `it does not speak the Open Inference Protocol: ${text}`);
  }
  // A connection that breaks in the middle of a call.
  if (code === status.INTERNAL && /RST_STREAM/.test(details)) return new TrikdError('unavailable', text);
  return new TrikdError(KINDS[code] ?? 'wrong-state', text);
}

/** @throws TrikdError 'invalid' that has nothing of the token in it */
async function readToken(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const token = text.trim();
  if (/^\S+$/.test(token) && token.length <= LONGEST_TOKEN) return token;
  throw new TrikdError('invalid', `${file} has no token: expected one line without spaces`);
}

interface Endpoints extends Pick<SecurityConfig, 'plaintext'> {
  readonly endpoints: Readonly<Record<string, EndpointConfig>>;
}

/**
 * Opens clients of the endpoints that a service asks. What an operator has registered is called as the configuration says; an address in
 * a spec gets no token, and is called in plain text only where the service may speak plain text.
 */
export function openEndpointWith({ endpoints, plaintext }: Endpoints, access: EndpointAccess): OpenEndpoint {
  return (endpoint, answerBytes) => {
    const found = allowedEndpoint(endpoint, access);
    if (found.kind === 'registered') return openInferenceServer(endpoints[found.name]!, answerBytes);
    const { address, tls } = found;
    if (!tls && plaintext !== 'anywhere' && !isLoopback(address)) {
      const advice = `take https://${address}, or register it in endpoints of the anchor-server`;
      throw new TrikdError('invalid', `images would be sent to ${address} in plain text: ${advice}`);
    }
    return openInferenceServer({ address, ...(tls && { tls: {} }) }, answerBytes);
  };
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { goTool } from '@trikd/testing/servers/go-tool';

/** What grpcurl made of a call: the messages that came, and the status where it was not OK. */
export interface Answer {
  readonly messages: readonly Json[];
  /** gRPC code; 0: OK. */
  readonly code: number;
  /** The sentence of the status. */
  readonly message: string;
  /** google.rpc details by their name, such as `BadRequest`. */
  readonly details: Readonly<Record<string, Json>>;
}

export type Json = Readonly<Record<string, unknown>>;

/** Calls methods of a server whose protocol grpcurl learns by reflection, as a user would. */
export function grpcurl(address: string) {
  const program = goTool('grpcurl');
  const run = async (args: readonly string[], input = '') => {
    const child = spawn(program, ['-plaintext', '-max-time', '60', ...args], { stdio: 'pipe' });
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        said[stream] += text;
      });
    }
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const [status] = await once(child, 'close');
    return { ...said, status: Number(status) };
  };
  return {
    /** What grpcurl itself says: of `list`, `describe` and the like. */
    ask: async (...words: readonly string[]) => (await run([address, ...words])).stdout,
    /** @param data the request, as a value or as text that is sent as it is */
    call: async (method: string, data: unknown = {}): Promise<Answer> => {
      const text = typeof data === 'string' ? data : JSON.stringify(data);
      const args = ['-format-error', '-d', '@', address, `trikd.v1.RunService/${method}`];
      const { stdout, stderr, status } = await run(args, text);
      const messages = documentsIn(stdout);
      if (status === 0) return { messages, code: 0, message: '', details: {} };
      // A status of grpcurl below 64 is its own: it could not make sense of the request.
      if (status < 64) return { messages, code: -status, message: stderr, details: {} };
      const [failure] = documentsIn(stderr);
      const details = Array.isArray(failure?.['details']) ? failure['details'] : [];
      return { messages, code: status - 64, message: `${failure?.['message']}`, details: byName(details) };
    },
  };
}

function byName(details: readonly Json[]): Readonly<Record<string, Json>> {
  return Object.fromEntries(details.map((each) => [`${each['@type']}`.replace(/^.*google\.rpc\./, ''), each]));
}

/** JSON documents that follow one another, as grpcurl prints them: each begins and ends at the margin. */
function documentsIn(text: string): Json[] {
  return [...text.matchAll(/^\{(?:\}|\n[\s\S]*?\n\})$/gm)].map(([json]) => JSON.parse(json));
}

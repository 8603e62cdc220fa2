import { TrikdError } from '@trikd/core/domain/errors';
import { GetCallerResponse } from '@trikd/protocol/gen/node/trikd/v1/run';
import { unary } from '@trikd/transport/grpc/clients';
import { endpointFor, withServer } from '../../server/ask.js';
import { withErrorReport } from '../../server/error-report.js';
import { printable } from '../../terminal/printable.js';
import { print, type Shell, say } from '../../terminal/shell.js';
import { formatted } from '../../terminal/texts.js';
import type { LoginActions } from './command.js';
import { logIn } from './device-login.js';
import { loginsOf } from './logins.js';

/** The commands about who calls. They print their result and report the exit status. */
export function loginActions(shell: Shell, finish: (status: number) => void): LoginActions {
  return {
    login: (options) =>
      withErrorReport(shell, finish, {}, async () => {
        const login = await logIn(options, shell);
        const { server } = options;
        if (!login) return print(shell, `${server} accepts this call without a token: nothing to log in to`);
        print(shell, `logged in for ${server}${login.refresh === undefined ? lasting(login.expires) : ''}`);
      }),
    logout: (options) =>
      withErrorReport(shell, finish, {}, async () => {
        const { target } = endpointFor(options);
        const logins = loginsOf(shell.env);
        const login = logins.get(target);
        if (!login) return print(shell, `there is no login for ${options.server}`);
        await logins.alone(async () => logins.set(target, undefined));
        const { revoke } = await import('./provider.js');
        await revoke(login).catch((error: unknown) => {
          if (!(error instanceof TrikdError)) throw error;
          say(shell, `the login is removed here, and not ended at its provider: ${error.message}`);
        });
        print(shell, `logged out of ${options.server}`);
      }),
    whoami: ({ output, ...choice }) =>
      withErrorReport(shell, finish, {}, () =>
        withServer(choice, shell, async ({ client, how }) => {
          const caller = await unary(client.getCaller.bind(client), {}, how);
          const text =
            output === 'table' ? callerText(caller) : formatted(Object(GetCallerResponse.toJSON(caller)), output);
          print(shell, text);
        }),
      ),
  };
}

function lasting(expires: number): string {
  return ` until ${new Date(1000 * expires).toISOString()}; the provider gives no longer login`;
}

function callerText({ kind, subject, teams, verbs }: GetCallerResponse): string {
  const name = kind === 'anonymous' ? 'anonymous' : printable(subject);
  return [name, `teams: ${printable(teams.join(', ')) || 'none'}`, `verbs: ${verbs.join(', ') || 'none'}`].join('\n');
}

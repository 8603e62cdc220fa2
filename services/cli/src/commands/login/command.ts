import { Command, Option } from 'commander';
import { type Format, outputOption, serverOption, timeoutOption } from '../../options/options.js';
import type { ServerChoice } from '../../server/ask.js';
import type { LoginOptions } from './device-login.js';

/** The actions of the commands. */
export interface LoginActions {
  login(options: LoginOptions): Promise<void>;
  logout(options: ServerChoice): Promise<void>;
  whoami(options: ServerChoice & { readonly output: Format }): Promise<void>;
}

const LOGIN_EXAMPLE = `
Example:
  $ trikd login --server https://trikd.example
  $ trikd login --server https://trikd.example --issuer https://login.example --client-id trikd

The command prints an address and a code, which a browser on any machine takes; the OpenID provider and the client id are those that the
server names unless options do. The login is kept in trikd/logins.json in the folder for configuration, for you alone. It is sent to this
server and to no other, and renewed when its token expires.
Exit status: 0 done, 1 failed, 2 wrong command line, 3 rejected, 4 no answer.`;

const LOGOUT_EXAMPLE = `
Example:
  $ trikd logout --server https://trikd.example

Exit status: 0 done, 1 failed, 2 wrong command line.`;

const WHOAMI_EXAMPLE = `
Example:
  $ trikd whoami --server https://trikd.example

Exit status: 0 done, 1 failed, 2 wrong command line, 3 rejected, 4 no answer.`;

/** `trikd login`, `trikd logout` and `trikd whoami` */
export function loginCommands(actions: LoginActions): readonly Command[] {
  const command = (name: string, description: string, example: string) =>
    new Command(name)
      .description(description)
      .addOption(serverOption())
      .addOption(timeoutOption(10))
      .addHelpText('after', example)
      .exitOverride();
  return [
    command('login', 'Logs you in for a server, in a browser.', LOGIN_EXAMPLE)
      .addOption(new Option('--issuer <url>', 'OpenID provider').env('TRIKD_ISSUER'))
      .addOption(new Option('--client-id <id>', 'client id of trikd there').env('TRIKD_CLIENT_ID'))
      .action((options: LoginOptions) => actions.login(options)),
    command('logout', 'Ends the login for a server.', LOGOUT_EXAMPLE).action((options: ServerChoice) =>
      actions.logout(options),
    ),
    command('whoami', 'Shows as whom a server knows you, and what you may do there.', WHOAMI_EXAMPLE)
      .addOption(outputOption())
      .action((options: ServerChoice & { readonly output: Format }) => actions.whoami(options)),
  ];
}

import { isIP } from 'node:net';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { IssueOptions } from './make-certs.js';

export type InitOptions = IssueOptions & {
  readonly folder: string;
  readonly trustDomain: string;
  /** Renews the certificates if the folder has an authority. */
  readonly renew: boolean;
};
export type RenewOptions = IssueOptions & { readonly folder: string };

/** The actions of the commands. */
export interface CertsActions {
  init(options: InitOptions): Promise<void>;
  issue(options: RenewOptions): Promise<void>;
}

const DEFAULT_DAYS = 365;
/** Certificates must not outlive their authority. */
const MOST_DAYS = 3650;

const INIT_EXAMPLE = `
Example:
  $ trikd certs init certs --user ada
  $ trikd certs init certs --host gpu-1.example.org --host 10.0.0.7 --user ada

Makes a certificate authority for development and, in one folder each, certificates for the four services and for people. Keys are ECDSA
P-256; files are for your user only. Copy only the folder of its service to another machine: with ca.key, one can be anybody. With --renew the
command can be repeated, as at each start of a container. Certificates of --other names are for servers of TLS alone: they are no caller
of a service.
Exit status: 0 done, 1 failed, 2 wrong command line, 3 the folder has an authority.`;

const ISSUE_EXAMPLE = `
Example:
  $ trikd certs issue certs
  $ trikd certs issue certs --user grace --days 30

Without --user the four services get new certificates, for the same machines. Services that run take them within seconds, without a restart.
Exit status: 0 done, 1 failed, 2 wrong command line.`;

interface Raw {
  readonly host: readonly string[];
  readonly user: readonly string[];
  readonly days: number;
  readonly trustDomain: string;
  readonly renew: boolean;
  readonly other: readonly string[];
}

/** `trikd certs` */
export function certsCommand(actions: CertsActions): Command {
  const certs = new Command('certs')
    .description('Certificates for TLS between services, and for people.')
    .addHelpText('after', '\nExample:\n  $ trikd certs init certs --user ada')
    .exitOverride();
  const command = (name: string, description: string, example: string) =>
    certs
      .command(name)
      .description(description)
      .argument('<dir>', 'folder of the certificates')
      .addOption(repeated('--host <name>', 'name or IP address of a machine of the services', host))
      .addOption(repeated('--user <name>', 'person that gets a certificate', user))
      .option('--days <n>', 'days for which certificates are valid', days, DEFAULT_DAYS)
      .addHelpText('after', example)
      .exitOverride();
  const optionsOf = (folder: string, raw: Pick<Raw, 'host' | 'user' | 'days'>) => ({
    folder,
    hosts: raw.host,
    users: raw.user,
    days: raw.days,
  });
  command('init', 'Makes an authority for development, and certificates of all services.', INIT_EXAMPLE)
    .addOption(new Option('--trust-domain <name>', 'name of this installation').argParser(trustDomain).default('trikd'))
    .addOption(repeated('--other <host>', 'host name of another server that gets a certificate, such as a store', host))
    .option('--renew', 'renew the certificates if the folder has an authority', false)
    .action((folder: string, { trustDomain, renew, other: servers, ...raw }: Raw) =>
      actions.init({ ...optionsOf(folder, raw), trustDomain, renew, servers }),
    );
  command('issue', 'Renews the certificates of the services, or makes one for a person.', ISSUE_EXAMPLE).action(
    (folder: string, raw: Raw) => actions.issue(optionsOf(folder, raw)),
  );
  return certs;
}

function repeated(flags: string, meaning: string, read: (text: string) => string): Option {
  const collect = (text: string, before: readonly string[]) => [...before, read(text)];
  return new Option(flags, `${meaning}; repeatable`).argParser(collect).default([], 'none');
}

function host(text: string): string {
  if (isIP(text) !== 0 || /^(?!-)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/.test(text)) return text;
  throw new InvalidArgumentError('Expected a host name or an IP address, without a port.');
}

function user(text: string): string {
  if (/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,62}$/.test(text)) return text;
  throw new InvalidArgumentError('Expected at most 63 letters, digits, dots, dashes and underscores.');
}

function trustDomain(text: string): string {
  if (/^[a-z0-9._-]{1,63}$/.test(text)) return text;
  throw new InvalidArgumentError('Expected a name such as trikd or ml.example.org.');
}

function days(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= MOST_DAYS) return number;
  throw new InvalidArgumentError(`Expected a whole number from 1 to ${MOST_DAYS}.`);
}

import { join } from 'node:path';
import { DEFAULT_SERVER } from '../../options/options.js';
import { withErrorReport } from '../../server/error-report.js';
import { print, type Shell } from '../../terminal/shell.js';
import type { CertsActions } from './command.js';
import { type Issued, initCerts, issueCerts, renewCerts } from './make-certs.js';
import { credentialsFor } from './tls-settings.js';

export function certsActions(shell: Shell, finish: (status: number) => void): CertsActions {
  const report = (work: () => Promise<string>) =>
    withErrorReport(shell, finish, { offline: true }, async () => print(shell, await work()));
  return {
    init: ({ folder, renew, ...options }) =>
      report(async () => issuedText(folder, await (renew ? renewCerts : initCerts)(folder, options), true)),
    issue: ({ folder, ...options }) => report(async () => issuedText(folder, await issueCerts(folder, options), false)),
  };
}

/** What was written, and what to type next. @param isNew whether the authority is */
export function issuedText(folder: string, { services, users, notAfter }: Issued, isNew: boolean): string {
  const [user] = users;
  const facts: [string, string][] = [
    ['certificates', `${[...services, ...users.map((name) => join('users', name))].join(', ')} in ${folder}`],
    ['valid until', notAfter.toISOString().slice(0, 10)],
  ];
  if (isNew) facts.push(['authority', `${join(folder, 'ca.crt')}; keep ${join(folder, 'ca.key')} off other machines`]);
  if (isNew) facts.push(['next', `trikd up --tls ${folder}`]);
  if (user !== undefined) {
    const how = credentialsFor(folder, join('users', user));
    facts.push([isNew ? '' : 'next', `trikd runs list --server ${DEFAULT_SERVER} ${how}`]);
  } else if (isNew) facts.push(['', `trikd certs issue ${folder} --user NAME`]);
  return facts.map(([name, text]) => `${name.padEnd(12)} ${text}`).join('\n');
}

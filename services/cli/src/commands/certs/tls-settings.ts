import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { TrikdError } from '@trikd/core/domain/errors';
import type { ServiceName } from '@trikd/process/service-process';
import { trustDomainOf } from '@trikd/transport/access/caller';
import { readTlsFiles } from '@trikd/transport/access/certificates';

// A folder of certificates has one folder for each service and each person, with the names that Kubernetes and cert-manager give to the
// files of a Secret, so that the folder can be mounted as it is.

/** The three files of a service or a person. */
export interface CertificateFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** @param owner a service, or users/NAME */
export function certificateFiles(folder: string, owner: string): CertificateFiles {
  const own = join(folder, owner);
  return { ca: join(own, 'ca.crt'), cert: join(own, 'tls.crt'), key: join(own, 'tls.key') };
}

/** A person that has a certificate in the folder, as users/NAME. */
export function userIn(folder: string): string | undefined {
  const users = join(folder, 'users');
  const [first] = existsSync(users) ? readdirSync(users).sort() : [];
  return first === undefined ? undefined : join('users', first);
}

/** The options with which a command shows a certificate. */
export function credentialsFor(folder: string, owner: string): string {
  const { ca, cert, key } = certificateFiles(folder, owner);
  return `--ca ${ca} --cert ${cert} --key ${key}`;
}

/** As {@link tlsSettings}; none without a folder. */
export function tlsSettingsIn(folder: string | undefined, service: ServiceName): Readonly<Record<string, string>> {
  return folder === undefined ? {} : tlsSettings(folder, service);
}

/**
 * The settings with which a service uses its certificate in the folder that `trikd certs` has made.
 * @throws TrikdError 'invalid' if it has none that is usable
 */
export function tlsSettings(folder: string, service: ServiceName): Readonly<Record<string, string>> {
  const { ca, cert, key } = certificateFiles(folder, service);
  if (!existsSync(cert)) {
    throw new TrikdError(
      'invalid',
      `${folder} has no certificate of the ${service}: \`trikd certs init ${folder}\` makes it`,
    );
  }
  const { leaf } = readTlsFiles({ ca, cert, key });
  return { 'tls.ca': ca, 'tls.cert': cert, 'tls.key': key, 'tls.trustDomain': trustDomainOf(leaf!.raw) };
}

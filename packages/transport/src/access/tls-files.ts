import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { TrikdError } from '@trikd/core/domain/errors';
import { errorCode } from '@trikd/process/error-code';

/** The PEM files of one end of a connection. A client that proves itself with a token has no certificate. */
export interface TlsFiles {
  readonly ca: string;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** The contents of the files, which belong together. */
export interface TlsMaterial {
  readonly ca: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  /** The certificate of this end. */
  readonly leaf?: X509Certificate;
}

/**
 * Reads the files once, and checks that they belong together and are valid now.
 * @throws TrikdError 'invalid' with the file and the reason, and nothing of a key
 */
export function readTlsFiles(files: TlsFiles, now = Date.now()): TlsMaterial {
  const { ca, cert, key } = snapshotOf(files);
  const authorities = read(ca);
  certificatesIn(ca, authorities);
  if (cert === undefined || key === undefined) return { ca: authorities };
  const chain = read(cert);
  const [leaf] = certificatesIn(cert, chain);
  const pem = read(key);
  if (!leaf!.checkPrivateKey(privateKeyIn(key, pem))) throw unusable(key, `is not the private key of ${cert}`);
  if (leaf!.validFromDate.getTime() > now)
    throw unusable(cert, `is not valid before ${leaf!.validFromDate.toISOString()}`);
  if (leaf!.validToDate.getTime() < now) throw unusable(cert, `expired at ${leaf!.validToDate.toISOString()}`);
  return { ca: authorities, cert: chain, key: pem, leaf: leaf! };
}

/** The certificate at the head of a file. @throws TrikdError 'invalid' if it cannot be read */
export function leafOf(cert: string): X509Certificate {
  return certificatesIn(cert, read(cert))[0]!;
}

/** What changes when a file is replaced: a new text on each change. */
export function signatureOf(files: TlsFiles): string {
  const { ca, cert, key } = snapshotOf(files);
  return [ca, cert, key].map((file) => (file === undefined ? '' : stateOf(file))).join('\n');
}

/**
 * Kubernetes replaces the files of a volume together, by pointing the link `..data` to another folder. The link is followed once,
 * so that all files come from the same folder.
 */
function snapshotOf(files: TlsFiles): TlsFiles {
  const folders = new Map<string, string>();
  const placeOf = (file: string) => {
    const folder = dirname(file);
    const snapshot = folders.get(folder) ?? dataFolder(folder);
    folders.set(folder, snapshot);
    return join(snapshot, basename(file));
  };
  return { ca: placeOf(files.ca), cert: files.cert && placeOf(files.cert), key: files.key && placeOf(files.key) };
}

function dataFolder(folder: string): string {
  try {
    return realpathSync(join(folder, '..data'));
  } catch {
    return folder;
  }
}

function stateOf(file: string): string {
  const { ino, size, mtimeNs } = statSync(file, { bigint: true });
  return `${file} ${ino} ${size} ${mtimeNs}`;
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const code = errorCode(error);
    throw unusable(file, code === undefined ? 'cannot be read' : `cannot be read: ${code}`);
  }
}

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
const BEGIN = /-----BEGIN /g;

/** @throws TrikdError if a block is cut off, or is no certificate */
function certificatesIn(file: string, pem: Buffer): X509Certificate[] {
  const text = pem.toString('latin1');
  const blocks = text.match(BLOCK) ?? [];
  if (blocks.length === 0) throw unusable(file, 'contains no certificate in PEM');
  if (blocks.length !== text.match(BEGIN)?.length)
    throw unusable(file, 'is incomplete, or contains more than certificates');
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    throw unusable(file, 'contains a damaged certificate');
  }
}

function privateKeyIn(file: string, pem: Buffer) {
  try {
    return createPrivateKey(pem);
  } catch {
    throw unusable(file, 'contains no private key in PEM without a password');
  }
}

function unusable(file: string, why: string): TrikdError {
  return new TrikdError('invalid', `${file} ${why}`);
}

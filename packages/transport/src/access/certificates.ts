import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { TrikdError } from '@trikd/core/domain/errors';
import { errorCode } from '@trikd/process/error-code';
import type { Logger } from '@trikd/process/logging';

/** Milliseconds between two looks at the files. */
const LOOK_MS = 1000;

/** The certificates of a process, which may be replaced while it runs. */
export interface Certificates {
  /** The newest that were usable. */
  current(): TlsMaterial;
  /** Reports each replacement. */
  onChange(listener: (material: TlsMaterial) => void): void;
  /** Looks at the files now, instead of at the next tick. */
  look(): void;
  close(): void;
}

export interface CertificatesOptions {
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Refuses certificates that are valid but not for this process. @throws TrikdError */
  readonly check?: (material: TlsMaterial) => void;
  readonly lookMs?: number;
}

/**
 * Reads certificates, and again when the files change. Files are adopted together: when one cannot be used, such as while it is
 * written, or a key that does not belong to its certificate yet, the previous ones stay in use.
 *
 * The files are polled: a watcher misses replaced links and network file systems.
 * @throws TrikdError 'invalid' if the files cannot be used now
 */
export function openCertificates(files: TlsFiles, options: CertificatesOptions): Certificates {
  const { log, check, lookMs = LOOK_MS } = options;
  const listeners: ((material: TlsMaterial) => void)[] = [];
  const load = () => {
    const material = readTlsFiles(files);
    check?.(material);
    return material;
  };
  let adopted = signatureNow(files);
  let seen = adopted;
  let material = load();
  let complaint: string | undefined;

  const adopt = (signature: string) => {
    try {
      material = load();
    } catch (error) {
      const reason = error instanceof TrikdError ? error.message : `${error}`;
      if (reason !== complaint) log.warn({ reason }, 'new certificates are not usable, the previous ones stay');
      complaint = reason;
      return;
    }
    adopted = signature;
    complaint = undefined;
    log.info(factsOf(material), 'certificates replaced');
    for (const listener of listeners) listener(material);
  };

  const look = () => {
    const found = signatureNow(files);
    // Files that are still being written change again: they are read when two looks in a row have found the same.
    if (found !== adopted && found === seen) adopt(found);
    seen = found;
  };
  const timer = setInterval(look, lookMs);
  timer.unref();
  return {
    current: () => material,
    onChange: (listener) => void listeners.push(listener),
    look,
    close: () => clearInterval(timer),
  };
}

/** A file that is missing has a signature too. */
function signatureNow(files: TlsFiles): string {
  try {
    return signatureOf(files);
  } catch (error) {
    return `${error}`;
  }
}

function factsOf({ leaf }: TlsMaterial): Readonly<Record<string, unknown>> {
  return leaf === undefined ? {} : { names: leaf.subjectAltName, until: leaf.validToDate.toISOString() };
}

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
function signatureOf(files: TlsFiles): string {
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

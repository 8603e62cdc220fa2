import { TrikdError } from '@trikd/core/domain/errors';
import type { Logger } from '@trikd/process/logging';
import { readTlsFiles, signatureOf, type TlsFiles, type TlsMaterial } from './tls-files.js';

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

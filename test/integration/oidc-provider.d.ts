/** The part of the library that the tests use: it has no types of its own. */
declare module 'oidc-provider/lib/index.js' {
  import type { RequestListener } from 'node:http';

  export class Provider {
    constructor(issuer: string, configuration: object);
    callback(): RequestListener;
    use(
      middleware: (context: { readonly path: string; body: unknown }, next: () => Promise<void>) => Promise<void>,
    ): void;
    on(event: string, listener: (...args: readonly unknown[]) => void): void;
  }
}

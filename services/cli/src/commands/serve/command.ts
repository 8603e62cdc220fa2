import { Command } from 'commander';
import { address, type StoreChoice, storeOptions, tlsOption } from '../../options/options.js';

/** Options of `trikd serve`. */
export interface ServeOptions {
  readonly runId: string;
  readonly from: StoreChoice;
  /** Address of the gRPC server. */
  readonly listen: string;
  /** Address of the HTTP server. */
  readonly http: string;
  /** Folder of certificates for gRPC; absent: plain text within this machine. */
  readonly tls?: string;
}

interface RawOptions extends StoreChoice {
  readonly listen: string;
  readonly http: string;
  readonly tls?: string;
}

const EXAMPLE = `
Example:
  $ trikd serve tiny
  $ trikd serve tiny --listen 127.0.0.1:8001 --http 127.0.0.1:8000
  $ trikd serve tiny --config orchestrator.yaml

Serves the models of a run by the Open Inference Protocol, version 2, until Ctrl-C; requests that wait are still answered. Model RUN is the
student: the result of a run that is complete, and what is promoted while it trains. RUN.teacher is another learner. A version is the
index of a stage. Outputs have the bits of \`trikd eval\`. TRIKD_SERVING__* variables set the rest, such as
TRIKD_SERVING__MAX_BATCH; docs/serving.md says which there are.
Exit status: 0 stopped in order, 1 it could not start or ended, 2 wrong command line, 3 no such run, 4 the store did not answer.`;

/** `trikd serve` */
export function serveCommand(serve: (options: ServeOptions) => Promise<void>): Command {
  const [storeOption, configOption] = storeOptions();
  return new Command('serve')
    .description('Serves the models of a run by the Open Inference Protocol, until Ctrl-C.')
    .argument('<run>', 'name of the run')
    .option('--listen <host:port>', 'address of the gRPC server; port 0: any', address, '127.0.0.1:50055')
    .option('--http <host:port>', 'address of the HTTP server; port 0: any', address, '127.0.0.1:50056')
    .addOption(storeOption)
    .addOption(configOption)
    .addOption(tlsOption())
    .addHelpText('after', EXAMPLE)
    .exitOverride()
    .action(async (runId: string, { store, config, ...options }: RawOptions) => {
      const from = { ...(store !== undefined && { store }), ...(config !== undefined && { config }) };
      await serve({ runId, from, ...options });
    });
}

import { Command } from 'commander';
import { overrideOption } from '../../options/args.js';
import type { Override } from '../../options/load-spec.js';
import { type Format, outputOption } from '../../options/options.js';
import { type RawStudyServer, studyServerOf, withStudyServer, workersOption } from '../study/server/options.js';
import type { StudyServer } from '../study/server/train-at-server.js';

/** Options of `trikd tune`. */
export interface TuneOptions {
  readonly file: string;
  readonly overrides: readonly Override[];
  /** Folder of the results; absent: studies/NAME. */
  readonly out?: string;
  /** Runs at once; absent: as many as the processors allow, or as the orchestrator has trios. */
  readonly workers?: number;
  /** Absent: the runs train on this machine. */
  readonly server?: StudyServer;
  readonly output: Format;
}

interface RawOptions extends RawStudyServer {
  readonly set: readonly Override[];
  readonly out?: string;
  readonly workers?: number;
  readonly output: Format;
}

const EXAMPLE = `
Example:
  $ trikd tune examples/studies/tune-trikd.yaml
  $ trikd tune examples/studies/tune-trikd.yaml --server orchestrator:50050

Successive halving (Jamieson, Talwalkar, AISTATS 2016): points of the space are drawn at random and trained for a share of the epochs; the
best third, by the mean over the seeds on the validation split, goes on to three times as many. The test split decides nothing. The settings
of the best point are written as a file for \`trikd run\`. The same command continues a search that was stopped.
With --server an orchestrator trains the runs, with the same results. They go on when the command ends, and the same command collects them.
Exit status: 0 done, 1 failed, 2 wrong command line, 3 rejected or a run failed at the server, 4 no answer, 130 stopped.`;

/** `trikd tune` */
export function tuneCommand(tune: (options: TuneOptions) => Promise<void>): Command {
  const command = new Command('tune')
    .description('Searches settings, such as weights, temperatures and learning rates, by validation.')
    .argument('<file>', 'YAML file of the search')
    .addOption(overrideOption())
    .option('--out <dir>', 'folder of the results (default: studies/<name>)')
    .addOption(workersOption());
  return withStudyServer(command)
    .addOption(outputOption())
    .addHelpText('after', EXAMPLE)
    .exitOverride()
    .action(async (file: string, raw: RawOptions) => {
      const { set, out, workers, output } = raw;
      const server = studyServerOf(raw, command);
      await tune({
        ...{ file, overrides: set, output },
        ...(out !== undefined && { out }),
        ...(workers !== undefined && { workers }),
        ...(server && { server }),
      });
    });
}

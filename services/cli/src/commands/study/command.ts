import { Command } from 'commander';
import { overrideOption } from '../../options/args.js';
import type { Override } from '../../options/load-spec.js';
import { type Format, outputOption, wholeNumber } from '../../options/options.js';
import { type RawStudyServer, studyServerOf, withStudyServer, workersOption } from './server/options.js';
import type { StudyServer } from './server/train-at-server.js';

/** Options of `trikd study`. */
export interface StudyOptions {
  readonly file: string;
  readonly overrides: readonly Override[];
  /** Folder of the results; absent: studies/NAME. */
  readonly out?: string;
  /** Runs at once; absent: as many as the processors allow, or as the orchestrator has trios. */
  readonly workers?: number;
  /** Absent: the runs train on this machine. */
  readonly server?: StudyServer;
  /** Arms to train, by name; empty: all. */
  readonly arms: readonly string[];
  readonly settings: readonly string[];
  readonly seeds: readonly number[];
  /** Lists what would be trained. */
  readonly plan: boolean;
  /** Trains nothing. */
  readonly reportOnly: boolean;
  /** Digest of a run whose spec is printed. */
  readonly show?: string;
  readonly output: Format;
}

interface RawOptions extends RawStudyServer {
  readonly set: readonly Override[];
  readonly out?: string;
  readonly workers?: number;
  readonly arm?: readonly string[];
  readonly setting?: readonly string[];
  readonly seed?: readonly number[];
  readonly plan: boolean;
  readonly reportOnly: boolean;
  readonly show?: string;
  readonly output: Format;
}

const EXAMPLE = `
Example:
  $ trikd study examples/studies/tiny.yaml
  $ trikd study examples/studies/few-images.yaml --plan
  $ trikd study examples/studies/few-images.yaml --arm kd trikd --workers 2
  $ trikd study examples/studies/tiny.yaml --server orchestrator:50050

Each run trains in a process of its own, with the params of \`trikd run\` bit for bit. Its result is appended to results.jsonl as it ends: the
same command continues a study that was stopped. Statistics use the test split of the params that validated best; nothing is selected by it.
With --server an orchestrator trains the runs, with the same results. They go on when the command ends, and the same command collects them.
Exit status: 0 done, 1 failed, 2 wrong command line, 3 rejected or a run failed at the server, 4 no answer, 130 stopped.`;

/** `trikd study` */
export function studyCommand(study: (options: StudyOptions) => Promise<void>): Command {
  const command = new Command('study')
    .description(
      'Compares methods: trains every arm with every seed, and reports means, intervals and paired differences.',
    )
    .argument('<file>', 'YAML file of the study')
    .addOption(overrideOption())
    .option('--out <dir>', 'folder of the results (default: studies/<name>)')
    .addOption(workersOption())
    .option('--arm <names...>', 'arms to train (default: all)')
    .option('--setting <names...>', 'settings to train (default: all)')
    .option('--seed <numbers...>', 'seeds to train (default: all)', (text, all: readonly number[] = []) => [
      ...all,
      wholeNumber(text),
    ])
    .option('--plan', 'list the runs that are missing and what they cost, and train nothing', false)
    .option('--report-only', 'write the reports of the runs that have ended, and train nothing', false)
    .option('--show <digest>', 'print the spec of the run with this digest, as a file for `trikd run`');
  return withStudyServer(command)
    .addOption(outputOption())
    .addHelpText('after', EXAMPLE)
    .exitOverride()
    .action(async (file: string, raw: RawOptions) => {
      const { set, arm = [], setting = [], seed = [], out, workers, plan, reportOnly, show, output } = raw;
      const server = studyServerOf(raw, command);
      await study({
        ...{ file, overrides: set, arms: arm, settings: setting, seeds: seed, plan, reportOnly, output },
        ...(out !== undefined && { out }),
        ...(workers !== undefined && { workers }),
        ...(server && { server }),
        ...(show !== undefined && { show }),
      });
    });
}

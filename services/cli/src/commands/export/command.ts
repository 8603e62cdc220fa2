import { EXPORT_FORMATS, PRECISIONS, type Precision } from '@trikd/core/export/export-format';
import { Command, Option } from 'commander';
import { type StoreChoice, storeOptions } from '../../options/options.js';

/** Formats of files: those that are written here, and one that TensorFlow writes. */
const FILE_FORMATS = [...EXPORT_FORMATS, 'tflite'] as const;
export type FileFormat = (typeof FILE_FORMATS)[number];

/** Which params of a run are exported. */
export interface Choice {
  /** Name or index of a stage; without it the stage of the result. */
  readonly stage?: string;
  /** A learner; without it the one whose score decides. */
  readonly participant?: string;
  /** `best`: the params that validated best; `last`: those of the last step. */
  readonly params: 'best' | 'last';
}

/** Options of `trikd export`. */
export interface ModelExportOptions extends Choice {
  readonly runId: string;
  readonly from: StoreChoice;
  readonly format: FileFormat;
  readonly precision: Precision;
  /** The Python whose TensorFlow writes the format tflite. */
  readonly python: string;
  /** Folder that is made. */
  readonly out: string;
}

interface RawOptions extends StoreChoice, Choice {
  readonly format: FileFormat;
  readonly precision: Precision;
  readonly python: string;
  readonly out?: string;
}

const EXAMPLE = `
Example:
  $ trikd export tiny --format onnx
  $ trikd export tiny --format tfjs --stage 1 --out browser/model
  $ trikd export tiny --format pytorch --participant teacher --params last --precision float16
  $ trikd export tiny --format tflite --precision int8 --python ~/tensorflow/bin/python

Writes a folder with the model and README.md, its model card. Pixels 0..255 go in: the normalisation is part of the model. The default is
the result of the run: the best params of the student of its best generation, or of the last stage of another method.
Before anything is written, the exported layers compute up to 256 images of the run, and their outputs are compared with those of the
checkpoint: at most 0.0001 apart in float32.
Exit status: 0 done, 1 failed, 2 wrong command line, 3 no such run, stage or participant, 4 the store did not answer.`;

/** `trikd export` */
export function exportCommand(exported: (options: ModelExportOptions) => Promise<void>): Command {
  const [storeOption, configOption] = storeOptions();
  const command = new Command('export')
    .description('Writes a trained model of a run for other programs.')
    .argument('<run>', 'name of the run')
    .addOption(new Option('--format <format>', 'format of the model').choices(FILE_FORMATS).makeOptionMandatory());
  for (const option of choiceOptions()) command.addOption(option);
  return command
    .addOption(
      new Option('--precision <precision>', 'numbers that kernels are stored in')
        .choices(PRECISIONS)
        .default('float32'),
    )
    .option('--python <program>', 'Python with the package tensorflow, which the format tflite needs', 'python3')
    .option('--out <dir>', 'folder for the files, which must not exist or be empty (default: <run>-<format>)')
    .addOption(storeOption)
    .addOption(configOption)
    .addHelpText('after', EXAMPLE)
    .exitOverride()
    .action(async (runId: string, options: RawOptions) => {
      const { store, config, format, out = `${runId}-${format}`, ...others } = options;
      const from = { ...(store !== undefined && { store }), ...(config !== undefined && { config }) };
      await exported({ runId, from, format, out, ...others });
    });
}

/** `--stage STAGE`, `--participant NAME` and `--params WHICH` */
export function choiceOptions(): readonly Option[] {
  return [
    new Option('--stage <stage>', 'name or index of a stage, such as assistant-1 or 1'),
    new Option('--participant <name>', 'learner, such as teacher (default: the one that decides, such as student)'),
    new Option('--params <which>', 'params that validated best, or those of the last step')
      .choices(['best', 'last'])
      .default('best'),
  ];
}

import { Option } from 'commander';
import { wholeNumber } from '../options.js';

/** `--generation N`, `--stage NAME`, `--participant NAME` and `--params WHICH` */
export function choiceOptions(): readonly Option[] {
  return [
    new Option('--generation <n>', 'generation, or index of a stage').argParser(wholeNumber),
    new Option('--stage <name>', 'stage, such as assistant-1').conflicts('generation'),
    new Option('--participant <name>', 'learner, such as teacher (default: the one that decides, such as student)'),
    new Option('--params <which>', 'params that validated best, or those of the last step')
      .choices(['best', 'last'])
      .default('best'),
  ];
}

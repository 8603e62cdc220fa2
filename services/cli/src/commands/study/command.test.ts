import { describe, expect, test } from 'vitest';
import { type StudyOptions, studyCommand } from './command.js';

async function parsed(...words: readonly string[]): Promise<StudyOptions> {
  const seen: StudyOptions[] = [];
  const command = studyCommand(async (options) => void seen.push(options)).configureOutput({
    writeErr: () => undefined,
  });
  await command.parseAsync(['study.yaml', ...words], { from: 'user' });
  return seen[0]!;
}

describe('trikd study', () => {
  test('trains on this machine without --server', async () => {
    expect(await parsed('--workers', '3')).toEqual({
      ...{ file: 'study.yaml', overrides: [], arms: [], settings: [], seeds: [], plan: false, reportOnly: false },
      ...{ workers: 3, output: 'table' },
    });
  });

  test('trains at an orchestrator with --server, on trios that are asked for', async () => {
    const { server } = await parsed('--server', 'there:1', '--class', 'gpu', '--team', 'vision', '--patience', '5');
    expect(server).toEqual({
      ...{ server: 'there:1', timeout: 30, patience: 5 },
      placing: { placement: { class: 'gpu', queue: '', priority: 0 }, team: 'vision' },
    });
  });

  test.each([
    ['--workers', '0'],
    ['--class', 'gpu'],
    ['--server', 'nowhere'],
  ])('rejects %s %s', async (...words) => {
    await expect(parsed(...words)).rejects.toThrow();
  });
});

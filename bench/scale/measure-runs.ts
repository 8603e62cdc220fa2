import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Sample } from './fit.ts';

const COUNTS = [125, 250, 500, 1000];

/** The orchestrator with up to 1,000 simulated runs. */
export async function measureRuns() {
  const program = fileURLToPath(new URL('../many-runs.ts', import.meta.url));
  const args = ['--expose-gc', program, '--json', ...COUNTS.map(String)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const table = JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, string>[];
  const samples = (column: string): Sample[] =>
    table.map((row) => {
      const runs = Number(row['runs']);
      return { what: `${runs} runs`, at: { runs }, value: runs * Number(row[column]) };
    });
  return { processor: samples('processor ms a run'), requests: samples('requests a run') };
}

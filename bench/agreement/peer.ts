import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('../pytorch/distillation.py', import.meta.url));

/** Runs the program in Python on a folder with a recipe, and returns its outcome. */
export async function trainInPyTorch(python: string, folder: string): Promise<unknown> {
  const child = spawn(python, [SCRIPT, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, OMP_NUM_THREADS: '1' },
  });
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  let output = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) output += chunk;
  const status = await exited;
  if (status !== 0) throw new Error(`${SCRIPT} ended with ${status}`);
  return JSON.parse(output);
}

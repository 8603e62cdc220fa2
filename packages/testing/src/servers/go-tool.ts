import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Where a program of `fetch-go-tool.py` is; builds it first where it is not. @throws when it cannot be had */
export function goTool(name: string): string {
  const script = fileURLToPath(new URL('../../../../scripts/fetch-go-tool.py', import.meta.url));
  const { status, stdout } = spawnSync('python3', [script, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${name} cannot be had`);
  return stdout.trim();
}

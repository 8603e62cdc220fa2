import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const main = fileURLToPath(new URL('../../services/cli/dist/main.js', import.meta.url));

/** What bash offers for the last word of a command line, once it has read our script. */
function offered(...words: readonly string[]): readonly string[] {
  const script = `
    trikd() { "$NODE" "$MAIN" "$@"; }
    source <(trikd completion bash)
    complete -p trikd >&2
    COMP_WORDS=(trikd "$@"); COMP_CWORD=$#
    _trikd
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { ...process.env, NODE: process.execPath, MAIN: main };
  const output = execFileSync('bash', ['-c', script, 'bash', ...words], { env, encoding: 'utf8', stdio: 'pipe' });
  return output.split('\n').filter((line) => line !== '');
}

test('bash completes commands, flags and choices', () => {
  expect(offered('generation', 'ro')).toEqual(['rollback']);
  expect(offered('runs', 'delete', 'tiny', '--y')).toEqual(['--yes']);
  expect(offered('checkpoint', 'list', 'tiny', '-o', '')).toEqual(['table', 'json', 'yaml']);
});

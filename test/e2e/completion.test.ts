import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { binOf, scratch } from './trikd.js';

type Offered = (...words: readonly string[]) => readonly string[];

/** What a shell answers to a script that knows `trikd`, and what a person has typed after it as its arguments. */
function answer(shell: string, args: readonly string[]): readonly string[] {
  const folder = scratch();
  writeFileSync(join(folder, 'spec.yaml'), '');
  const env = { ...process.env, PATH: `${binOf(folder)}:${process.env['PATH']}`, HOME: folder };
  const output = execFileSync(shell, args, { env, cwd: folder, encoding: 'utf8', stdio: 'pipe' });
  return output.split('\n').filter((line) => line !== '');
}

const bash: Offered = (...words) =>
  answer('bash', [
    '-c',
    `source <(trikd completion bash)
    complete -p trikd >&2
    COMP_WORDS=(trikd "$@"); COMP_CWORD=$#
    _trikd
    printf '%s\\n' "\${COMPREPLY[@]}"`,
    ...['bash', ...words],
  ]);

/** As zsh does it: the file is found by the name of its function, at the first Tab. */
const zsh: Offered = (...words) =>
  answer('zsh', [
    '-f',
    '-c',
    `mkdir functions; trikd completion zsh > functions/_trikd; fpath=($PWD/functions $fpath)
    compadd() { print -rl -- "\${(@P)argv[-1]}" }
    _files() { print -rl -- *.yaml }
    autoload -Uz _trikd
    words=(trikd "$@"); CURRENT=$#words
    _trikd`,
    ...['zsh', ...words],
  ]);

const fish: Offered = (...words) =>
  answer('fish', [
    '--no-config',
    '-c',
    `trikd completion fish | source; complete -C '${['trikd', ...words].join(' ')}'`,
  ]);

/** Only bash is on every machine; the others are tried where they are. */
const there = Object.entries({ bash, zsh, fish }).filter(([shell]) => spawnSync(shell, ['--version']).status === 0);

test.for(there)('%s completes commands, flags and choices', ([shell, offered]) => {
  expect(offered('generation', 'ro')).toEqual(['rollback']);
  expect(offered('runs', 'delete', 'tiny', '--y')).toEqual(['--yes']);
  const formats = offered('checkpoint', 'list', 'tiny', '-o', '');
  // fish puts them into an order of its own.
  expect(formats).toEqual(shell === 'fish' ? ['json', 'table', 'yaml'] : ['table', 'json', 'yaml']);
});

// What bash offers where there is nothing else to say it does by itself (`complete -o default`).
test.for(there.filter(([shell]) => shell !== 'bash'))(
  '%s offers files where there is nothing else to say',
  ([, offered]) => {
    expect(offered('run', 'sp')).toEqual(['spec.yaml']);
  },
);

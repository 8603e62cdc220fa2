/**
 * Writes the reference of the command line, from the help of its commands.
 *
 * usage: node scripts/cli-reference.ts > docs/cli.md      (after a build)
 */
import { PassThrough } from 'node:stream';
import { descendants, trikdProgram } from '../services/cli/dist/program.js';

type Program = ReturnType<typeof trikdProgram>;

/** Columns of the help, whatever the terminal of the one who writes it. */
const WIDTH = 100;

const never = new AbortController().signal;
const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
const program = trikdProgram({ ...streams, env: {}, rest: never, end: never }, () => undefined);

function nameOf(command: Program): string {
  return command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name();
}

function helpOf(command: Program): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => WIDTH });
  command.outputHelp();
  return text.trim();
}

/** A group of commands says nothing that its members do not say. */
const commands = descendants(program).filter(
  (command) => command.commands.length === 0 && !command.name().startsWith('_'),
);
const anchor = (name: string) => name.replaceAll(' ', '-');
const list = commands.map((command) => `- [${nameOf(command)}](#${anchor(nameOf(command))}): ${command.description()}`);
const sections = commands.map((command) => `## ${nameOf(command)}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\``);

console.log(`# The command line

Written by \`make generate\` from the help of the commands; do not edit.

\`make build\` builds \`trikd\`. Call it with \`npx trikd\` in this folder, or install it for all folders with \`npm link -w services/cli\`.
Commands that call an orchestrator take \`--server ADDRESS\` or \`TRIKD_SERVER\`, and credentials. A server on this machine is called in
plain text, another one over TLS; \`https://\` and \`grpc://\` say it by name. A token comes from \`--token-file\`, \`TRIKD_TOKEN\` or
\`trikd login\`, and is never sent in plain text to another machine. Results go to standard output, everything else to
standard error. Colours and live output are for terminals only, and \`NO_COLOR\` turns colours off. The formats json and yaml use the
names of the protocol, as in proto JSON.

| exit status | means |
| --- | --- |
| 0 | success; a followed run has completed or was paused |
| 1 | failure, or a defect was found |
| 2 | wrong command line; nothing was done |
| 3 | no such run, stage or checkpoint, or the spec or the state of the run does not allow the request |
| 4 | the orchestrator or the store did not answer |
| 130 | cancelled by Ctrl-C |

${list.join('\n')}

${sections.join('\n\n')}`);

#!/usr/bin/env node
// npm links `trikd` to this file and not to the built one: npm skips a command whose file does not exist when it installs.
// Its syntax is older than that of the build, so that it also runs on an old Node.js.
const { spawn } = require('node:child_process');
const { existsSync, readdirSync } = require('node:fs');
const { enableCompileCache } = require('node:module');
const { homedir } = require('node:os');
const { join, resolve } = require('node:path');

const OLDEST = [22, 15];
const root = resolve(__dirname, '../../..');
const main = join(root, 'services/cli/dist/main.js');

function isTooOld(version) {
  const [major, minor] = version.split('.').map(Number);
  return major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
}

const cache = process.env.TRIKD_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'trikd');

/** The newest Node.js that `make` has fetched into the cache, if any. */
function fetchedNode() {
  const folders = existsSync(cache) ? readdirSync(cache).filter((name) => /^node-\d+(\.\d+)*$/.test(name)) : [];
  const [newest] = folders.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  const node = newest && join(cache, newest, 'bin/node');
  return node && existsSync(node) ? node : undefined;
}

/** Runs the command with another Node.js and ends as it does. A terminal sends Ctrl-C to both; only the command handles it. */
function runWith(node) {
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.on('SIGINT', () => undefined);
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(`cannot start ${node}: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    for (const each of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(each);
    process.kill(process.pid, signal);
  });
}

function fail(sentence) {
  console.error(`trikd: ${sentence}`);
  process.exitCode = 1;
}

const node = isTooOld(process.versions.node) ? fetchedNode() : process.execPath;
if (node === undefined) {
  const required = `Node.js ${OLDEST.join('.')} or newer is required, this is ${process.versions.node}`;
  fail(`${required}; run \`make build\` in ${root}, which fetches one`);
} else if (!existsSync(main)) {
  fail(`not built yet; run \`make build\` in ${root}`);
} else if (node === process.execPath) {
  // Node.js compiles the modules once, and not with each command.
  enableCompileCache(join(cache, 'compiled-code'));
  // An error in it is unhandled on purpose: Node.js then prints it and exits with status 1.
  void import(main);
} else {
  runWith(node);
}

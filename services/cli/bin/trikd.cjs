#!/usr/bin/env node
// npm links `trikd` to this file and not to the built one: npm skips a command whose file does not exist when it installs.
// Its syntax is older than that of the build, so that an old Node.js reports its version instead of a syntax error.
const { existsSync, readdirSync } = require('node:fs');
const { homedir } = require('node:os');
const { join, resolve } = require('node:path');

const OLDEST = [22, 15];
const root = resolve(__dirname, '../../..');
const main = join(root, 'services/cli/dist/main.js');

function isTooOld(version) {
  const [major, minor] = version.split('.').map(Number);
  return major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
}

/** What to do about an old Node.js: `make` fetches a newer one into the cache. */
function remedy() {
  const cache = process.env.TRIKD_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'trikd');
  const fetched = existsSync(cache) ? readdirSync(cache).filter((name) => /^node-\d+(\.\d+)*$/.test(name)) : [];
  if (fetched.length === 0) return `run \`make build\` in ${root}, which fetches one`;
  return `use the one that make fetched: export PATH=${join(cache, fetched.sort().pop(), 'bin')}:$PATH`;
}

function fail(sentence) {
  console.error(`trikd: ${sentence}`);
  process.exitCode = 1;
}

if (isTooOld(process.versions.node)) {
  fail(`Node.js ${OLDEST.join('.')} or newer is required, this is ${process.versions.node}; ${remedy()}`);
} else if (existsSync(main)) {
  // An error in it is unhandled on purpose: Node.js then prints it and exits with status 1.
  void import(main);
} else {
  fail(`not built yet; run \`make build\` in ${root}`);
}

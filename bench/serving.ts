/**
 * A student served by trikd, and the same student, exported, served by ONNX Runtime behind the same protocol, in turns.
 *
 * usage: node bench/serving.ts [--rounds N] [--spec FILE]      wants a quiet machine
 */
import { type ModelProcess, requestsOf, startOnnx, startServing, storedRun } from './served-run.ts';
import { summarise } from './statistics.ts';
import { stepOptions } from './step-options.ts';

const { rounds, file, spec: example } = stepOptions(7);
/** Of the server, and of the machine. */
const THREADS = 2;
/** Of a turn. */
const SECONDS = 3;
const spec = { ...example, name: 'tiny', engine: { ...example.engine, threads: THREADS } };
const { request, count } = requestsOf(spec);
/** Images of a large request, and how many callers send them. */
const [LARGE, CALLERS] = [32, 3];

/** Milliseconds of requests that callers make one after another. */
async function ask({ infer }: ModelProcess, rows: number, callers: number): Promise<number[]> {
  const until = performance.now() + 1000 * SECONDS;
  const times: number[] = [];
  const call = async (caller: number) => {
    for (let each = caller; performance.now() < until; each++) {
      const started = performance.now();
      await infer(request(each % (count - rows), rows));
      times.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)));
  return times;
}

const run = await storedRun(spec, 1);
const ours = await startServing(run);
const theirs = await startOnnx(run, THREADS);
try {
  const difference = await largestDifference();
  console.log(`${file}, ${THREADS} threads; the outputs differ by at most ${difference.toExponential(1)}`);
  const contestants = { trikd: ours, 'ONNX Runtime': theirs };
  const rates = new Map<string, number[]>();
  const p99s = new Map<string, number[]>();
  for (const each of Object.values(contestants)) {
    await ask(each, LARGE, CALLERS);
    await ask(each, 1, 1);
  }
  for (let round = 0; round < rounds; round++) {
    for (const [name, each] of Object.entries(contestants)) {
      const requests = (await ask(each, LARGE, CALLERS)).length;
      rates.set(name, [...(rates.get(name) ?? []), (requests * LARGE) / SECONDS]);
    }
    for (const [name, each] of Object.entries(contestants)) {
      p99s.set(name, [...(p99s.get(name) ?? []), summarise(await ask(each, 1, 1)).p99]);
    }
  }
  report(
    `images a second, ${CALLERS} callers with ${LARGE} images a request`,
    rates,
    (value) => value >= 1,
    'at least 1',
  );
  report('p99 in ms, one caller with one image a request', p99s, (value) => value <= 1.2, 'at most 1.2');
} finally {
  await ours.end();
  await theirs.end();
}
process.exit();

function report(
  title: string,
  found: ReadonlyMap<string, readonly number[]>,
  isGood: (ratio: number) => boolean,
  goal: string,
): void {
  console.log(title);
  for (const [name, each] of found) {
    const { min, median } = summarise(each);
    console.log(`  ${name}: ${median.toFixed(2)} (${min.toFixed(2)} to ${Math.max(...each).toFixed(2)})`);
  }
  const [left = [], right = []] = [...found.values()];
  const ratio = summarise(left.map((value, round) => value / right[round]!)).median;
  console.log(`  ratio ${ratio.toFixed(3)}, goal ${goal}${isGood(ratio) ? '' : '  MISSED'}`);
  if (!isGood(ratio)) process.exitCode = 1;
}

async function largestDifference(): Promise<number> {
  const answers = await Promise.all([ours, theirs].map(({ infer }) => infer(request(0, LARGE))));
  const [left, right] = answers.map(({ rawOutputContents: [raw] }) => new Float32Array(new Uint8Array(raw!).buffer));
  return Math.max(...left!.map((value, at) => Math.abs(value - right![at]!)));
}

import { relative } from 'node:path';

/** How many tests of a suite passed, and how many did not. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

/** The part of Vitest's JSON report that is read here. */
export interface VitestReport {
  readonly testResults: readonly {
    /** Absolute path of the file. */
    readonly name: string;
    readonly status: string;
    /** When its first test began and its last one ended, in milliseconds since 1970. */
    readonly startTime: number;
    readonly endTime: number;
    /** Why the file broke, where no test of it did. */
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/**
 * Counts a report. Nothing but 'passed' passes: a skipped test did not run, a file that broke before its first
 * test is one failure, and so is an unhappy exit of Vitest (an unhandled rejection, no tests at all) that no test explains.
 */
export function tally(report: VitestReport | undefined, exitCode: number): Tally {
  const files = report?.testResults ?? [];
  const statuses = files.flatMap((file) => file.assertionResults.map(({ status }) => status));
  const passed = statuses.filter((status) => status === 'passed').length;
  const failed = failures(report).length;
  const unexplained = failed === 0 && (exitCode !== 0 || passed === 0);
  return { passed, failed: failed + (unexplained ? 1 : 0) };
}

/** One text for each test that did not pass and each file that broke: where it is, and the first lines of why. */
export function failures(report: VitestReport | undefined): string[] {
  return (report?.testResults ?? []).flatMap(({ name, status, message, assertionResults }) => {
    const unhappy = assertionResults.filter((each) => each.status !== 'passed');
    const broken = status === 'failed' && !unhappy.some((each) => each.status === 'failed');
    return [
      ...(broken ? [`${name}: ${firstLines(message)}`] : []),
      ...unhappy.map(
        (each) => `${name} > ${each.fullName} (${each.status}): ${firstLines(each.failureMessages.join('\n'))}`,
      ),
    ];
  });
}

/** Enough to see what an assertion expected; the whole is further up in the output. */
const firstLines = (message: string): string => message.split('\n').slice(0, 12).join('\n  ');

export function add(a: Tally, b: Tally): Tally {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed };
}

/** The last line of a test run. */
export function summary({ passed, failed }: Tally): string {
  return `${passed} passed, ${failed} failed`;
}

/** How long something took. */
export interface Timed {
  readonly name: string;
  readonly milliseconds: number;
}

/** The files of a suite, and how long each took from its first test to its last. Paths are as from `folder`. */
export function fileTimes(suite: string, report: VitestReport | undefined, folder: string): Timed[] {
  return (report?.testResults ?? []).map(({ name, startTime, endTime }) => ({
    name: `${suite}: ${relative(folder, name)}`,
    milliseconds: endTime - startTime,
  }));
}

const SLOWEST = 10;

/** The time of each suite, and the slowest files of all suites, slowest first. */
export function timeTable(suites: readonly Timed[], files: readonly Timed[]): string[] {
  const slowest = [...files].sort((a, b) => b.milliseconds - a.milliseconds).slice(0, SLOWEST);
  const seconds = ({ milliseconds }: Timed) => (milliseconds / 1000).toFixed(1);
  const width = Math.max(...[...suites, ...slowest].map((each) => seconds(each).length));
  const row = (each: Timed) => `${seconds(each).padStart(width + 2)} s  ${each.name}`;
  return [
    'seconds of each suite:',
    ...suites.map(row),
    ...(slowest.length > 0 ? ['slowest files, from first to last test:', ...slowest.map(row)] : []),
  ];
}

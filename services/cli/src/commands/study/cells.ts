import { TrikdError } from '@trikd/core/domain/errors';
import { newRun } from '@trikd/core/spec/new-run';
import { plainIssue } from '@trikd/core/spec/plain-issue';
import { RunSpec, specDigest } from '@trikd/core/spec/run-spec';
import { type DataFacts, plannedCompute } from './compute.js';
import { MOST_CELLS, type StudySpec, seedsOf } from './study-spec.js';

/** Characters of the name of a run, at most. */
export const LONGEST_NAME = 63;

/** One run of a study. */
export interface Cell {
  /** Empty for a study of one setting. */
  readonly setting: string;
  readonly arm: string;
  readonly seed: number;
  readonly spec: RunSpec;
  /** SHA-256, hex, of the spec. */
  readonly digest: string;
  /** Multiplications with an addition, if no stage ends early. */
  readonly compute: number;
}

/**
 * The runs of a study, seed by seed, so that each arm has as many when it is stopped.
 * @param facts of the data of a run
 * @throws TrikdError 'invalid' with the arm and the setting whose spec is not valid
 */
export async function cellsOf(
  study: StudySpec,
  facts: (spec: RunSpec) => Promise<DataFacts>,
): Promise<readonly Cell[]> {
  const settings = Object.entries(study.settings ?? { '': {} });
  const arms = Object.entries(study.arms).map(([name, arm]) => ({
    name,
    arm,
    seeds: seedsOf(arm.seeds ?? study.seeds),
  }));
  const count = settings.length * arms.reduce((sum, { seeds }) => sum + seeds.length, 0);
  if (count > MOST_CELLS) throw new TrikdError('invalid', `${count} runs are more than the ${MOST_CELLS} of a study`);
  const all = [...new Set(arms.flatMap(({ seeds }) => seeds))];
  const cells: Cell[] = [];
  for (const [setting, common] of settings) {
    const known = new Map<string, { readonly settings: Settings; readonly compute: number }>();
    for (const { name } of [...arms].sort(byDependence))
      known.set(name, await planned(study, setting, common, name, known, facts));
    for (const seed of all) {
      for (const { name, seeds } of arms) {
        if (!seeds.includes(seed)) continue;
        const { settings: own, compute } = known.get(name)!;
        const spec = specOf(study, setting, name, seed, own);
        cells.push({ setting, arm: name, seed, spec, digest: specDigest(spec), compute });
      }
    }
  }
  return cells;
}

/** Arms with the compute of another come after all others. */
function byDependence(a: { readonly arm: StudySpec['arms'][string] }, b: typeof a): number {
  return Number(a.arm.compute !== undefined) - Number(b.arm.compute !== undefined);
}

async function planned(
  study: StudySpec,
  setting: string,
  common: Settings,
  name: string,
  known: ReadonlyMap<string, { readonly compute: number }>,
  facts: (spec: RunSpec) => Promise<DataFacts>,
): Promise<{ readonly settings: Settings; readonly compute: number }> {
  const { run, compute: like } = study.arms[name]!;
  const settings = merged(merged(study.run, common), run);
  const spec = specOf(study, setting, name, 0, settings);
  const data = await facts(spec);
  const compute = plannedCompute(spec, data);
  if (like === undefined) return { settings, compute };
  const epochs = Math.max(1, Math.round((spec.epochs * known.get(like)!.compute) / compute));
  const scaled = { ...settings, epochs };
  return { settings: scaled, compute: plannedCompute(specOf(study, setting, name, 0, scaled), data) };
}

function specOf(study: StudySpec, setting: string, arm: string, seed: number, settings: Settings): RunSpec {
  const name = [study.name, setting, arm, seed]
    .filter((part) => part !== '')
    .join('-')
    .slice(0, LONGEST_NAME);
  const where = setting === '' ? `arm ${arm}` : `arm ${arm}, setting ${setting}`;
  return runOf({ ...settings, name, seed }, `${where} of study ${study.name}`);
}

/** Settings by name. */
export type Settings = Readonly<Record<string, unknown>>;

/** Settings with others over them: sections are merged, everything else is replaced, and null takes a setting away. */
export function merged(settings: Settings, over: Settings): Settings {
  const result = new Map(Object.entries(settings));
  for (const [name, value] of Object.entries(over)) {
    const before = result.get(name);
    if (value === null) result.delete(name);
    else if (isSection(value))
      result.set(name, merged(isSection(before) && !renamed(before, value) ? before : {}, value));
    else result.set(name, value);
  }
  return Object.fromEntries(result);
}

/** A setting within sections: `student.learningRate`. */
export function settingAt(path: string, value: unknown): Settings {
  return path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as Settings;
}

function isSection(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a section is of another kind, whose settings are others. */
function renamed(before: Settings, value: Settings): boolean {
  return value['kind'] !== undefined && value['kind'] !== before['kind'];
}

/**
 * The spec of a new run with these settings.
 * @param where names them in the message
 * @throws TrikdError 'invalid' with every mistake
 */
export function runOf(settings: Settings, where: string): RunSpec {
  const parsed = RunSpec.safeParse(settings, { error: plainIssue });
  if (parsed.success) return newRun(parsed.data);
  const lines = parsed.error.issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`);
  throw new TrikdError('invalid', `${where}:\n${lines.join('\n')}`);
}

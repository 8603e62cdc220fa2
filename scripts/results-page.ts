/**
 * Writes the page of results from what `make results` and `make agreement` measured, which is kept in docs/results.
 *
 * usage: node scripts/results-page.ts > docs/results.md
 */
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';

const FOLDER = new URL('../docs/results/', import.meta.url);

const Sample = z.object({ count: z.number(), mean: z.number(), deviation: z.number() });
const Interval = z.tuple([z.number(), z.number()]);
const Findings = z.object({
  study: z.string(),
  primary: z.object({ name: z.string(), label: z.string(), format: z.string() }),
  missing: z.number(),
  findings: z.array(
    z.object({
      setting: z.string(),
      arm: z.string(),
      seeds: z.array(z.number()),
      differences: z.array(
        z.object({ baseline: z.string(), gain: Sample, t: Interval.optional(), p: z.number().optional() }),
      ),
    }),
  ),
});
type Findings = z.infer<typeof Findings>;

const Row = z.object({
  arm: z.string(),
  setting: z.string(),
  seed: z.number(),
  digest: z.string(),
  numerics: z.string(),
  stages: z.array(
    z.object({
      name: z.string(),
      learners: z.record(z.string(), z.object({ test: z.record(z.string(), z.number()) })),
    }),
  ),
});
type Row = z.infer<typeof Row>;

const Side = z.object({ mean: z.number(), deviation: z.number() });
const Compared = z.object({
  losses: z.object({
    steps: z.number(),
    largest: z.record(z.string(), z.number()),
    control: z.record(z.string(), z.number()),
  }),
  accuracy: z.array(z.object({ what: z.string(), here: Side, there: Side, t: z.number() })),
});
const Agreement = z.object({ seeds: z.number(), kd: Compared, trikd: Compared });

interface Study {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  /** What the tables show, in words: to be read again whenever they change. */
  readonly conclusion?: string;
}

/** The studies of the page, in its order. */
const STUDIES: readonly Study[] = [
  {
    name: 'few-images',
    title: 'Fashion-MNIST with few images',
    about:
      'Each method with 500, 1,000 and 4,000 training images. Student and teacher are plain convolutional networks; the teacher is deeper and wider.',
    conclusion:
      'At equal compute `trikd` loses to `kd`: by half a point with 500 images, by one and a half with 4,000. The tables show why. Each of its three ' +
      'generations starts from random weights, so the student that counts has trained for a small part of the run, and with this few images longer ' +
      'training is what pays: `ce` with the same compute gains one point with 500 images and two and a half with 4,000. And a teacher that learns ' +
      'beside its student ends no better than the converged teacher of `kd`, but teaches before it knows anything; with 500 images no teacher is ' +
      'better than its student at all. The generations do help: from the first to the last the student gains 0.32 [-0.01, 0.65] points with 500 ' +
      'images and 0.55 [0.07, 1.02] with 4,000. With as many epochs a generation as the others have in all, `trikd` on 500 images has the ' +
      'lowest NLL of the methods that train to the end, and is better than `ce` in accuracy, though not after correction for the number of comparisons; most of the gain in NLL is calibration, which ' +
      'temperature scaling gives to each of them.',
  },
  {
    name: 'emoji',
    title: 'Emoji classes',
    about: 'Nine classes of emoji by two artists, 32x32 in colour, 1,000 training images.',
  },
  {
    name: 'identities',
    title: 'Identity verification on drawn pictures',
    about: 'Emoji in all skin tones: are two pictures of one emoji? It is no face benchmark.',
  },
  {
    name: 'precision',
    title: 'Convolutions in bfloat16',
    about: 'What `engine.precision: bfloat16` costs in accuracy, on 500 images of Fashion-MNIST.',
  },
];

const read = (path: string) => readFileSync(new URL(path, FOLDER), 'utf8');

function findingsOf(study: string): Findings | undefined {
  const path = `${study}/findings.json`;
  return existsSync(new URL(path, FOLDER)) ? Findings.parse(JSON.parse(read(path))) : undefined;
}

/** `0.71 [0.16, 1.25]`, in points of percent where the metric is a share. */
function gainText({ primary }: Findings, gain: number, [from, to]: readonly [number, number]): string {
  const text = (value: number) => (primary.format === 'share' ? (100 * value).toFixed(2) : value.toFixed(3));
  return `${text(gain)} [${text(from)}, ${text(to)}]`;
}

/** What TriKD gains over knowledge distillation with the same compute, a sentence for each setting. */
function verdicts(results: readonly Findings[]): readonly string[] {
  return results.flatMap((result) =>
    result.findings
      .filter(({ arm }) => arm === 'trikd')
      .flatMap(({ setting, differences }) => {
        const found = differences.find(({ baseline }) => baseline === 'kd-compute');
        if (!found?.t) return [];
        const [from, to] = found.t;
        const verdict = from > 0 ? 'is better than' : to < 0 ? 'is worse than' : 'is not shown to be better than';
        const where = [result.study, setting].filter((part) => part !== '').join(', ');
        return [
          `- ${where}: \`trikd\` ${verdict} \`kd\` at equal compute: ${gainText(result, found.gain.mean, found.t)} in ${result.primary.label}, ${found.gain.count} paired seeds.`,
        ];
      }),
  );
}

function section({ name, title, about, conclusion }: Study): string {
  const findings = findingsOf(name);
  const command = `trikd study examples/studies/${name}.yaml`;
  const head = `## ${title}\n\n${about} Command: \`${command}\`.\n`;
  if (!findings) return `${head}\nNot run.\n`;
  const settings = [...new Set(findings.findings.map(({ setting }) => setting))];
  const plots = settings.map((setting) => {
    const file = `results/${name}/plots/${findings.primary.name}${setting === '' ? '' : `-${setting}`}.svg`;
    return `![${findings.primary.label} of each arm, with 95 % intervals](${file})`;
  });
  const gap = existsSync(new URL(`${name}/plots/overfitting.svg`, FOLDER));
  const overfitting = gap ? [`![train minus test against training images](results/${name}/plots/overfitting.svg)`] : [];
  return `${[head.trim(), ...(conclusion ? [conclusion] : []), read(`${name}/results.md`).trim(), learners(name, findings), ...plots, ...overfitting, trainedWith(name), digests(name)].join('\n\n')}\n`;
}

function rowsOf(study: string): readonly Row[] {
  return read(`${study}/results.jsonl`)
    .trim()
    .split('\n')
    .map((line) => Row.parse(JSON.parse(line)));
}

/** Arms whose learners are shown by stage: whether a teacher is better than its student decides what it can teach. */
const EXPLAINED = ['kd', 'trikd'];

/** The primary metric of each learner of each stage, over the seeds. */
function learners(study: string, { primary, findings }: Findings): string {
  const rows = rowsOf(study);
  const lines = findings
    .filter(({ arm }) => EXPLAINED.includes(arm))
    .flatMap(({ setting, arm }) => {
      const own = rows.filter((row) => row.setting === setting && row.arm === arm);
      const stages = own[0]!.stages;
      return stages.flatMap(({ name, learners: trained }, index) =>
        Object.keys(trained).map((learner) => {
          const values = own.flatMap(({ stages: each }) => each[index]?.learners[learner]?.test[primary.name] ?? []);
          const what = [setting, arm].filter((part) => part !== '').join(' ');
          return `| ${what} | ${name} | ${learner} | ${values.length} | ${spread(primary.format, values)} |`;
        }),
      );
    });
  const head = ['| runs | stage | learner | seeds | test |', '| --- | --- | --- | ---: | ---: |'];
  return [
    `The ${primary.label} of each learner, by stage: a teacher that is no better than its student has little to teach.`,
    '',
    ...head,
    ...lines,
  ].join('\n');
}

/** `81.37 ± 0.81`, in percent of shares; one value has no deviation. */
function spread(format: string, values: readonly number[]): string {
  const scale = format === 'share' ? 100 : 1;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length === 1) return (scale * mean).toFixed(2);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return spreadText(scale, { mean, deviation: Math.sqrt(squares / (values.length - 1)) });
}

function spreadText(scale: number, { mean, deviation }: z.infer<typeof Side>): string {
  return `${(scale * mean).toFixed(2)} ± ${(scale * deviation).toFixed(2)}`;
}

/** `Trained with TensorFlow 2.21.0, AuthenticAMD 26 2: 21 runs.`: on another kind of processor a run has other bits. */
function trainedWith(study: string): string {
  const groups = Map.groupBy(rowsOf(study), ({ numerics }) => numerics);
  const counts = [...groups].map(
    ([numerics, rows]) => `${numerics}: ${rows.length} ${rows.length === 1 ? 'run' : 'runs'}`,
  );
  return `Trained with ${counts.join('; ')}.`;
}

/** The digests of all runs of a study: `trikd study FILE --show DIGEST` prints the spec. */
function digests(study: string): string {
  const rows = rowsOf(study);
  const groups = Map.groupBy(rows, ({ setting, arm }) => [setting, arm].filter((part) => part !== '').join(' '));
  const lines = [...groups].map(([name, each]) => {
    const sorted = each.toSorted((a, b) => a.seed - b.seed);
    return `| ${name} | ${sorted.map(({ digest }) => digest.slice(0, 12)).join(' ')} |`;
  });
  return [
    '<details><summary>Digests of the runs, by seed</summary>',
    '',
    '| runs | digests |',
    '| --- | --- |',
    ...lines,
    '',
    '</details>',
  ].join('\n');
}

function agreement(): string {
  const head = `## Agreement with PyTorch

\`kd\` and \`trikd\` once more in [PyTorch](../bench/pytorch/distillation.py): CIFAR ResNet-8, the teacher twice as wide, 2,000 images of Fashion-MNIST.
Losses are compared from the same params on the same batches; accuracy over seeds, with each side's own random numbers. Command: \`make
agreement\`.
`;
  if (!existsSync(new URL('agreement.json', FOLDER))) return `${head}\nNot run.\n`;
  const { seeds, ...methods } = Agreement.parse(JSON.parse(read('agreement.json')));
  const losses = Object.entries(methods).flatMap(([method, { losses: found }]) =>
    Object.entries(found.largest).map(
      ([learner, largest]) =>
        `| ${method} | ${learner} | ${found.steps} | ${largest.toExponential(1)} | ${found.control[learner]!.toExponential(1)} |`,
    ),
  );
  const percent = (side: z.infer<typeof Side>) => spreadText(100, side);
  const accuracy = Object.entries(methods).flatMap(([method, { accuracy: rows }]) =>
    rows.map(
      ({ what, here, there, t }) => `| ${method} | ${what} | ${percent(here)} | ${percent(there)} | ${t.toFixed(2)} |`,
    ),
  );
  return `${head}
The largest relative difference of the loss of a step, and that of PyTorch itself between float32 and float64:

| method | learner | steps | here and PyTorch | float32 and float64 |
| --- | --- | ---: | ---: | ---: |
${losses.join('\n')}

Test accuracy in percent, mean ± standard deviation of ${seeds} seeds; t is the difference of the means in standard errors:

| method | stage and learner | here | PyTorch | t |
| --- | --- | ---: | ---: | ---: |
${accuracy.join('\n')}
`;
}

const results = STUDIES.flatMap(({ name }) => findingsOf(name) ?? []);
const found = verdicts(results);

process.stdout.write(`# Results

${found.length > 0 ? found.join('\n') : 'No setting has enough seeds yet to compare `trikd` with `kd` at equal compute.'}

\`make results\` trains whatever is missing and writes this page; it can be stopped and continued. [Comparing methods](studies.md) says what the
columns mean and how compute is counted. Every number is of the test split, of the params that validated best. Gains are paired differences over
common seeds, with 95 % intervals. All runs of a study are in \`docs/results/NAME/results.jsonl\`, and \`trikd study FILE --show DIGEST\` prints the
run file of each.

${[...STUDIES.map(section), agreement()].join('\n')}`);

/**
 * Writes the reference of a run's file and of the services' configuration, from the schemas that read them.
 *
 * usage: node scripts/config-reference.ts > docs/configuration.md      (after a build)
 */
import { AdmissionLimits } from '@trikd/core/spec/admission';
import { InitSpec, OutsideSpec } from '@trikd/core/spec/outside-spec';
import { RunSpec } from '@trikd/core/spec/run-spec';
import { anchorConfig, trainerConfig } from '@trikd/model-host/config';
import { ServingConfig } from '@trikd/model-host/serving/serving-config';
import { StoreConfig } from '@trikd/store/store-config';
import { z } from 'zod';
import { OrchestratorConfig } from '../services/orchestrator/dist/config.js';
import { rowsOf, type Schema } from './setting-rows.ts';

/** Sections that stand in several configurations, and have a table of their own. */
const SHARED = ['store ', 'admission.'];

/** @param at Where the schema stands in a configuration, if it is one of the shared sections */
function table(schema: z.ZodType, at = ''): string {
  // Both roles have the same settings, and so have assistants: one row says it for all.
  const rows = rowsOf(z.toJSONSchema(schema, { io: 'input' }) as Schema, at, true)
    .filter(({ path }, _index, all) => !isRepeated(path, all) && !path.startsWith('assistants[].'))
    .filter(({ path }) => at !== '' || !SHARED.some((section) => path.startsWith(section)))
    .map((row) => ({ ...row, path: row.path.replace(/^student\./, 'ROLE.') }));
  const lines = rows.map(({ path, type, fallback, meaning }) => `| \`${path}\` | ${type} | ${fallback} | ${meaning} |`);
  return ['| setting | values | default | meaning |', '| --- | --- | --- | --- |', ...lines].join('\n');
}

/** Whether a setting of the teacher is one of the student too. */
function isRepeated(path: string, all: readonly { readonly path: string }[]): boolean {
  if (!path.startsWith('teacher.')) return false;
  const other = path.replace(/^teacher/, 'student');
  return all.some((row) => row.path === other);
}

/** The settings of params from outside of a run, each once: several sections have some of them. */
function outsideTable(): string {
  const [head, line, ...frozen] = table(OutsideSpec, 'from').split('\n');
  const rows = [...frozen, ...table(InitSpec, 'from').split('\n').slice(2)];
  const pathOf = (row: string) => row.split('|')[1];
  const once = rows.filter((row, index) => rows.findIndex((other) => pathOf(other) === pathOf(row)) === index);
  return [head, line, ...once].map((row) => row?.replace('**required**', '')).join('\n');
}

/** The settings of the anchor-server that the trainers do not have. */
function endpointTable(): string {
  const [head, line, ...rows] = table(anchorConfig()).split('\n');
  return [head, line, ...rows.filter((row) => row.startsWith('| `endpoint'))].join('\n');
}

console.log(`# Configuration

Written by \`make generate\` from the schemas that read it; do not edit.

## A run

The spec of a run is a YAML file for \`trikd run FILE\`. It determines the params of the run, bit for bit, and cannot change while the
run exists. \`--set path=value\` overrides a setting. \`--set path=null\` removes it, so that its default applies; where null is a value, as
of \`clipNorm\`, it is set. To train the student of any file alone:

\`\`\`sh
trikd run examples/tiny.yaml --set name=alone --set method=ce --set teacher=null --set student.objective=null
\`\`\`

Unknown settings are rejected, and all errors are reported at once. \`ROLE\` stands for \`student\` and for \`teacher\`; each of
\`assistants\` has the same settings but \`objective\`, and each of \`stages[].learners\` has them all, and \`slot\` besides; its \`init\` may name
an earlier stage too ([methods](methods.md#stages-of-your-own)). The word in parentheses is the \`kind\` that has the setting.

${table(RunSpec)}

### Params from outside

\`from\` of the teacher and \`init\` of a learner name params that no stage of the run has trained ([teachers](teachers.md)). One of \`run\`,
\`file\`, \`weights\` and, in \`from\` alone, \`endpoint\` says where they are.

\`\`\`yaml
teacher: { model: { kind: resnet-imagenet, depth: 18 }, from: { file: /models/resnet18.safetensors } }
student: { model: { kind: resnet, depth: 20 }, init: { run: first-try, at: last } }
\`\`\`

${outsideTable()}

### Schedules

A weight or a temperature is a number, or a schedule over the steps of a stage. A point is \`[fraction, value]\`, and fractions
ascend from 0 to 1. Before the first point its value holds, and after the last point the last.

\`\`\`yaml
weight: { points: [[0, 0], [0.1, 1]] }                       # rises over the first tenth, then stays
weight: { points: [[0, 1], [0.5, 0]], curve: step }          # 1 in the first half, 0 in the second
temperature: { points: [[0, 8], [1, 2]], curve: cosine }     # falls along half a cosine
weight: { byGeneration: [1, { points: [[0, 1], [1, 0]] }] }  # an entry for each generation; the last goes on
\`\`\`

\`curve\` is \`linear\` (the default), \`cosine\` or \`step\`, and holds between any two points.

### Learned temperatures

The temperature of a distillation term can be learned (CTKD): \`T = from + range · sigmoid(θ)\`. The scalar \`θ\` starts from 1 and climbs the loss
that the model descends, with the optimizer and the learning rate of the model.

\`\`\`yaml
temperature: { learned: true }                                    # from 1 to 21, the published range
temperature: { learned: true, from: 1, range: 7, rampEpochs: 5 }  # from 1 to 8
\`\`\`

\`θ\` moves at a share of the learning rate that rises on half a cosine over the first \`rampEpochs\` epochs, 10 if they are not given.

## The model services

These are anchor-server, teacher-trainer and student-trainer. They read the YAML file that \`TRIKD_CONFIG\` names, then the
environment: \`TRIKD_DRAIN_SECONDS=9\` sets \`drainSeconds\`, and \`TRIKD_STORE__PATH=/data\` sets \`store.path\`. An empty variable is
an empty text if the setting accepts one, and otherwise ignored. Each service also has a [store](#the-store) and [admission limits](#admission-limits). The default ports are
50051, 50052 and 50053.

${table(trainerConfig('teacher')).replace('127.0.0.1:50052', '127.0.0.1:5005x')}

The anchor-server also asks [models of other servers](teachers.md#a-model-of-another-server):

${endpointTable()}

## Served models

The section \`serving\` of the anchor-server has the runs whose [models it serves](serving.md). Without it, it serves none.

${table(ServingConfig, 'serving')}

## The orchestrator

It reads its configuration in the same way, and also has a [store](#the-store) and [admission limits](#admission-limits).

${table(OrchestratorConfig)}

## Admission limits

The limits on what a run may allocate. They are the section \`admission\` in the configuration of each service. The orchestrator checks
a run against its own when the run is created, and names every limit that the run is above; the model services check again before they
allocate anything, then with the sizes in the headers of the data. \`trikd run\` has the same limits: a mistyped zero then costs a
sentence instead of all memory. To raise one there, set it in the environment: \`TRIKD_ADMISSION__PARAMS=500000000 trikd run FILE\`.

${table(AdmissionLimits, 'admission')}

## The store

The store holds checkpoints, manifests and run states. It is the section \`store\` in the configuration of each service, and the same
for all services of a run.

${table(StoreConfig, 'store')}

A service needs the rights to get, put, delete and list the objects of its bucket. At its start it races 32 conditional writes, with
objects under \`probe/\` that it removes afterwards. Unless exactly one wins, the service does not start and reports what it saw. It
also exits if the store is unreachable or rejects the credentials, and a supervisor should restart it. \`make minio\` starts a MinIO
and prints its settings. Variables are read as YAML, so a credential of digits only needs quotes of its own: \`'"1234"'\`.`);

import { TrikdError } from '@trikd/core/domain/errors';
import { quietTensorFlow } from '@trikd/process/environment';
import { type Command, CommanderError } from 'commander';
import { certsCommand } from './commands/certs/command.js';
import { checkpointCommand } from './commands/checkpoint/command.js';
import { completionCommands, type Names } from './commands/completion.js';
import { dashboardCommand } from './commands/dashboard/command.js';
import { dataCommand } from './commands/data/command.js';
import { doctorCommand } from './commands/doctor/command.js';
import { evalCommand } from './commands/eval/command.js';
import { explainCommand } from './commands/explain/command.js';
import { exportCommand } from './commands/export/command.js';
import { addExportCommands } from './commands/export-events/command.js';
import { generationCommand } from './commands/generation/command.js';
import { healthCommand } from './commands/health.js';
import { reportCommand } from './commands/html-report/command.js';
import { loginCommands } from './commands/login/command.js';
import { predictCommand } from './commands/predict/command.js';
import { profileCommand } from './commands/profile/command.js';
import { queueCommand } from './commands/queue/command.js';
import { runsCommand } from './commands/runs/command.js';
import { serveCommand } from './commands/serve/command.js';
import { upCommand } from './commands/stack/command.js';
import { studyCommand } from './commands/study/command.js';
import { tuneCommand } from './commands/tune/command.js';
import { weightsCommand } from './commands/weights/command.js';
import { commandLine, exitStatusOf } from './options/args.js';
import { credentialOptions } from './options/options.js';
import { exitStatusFor, withErrorReport } from './server/error-report.js';
import { paintFor } from './terminal/paint.js';
import { print, type Shell, say, withProgress, write } from './terminal/shell.js';
import { formatted } from './terminal/texts.js';

/** Of a command that computes in a process of its own. */
type ComputingFolder = 'eval' | 'export' | 'predict' | 'profile';

async function localNames(): Promise<Names> {
  const [{ localRuns, RUNS }, { settingPaths }] = await Promise.all([
    import('./run/run-folder.js'),
    import('./options/settings.js'),
  ]);
  return { runs: () => localRuns(RUNS), settings: settingPaths };
}

/** Actions of commands whose module is loaded when one of them is called. */
function loadedWhenCalled<Actions extends { readonly [Name in keyof Actions]: (...options: never[]) => Promise<void> }>(
  load: () => Promise<Actions>,
): Actions {
  return new Proxy({} as Actions, {
    get:
      (_, name) =>
      async (...options: never[]) =>
        (await load())[name as keyof Actions](...options),
  });
}

/** The whole command line. A command loads what it needs when it is executed. @param finish called with the exit status by commands whose status is not 0 on success */
export function trikdProgram(shell: Shell, finish: (status: number) => void): Command {
  const server = async () => (await import('./server/actions.js')).serverActions(shell, finish);
  const runs = runsCommand(loadedWhenCalled(async () => (await server()).runs));
  addExportCommands(
    runs,
    loadedWhenCalled(async () => (await import('./commands/export-events/actions.js')).exportActions(shell, finish)),
  );
  /** Computes in a process of its own and prints the result. @param units counted by the progress */
  const compute = async (folder: ComputingFolder, name: string, units: string, options: object) => {
    const program = new URL(`./commands/${folder}/process.js`, import.meta.url);
    const { runTask } = await import('./run/task-process.js');
    const computed = withProgress(shell, (report) =>
      runTask({ name, program, options }, shell, (what, done, all) => report(`${what}: ${done} of ${all} ${units}`)),
    );
    print(shell, await computed);
  };
  const computeOfRun = (
    folder: ComputingFolder,
    name: string,
    units: string,
    options: { readonly runId: string },
  ): Promise<void> =>
    withErrorReport(shell, finish, { runId: options.runId, offline: true }, () =>
      compute(folder, name, units, options),
    );
  /** A command that may use a server: errors then say what to do about it. */
  const withServerReport = ({ server }: { readonly server?: object }, work: () => Promise<void>) =>
    server ? withErrorReport(shell, finish, {}, work) : work();
  const program = commandLine({
    run: async (options) => finish(await (await import('./run/run.js')).run(options, shell)),
    runRemote: async (options) => (await import('./run/run-remote.js')).runRemote(options, shell, finish),
  })
    .addCommand(
      explainCommand(async ({ file, overrides, json }) => {
        const [{ loadSpec }, { explained, knownData }, { explainedText }] = await Promise.all([
          import('./options/load-spec.js'),
          import('./commands/explain/explain.js'),
          import('./commands/explain/text.js'),
        ]);
        const spec = loadSpec(file, overrides);
        const data = await withProgress(shell, (report) => {
          report('reading data ...');
          return knownData(spec, shell.env);
        });
        const stages = explained(spec, data);
        print(shell, json ? formatted(stages, 'json') : explainedText(stages));
      }),
    )
    .addCommand(profileCommand((options) => compute('profile', 'profile', 'steps', options)))
    .addCommand(
      studyCommand((options) =>
        withServerReport(options, async () => (await import('./commands/study/study.js')).study(options, shell)),
      ),
    )
    .addCommand(
      tuneCommand((options) =>
        withServerReport(options, async () => (await import('./commands/tune/tune.js')).tune(options, shell)),
      ),
    )
    .addCommand(upCommand(async (options) => (await import('./commands/stack/up.js')).up(options, shell)))
    .addCommand(
      dashboardCommand((options) =>
        withErrorReport(shell, finish, { offline: true }, async () =>
          (await import('./commands/dashboard/show-dashboard.js')).showDashboard(options, shell),
        ),
      ),
    )
    .addCommand(runs)
    .addCommand(queueCommand(async (options) => (await server()).queue(options)))
    .addCommand(generationCommand(loadedWhenCalled(async () => (await server()).generation)))
    .addCommand(
      dataCommand(loadedWhenCalled(async () => (await import('./commands/data/actions.js')).dataActions(shell))),
    )
    .addCommand(
      weightsCommand(async (options) => {
        // TensorFlow is loaded by the commands that need it, and by no other.
        quietTensorFlow();
        const { inspectedWeights, inspectedWeightsText } = await import('./commands/weights/inspect.js');
        const found = await inspectedWeights(options);
        const { output } = options;
        print(shell, output === 'table' ? inspectedWeightsText(found) : formatted(found, output));
        if (found.fit && found.fit.problems.length > 0) finish(1);
      }),
    )
    .addCommand(
      certsCommand(
        loadedWhenCalled(async () => (await import('./commands/certs/actions.js')).certsActions(shell, finish)),
      ),
    )
    .addCommand(
      checkpointCommand(
        loadedWhenCalled(async () =>
          (await import('./commands/checkpoint/actions.js')).checkpointActions(shell, finish),
        ),
      ),
    )
    .addCommand(
      reportCommand(async ({ from, out }) => {
        const [{ readSource }, { storedRun }, { writeReport }] = await Promise.all([
          import('./commands/export-events/read-source.js'),
          import('./run/run-folder.js'),
          import('./commands/html-report/write-report.js'),
        ]);
        await readSource(from, shell, finish, async (events, folder) => {
          const saved = folder && (await storedRun(folder));
          const spec = saved && JSON.stringify(saved.spec);
          await withProgress(shell, (report) => {
            report('reading events ...');
            return writeReport(events, spec, out);
          });
          print(shell, out);
        });
      }),
    )
    .addCommand(
      doctorCommand(async (options) => {
        const { examine, findingsText } = await import('./commands/doctor/doctor.js');
        const findings = await withProgress(shell, (report) => examine(options, shell.env, report));
        const { output } = options;
        print(
          shell,
          output === 'table' ? findingsText(findings, paintFor(shell.stdout)) : formatted({ findings }, output),
        );
        finish(findings.some(({ verdict }) => verdict === 'failed') ? 1 : 0);
      }),
    )
    .addCommand(
      healthCommand(({ address, service, timeout }) =>
        withErrorReport(shell, finish, { offline: true }, async () => {
          const { checkHealth } = await import('@trikd/transport/grpc/check-health');
          const { serving } = await checkHealth(address, timeout, undefined, service);
          print(shell, serving ? 'serving' : 'not serving');
          if (!serving) finish(1);
        }),
      ),
    )
    .addCommand(
      serveCommand((options) =>
        withErrorReport(shell, finish, { runId: options.runId, offline: true }, async () =>
          (await import('./commands/serve/serve.js')).serve(options, shell),
        ),
      ),
    )
    .addCommand(evalCommand((options) => computeOfRun('eval', 'evaluation', 'examples', options)))
    .addCommand(predictCommand((options) => computeOfRun('predict', 'prediction', 'images', options)))
    .addCommand(exportCommand((options) => computeOfRun('export', 'export', 'images', options)));
  for (const command of loginCommands(
    loadedWhenCalled(async () => (await import('./commands/login/actions.js')).loginActions(shell, finish)),
  ))
    program.addCommand(command);
  for (const command of descendants(program)) {
    if (command.options.some(({ long }) => long === '--server')) {
      for (const option of credentialOptions()) command.addOption(option);
    }
  }
  const [completion, complete] = completionCommands(program, localNames, (text) => print(shell, text));
  program.addCommand(completion).addCommand(complete, { hidden: true });
  const output = {
    writeOut: (text: string) => write(shell.stdout, text),
    writeErr: (text: string) => write(shell.stderr, text),
  };
  for (const command of [program, ...descendants(program)]) command.configureOutput(output);
  return program;
}

/** All subcommands of a command, at every level. */
export function descendants(command: Command): readonly Command[] {
  return command.commands.flatMap((one) => [one, ...descendants(one)]);
}

/** Executes a command line. Returns its exit status. */
export async function runProgram(words: readonly string[], shell: Shell): Promise<number> {
  let status = 0;
  try {
    await trikdProgram(shell, (asked) => {
      status = asked;
    }).parseAsync(words, { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return exitStatusOf(error);
    if (shell.rest.aborted && isReason(error, shell.rest)) return 130;
    if (!(error instanceof TrikdError)) {
      say(shell, `trikd: internal error: ${error instanceof Error ? error.stack : error}`);
      return 1;
    }
    say(shell, `trikd: ${error.message}`);
    return error.kind === 'wrong-state' ? exitStatusFor(error.kind) : 1;
  }
}

/** Whether an error is that of a signal: functions of Node throw an error of their own, whose cause is its reason. */
function isReason(error: unknown, { reason }: AbortSignal): boolean {
  return error === reason || (error instanceof Error && error.name === 'AbortError' && error.cause === reason);
}

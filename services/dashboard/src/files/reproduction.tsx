import { numericsText, roleName } from '@trikd/events/names';
import type { RunHistory } from '@trikd/events/run-history';
import type { RoleNumerics } from '@trikd/protocol/gen/browser/trikd/v1/run';
import type { ComponentChildren } from 'preact';
import { CopyButton, Fact, Scroll } from '../controls.js';
import { resultFile } from './stored-files.js';

interface ReproductionProps {
  readonly history: RunHistory;
  /** The file that starts the run again; undefined when its spec is not known. */
  readonly file: string | undefined;
  /** More buttons. */
  readonly children?: ComponentChildren;
  /** Below the run file. */
  readonly more?: ComponentChildren;
}

/** What somebody needs to train a run again: its file, and what else its numbers depend on. */
export function Reproduction({ history, file, children, more }: ReproductionProps) {
  const { run, stages } = history;
  if (!run || file === undefined) return null;
  const numerics = stages.findLast((each) => each.numerics)?.numerics ?? [];
  const result = resultFile(run);
  return (
    <section class="panel reproduction" aria-labelledby="reproduction">
      <h2 id="reproduction">Reproduce and download</h2>
      <div class="buttons">
        <CopyButton text={file} label="Copy the run file" />
        <button type="button" onClick={() => saveFile(`${run.runId}.yaml`, 'application/yaml', file)}>
          Save the run file
        </button>
        {children}
      </div>
      <dl class="facts">
        {run.specDigest !== '' && (
          <Fact name="SHA-256 of the spec">
            <code>{run.specDigest}</code>
          </Fact>
        )}
        {result && (
          <Fact name={`SHA-256 of the ${result.learner}'s best params`}>
            <code>{result.sha256}</code>
          </Fact>
        )}
        {[...byText(numerics)].map(([text, roles]) => (
          <Fact key={text} name={`The ${listed(roles)} computed with`}>
            <span class="numerics">{text}</span>
          </Fact>
        ))}
      </dl>
      <details>
        <summary>Run file</summary>
        <Scroll label="the run file">
          <pre>{file}</pre>
        </Scroll>
      </details>
      {more}
    </section>
  );
}

/** The roles that computed with the same, by what that is. */
function byText(numerics: readonly RoleNumerics[]): ReadonlyMap<string, readonly string[]> {
  const roles = new Map<string, readonly string[]>();
  for (const { role, numerics: own } of numerics) {
    const text = numericsText(own);
    roles.set(text, [...(roles.get(text) ?? []), roleName(role)]);
  }
  return roles;
}

/** `teacher, student and anchor` */
function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** Has the browser save a text as a file. @param type of its content, such as text/html */
export function saveFile(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has read the address by then, and reads the content from memory.
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

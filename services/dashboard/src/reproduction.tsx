import { roleName } from '@trikd/events/names';
import { numericsText } from '@trikd/events/numerics-text';
import type { RunHistory } from '@trikd/events/run-history';
import type { ComponentChildren } from 'preact';
import { CopyButton } from './copy-button.js';
import { Fact } from './fact.js';
import { saveFile } from './save-file.js';
import { Scroll } from './scroll.js';
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
  const { run, generations } = history;
  if (!run || file === undefined) return null;
  const numerics = generations.findLast((each) => each.numerics)?.numerics ?? [];
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
        {numerics.map(({ role, numerics: own }) => (
          <Fact key={role} name={`The ${roleName(role)} computed with`}>
            {numericsText(own)}
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

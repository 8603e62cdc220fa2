import { renderReport } from '@trikd/events/render-report';
import { runFile } from '@trikd/events/run-file';
import type { RunHistory } from '@trikd/events/run-history';
import { useMemo, useState } from 'preact/hooks';
import { bytes } from './bytes.js';
import { Reproduction } from './reproduction.js';
import { saveFile } from './save-file.js';
import { resultFile } from './stored-files.js';
import { StoredModels } from './stored-models.js';

/** Files of a run for the browser to save: its run file, its report, its events, its result, and all its models. */
export function Downloads({ history }: { readonly history: RunHistory }) {
  const [problem, setProblem] = useState('');
  const { run, generations } = history;
  // Most events change neither the spec nor what the models compute with.
  const numerics = generations.findLast((each) => each.numerics)?.numerics;
  const file = useMemo(() => runFile(history), [run?.spec, run?.specDigest, numerics]);
  if (!run) return null;
  const { runId } = run;
  const student = resultFile(run);
  const saveReport = async () => {
    setProblem('');
    try {
      const response = await fetch('/report.html');
      if (!response.ok) throw new Error(response.statusText);
      saveFile(`${runId}.html`, 'text/html', renderReport(await response.text(), history));
    } catch {
      setProblem('The report was not made: the server does not answer.');
    }
  };
  return (
    <Reproduction history={history} file={file} more={<StoredModels run={run} />}>
      <button type="button" onClick={() => void saveReport()}>
        Save the report
      </button>
      <a class="button" href={`/api/runs/${encodeURIComponent(runId)}/history`} download={`${runId}.jsonl`}>
        Save the events
      </a>
      {student && (
        <a class="button" href={student.href} download={student.file}>
          Save the {student.learner} <span class="muted small">{bytes(student.bytes)}</span>
        </a>
      )}
      {run.generations.length > 0 && (
        <a class="button" href={`/try.html#${encodeURIComponent(runId)}`}>
          Try the student
        </a>
      )}
      {problem !== '' && (
        <p class="notice bad" role="alert">
          {problem}
        </p>
      )}
    </Reproduction>
  );
}

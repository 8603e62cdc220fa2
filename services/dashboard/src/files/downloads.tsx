import { renderReport, runFile } from '@trikd/events/report';
import type { RunHistory } from '@trikd/events/run-history';
import { ListCheckpointsResponse, type Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { useMemo, useState } from 'preact/hooks';
import { ApiError, api } from '../api.js';
import { Scroll } from '../controls.js';
import { bytes, count } from '../format.js';
import { Reproduction, saveFile } from './reproduction.js';
import { bestFiles, resultFile, type StoredFile, stateFiles } from './stored-files.js';

/** Files of a run for the browser to save: its run file, its report, its events, its result, and all its models. */
export function Downloads({ history }: { readonly history: RunHistory }) {
  const [problem, setProblem] = useState('');
  const { run, stages } = history;
  // Most events change neither the spec nor what the models compute with.
  const numerics = stages.findLast((each) => each.numerics)?.numerics;
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
      {run.stages.length > 0 && (
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

/** The models and checkpoints of a run, with their sizes and digests, to save; the list of checkpoints is read when it is opened. */
function StoredModels({ run }: { readonly run: Run }) {
  const [checkpoints, setCheckpoints] = useState<ListCheckpointsResponse>();
  const [problem, setProblem] = useState('');
  const read = async () => {
    try {
      const path = `/runs/${encodeURIComponent(run.runId)}/checkpoints`;
      setCheckpoints(ListCheckpointsResponse.fromJSON(await api('GET', path)));
      setProblem('');
    } catch (error) {
      setProblem(error instanceof ApiError ? error.message : String(error));
    }
  };
  return (
    <details class="stored" onToggle={({ currentTarget }) => void (currentTarget.open && read())}>
      <summary>Models and checkpoints</summary>
      <FilesTable caption="Best models, by validation" files={bestFiles(run)} />
      {checkpoints && <FilesTable caption="Checkpoints" files={stateFiles(run, checkpoints)} />}
      {checkpoints && <Notes checkpoints={checkpoints} />}
      {problem !== '' && (
        <p class="notice bad" role="alert">
          The checkpoints are not known: {problem}
        </p>
      )}
    </details>
  );
}

function FilesTable({ caption, files }: { readonly caption: string; readonly files: readonly StoredFile[] }) {
  if (files.length === 0) return null;
  return (
    <Scroll label={caption}>
      <table>
        <caption>{caption}</caption>
        <thead>
          <tr>
            <th scope="col">Stage</th>
            <th scope="col">File</th>
            <th scope="col" class="number">
              Step
            </th>
            <th scope="col" class="number">
              Size
            </th>
            <th scope="col">SHA-256</th>
          </tr>
        </thead>
        <tbody>
          {files.map(({ stage, content, step, bytes: size, sha256, href, file }) => (
            <tr key={`${href} ${step} ${content}`}>
              <td>{stage}</td>
              <td>
                <a href={href} download={file}>
                  {content}
                </a>
              </td>
              <td class="number">{count(step)}</td>
              <td class="number">{bytes(size)}</td>
              <td>
                <code class="small">{sha256}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** What the list does not have. */
function Notes({ checkpoints: { checkpoints, omitted } }: { readonly checkpoints: ListCheckpointsResponse }) {
  const unreadable = checkpoints.filter(({ problem }) => problem !== '');
  return (
    <>
      {unreadable.map(({ manifestKey, problem }) => (
        <p key={manifestKey} class="notice bad">
          {problem}
        </p>
      ))}
      {omitted > 0 && <p class="muted small">{count(omitted)} older checkpoints are not listed.</p>}
    </>
  );
}

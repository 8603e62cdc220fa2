import { ListCheckpointsResponse, type Run } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { useState } from 'preact/hooks';
import { ApiError, api } from './api.js';
import { bytes } from './bytes.js';
import { count } from './format.js';
import { Scroll } from './scroll.js';
import { bestFiles, type StoredFile, stateFiles } from './stored-files.js';

/** The models and checkpoints of a run, with their sizes and digests, to save; the list of checkpoints is read when it is opened. */
export function StoredModels({ run }: { readonly run: Run }) {
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

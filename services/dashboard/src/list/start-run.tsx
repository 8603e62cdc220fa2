import { METHOD_KINDS } from '@trikd/core/methods/registry';
import { useId, useState } from 'preact/hooks';
import { parse } from 'yaml';
import { addressOf } from '../address.js';
import { ApiError, api, at, type FieldProblem, requestId } from '../api.js';

const OTHERS = METHOD_KINDS.filter((kind) => kind !== 'trikd');

const EXAMPLE = `name: first
method: trikd               # or another: ${OTHERS.join(', ')}
data: { kind: synthetic }
batchSize: 32
epochs: 20
student:
  model: { kind: plain-cnn, channels: [4, 4] }
teacher:                    # where the method has one
  model: { kind: plain-cnn, channels: [8, 8] }
curriculum: { generations: 3 }
`;

interface Problem {
  readonly message: string;
  readonly fields: readonly FieldProblem[];
}

/** A form that starts a run from its spec. */
export function StartRun({ open }: { readonly open: boolean }) {
  // The form that is open when the page loads stays open until the user closes it, even if runs appear meanwhile.
  const [openAtFirst] = useState(open);
  const [text, setText] = useState(EXAMPLE);
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const id = useId();
  const start = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(undefined);
    try {
      const spec = specIn(text);
      const answer = await api('POST', '/runs', { spec: JSON.stringify(spec), requestId: requestId() });
      const runId = at(answer, 'run', 'runId');
      if (typeof runId === 'string') window.location.hash = addressOf(runId);
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <details class="panel start" open={openAtFirst}>
      <summary>Start a run</summary>
      <form onSubmit={(event) => void start(event)}>
        <label for={`${id}-spec`}>Spec, in YAML or JSON. If a run of this name and spec exists, it continues.</label>
        <textarea
          id={`${id}-spec`}
          rows={14}
          spellcheck={false}
          autocomplete="off"
          value={text}
          aria-invalid={problem !== undefined}
          aria-describedby={problem ? `${id}-problem` : undefined}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        {problem && (
          <div id={`${id}-problem`} class="notice bad" role="alert">
            <p>{problem.message}</p>
            {problem.fields.length > 0 && (
              <dl class="fields">
                {problem.fields.map(({ field, description }) => (
                  <div key={`${field} ${description}`}>
                    <dt>
                      <code>{field}</code>
                    </dt>
                    <dd>{description}</dd>
                  </div>
                ))}
              </dl>
            )}
          </div>
        )}
        <button type="submit" class="primary" disabled={busy}>
          {busy ? 'Starting…' : 'Start the run'}
        </button>
      </form>
    </details>
  );
}

function specIn(text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new ApiError(`this is not valid YAML: ${error instanceof Error ? error.message : String(error)}`, 400);
  }
}

function problemOf(error: unknown): Problem {
  if (error instanceof ApiError) {
    const { message, fields } = error;
    // The problems of the fields are listed below the message.
    return { message: fields.length > 0 ? 'The run was not started: the spec has mistakes.' : message, fields };
  }
  return { message: error instanceof Error ? error.message : String(error), fields: [] };
}

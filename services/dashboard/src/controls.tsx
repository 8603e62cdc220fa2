import { phaseName } from '@trikd/events/names';
import type { RunPhase } from '@trikd/protocol/gen/browser/trikd/v1/run';
import type { ComponentChildren } from 'preact';
import { useId, useRef, useState } from 'preact/hooks';

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  /** Each value with its text. */
  readonly options: readonly (readonly [value: string, text: string])[];
  readonly choose: (value: string) => void;
}

/** One value out of several, with its label beside it. */
export function Choice({ label, value, options, choose }: ChoiceProps) {
  const id = useId();
  return (
    <span class="choice">
      <label for={id} class="muted">
        {label}
      </label>{' '}
      <select id={id} value={value} onChange={(event) => choose(event.currentTarget.value)}>
        {options.map(([each, text]) => (
          <option key={each} value={each}>
            {text}
          </option>
        ))}
      </select>
    </span>
  );
}

interface ConfirmProps {
  /** Text of the button. */
  readonly label: string;
  /** Title of the dialog. */
  readonly question: string;
  /** What the action does. */
  readonly consequence: string;
  readonly danger?: boolean;
  /** The action. An error is shown in the dialog, and the action can be tried again. */
  readonly act: () => Promise<unknown>;
}

/** A button that asks for confirmation. */
export function Confirm({ label, question, consequence, danger = false, act }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const id = useId();
  const open = () => {
    setProblem('');
    dialog.current?.showModal();
  };
  const go = async () => {
    setBusy(true);
    setProblem('');
    try {
      await act();
      dialog.current?.close();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <button type="button" class={danger ? 'danger' : ''} onClick={open}>
        {label}
      </button>
      <dialog ref={dialog} aria-labelledby={`${id}-question`} aria-describedby={`${id}-consequence`}>
        <h2 id={`${id}-question`}>{question}</h2>
        <p id={`${id}-consequence`}>{consequence}</p>
        {problem !== '' && (
          <p class="notice bad" role="alert">
            {problem}
          </p>
        )}
        <div class="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            Back
          </button>
          <button type="button" class={danger ? 'danger' : 'primary'} disabled={busy} onClick={() => void go()}>
            {busy ? 'Working…' : label}
          </button>
        </div>
      </dialog>
    </>
  );
}

/** A button that copies a text. Where the browser has no clipboard, without TLS, it says so, and the text can be selected by hand. */
export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
  const [outcome, setOutcome] = useState('');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome('Copied');
    } catch {
      setOutcome('This browser does not allow it here');
    }
  };
  return (
    <>
      <button type="button" onClick={() => void copy()}>
        {label}
      </button>
      <span class="muted small" role="status">
        {outcome}
      </span>
    </>
  );
}

/** A name and its value, in a list of facts. */
export function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** The phase of a run as a badge. */
export function Phase({ phase }: { readonly phase: RunPhase }) {
  const name = phaseName(phase);
  return <span class={`phase ${name}`}>{name}</span>;
}

/** A progress bar with the whole percent reached; a dash while the progress is unknown. */
export function Progress({ percent, label }: { readonly percent: number | undefined; readonly label: string }) {
  if (percent === undefined) return <span class="muted">–</span>;
  return (
    <span class="progress">
      <progress max={100} value={percent} aria-label={label} />
      <span class="number">{Math.floor(percent)} %</span>
    </span>
  );
}

/** Content that scrolls sideways on a narrow screen, also with the keyboard. */
export function Scroll({ label, children }: { readonly label: string; readonly children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without it, the keyboard could not scroll
    <section class="scroll" aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}

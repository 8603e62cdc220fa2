import { useId, useRef, useState } from 'preact/hooks';

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

import { useId, useRef, useState } from 'preact/hooks';

interface ConfirmProps {
  /** On the button, and what the dialog asks. */
  readonly label: string;
  readonly question: string;
  /** What will happen. */
  readonly consequence: string;
  readonly danger?: boolean;
  /** Does it; what it throws is shown, and can be tried again. */
  readonly act: () => Promise<unknown>;
}

/** A button that asks before it acts. */
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
            Leave it
          </button>
          <button type="button" class={danger ? 'danger' : 'primary'} disabled={busy} onClick={() => void go()}>
            {busy ? 'Working…' : label}
          </button>
        </div>
      </dialog>
    </>
  );
}

import { useState } from 'preact/hooks';

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

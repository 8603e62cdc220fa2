import { useId } from 'preact/hooks';

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

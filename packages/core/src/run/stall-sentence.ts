/** Why a run waits. The names of processes, and a sentence. */
export function stallSentence({ by, on, reason }: Readonly<Record<'by' | 'on' | 'reason', string>>): string {
  return `the ${by} waits for the ${on}: ${reason}`;
}

import { GetCallerResponse } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { useEffect, useState } from 'preact/hooks';
import { api } from './api.js';

/** What a server may allow its callers besides `view`. */
const ALL = ['steer', 'delete'];

/** What the server allows to this page: `view`, `steer`, `delete`; nothing before it has answered. */
export function useVerbs(): readonly string[] {
  const [verbs, setVerbs] = useState<readonly string[]>([]);
  useEffect(() => {
    // Without an answer the page offers everything: each request is checked anyway.
    api('GET', '/caller').then(
      (answer) => setVerbs(GetCallerResponse.fromJSON(answer).verbs),
      () => setVerbs(ALL),
    );
  }, []);
  return verbs;
}

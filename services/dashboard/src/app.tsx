import { useEffect, useState } from 'preact/hooks';
import { addressOf, runInAddress } from './address.js';
import { RunPage } from './run-page.js';
import { RunsPage } from './runs-page.js';

export function App() {
  const [runId, setRunId] = useState(runInAddress);
  useEffect(() => {
    const go = () => {
      setRunId(runInAddress());
      window.scrollTo(0, 0);
      document.getElementById('content')?.focus();
    };
    window.addEventListener('hashchange', go);
    return () => window.removeEventListener('hashchange', go);
  }, []);
  useEffect(() => {
    document.title = runId === undefined ? 'Runs · trikd' : `${runId} · trikd`;
  }, [runId]);
  return (
    <>
      <header class="top">
        <a class="brand" href="#/">
          <img src="/icon.svg" alt="" width="24" height="24" />
          trikd
        </a>
        <nav aria-label="Pages">
          <a href="#/" aria-current={runId === undefined ? 'page' : undefined}>
            Runs
          </a>
          {runId !== undefined && (
            <a href={addressOf(runId)} aria-current="page">
              {runId}
            </a>
          )}
          <a href="/try.html">Try a model</a>
        </nav>
      </header>
      <main id="content" tabIndex={-1}>
        {runId === undefined ? <RunsPage /> : <RunPage key={runId} runId={runId} />}
      </main>
    </>
  );
}

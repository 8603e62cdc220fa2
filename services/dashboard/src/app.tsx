import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { addressOf, addressOfList, type Place, placeIn } from './address.js';
import { ComparisonPage } from './comparison/comparison-page.js';
import { RunsPage } from './list/runs-page.js';
import { RunPage } from './run/run-page.js';

export function App() {
  const [place, setPlace] = useState(() => placeIn(window.location.hash));
  // Before the page is painted: an address that changes while the page loads is followed, too.
  useLayoutEffect(() => {
    const go = () => {
      setPlace(placeIn(window.location.hash));
      window.scrollTo(0, 0);
      document.getElementById('content')?.focus();
    };
    window.addEventListener('hashchange', go);
    return () => window.removeEventListener('hashchange', go);
  }, []);
  useEffect(() => {
    document.title = `${titleOf(place)} · trikd`;
  }, [place]);
  return (
    <>
      <header class="top">
        <a class="brand" href="#/">
          <img src="/icon.svg" alt="" width="24" height="24" />
          trikd
        </a>
        <nav aria-label="Pages">
          <a href={addressOfList()} aria-current={place.page === 'runs' ? 'page' : undefined}>
            Runs
          </a>
          {place.page === 'run' && (
            <a href={addressOf(place.runId)} aria-current="page">
              {place.runId}
            </a>
          )}
          {place.page === 'comparison' && (
            <a href={window.location.hash} aria-current="page">
              Comparison
            </a>
          )}
          <a href="/try.html">Try a model</a>
        </nav>
      </header>
      <main id="content" tabIndex={-1}>
        <Content place={place} />
      </main>
    </>
  );
}

function Content({ place }: { readonly place: Place }) {
  switch (place.page) {
    case 'runs':
      return <RunsPage place={place} />;
    case 'run':
      return <RunPage key={place.runId} runId={place.runId} />;
    case 'comparison':
      return <ComparisonPage runIds={place.runIds} />;
  }
}

function titleOf(place: Place): string {
  if (place.page === 'run') return place.runId;
  return place.page === 'runs' ? 'Runs' : 'Comparison';
}

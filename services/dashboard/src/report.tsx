import './no-eval.js';
import type { RunHistory } from '@trikd/events/run-history';
import { render } from 'preact';
import { Reproduction } from './files/reproduction.js';
import { RunHead } from './run/run-head.js';
import { RunView } from './run/run-view.js';

/** The history that renderReport has put into the page. */
function historyInPage(): RunHistory | undefined {
  const text = document.getElementById('history')?.textContent ?? '';
  return text.trim() === '' ? undefined : JSON.parse(text);
}

/** The run file that renderReport has put into the page. */
function fileInPage(): string | undefined {
  return document.getElementById('run-file')?.textContent || undefined;
}

function Report({ history }: { readonly history: RunHistory }) {
  return (
    <main class="report">
      <h1>{history.run?.runId ?? 'A run'}</h1>
      {history.run && <RunHead run={history.run} />}
      <RunView history={history} />
      <Reproduction history={history} file={fileInPage()} />
    </main>
  );
}

const page = document.getElementById('page');
const history = historyInPage();
if (page && history) {
  document.title = `${history.run?.runId ?? 'run'} · trikd report`;
  render(<Report history={history} />, page);
}

import { ownerText, queueOf } from '@trikd/events/queue';
import type { RunSummary } from '@trikd/protocol/gen/browser/trikd/v1/run';
import { addressOf } from './address.js';
import { moment, sentence } from './format.js';
import { Scroll } from './scroll.js';

/** The runs that wait for a trio, in their order; nothing when none does. */
export function QueueTable({ runs }: { readonly runs: readonly RunSummary[] }) {
  const { queued } = queueOf(runs);
  if (queued.length === 0) return undefined;
  return (
    <section aria-label="Queue">
      <h2>Queue</h2>
      <Scroll label="queue">
        <table class="runs">
          <caption class="visually-hidden">Runs that wait for a trio, in the order in which they get one</caption>
          <thead>
            <tr>
              <th scope="col" class="number">
                Position
              </th>
              <th scope="col">Name</th>
              <th scope="col">Owner</th>
              <th scope="col" class="number">
                Priority
              </th>
              <th scope="col">Since</th>
              <th scope="col">Reason</th>
            </tr>
          </thead>
          <tbody>
            {queued.map(({ runId, owner, placement, message }) => (
              <tr key={runId}>
                <td class="number">{placement?.waiting?.position ?? '–'}</td>
                <th scope="row">
                  <a href={addressOf(runId)}>{runId}</a>
                </th>
                <td>{ownerText(owner) || '–'}</td>
                <td class="number">{placement?.priority ?? 0}</td>
                <td>{moment(placement?.queueTime)}</td>
                <td>{sentence(message)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}

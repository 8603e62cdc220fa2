import type { TracedOp } from '@trikd/engine';
import { plainType } from './op-costs.js';

/** The traced ops of one participant. */
export interface ParticipantTrace {
  readonly name: string;
  readonly ops: readonly TracedOp[];
}

/**
 * Traces as JSON in the Trace Event Format, which Perfetto and chrome://tracing read: a process for each participant, a track for each
 * thread of its scheduler. An op shows on the track of the thread that started it; the threads that it computes with are not traced.
 */
export function chromeTrace(participants: readonly ParticipantTrace[]): string {
  const first = Math.min(...participants.flatMap(({ ops }) => ops.map(({ start }) => start)));
  const traceEvents = participants.flatMap(({ name, ops }, index) => {
    const pid = index + 1;
    const threads = [...new Set(ops.map(({ thread, device }) => `${device} ${thread}`))];
    const tracks = threads.map((thread, tid) => {
      const label = `thread ${tid + 1} of ${/device:(\w+:\d+)/.exec(thread)?.[1] ?? 'a device'}`;
      return { ph: 'M', name: 'thread_name', pid, tid: tid + 1, args: { name: label } };
    });
    return [
      { ph: 'M', name: 'process_name', pid, tid: 0, args: { name } },
      ...tracks,
      ...ops.map(({ name: node, type, device, thread, start, duration, inputs }) => ({
        ...{ ph: 'X', name: plainType(type), cat: 'op', pid, tid: threads.indexOf(`${device} ${thread}`) + 1 },
        ...{ ts: rounded(start - first), dur: rounded(duration), args: { node, op: type, inputs: inputs.join(', ') } },
      })),
    ];
  });
  return JSON.stringify({ traceEvents, displayTimeUnit: 'ms' });
}

/** To nanoseconds. */
const rounded = (microseconds: number) => Math.round(1000 * microseconds) / 1000;

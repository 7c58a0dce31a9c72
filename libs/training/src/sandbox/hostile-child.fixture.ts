import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { Fault } from '@consilium/stdx';
import { serveSandboxed } from './serve.js';

/** A child that tries everything a child must not be able to do, and some that it may. */
export type HostileProtocol = {
  echo: { request: unknown; response: unknown; progress: never };
  double: { request: Float32Array; response: Float32Array; progress: number };
  connect: { request: { host: string; port: number }; response: string; progress: never };
  lookup: { request: string; response: string; progress: never };
  sendDatagram: { request: { host: string; port: number }; response: string; progress: never };
  environment: { request: null; response: Record<string, string | undefined>; progress: never };
  fail: { request: 'fault' | 'error' | 'unanswerable'; response: unknown; progress: never };
  wait: { request: { heedsAbort: boolean }; response: string; progress: number };
  fillHeap: { request: null; response: number; progress: never };
  die: { request: { exitCode: number; lastWords: string }; response: never; progress: never };
};

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'no code';

serveSandboxed<HostileProtocol>({
  echo: async (request) => request,

  double: async (values, { progress }) => {
    for (let i = 0; i < 1000; i++) progress(i);
    return values.map((value) => 2 * value);
  },

  connect: ({ host, port }) =>
    new Promise((resolve) => {
      const socket = connect({ host, port });
      socket.setTimeout(2_000, () => resolve('no answer'));
      socket.on('connect', () => resolve('connected'));
      socket.on('error', (error) => resolve(codeOf(error)));
    }),

  lookup: (name) => lookup(name).then(({ address }) => address, codeOf),

  sendDatagram: ({ host, port }) =>
    new Promise((resolve) => {
      const socket = createSocket('udp4');
      socket.send('patient', port, host, (error) => {
        socket.close();
        resolve(error ? codeOf(error) : 'sent');
      });
    }),

  environment: async () => ({ ...process.env }),

  fail: async (how) => {
    if (how === 'fault') throw new Fault('DATA_LABEL_UNKNOWN', { row: 7 });
    if (how === 'error') throw new Error('Anna Muster, born 1950');
    return () => 'a function cannot be sent';
  },

  wait: async ({ heedsAbort }, { signal, progress }) => {
    progress(1);
    while (!(heedsAbort && signal.aborted)) await setTimeout(5);
    throw new Fault('CANCELLED');
  },

  fillHeap: async () => {
    const kept: string[][] = [];
    for (;;) kept.push(Array.from({ length: 10_000 }, (_, i) => `${kept.length} ${i}`));
  },

  die: async ({ exitCode, lastWords }) => {
    process.stderr.write(lastWords);
    process.exit(exitCode);
  },
});

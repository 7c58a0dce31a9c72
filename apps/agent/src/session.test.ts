import { signCheckpoint } from '@consilium/ledger';
import { Fault, InvariantError } from '@consilium/stdx';
import type { CoordinatorMessage } from '@consilium/wire';
import { beforeEach, describe, expect, it } from 'vitest';
import { StateFault } from './fatal.js';
import type { Instruction } from './offers.js';
import { KEY, RUN, SITE } from './plan.fixture.js';
import { keepSession, type SessionPorts } from './session.js';
import { siteWith } from './site.fixture.js';
import { clockAt, memoryLog, MemoryUplink, settle } from './twins.fixture.js';

const WELCOME = {
  body: 'welcome',
  welcome: {
    protocolVersion: 1,
    features: [],
    software: 'hub',
    site: SITE,
    nowMs: 0,
    siteCheckpoint: Buffer.alloc(0),
    coordinatorCheckpoint: Buffer.alloc(0),
  },
} as CoordinatorMessage;
const ENDED = { body: 'runEnded', runEnded: { run: RUN, outcome: 'finished' } } as CoordinatorMessage;

/** What one session brings: messages, and then an end or a Fault. */
type Script = readonly (CoordinatorMessage | Error)[];

let scripts: Script[];
let clock: ReturnType<typeof clockAt>;
let log: ReturnType<typeof memoryLog>;
let uplink: MemoryUplink;
let followed: Instruction[];
let connections: boolean[];
let welcomes: Uint8Array[];
let published: number;
beforeEach(() => {
  welcomes = [];
  published = 0;
  scripts = [];
  clock = clockAt();
  log = memoryLog();
  uplink = new MemoryUplink();
  followed = [];
  connections = [];
});

function keep(ports: Partial<SessionPorts> = {}) {
  const stopping = new AbortController();
  const site = siteWith({ uplink, clock });
  async function* messages(): AsyncGenerator<CoordinatorMessage> {
    for (const item of scripts.shift() ?? []) {
      if (item instanceof Error) throw item;
      yield item;
    }
  }
  const kept = keepSession(
    {
      site: SITE,
      guard: site.guard,
      witness: { newest: async () => null },
      ownLog: {
        note: undefined,
        welcomed: async (checkpoint) => void welcomes.push(checkpoint),
        publish: async () => void published++,
      },
      tally: site.tally,
      uplink: {
        get messages() {
          return messages();
        },
        closeSession: () => {},
      },
      clock,
      random: () => 0,
      log: log.log,
      follow: async (instruction) => void followed.push(instruction),
      connected: (yes) => connections.push(yes),
      ...ports,
    },
    stopping.signal,
  );
  kept.catch(() => {});
  return { kept, site, stop: () => stopping.abort() };
}
const hellos = (): number => uplink.left.filter(({ kind }) => kind === 'hello').length;
const waits = (): unknown[] => log.lines.flatMap(({ waitMs }) => (waitMs === undefined ? [] : [waitMs]));

describe('the session', () => {
  it('opens with a handshake, follows what comes, and leaves its sums in the log when it is over', async () => {
    scripts = [[WELCOME, ENDED]];
    const { site, stop } = keep();
    await settle();
    expect(uplink.left[0]).toMatchObject({ kind: 'hello', protocolVersion: 1, software: 'consilium-agent/0.1.0' });
    expect(followed).toEqual([{ kind: 'run-ended', run: RUN, outcome: 'finished' }]);
    expect(connections).toEqual([true, false]);
    expect(site.log.entries).toMatchObject([
      { type: 'egress.summed', kind: 'keepalive', messages: 1 },
      { type: 'ingress.summed', kind: 'keepalive', messages: 1 },
    ]);
    stop();
  });

  it('shows its own checkpoint and the coordinator’s, hears what is known of it, and publishes its log', async () => {
    const note = signCheckpoint({ origin: 'testfed/site/site-a/2023', size: 3, root: new Uint8Array(32) }, KEY);
    scripts = [[{ ...WELCOME, welcome: { ...WELCOME.welcome!, siteCheckpoint: Buffer.from(note) } }]];
    const ownLog = {
      note,
      welcomed: async (held: Uint8Array) => void welcomes.push(held),
      publish: async () => void published++,
    };
    const { stop } = keep({ witness: { newest: async () => note }, ownLog });
    await settle();
    expect(uplink.left[0]).toMatchObject({ coordinatorCheckpoint: note, ownCheckpoint: note });
    expect(welcomes.map(String)).toEqual([note]);
    expect(published).toBe(1);
    stop();
  });

  it('writes no sums of tries that nobody answered, so that a long outage does not fill the log', async () => {
    scripts = [[new Fault('UNAVAILABLE')], [new Fault('UNAVAILABLE')], [WELCOME, ENDED]];
    const { site, stop } = keep();
    for (let i = 0; i < 3; i++) {
      await settle();
      clock.advance(15_000);
    }
    expect(site.log.entries[0]).toMatchObject({ type: 'egress.summed', kind: 'keepalive', messages: 3 });
    stop();
  });

  it('ends when this state turns out to be an old copy, and not for what the coordinator says of itself', async () => {
    const rolledBack = new StateFault('LEDGER_ROLLED_BACK');
    scripts = [[WELCOME, ENDED]];
    const ownLog = { note: undefined, welcomed: () => Promise.reject(rolledBack), publish: async () => {} };
    await expect(keep({ ownLog }).kept).rejects.toBe(rolledBack);
    expect(followed).toEqual([]);
    scripts = [[new Fault('LEDGER_ROLLED_BACK')]];
    const { stop } = keep();
    await settle();
    expect(waits()).toEqual([15_000]);
    stop();
  });

  it('waits longer after each failure, and starts over once it was welcomed', async () => {
    scripts = [
      [new Fault('UNAVAILABLE')],
      [new Fault('UNAVAILABLE')],
      [new Fault('UNAVAILABLE')],
      [WELCOME, new Fault('UNAVAILABLE')],
      [WELCOME],
    ];
    const { stop } = keep();
    for (let i = 0; i < 5; i++) {
      await settle();
      clock.advance(15_000);
    }
    expect(waits().slice(0, 4)).toEqual([200, 400, 800, 200]);
    stop();
  });

  it.each(['PROTOCOL_VERSION_UNSUPPORTED', 'SESSION_REPLACED', 'PEER_NOT_THE_COORDINATOR'] as const)(
    'does not hammer on a door that will not open within seconds: %s',
    async (code) => {
      scripts = [[new Fault(code)]];
      const { stop } = keep();
      await settle();
      expect(waits()).toEqual([15_000]);
      stop();
    },
  );

  it('leaves out what it does not understand and goes on', async () => {
    scripts = [
      [WELCOME, { body: 'runEnded', runEnded: { run: 'CANARY', outcome: 'finished' } } as CoordinatorMessage, ENDED],
    ];
    const { stop } = keep();
    await settle();
    expect(followed).toHaveLength(1);
    expect(log.text()).not.toContain('CANARY');
    expect(log.lines.some(({ code }) => code === 'REQUEST_INVALID')).toBe(true);
    stop();
  });

  it('does not follow a coordinator that takes this site for another', async () => {
    scripts = [[{ ...WELCOME, welcome: { ...WELCOME.welcome!, site: 'site-b' } }, ENDED]];
    const { stop } = keep();
    await settle();
    expect(followed).toEqual([]);
    expect(waits()).toEqual([15_000]);
    stop();
  });

  it('ends at once when told to, even in the middle of a pause', async () => {
    scripts = [[new Fault('UNAVAILABLE')]];
    const { kept, stop } = keep();
    await settle();
    stop();
    await kept;
    expect(hellos()).toBe(1);
  });

  it('waits for a disk that is full, and ends for a log that cannot be written or a bug of ours', async () => {
    scripts = [
      [WELCOME, ENDED],
      [WELCOME, ENDED],
    ];
    let fault: Error = new Fault('DISK_FULL');
    const { kept } = keep({ follow: () => Promise.reject(fault) });
    await settle();
    expect(waits()).toEqual([200]);
    fault = new StateFault('LEDGER_UNWRITABLE');
    clock.advance(200);
    await expect(kept).rejects.toBe(fault);
    scripts = [[WELCOME, ENDED]];
    const bug = new InvariantError('a bug');
    await expect(keep({ follow: () => Promise.reject(bug) }).kept).rejects.toBe(bug);
  });
});

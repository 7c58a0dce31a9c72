import {
  MemoryStorage,
  parseCheckpointNote,
  coordinatorOrigin,
  siteCosigner,
  openCheckpoint,
  verifierKey,
  COSIGNATURE,
  LOG_SIGNATURE,
  mergeSignatures,
} from '@consilium/ledger';
import { Fault, fromUtf8, utf8 } from '@consilium/stdx';
import { beforeEach, describe, expect, it } from 'vitest';
import { StateFault } from './fatal.js';
import { HubLog, YEAR } from './hub-log.fixture.js';
import { ACCEPTED, COORDINATOR, FEDERATION, keyOf } from './keys.fixture.js';
import { memoryLedger } from './ledger.fixture.js';
import type { WitnessRequest } from './offers.js';
import { KEY, RUN, SITE } from './plan.fixture.js';
import { clockAt } from './twins.fixture.js';
import { CoordinatorWitness } from './witness.js';

/** 14 November 2023, in the year of the fixture's log. */
const clock = clockAt(1_700_000_000_000);

let hub: HubLog;
let memory: ReturnType<typeof memoryLedger>;
let notes: MemoryStorage;
let witness: CoordinatorWitness;
beforeEach(() => {
  hub = new HubLog();
  notes = new MemoryStorage();
  start();
});

/** Starts, or starts again with what the log says. */
function start(past = memory?.log.entries ?? []): void {
  memory = memoryLedger([...past], memory?.documents);
  memory.log.entries.push(...past);
  const rosters = { current: ACCEPTED };
  witness = new CoordinatorWitness({
    site: SITE,
    federation: FEDERATION,
    key: KEY,
    ledger: memory.ledger,
    rosters,
    clock,
    notes,
  });
}
beforeEach(() => start([]));
const grow = (log: HubLog, round = log.size): void =>
  void log.append({ type: 'round.deadline', run: RUN, round: round + 1, attempt: 1 });
const consider = (request: WitnessRequest) => witness.consider(request);

describe('the site as a witness', () => {
  it('cosigns the first checkpoint, and each that only appends to it, with a signature that verifies', async () => {
    for (const size of [1, 2, 3]) {
      const answer = await consider(hub.request(size === 1 ? 0 : size - 1));
      expect(answer).toMatchObject({ kind: 'witness-answer', size, knownSize: size, code: null });
      const log = verifierKey(hub.origin, LOG_SIGNATURE, COORDINATOR.publicKey);
      const own = verifierKey(siteCosigner(FEDERATION, SITE), COSIGNATURE, KEY.publicKey);
      const { cosigned } = openCheckpoint(mergeSignatures(hub.note(), [answer.cosignature!]), log, [own]);
      expect([...cosigned]).toEqual([[own.name, 1_700_000_000]]);
      grow(hub);
    }
    expect(memory.types()).toEqual(['witness.cosigned', 'witness.cosigned', 'witness.cosigned']);
  });

  it('has it in its log before it says so, and says nothing where the log cannot take it', async () => {
    memory.log.fails = new Fault('DISK_FULL');
    await expect(consider(hub.request())).rejects.toMatchObject({ code: 'DISK_FULL' });
    memory.log.fails = undefined;
    expect(await consider(hub.request())).toMatchObject({ size: 1, code: null });
    memory.log.fails = new Fault('LEDGER_UNWRITABLE');
    grow(hub);
    await expect(consider(hub.request(1))).rejects.toBeInstanceOf(StateFault);
  });

  it('names its last size when a proof starts elsewhere, and takes no offence', async () => {
    await consider(hub.request());
    grow(hub);
    grow(hub);
    expect(await consider(hub.request(2))).toMatchObject({
      cosignature: null,
      knownSize: 1,
      code: 'LEDGER_PROOF_INVALID',
    });
    expect(await consider(hub.request(1))).toMatchObject({ size: 3, code: null });
    // The very first checkpoint once more contradicts nothing either.
    expect(await consider(hub.request(0, 1))).toMatchObject({ knownSize: 3, code: 'LEDGER_PROOF_INVALID' });
    expect(memory.ledger.watched.refused).toBeNull();
  });

  it('repeats a cosignature that was lost on the way, without another entry', async () => {
    await consider(hub.request());
    expect(await consider(hub.request(1, 1))).toMatchObject({ size: 1, cosignature: expect.any(String) });
    expect(memory.types()).toEqual(['witness.cosigned']);
  });

  it('remembers after a restart, and shows the coordinator its own checkpoint', async () => {
    expect(await witness.newest()).toBeNull();
    await consider(hub.request());
    start();
    expect(parseCheckpointNote((await witness.newest())!).checkpoint).toMatchObject({ origin: hub.origin, size: 1 });
    const other = new HubLog(hub.origin);
    grow(other, 7);
    expect(await consider(other.request())).toMatchObject({ code: 'LEDGER_PROOF_INVALID', knownSize: 1 });
    notes.files.clear();
    expect(await witness.newest()).toBeNull(); // evidence that is lost, not state
  });

  it('judges one request after the other', async () => {
    const [first, second] = [hub.request(), (grow(hub), hub.request(1))];
    const answers = await Promise.all([consider(first), consider(second)]);
    expect(answers.map(({ size, code }) => [size, code])).toEqual([
      [1, null],
      [2, null],
    ]);
  });
});

describe('a coordinator that shows two pasts', () => {
  const seen = async (size: number): Promise<void> => {
    while (hub.size < size) grow(hub);
    await consider(hub.request());
  };
  const refusedWith = async (request: WitnessRequest, code: string, kind: string): Promise<void> => {
    expect(await consider(request)).toMatchObject({ cosignature: null, code });
    expect(memory.types().slice(-2)).toEqual(['witness.refused', 'alert']);
    expect(memory.log.entries.at(-1)).toEqual({ type: 'alert', kind });
    // The proof of it is kept: a note that the coordinator has signed.
    const kept = [...memory.documents.kept.values()].map((bytes) => fromUtf8(bytes));
    expect(kept).toContain(fromUtf8(request.note));
    // Nothing is cosigned any more, now and after a restart.
    for (let restart = 0; restart < 2; restart++) {
      const honest = hub.request(hub.size, hub.size);
      expect(await consider(honest)).toMatchObject({ cosignature: null, code });
      expect(memory.ledger.watched.refused).toBe(code);
      start();
    }
  };

  it('another root at the same size', async () => {
    const other = hub.fork();
    await seen(3);
    while (other.size < 3) grow(other, 20);
    await refusedWith(other.request(3, 3), 'LEDGER_FORKED', 'equivocation');
  });

  it('a larger log that does not begin with the one that was cosigned', async () => {
    const other = hub.fork();
    await seen(3);
    while (other.size < 5) grow(other, 20);
    await refusedWith(other.request(3), 'LEDGER_PROOF_INVALID', 'equivocation');
  });

  it('a smaller log', async () => {
    const other = hub.fork();
    await seen(3);
    grow(other, 20);
    await refusedWith(other.request(0), 'LEDGER_ROLLED_BACK', 'rollback');
  });

  it('unless somebody else has signed the other: a forged old note proves nothing against it', async () => {
    await seen(2);
    const forged = new HubLog(coordinatorOrigin(FEDERATION, YEAR - 1), keyOf('thief'));
    expect(await consider(forged.request())).toMatchObject({ code: 'LEDGER_SIGNATURE_INVALID' });
    const other = new HubLog(hub.origin, keyOf('thief'));
    expect(await consider(other.request(0))).toMatchObject({ cosignature: null });
    expect(memory.ledger.watched.refused).toBeNull();
  });

  it('a log of an earlier year', async () => {
    await seen(2);
    const old = new HubLog(coordinatorOrigin(FEDERATION, YEAR - 1));
    await refusedWith(old.request(), 'LEDGER_ROLLED_BACK', 'rollback');
  });

  it('begins anew at the operator’s word, with what it shows then', async () => {
    const other = hub.fork();
    await seen(3);
    while (other.size < 3) grow(other, 20);
    await consider(other.request(3, 3));
    await memory.ledger.write({ type: 'witness.resumed', by: 'operator' });
    expect(await consider(other.request())).toMatchObject({ size: 3, code: null });
    grow(hub);
    expect(await consider(hub.request(3))).toMatchObject({ code: 'LEDGER_PROOF_INVALID' });
  });
});

describe('what is no checkpoint of the coordinator', () => {
  it.each<[string, () => WitnessRequest, string]>([
    [
      'a note that another key has signed',
      () => new HubLog(hub.origin, keyOf('thief')).request(),
      'LEDGER_SIGNATURE_INVALID',
    ],
    [
      'a checkpoint of another federation',
      () => new HubLog(coordinatorOrigin('other', YEAR)).request(),
      'LEDGER_SIGNATURE_INVALID',
    ],
    [
      'a checkpoint of a year to come',
      () => new HubLog(coordinatorOrigin(FEDERATION, YEAR + 1)).request(),
      'CLOCK_SKEWED',
    ],
    ['no note at all', () => ({ ...hub.request(), note: utf8('hello') }), 'LEDGER_NOTE_INVALID'],
    ['bytes that are not text', () => ({ ...hub.request(), note: Uint8Array.of(0xff, 0xfe) }), 'LEDGER_NOTE_INVALID'],
  ])('%s is refused, and proves nothing against it', async (_name, request, code) => {
    expect(await consider(request())).toMatchObject({ cosignature: null, code });
    expect(memory.types()).toEqual([]);
    expect(await consider(hub.request())).toMatchObject({ code: null });
  });

  it('a new year’s shard is cosigned from its beginning, once the year has come', async () => {
    await consider(hub.request());
    const next = new HubLog(coordinatorOrigin(FEDERATION, YEAR + 1));
    const later = clockAt(Date.parse('2024-01-01T00:00:01Z'));
    witness = new CoordinatorWitness({
      site: SITE,
      federation: FEDERATION,
      key: KEY,
      ledger: memory.ledger,
      rosters: { current: ACCEPTED },
      clock: later,
      notes,
    });
    expect(await consider(next.request())).toMatchObject({ size: 1, code: null });
    expect(memory.ledger.watched.last).toMatchObject({ year: YEAR + 1, size: 1 });
  });
});

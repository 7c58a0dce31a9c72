import { DurableLog, MemoryFiles } from '@consilium/archive';
import {
  coordinatorCosigner,
  COSIGNATURE,
  cosign,
  openCheckpoint,
  parseCheckpointNote,
  verifierKey,
  LOG_SIGNATURE,
  Witness,
  type SiteEvent,
} from '@consilium/ledger';
import { Fault, utf8 } from '@consilium/stdx';
import { beforeEach, describe, expect, it } from 'vitest';
import { StateFault } from './fatal.js';
import { ACCEPTED, COORDINATOR, FEDERATION, keyOf } from './keys.fixture.js';
import { MemoryDocuments } from './ledger.fixture.js';
import type { SigningTerm } from './ledger/key-terms.js';
import { ShardedLog } from './ledger/sharded-log.js';
import { SiteLedger } from './ledger/site-ledger.js';
import type { OutgoingOf } from './outgoing.js';
import { OwnLog } from './own-log.js';
import { KEY, NO_DIGEST, RUN } from './plan.fixture.js';
import { clockAt, memoryLog } from './twins.fixture.js';

const ORIGIN = `${FEDERATION}/site/site-a`;
const withdrawal: SiteEvent = { type: 'plan.withdrawn', run: RUN, plan: NO_DIGEST, by: 'people' };

let files: MemoryFiles;
let sent: OutgoingOf<'site-checkpoint'>[];
let offline: boolean;
let diary: ReturnType<typeof memoryLog>;
beforeEach(() => {
  files = new MemoryFiles();
  sent = [];
  offline = false;
  diary = memoryLog();
});

const TERMS = [{ key: KEY.publicKey, maySign: () => true }];

async function open(clock = clockAt(), signing: readonly SigningTerm[] = TERMS) {
  const log = await DurableLog.over(files, { kind: 'site', origin: ORIGIN, signer: KEY, clock });
  const past: SiteEvent[] = [];
  for await (const entry of log.entries()) past.push(entry);
  const openings = past.flatMap((event) => (event.type === 'shard.opened' ? [event] : []));
  const sharded = new ShardedLog(log, openings, ORIGIN);
  const ledger = new SiteLedger(log, new MemoryDocuments(), past);
  const ownLog = new OwnLog({
    federation: FEDERATION,
    log: sharded,
    signing,
    ledger,
    rosters: { current: ACCEPTED },
    guard: {
      send: async (message) => {
        if (offline) throw new Fault('UNAVAILABLE');
        sent.push(message as OutgoingOf<'site-checkpoint'>);
      },
    },
    clock,
    diary: diary.log,
  });
  return { log, ledger, ownLog, sharded };
}
/** What a snapshot of the machine's disk would hold. */
const snapshot = (): MemoryFiles => {
  const copy = new MemoryFiles();
  for (const [path, bytes] of files.files) copy.files.set(path, bytes.slice());
  return copy;
};
/** The coordinator as a witness of this log. */
function coordinator() {
  const witnesses = new Map<string, Witness>();
  return async (message: OutgoingOf<'site-checkpoint'>) => {
    const { origin } = parseCheckpointNote(message.note).checkpoint;
    const witness =
      witnesses.get(origin) ??
      new Witness({
        logKey: verifierKey(origin, LOG_SIGNATURE, KEY.publicKey),
        signer: COORDINATOR,
        name: coordinatorCosigner(FEDERATION),
        last: null,
        persist: async () => {},
      });
    witnesses.set(origin, witness);
    const { note, oldSize, consistency: proof } = message;
    const answer = await witness.consider({ note, oldSize, proof }, 1_700_000_000);
    const { size } = parseCheckpointNote(note).checkpoint;
    return 'cosignature' in answer
      ? ({ kind: 'witness-answer', size, cosignature: answer.cosignature, knownSize: size } as const)
      : ({ kind: 'witness-answer', size, cosignature: null, knownSize: answer.knownSize } as const);
  };
}
const nothing = new Uint8Array();

describe('the site’s own log before its coordinator', () => {
  it('is signed and shown with a proof from what the coordinator has confirmed, and comes back cosigned', async () => {
    const { ledger, ownLog, sharded } = await open();
    const hub = coordinator();
    await ownLog.welcomed(nothing);
    for (const oldSize of [0, 1, 2]) {
      await ownLog.publish();
      expect(sent.at(-1)).toMatchObject({ kind: 'site-checkpoint', oldSize });
      await ownLog.answered(await hub(sent.at(-1)!));
      const log = verifierKey(`${ORIGIN}/2023`, LOG_SIGNATURE, KEY.publicKey);
      const witness = verifierKey(coordinatorCosigner(FEDERATION), COSIGNATURE, COORDINATOR.publicKey);
      expect([...openCheckpoint(sharded.note!, log, [witness]).cosigned]).toEqual([[witness.name, 1_700_000_000]]);
      await ledger.write(withdrawal);
    }
  });

  it('signs nothing before the coordinator has said how much of it it knows', async () => {
    const { ownLog, sharded } = await open();
    await ownLog.publish();
    expect([sharded.note, sent]).toEqual([undefined, []]);
    await ownLog.welcomed(nothing);
    await ownLog.publish();
    expect(parseCheckpointNote(sharded.note!).checkpoint.size).toBe(1);
  });

  it('goes on from what the coordinator holds after a restart on either side', async () => {
    const first = await open();
    const hub = coordinator();
    await first.ownLog.welcomed(nothing);
    await first.ownLog.publish();
    await first.ownLog.answered(await hub(sent[0]!));
    const held = first.sharded.note!;
    const second = await open();
    await second.ownLog.welcomed(utf8(held));
    await second.ledger.write(withdrawal);
    await second.ownLog.publish();
    expect(sent.at(-1)).toMatchObject({ oldSize: 1, consistency: [expect.any(Uint8Array)] });
    await second.ownLog.welcomed(nothing);
    await second.ownLog.publish();
    expect(sent.at(-1)).toMatchObject({ oldSize: 0, consistency: [] });
  });

  it('shows it again from where the coordinator says that it stands', async () => {
    const { ledger, ownLog } = await open();
    await ownLog.welcomed(nothing);
    await ownLog.publish();
    await ledger.write(withdrawal);
    await ownLog.answered({ kind: 'witness-answer', size: 1, cosignature: null, knownSize: 1 });
    await ownLog.publish();
    expect(sent.at(-1)).toMatchObject({ oldSize: 1 });
  });

  it('is shown once in a moment, however many rounds end in it, and not after it was closed', async () => {
    const clock = clockAt();
    const { ownLog } = await open(clock);
    await ownLog.welcomed(nothing);
    const failed: unknown[] = [];
    const soon = (): void => ownLog.publishSoon((error) => failed.push(error));
    soon();
    soon();
    expect(sent).toEqual([]);
    clock.advance(250);
    await expect.poll(() => sent.length).toBe(1);
    soon();
    ownLog.close();
    clock.advance(1_000);
    soon();
    clock.advance(250);
    await expect.poll(() => sent.length).toBe(2);
    expect(failed).toEqual([]);
  });

  it('waits for the next occasion when there is no session, or the disk is full', async () => {
    const { ownLog } = await open();
    await ownLog.welcomed(nothing);
    offline = true;
    await ownLog.publish();
    offline = false;
    await ownLog.publish();
    expect(sent).toHaveLength(1);
    expect(diary.lines[0]).toMatchObject({ err: { code: 'UNAVAILABLE' } });
  });

  it('does not take a stranger’s cosignature, or one over another checkpoint', async () => {
    const { ownLog, sharded } = await open();
    await ownLog.welcomed(nothing);
    await ownLog.publish();
    const { text } = parseCheckpointNote(sharded.note!);
    const answer = { kind: 'witness-answer', size: 1, knownSize: 1 } as const;
    const name = coordinatorCosigner(FEDERATION);
    const before = sharded.note;
    await ownLog.answered({ ...answer, cosignature: cosign(text, keyOf('thief'), name, 1) });
    await ownLog.answered({ ...answer, cosignature: cosign(`${ORIGIN}/2023\n7\nAAAA\n`, COORDINATOR, name, 1) });
    expect(sharded.note).toBe(before);
    await ownLog.answered({ ...answer, cosignature: cosign(text, COORDINATOR, name, 1) });
    expect(sharded.note).not.toBe(before);
  });
});

describe('an old copy of the site’s state', () => {
  /** A site that withdrew after the snapshot was taken; the coordinator has seen that it did. */
  async function withdrawnAfterSnapshot(): Promise<{ old: MemoryFiles; held: string }> {
    const { ledger, ownLog, sharded } = await open();
    const hub = coordinator();
    await ownLog.welcomed(nothing);
    await ownLog.publish();
    await ownLog.answered(await hub(sent.at(-1)!));
    const old = snapshot();
    await ledger.write(withdrawal);
    await ownLog.publish();
    return { old, held: sharded.note! };
  }

  it('stops before it signs or works, says what to do, and does so at every start', async () => {
    const { old, held } = await withdrawnAfterSnapshot();
    files = old;
    for (let start = 0; start < 3; start++) {
      const { log, ownLog, sharded } = await open();
      const before = sharded.note;
      await expect(ownLog.welcomed(utf8(held))).rejects.toMatchObject({
        code: 'LEDGER_ROLLED_BACK',
        facts: { witnessed: 2, size: 1 },
      });
      await expect(ownLog.welcomed(utf8(held))).rejects.toBeInstanceOf(StateFault);
      await ownLog.publish();
      expect([sharded.note, log.shard.size]).toEqual([before, 1]);
      expect(diary.text()).toContain('log restore --witnessed');
    }
  });

  it('is told from a state that is whole: the same checkpoint there is no reason to stop', async () => {
    const { held } = await withdrawnAfterSnapshot();
    await (await open()).ownLog.welcomed(utf8(held));
  });

  it('is seen though it was gone on with: the same size with another end', async () => {
    const { old, held } = await withdrawnAfterSnapshot();
    files = old;
    const { log, ledger, ownLog } = await open();
    await ledger.write({ type: 'plan.resumed', plan: NO_DIGEST, by: 'operator' });
    await log.checkpoint();
    await expect(ownLog.welcomed(utf8(held))).rejects.toMatchObject({ code: 'LEDGER_ROLLED_BACK' });
  });

  it('lacks a whole shard', async () => {
    const { old } = await withdrawnAfterSnapshot();
    const next = await open(clockAt(Date.parse('2024-02-01')));
    await next.ledger.write(withdrawal);
    const held = await next.log.checkpoint();
    files = old;
    await expect((await open()).ownLog.welcomed(utf8(held))).rejects.toMatchObject({ code: 'LEDGER_ROLLED_BACK' });
  });

  it('goes on once the operator named the gap, in a new shard and without the runs of before', async () => {
    const { old, held } = await withdrawnAfterSnapshot();
    files = old;
    const { log } = await open();
    await log.restore(1);
    const { ownLog, sharded, ledger } = await open();
    await ownLog.welcomed(utf8(held));
    await ownLog.publish();
    expect(parseCheckpointNote(sharded.note!).checkpoint.origin).toBe(`${ORIGIN}/2023-2`);
    expect(ledger.runs.all().every((run) => run.withdrawn)).toBe(true);
    // A gap that is larger than the operator said is another old copy.
    const wider = await open();
    const { text } = parseCheckpointNote(held);
    expect(text).toContain('2023');
    await expect(
      wider.sharded.requireExtends({ ...parseCheckpointNote(held).checkpoint, size: 3 }),
    ).rejects.toMatchObject({ code: 'LEDGER_ROLLED_BACK' });
  });

  it('greets with what its present key has signed, and after a rekeying with nothing until then', async () => {
    const { ownLog, log } = await open();
    expect(ownLog.note).toBeUndefined();
    await log.checkpoint();
    expect(ownLog.note).toBe(log.shard.note);
    const terms = [keyOf('next'), KEY].map(({ publicKey }) => ({ key: publicKey, maySign: () => true }));
    expect((await open(clockAt(), terms)).ownLog.note).toBeUndefined();
  });

  it('is not shown by what a key has signed that another had taken over from', async () => {
    const { old, held } = await withdrawnAfterSnapshot();
    files = old;
    const { size } = parseCheckpointNote(held).checkpoint;
    const replaced = (until: number) => [
      { key: keyOf('next').publicKey, maySign: () => true },
      { key: KEY.publicKey, maySign: (seen: { size: number }) => seen.size <= until },
    ];
    const beyond = (await open(clockAt(), replaced(size - 1))).ownLog.welcomed(utf8(held));
    await expect(beyond).rejects.toMatchObject({ code: 'LEDGER_SIGNATURE_INVALID' });
    await expect(beyond).rejects.not.toBeInstanceOf(StateFault);
    const within = (await open(clockAt(), replaced(size))).ownLog.welcomed(utf8(held));
    await expect(within).rejects.toMatchObject({ code: 'LEDGER_ROLLED_BACK' }); // the control
  });

  it.each<[string, () => Uint8Array]>([
    ['a checkpoint of another log', () => utf8(`${FEDERATION}/site/site-b/2023\n9\n`)],
    [
      'a checkpoint that this site has not signed',
      () =>
        utf8(
          `${ORIGIN}/2023\n9\n${Buffer.alloc(32).toString('base64')}\n\n— ${ORIGIN}/2023 ${Buffer.alloc(68).toString('base64')}\n`,
        ),
    ],
    ['no text', () => Uint8Array.of(0xff)],
  ])('is not shown by %s: the session ends, and the agent goes on', async (_name, note) => {
    const { ownLog } = await open();
    const refused = ownLog.welcomed(note());
    await expect(refused).rejects.toMatchObject({ code: expect.stringMatching(/^LEDGER_(SIGNATURE|NOTE)_INVALID$/) });
    await expect(refused).rejects.not.toBeInstanceOf(StateFault);
  });
});

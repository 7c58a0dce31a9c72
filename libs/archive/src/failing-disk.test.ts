import { Fault, ManualClock } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { DurableLog } from './durable-log.js';
import { MemoryFiles, type Files } from './files.js';
import { collect, IN_2026, IN_2027, roundsOf, settingsAt, trained } from './log.fixture.js';

/** Files of which every write fails from the n-th on, as long as the disk is sick, without having done anything. */
class SickFiles extends MemoryFiles implements Files {
  calls = 0;
  sickness: { readonly from: number; readonly error: () => Error } | undefined;

  #check(): void {
    this.calls += 1;
    if (this.sickness && this.calls >= this.sickness.from) throw this.sickness.error();
  }
  override async write(path: string, bytes: Uint8Array): Promise<void> {
    this.#check();
    await super.write(path, bytes);
  }
  override async append(path: string, length: number, bytes: Uint8Array): Promise<void> {
    this.#check();
    await super.append(path, length, bytes);
  }
}

const codeOf = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    await work;
    return 'accepted';
  } catch (error) {
    return Fault.is(error) ? error.code : error;
  }
};

/** A day's work on a disk that falls sick at the n-th write; the outcomes, in order. */
async function day(files: SickFiles, from: number, error: () => Error) {
  const clock = new ManualClock(IN_2026);
  const log = await DurableLog.over(files, settingsAt(clock));
  files.calls = 0;
  files.sickness = { from, error };
  const recorded: number[] = [];
  const outcomes: unknown[] = [];
  const record = async (round: number): Promise<void> => {
    const outcome = await codeOf(log.record(trained(round)));
    outcomes.push(outcome);
    if (outcome === 'accepted') recorded.push(round);
  };
  await record(1);
  outcomes.push(await codeOf(log.checkpoint()));
  await record(2);
  clock.time = IN_2027;
  await record(3);
  outcomes.push(await codeOf(log.checkpoint()));
  return { log, record, recorded, outcomes };
}

const WRITES = 30;

describe('a full disk', () => {
  it('fills at any write: what was refused was not done, and everything goes on when there is room again', async () => {
    for (let from = 1; from <= WRITES; from++) {
      const files = new SickFiles();
      const { log, record, recorded, outcomes } = await day(files, from, () => new Fault('DISK_FULL'));
      expect(outcomes.every((outcome) => ['accepted', 'DISK_FULL'].includes(outcome as string))).toBe(true);
      expect(roundsOf(await collect(log.entries()))).toEqual(recorded);
      files.sickness = undefined;
      await record(4);
      expect(await codeOf(log.checkpoint())).toBe('accepted');
      expect(recorded).toContain(4);
      const again = await DurableLog.over(files, settingsAt(new ManualClock(IN_2027)));
      expect(roundsOf(await collect(again.entries()))).toEqual(recorded);
    }
  });
});

describe('a disk that fails in any other way', () => {
  it('fails closed: nothing more is recorded until the program starts again, and nothing acknowledged is lost', async () => {
    for (let from = 1; from <= WRITES; from++) {
      const files = new SickFiles();
      const { log, record, recorded, outcomes } = await day(files, from, () => new Error('EIO'));
      const failed = outcomes.indexOf('LEDGER_UNWRITABLE');
      if (failed < 0) continue; // the day needed fewer writes
      expect(outcomes.slice(failed).every((outcome) => outcome === 'LEDGER_UNWRITABLE')).toBe(true);
      files.sickness = undefined; // the disk says that it is well again; who knows what it has dropped
      await record(4);
      expect(recorded).not.toContain(4);
      expect(await codeOf(log.checkpoint())).toBe('LEDGER_UNWRITABLE');
      const again = await DurableLog.over(files, settingsAt(new ManualClock(IN_2027)));
      expect(roundsOf(await collect(again.entries()))).toEqual(recorded);
    }
  });
});

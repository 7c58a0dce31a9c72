import { checkpointText, mergeSignatures, noteText, quorumOf, type TileLog } from '@consilium/ledger';
import { Fault, isCode, utf8, type Clock, type Code, type SiteName } from '@consilium/stdx';
import type { CoordinatorMessageInit, WitnessAnswer } from '@consilium/wire';
import type { Log } from '../log.js';
import { Campaign, type Voters } from './campaign.js';
import type { WitnessKeys } from './witness-keys.js';

export interface WitnessBoardParts {
  readonly keys: WitnessKeys;
  /** One shard of the coordinator's log. */
  readonly tiles: TileLog;
  /** Says something to a site; false when it is not here. */
  readonly send: (site: SiteName, message: CoordinatorMessageInit) => boolean;
  /** The site's key (base64) in the roster in force. */
  readonly keyOf: (site: SiteName) => string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** The site says that our log is not what it has seen. It may lie: only a checkpoint that we signed proves it. */
  readonly accused: (site: SiteName, why: Fault) => void;
}

/** A checkpoint with so many cosignatures that nobody can have been shown another history. */
export interface Witnessed {
  readonly size: number;
  /** The note with the cosignatures of the voters. */
  readonly note: string;
}

/** What is wanted: an entry, whose cosignatures count, and whose must be among them. */
export interface Wanted {
  readonly leaf: number;
  readonly voters: Voters;
  /** A site acts only on a checkpoint that it has cosigned itself. Null where nobody is shown it. */
  readonly reader: SiteName | null;
}

interface Goal extends Wanted {
  readonly reached: (witnessed: Witnessed) => void;
}

/** How long a checkpoint is left on its way when others wait and a site that was asked says nothing. */
const STALL_MS = 1000;
/** Sites are asked about what nobody waits for when it has been there for so long. */
const IDLE_MS = 1000;
/** How often one site may name another size to start from, for one checkpoint. */
const TRIES_MAX = 3;
/** Refusals by which a site says that our log is not the one it has seen; any other is its own trouble. */
const ACCUSATIONS: ReadonlySet<Code> = new Set(['LEDGER_FORKED', 'LEDGER_ROLLED_BACK', 'LEDGER_PROOF_INVALID']);

/**
 * Collects cosignatures of one shard's checkpoints from the sites that are connected. Nothing polls and nothing else
 * waits: what is wanted is asked about at once, a site that comes later is asked when it comes, and the answer that
 * completes a quorum is what fulfils the want.
 */
export class WitnessBoard {
  readonly #goals = new Set<Goal>();
  /** The largest size that each site has told of in its session. */
  readonly #known = new Map<SiteName, number>();
  readonly #tries = new Map<SiteName, number>();
  #campaign: Campaign | undefined;
  /** How many of its cosignatures were stored. */
  #kept = 0;
  #stalled = false;
  #disarm = (): void => {};
  #idle: (() => void) | undefined;

  constructor(private readonly parts: WitnessBoardParts) {}

  /** A checkpoint over the leaf, which is published, that a quorum of the voters has cosigned. CANCELLED by the signal. */
  want(wanted: Wanted, signal: AbortSignal): Promise<Witnessed> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(new Fault('CANCELLED'));
      const cancel = (): void => {
        this.#goals.delete(goal);
        reject(new Fault('CANCELLED'));
      };
      const reached = (witnessed: Witnessed): void => {
        this.#goals.delete(goal);
        signal.removeEventListener('abort', cancel);
        resolve(witnessed);
      };
      const goal: Goal = { ...wanted, reached };
      signal.addEventListener('abort', cancel, { once: true });
      this.#goals.add(goal);
      // A voter whom only this plan knows was not asked before.
      const { reader } = wanted;
      if (this.#campaign && reader && this.#known.has(reader)) this.#ask(reader, this.#campaign);
      this.#settle();
    });
  }

  /** The log has grown by something that the sites have not brought about themselves. */
  published(): void {
    this.#idle ??= this.parts.clock.after(IDLE_MS, () => {
      this.#idle = undefined;
      if (!this.#isBusy() && this.#campaign?.size !== this.parts.tiles.size) this.#start();
    });
  }

  /** The site has opened a session. `known`: how many entries of this shard it has cosigned, as its Hello proved. */
  arrived(site: SiteName, known: number): void {
    this.#known.set(site, known);
    this.#tries.delete(site);
    // What an earlier session was asked may never have come through.
    this.#campaign?.answered(site);
    if (this.#campaign) this.#ask(site, this.#campaign);
  }

  left(site: SiteName): void {
    this.#known.delete(site);
    this.#campaign?.answered(site);
    this.#settle();
  }

  /** Whether this answers what the site was asked. One that could not read the request does not know its size. */
  awaits(site: SiteName, { size, cosignature }: WitnessAnswer): boolean {
    const campaign = this.#campaign;
    const isAbout = campaign?.size === size || (size === 0 && cosignature.byteLength === 0);
    return isAbout && campaign !== undefined && campaign.awaits(site);
  }

  /** Takes an answer that it awaits. Throws LEDGER_SIGNATURE_INVALID or LEDGER_NOTE_INVALID for a cosignature that is none. */
  hear(site: SiteName, { cosignature, knownSize, code }: WitnessAnswer): void {
    const campaign = this.#campaign!;
    if (cosignature.byteLength === 0) return this.#refused(site, campaign, knownSize, code);
    const line = noteText(cosignature);
    const key = this.parts.keys.cosignedBy(campaign.text, line, site, this.#keysOf(site));
    if (key === undefined) throw new Fault('LEDGER_SIGNATURE_INVALID', { site });
    campaign.answered(site, { line, key });
    this.#known.set(site, campaign.size);
    this.#settle();
  }

  close(): void {
    this.#disarm();
    this.#idle?.();
  }

  /** Fulfils what the checkpoint fulfils, and goes on to a newer one when something waits for that. */
  #settle(): void {
    const campaign = this.#campaign;
    if (campaign) {
      this.#fulfil(campaign);
      // Not now: what was waited for is on its way out.
      if (campaign.isAnswered) this.parts.clock.after(0, () => this.#keep(campaign));
    }
    const wantsNewer = [...this.#goals].some(
      ({ leaf }) => leaf >= (campaign?.size ?? 0) && leaf < this.parts.tiles.size,
    );
    if (wantsNewer && !this.#isBusy()) this.#start();
  }

  #fulfil(campaign: Campaign): void {
    const { size, note, cosignatures } = campaign;
    // Many sites are offered the same round, each with its own goal and all with the same voters.
    const notes = new Map<Voters, string | null>();
    for (const { leaf, voters, reader, reached } of [...this.#goals]) {
      if (leaf >= size || (reader && !cosignatures.has(reader))) continue;
      const lines = campaign.linesOf(voters);
      const isQuorum = lines.length >= quorumOf(Object.keys(voters).length);
      const witnessed = notes.get(voters) ?? (isQuorum ? mergeSignatures(note, lines) : null);
      notes.set(voters, witnessed);
      if (witnessed !== null) reached({ size, note: witnessed });
    }
  }

  /** Whether answers are on their way that somebody waits for. */
  #isBusy(): boolean {
    const campaign = this.#campaign;
    if (!campaign || campaign.isAnswered || this.#stalled) return false;
    return [...this.#goals].some(({ leaf }) => leaf < campaign.size);
  }

  #start(): void {
    const { tiles, clock } = this.parts;
    if (tiles.size === 0) return;
    const campaign = new Campaign(tiles.size, tiles.note, checkpointText(tiles.checkpoint));
    this.#campaign = campaign;
    this.#kept = 0;
    this.#stalled = false;
    this.#tries.clear();
    this.#disarm();
    this.#disarm = clock.after(STALL_MS, () => {
      this.#stalled = true;
      this.#keep(campaign);
      this.#settle();
    });
    for (const site of this.#known.keys()) this.#ask(site, campaign);
  }

  #ask(site: SiteName, campaign: Campaign): void {
    const { tiles, send } = this.parts;
    const oldSize = this.#known.get(site) ?? 0;
    const able = this.#keysOf(site).length > 0 && oldSize <= campaign.size;
    if (!able || campaign.cosignatures.has(site) || campaign.awaits(site)) return;
    const consistency = tiles.consistencyProof(oldSize, campaign.size).map((hash) => Buffer.from(hash));
    const note = Buffer.from(utf8(campaign.note));
    campaign.asked(site);
    if (!send(site, { witnessRequest: { note, oldSize, consistency } })) campaign.answered(site);
  }

  /** Its key in the roster, and those that the plans of what is wanted bind it to. */
  #keysOf(site: SiteName): readonly string[] {
    // Object.hasOwn, since a site may be called `constructor`.
    const bound = [...this.#goals].map(({ voters }) => (Object.hasOwn(voters, site) ? voters[site] : undefined));
    const keys = [this.parts.keyOf(site), ...bound];
    return [...new Set(keys)].filter((key) => key !== undefined);
  }

  #refused(site: SiteName, campaign: Campaign, knownSize: number, code: string): void {
    const { tiles, log, accused } = this.parts;
    const told = this.#known.get(site) ?? 0;
    const tries = (this.#tries.get(site) ?? 0) + 1;
    this.#tries.set(site, tries);
    campaign.answered(site);
    if (knownSize <= tiles.size && knownSize !== told && tries <= TRIES_MAX) {
      this.#known.set(site, knownSize);
      if (knownSize > campaign.size) this.#start();
      else this.#ask(site, campaign);
      return;
    }
    const reason = isCode(code) ? code : 'INTERNAL';
    log.warn({ site, size: campaign.size, knownSize, code: reason }, 'a site does not cosign');
    const facts = { size: tiles.size, witnessed: knownSize };
    if (knownSize > tiles.size) accused(site, new Fault('LEDGER_ROLLED_BACK', facts));
    else if (ACCUSATIONS.has(reason)) accused(site, new Fault('LEDGER_FORKED', facts));
    this.#settle();
  }

  /** The cosignatures stay with the checkpoint while it is the newest. Those that a kill loses are asked for again. */
  #keep(campaign: Campaign): void {
    const { keys, tiles, log } = this.parts;
    const { cosignatures } = campaign;
    if (campaign !== this.#campaign || cosignatures.size === this.#kept) return;
    this.#kept = cosignatures.size;
    const lines = [...cosignatures.values()].map(({ line }) => line);
    const witnesses = [...cosignatures].map(([site, { key }]) => keys.of(site, key));
    tiles
      .addCosignatures(lines, witnesses)
      .catch((err: unknown) => log.error({ err }, 'cosignatures could not be kept'));
  }
}

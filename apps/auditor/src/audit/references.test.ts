import { coordinatorEntrySchema, siteEntrySchema, type LedgerEntry } from '@consilium/ledger';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { SmallFederation } from '../testing/federation.fixture.js';
import { listEntriesOf } from '../listing.js';
import { pathOn } from '../bundle/bundle.js';
import { referencesOf } from './references.js';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const C = 'c'.repeat(64);
const of = (entry: object): string[] =>
  referencesOf(entry as LedgerEntry).map(({ shelf, digest, need }) => `${need} ${shelf} ${digest[0]}`);

describe('the files that an entry leads to', () => {
  it.each<[object, string[]]>([
    [{ type: 'roster.signed', version: 1, roster: A }, ['due document a']],
    [{ type: 'roster.accepted', version: 1, roster: A }, ['due document a']],
    [{ type: 'identity.enrolled', roster: A, root: B }, ['kept document a']],
    [{ type: 'study.registered', study: A }, ['due document a']],
    [{ type: 'plan.proposed', plan: A, envelope: B }, ['due document b', 'kept document a']],
    [
      { type: 'plan.offered', plan: A, envelope: B, roster: C },
      ['kept document b', 'kept document c', 'kept document a'],
    ],
    [
      { type: 'run.started', plan: A, envelope: B, roster: B, model: C },
      ['due document b', 'due document b', 'kept document a', 'kept model c'],
    ],
    [{ type: 'plan.decided', envelope: A }, ['due document a']],
    [{ type: 'plan.decided', envelope: null }, []],
    [{ type: 'plan.approved', envelope: A, plan: B }, ['due document a']],
    [{ type: 'standing.granted', envelope: A }, ['due document a']],
    [{ type: 'standing.withdrawn', envelope: A }, []],
    [{ type: 'policy.changed', policy: A }, ['private document a']],
    [{ type: 'dataset.loaded', dataset: A, document: B }, ['private document b']],
    [{ type: 'round.started', model: A }, ['kept model a']],
    [{ type: 'evidence.accepted', model: A, root: B }, ['kept model a']],
    [{ type: 'aggregate.published', model: A }, ['kept model a']],
    [{ type: 'run.ended', outcome: 'finished' }, []],
    [{ type: 'run.ended', outcome: 'failed', model: null }, []],
    [{ type: 'update.committed', statement: A, sha256: B }, ['due document a', 'kept update b']],
    [{ type: 'update.signed', statement: A, sha256: B, model: C }, ['kept document a', 'kept update b']],
    [{ type: 'evaluation.received', metrics: A, model: B }, ['kept document a']],
    [{ type: 'evaluation.received', metrics: null, model: B }, []],
    [{ type: 'egress.sent', sha256: A }, []],
    [{ type: 'witness.cosigned', root: A }, []],
  ])('of %j', (entry, expected) => {
    expect(of(entry)).toEqual(expected);
  });

  it('are all that a run leaves, no more and no less', async () => {
    const { bundle, files } = await SmallFederation.run();
    const named = (await listEntriesOf(bundle)).flatMap(({ entry }) => referencesOf(entry));
    const reached = new Set(
      named.filter(({ need }) => need !== 'private').map(({ shelf, digest }) => pathOn(shelf, digest)),
    );
    for (const path of files.keys()) expect(reached).toContain(path);
    const due = named.filter(({ need }) => need === 'due').map(({ shelf, digest }) => pathOn(shelf, digest));
    for (const path of due) expect(files.has(path), path).toBe(true);
  });

  it('are decided for every field of every entry that holds a digest', () => {
    // A new type of entry with a digest must be thought about here: does it lead to a file?
    const undecided = new Set<string>();
    for (const schema of [coordinatorEntrySchema, siteEntrySchema]) {
      const { oneOf, anyOf } = z.toJSONSchema(schema, { unrepresentable: 'any' }) as Record<string, JsonEntry[]>;
      for (const { properties } of oneOf ?? anyOf ?? []) {
        const type = properties['type']!.const!;
        const digests = Object.keys(properties).filter((field) => JSON.stringify(properties[field]).includes('{64}'));
        if (digests.length > 0 && !LEADING.has(type) && !LEADING_NOWHERE.has(type)) undecided.add(type);
      }
    }
    expect([...undecided]).toEqual([]);
  });
});

interface JsonEntry {
  readonly properties: Readonly<Record<string, { readonly const?: string }>>;
}

const LEADING = new Set([
  'roster.signed',
  'roster.accepted',
  'identity.enrolled',
  'study.registered',
  'plan.proposed',
  'plan.offered',
  'run.started',
  'plan.decided',
  'plan.approved',
  'standing.granted',
  'policy.changed',
  'dataset.loaded',
  'round.started',
  'round.offered',
  'evaluation.offered',
  'training.started',
  'evidence.accepted',
  'aggregate.published',
  'run.ended',
  'update.committed',
  'update.signed',
  'evaluation.received',
]);

/** Their digests are of keys, of trees, of messages, or of a document that another entry brought. */
const LEADING_NOWHERE = new Set([
  'shard.opened',
  'site.admitted',
  'cert.issued',
  'cert.renewed',
  'identity.rekeyed',
  'plan.rejected',
  'plan.withdrawn',
  'plan.suspended',
  'plan.resumed',
  'standing.withdrawn',
  'witness.cosigned',
  'egress.sent',
  'site.checkpoint',
]);

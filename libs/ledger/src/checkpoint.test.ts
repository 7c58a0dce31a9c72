import { Fault, utf8 } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBase64 } from './base64.js';
import { checkpointText, openCheckpoint, parseCheckpointNote, signCheckpoint } from './checkpoint.js';
import { cosign, cosignaturesOf } from './cosignature.js';
import { HUB, HUB_KEY, ORIGIN, signerOf, SITE_KEYS, SITES, siteKey, siteSigner } from './log.fixture.js';
import { mergeSignatures, noteText, signatureLine } from './note.js';
import { COSIGNATURE, LOG_SIGNATURE, parseVerifierKey, verifierKey } from './verifier-key.js';

const ROOT = Uint8Array.from({ length: 32 }, (_, i) => i);
const CHECKPOINT = { origin: ORIGIN, size: 12, root: ROOT };
const TEXT = checkpointText(CHECKPOINT);
const NOTE = signCheckpoint(CHECKPOINT, HUB);
const TIME = 1_790_000_001;
const cosignature = (site: number, text = TEXT): string =>
  cosign(text, siteSigner(site), `lung/site/${SITES[site]}`, TIME);

const codeOf = (call: () => unknown): unknown => {
  try {
    call();
    return 'accepted';
  } catch (error) {
    return Fault.is(error) ? error.code : error;
  }
};

describe('the examples of C2SP tlog-checkpoint and tlog-cosignature', () => {
  const example =
    'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n' +
    '— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n' +
    '— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n';

  it('are read as they are meant', () => {
    const { checkpoint, text, signatures } = parseCheckpointNote(example);
    expect(checkpoint.origin).toBe('example.com/behind-the-sofa');
    expect(checkpoint.size).toBe(20_852_163);
    expect(encodeBase64(checkpoint.root)).toBe('CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=');
    expect(checkpointText(checkpoint)).toBe(text);
    expect(signatures.map(({ name }) => name)).toEqual(['example.com/behind-the-sofa', 'witness.example.com/w1']);
    // The time in the cosignature is the one of the specification's signed message.
    const { signature } = signatures[1]!;
    expect(new DataView(signature.buffer, signature.byteOffset).getBigUint64(0)).toBe(1_679_315_147n);
  });

  it('are not believed without their keys', () => {
    const key = parseVerifierKey('example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k');
    expect(codeOf(() => openCheckpoint(example, key, []))).toBe('LEDGER_SIGNATURE_INVALID');
  });
});

describe('a checkpoint', () => {
  it('opens for whoever knows the log’s key', () => {
    const opened = openCheckpoint(NOTE, HUB_KEY, SITE_KEYS, { strict: true });
    expect(opened.checkpoint).toEqual(CHECKPOINT);
    expect(opened.text).toBe(TEXT);
    expect(opened.signedBy).toEqual(HUB_KEY);
    expect(opened.cosigned.size).toBe(0);
  });

  it('names who cosigned it and when, and counts each once', () => {
    const note = mergeSignatures(NOTE, [cosignature(0), cosignature(2)]);
    const { cosigned } = openCheckpoint(note, HUB_KEY, SITE_KEYS, { strict: true });
    expect([...cosigned]).toEqual([
      ['lung/site/aachen', TIME],
      ['lung/site/celle', TIME],
    ]);
  });

  it('ignores lines of unknown keys, and refuses them in strict mode', () => {
    const note = mergeSignatures(NOTE, [cosignature(0), cosignature(1)]);
    expect([...openCheckpoint(note, HUB_KEY, [siteKey(1)]).cosigned.keys()]).toEqual(['lung/site/bonn']);
    expect(codeOf(() => openCheckpoint(note, HUB_KEY, [siteKey(1)], { strict: true }))).toBe(
      'LEDGER_SIGNATURE_INVALID',
    );
  });

  it('is worth nothing when a known key’s line is wrong, even beside right ones', () => {
    const other = checkpointText({ ...CHECKPOINT, size: 13 });
    const stale = mergeSignatures(NOTE, [cosignature(0), cosignature(1, other)]);
    expect(codeOf(() => openCheckpoint(stale, HUB_KEY, SITE_KEYS))).toBe('LEDGER_SIGNATURE_INVALID');
    const forged = mergeSignatures(NOTE, [signatureLine(HUB_KEY, siteSigner(0).sign(utf8(TEXT)))]);
    expect(codeOf(() => openCheckpoint(forged, HUB_KEY, SITE_KEYS))).toBe('LEDGER_SIGNATURE_INVALID');
  });

  it('is not signed by a cosignature, nor cosigned by a log’s signature, of the same key', () => {
    // A site signs its own log and cosigns others' with one key; the header and the type keep the two apart.
    const hub = siteSigner(0);
    const logKey = verifierKey(ORIGIN, LOG_SIGNATURE, hub.publicKey);
    const own = signCheckpoint(CHECKPOINT, hub);
    const signature = hub.sign(utf8(TEXT));
    const asCosigner = signatureLine(siteKey(0), Uint8Array.from([...new Uint8Array(8), ...signature]));
    expect(codeOf(() => openCheckpoint(mergeSignatures(own, [asCosigner]), logKey, SITE_KEYS))).toBe(
      'LEDGER_SIGNATURE_INVALID',
    );
    const onlyCosigned = own.replace(/— .*\n$/, `${cosignature(0)}\n`);
    expect(codeOf(() => openCheckpoint(onlyCosigned, logKey, SITE_KEYS))).toBe('LEDGER_SIGNATURE_INVALID');
  });

  it('is of the log that was asked for', () => {
    const other = signCheckpoint({ ...CHECKPOINT, origin: 'lung/coordinator/2027' }, HUB);
    expect(codeOf(() => openCheckpoint(other, HUB_KEY, []))).toBe('LEDGER_SIGNATURE_INVALID');
    // The key's own line below another log's text: the name fits, the origin does not.
    const text = checkpointText({ ...CHECKPOINT, origin: 'lung/coordinator/2027' });
    const disguised = `${text}\n${signatureLine(HUB_KEY, HUB.sign(utf8(text)))}\n`;
    expect(codeOf(() => openCheckpoint(disguised, HUB_KEY, []))).toBe('LEDGER_SIGNATURE_INVALID');
  });

  it('opens with the former key of a log that was rekeyed, and says with which', () => {
    const former = verifierKey(ORIGIN, LOG_SIGNATURE, signerOf(99).publicKey);
    const note = signCheckpoint(CHECKPOINT, signerOf(99));
    expect(codeOf(() => openCheckpoint(note, HUB_KEY, []))).toBe('LEDGER_SIGNATURE_INVALID');
    expect(openCheckpoint(note, [HUB_KEY, former], []).signedBy).toBe(former);
    expect(openCheckpoint(mergeSignatures(NOTE, [note.split('\n')[4]!]), [HUB_KEY, former], []).signedBy).toBe(HUB_KEY);
  });

  it('is opened with keys of the right types only', () => {
    expect(() => openCheckpoint(NOTE, siteKey(0), [])).toThrow('type 1');
    expect(() => openCheckpoint(NOTE, HUB_KEY, [HUB_KEY])).toThrow('type 4');
  });

  it('can have as many cosigners as a federation has sites', () => {
    const keys = Array.from({ length: 40 }, (_, i) => verifierKey(`s${i}`, COSIGNATURE, signerOf(100 + i).publicKey));
    const lines = keys.map(({ name }, i) => cosign(TEXT, signerOf(100 + i), name, TIME));
    expect(openCheckpoint(mergeSignatures(NOTE, lines), HUB_KEY, keys).cosigned.size).toBe(40);
  });
});

describe('the one spelling of a checkpoint', () => {
  const resigned = (text: string): string => `${text}\n${signatureLine(HUB_KEY, HUB.sign(utf8(text)))}\n`;
  const root = encodeBase64(ROOT);

  it.each([
    ['a size with a leading zero', `${ORIGIN}\n012\n${root}\n`],
    ['a size with a sign', `${ORIGIN}\n+12\n${root}\n`],
    ['a size with an exponent', `${ORIGIN}\n1e1\n${root}\n`],
    ['a size beyond the integers', `${ORIGIN}\n9007199254740993\n${root}\n`],
    ['no size', `${ORIGIN}\n\n${root}\n`],
    ['a root with bits behind the last byte', `${ORIGIN}\n12\n${root.replace(/8=$/, '9=')}\n`],
    ['a short root', `${ORIGIN}\n12\n${encodeBase64(ROOT.slice(1))}\n`],
    ['a root that is not base64', `${ORIGIN}\n12\n${'!'.repeat(44)}\n`],
    ['an extension line', `${ORIGIN}\n12\n${root}\nmore\n`],
    ['no root', `${ORIGIN}\n12\n`],
    ['only an origin', `${ORIGIN}\n`],
    ['an origin with a space', `lung coordinator\n12\n${root}\n`],
  ])('has not %s, though it be signed', (_, text) => {
    expect(codeOf(() => openCheckpoint(resigned(text), HUB_KEY, []))).toBe('LEDGER_NOTE_INVALID');
    expect(codeOf(() => openCheckpoint(resigned(TEXT), HUB_KEY, []))).toBe('accepted');
  });

  it('loses its signatures with any changed bit, in strict mode', () => {
    const note = utf8(mergeSignatures(NOTE, [cosignature(0), cosignature(1)]));
    fc.assert(
      fc.property(fc.nat(note.byteLength - 1), fc.nat(7), (where, bit) => {
        const changed = note.slice();
        changed[where]! ^= 1 << bit;
        const open = (): unknown => openCheckpoint(noteText(changed), HUB_KEY, SITE_KEYS, { strict: true });
        expect(codeOf(open)).not.toBe('accepted');
      }),
      { numRuns: 400 },
    );
  });
});

describe('cosignatures', () => {
  it('are told apart from what only looks like one', () => {
    const otherText = checkpointText({ ...CHECKPOINT, size: 13 });
    const badTime = signatureLine(
      siteKey(3),
      Uint8Array.from([...new Uint8Array(8).fill(0xff), ...new Uint8Array(64)]),
    );
    const short = signatureLine(siteKey(3), new Uint8Array(64));
    const lines = [cosignature(0), cosignature(1, otherText), 'no line', badTime, short, NOTE.split('\n')[4]!];
    expect([...cosignaturesOf(TEXT, lines, SITE_KEYS)]).toEqual([['lung/site/aachen', cosignature(0)]]);
    for (const line of [badTime, short])
      expect(codeOf(() => openCheckpoint(mergeSignatures(NOTE, [line]), HUB_KEY, SITE_KEYS))).toBe(
        'LEDGER_SIGNATURE_INVALID',
      );
  });

  it('sign the time with the text', () => {
    const bytes = Buffer.from(cosignature(0).split(' ')[2]!, 'base64');
    bytes[4 + 7]! += 1; // one second later
    const line = `— lung/site/aachen ${bytes.toString('base64')}`;
    expect(cosignaturesOf(TEXT, [line], SITE_KEYS).size).toBe(0);
  });

  it('are made at a time in whole seconds', () => {
    expect(() => cosign(TEXT, siteSigner(0), 'x', 0.5)).toThrow('whole seconds');
    expect(() => cosign(TEXT, siteSigner(0), 'x', -1)).toThrow('whole seconds');
  });
});

describe('what is signed', () => {
  it('is a checkpoint: our own mistakes do not reach the key', () => {
    expect(() => signCheckpoint({ ...CHECKPOINT, origin: 'a b' }, HUB)).toThrow('origin');
    expect(() => signCheckpoint({ ...CHECKPOINT, size: 0.5 }, HUB)).toThrow('size');
    expect(() => signCheckpoint({ ...CHECKPOINT, root: ROOT.slice(1) }, HUB)).toThrow('root');
    expect(() => verifierKey('a+b', LOG_SIGNATURE, HUB.publicKey)).toThrow('name');
    expect(() => verifierKey('a', LOG_SIGNATURE, ROOT.slice(1))).toThrow('32 bytes');
  });
});

import { planDigest } from '@consilium/round';
import { encodeSafetensors, layoutManifest, weightsOf, type Weights } from '@consilium/weights';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { admitBytes, admitUpdate } from './admit.js';
import { approvalOf, changed, DATASET, KEY, modelOf, NO_DIGEST, planOf, RUN, SITE } from './plan.fixture.js';
import { keyOf } from './keys.fixture.js';
import { sha256Of } from './sha256.js';
import { siteWith } from './site.fixture.js';
import { signUpdate } from './statement.js';

const plan = planOf();
const small = (): Weights => changed(modelOf(plan), () => 0.01);
const { size } = small().manifest;
const never = new AbortController().signal;
const pass = { run: RUN, round: 1, attempt: 1 };
const permit = { run: RUN, planDigest: planDigest(plan), plan, dataset: DATASET, approval: approvalOf(plan) };

let site: ReturnType<typeof siteWith>;
beforeEach(() => void (site = siteWith()));

/** What the guard says to an update, asked twice: before it is signed, and when its bytes are about to leave. */
const codesOf = async (update: Weights): Promise<unknown[]> => {
  const before = await site.guard.admit(update, permit).then(
    () => 'admitted',
    (error: { code: string }) => error.code,
  );
  const bytes = encodeSafetensors(update);
  const leaving = await send(bytes).then(
    () => 'sent',
    (error: { code: string }) => error.code,
  );
  return [before, leaving];
};
function send(bytes: Uint8Array, header: object = {}, about: object = {}, key = KEY): Promise<void> {
  const contribution = { bytes, sha256: sha256Of(bytes), examples: 16, loss: 0.5, metrics: null, ...about };
  const statement = signUpdate(
    contribution,
    { ...pass, modelDigest: NO_DIGEST },
    {
      permit,
      site: SITE,
      checkpoint: { size: 2, root: NO_DIGEST },
      key,
    },
  );
  const said = { planDigest: planDigest(plan), modelDigest: NO_DIGEST, examples: 16, loss: 0.5, metrics: null };
  return site.guard.upload({ kind: 'update-header', ...pass, ...said, statement, ...header }, bytes, never);
}
const nothingLeft = (): void => {
  expect(site.uplink.left).toEqual([]);
  expect(site.uplink.uploads).toEqual([]);
  expect(new Set(site.types())).toEqual(new Set(['egress.blocked']));
};

describe('the updates that the guard keeps in', () => {
  it('one with a value that is not finite, wherever it stands', () => {
    return fc.assert(
      fc.property(fc.nat(size - 1), fc.constantFrom(Number.NaN, Infinity, -Infinity), (at, value) => {
        const update = changed(small(), (old, i) => (i === at ? value : old));
        expect(() => admitUpdate(update, { plan })).toThrow(
          expect.objectContaining({ code: 'UPDATE_NOT_FINITE', facts: { at } }),
        );
      }),
    );
  });

  it('one beyond the norm bound, and not one at it', async () => {
    expect(await codesOf(changed(small(), () => 100 / Math.sqrt(size) - 1e-5))).toEqual(['admitted', 'sent']);
    site = siteWith();
    const beyond = await codesOf(changed(small(), () => 100 / Math.sqrt(size) + 1e-4));
    expect(beyond).toEqual(['UPDATE_NORM_EXCEEDED', 'UPDATE_NORM_EXCEEDED']);
    nothingLeft();
  });

  it('one with an extra tensor that images could ride in', async () => {
    const extended = layoutManifest([...small().manifest.tensors, { name: 'stowaway', shape: [64] }]);
    const codes = await codesOf(weightsOf(extended, new Float32Array(extended.size)));
    expect(codes).toEqual(['WEIGHTS_MISMATCH', 'UPDATE_TOO_LARGE']);
    nothingLeft();
  });

  it('one of another shape with the same number of values', async () => {
    const other = layoutManifest([{ name: 'all', shape: [size] }]);
    const [before, leaving] = await codesOf(weightsOf(other, new Float32Array(size)));
    expect(before).toBe('WEIGHTS_MISMATCH');
    expect(leaving).toMatch(/WEIGHTS_MISMATCH|UPDATE_TOO_LARGE/);
    nothingLeft();
  });

  it('one whose buffer is longer than its manifest', async () => {
    const longer = { manifest: small().manifest, values: new Float32Array(size + 1) };
    await expect(site.guard.admit(longer, permit)).rejects.toMatchObject({ code: 'WEIGHTS_MISMATCH' });
    nothingLeft();
  });

  it('one that hides something in the spaces of its header', () => {
    const bytes = encodeSafetensors(small());
    const spaced = bytes.slice();
    const space = spaced.lastIndexOf(0x20, 8 + new DataView(bytes.buffer).getUint32(0, true) - 1);
    if (space > 0) spaced[space] = 0x09;
    expect(() => admitBytes(space > 0 ? spaced : bytes.subarray(1), { plan })).toThrow();
    expect(() => admitBytes(bytes, { plan })).not.toThrow();
  });

  it('one that rests on other samples than were approved', () =>
    expect(send(encodeSafetensors(small()), { examples: 17 })).rejects.toMatchObject({ code: 'EGRESS_BLOCKED' }));
  it('one with a loss that is not a number', () =>
    expect(send(encodeSafetensors(small()), { loss: Number.NaN })).rejects.toMatchObject({ code: 'EGRESS_BLOCKED' }));
  it('one with a field more in its header', () =>
    expect(send(encodeSafetensors(small()), { note: 'CANARY' })).rejects.toMatchObject({ code: 'EGRESS_BLOCKED' }));
  it('one of a plan that was not approved', () =>
    expect(send(encodeSafetensors(small()), { planDigest: NO_DIGEST })).rejects.toMatchObject({
      code: 'PLAN_NOT_APPROVED',
    }));

  it.each<[string, object, object]>([
    ['another round', { round: 2 }, {}],
    ['another attempt', { attempt: 2 }, {}],
    ['another model', { modelDigest: 'f'.repeat(64) }, {}],
    ['another loss', { loss: 0.4 }, {}],
    ['other bytes', {}, { sha256: NO_DIGEST }],
    ['other metrics', {}, { metrics: { loss: null, auc: { value: 0.8, low: 0.7, high: 0.9 } } }],
  ])('one whose statement is about %s', async (_name, header, about) => {
    await expect(send(encodeSafetensors(small()), header, about)).rejects.toMatchObject({ code: 'EGRESS_BLOCKED' });
    nothingLeft();
  });

  it('one whose statement another site has signed', async () => {
    await expect(send(encodeSafetensors(small()), {}, {}, keyOf('site-b'))).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
    });
    nothingLeft();
    await send(encodeSafetensors(small()));
    expect(site.uplink.uploads).toHaveLength(1);
  });
});

import { layoutManifest, encodeSafetensors, zeros } from '@consilium/weights';
import { manifestOf } from '@consilium/model';
import { digest } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { ModelSource } from './models.js';
import { modelOf, planOf, roundOffer } from './plan.fixture.js';

const plan = planOf();
const manifest = manifestOf(plan.model);
const never = new AbortController().signal;

function source(bytes = encodeSafetensors(modelOf(plan))) {
  const asked: unknown[] = [];
  return { asked, models: new ModelSource(async (model) => (asked.push(model), bytes)) };
}

describe('the models that come', () => {
  it('are the weights of the plan’s model', async () => {
    const { models } = source();
    expect((await models.fetch(roundOffer(plan), manifest, never)).values).toEqual(modelOf(plan).values);
  });

  it('are not asked for when their length cannot be right', async () => {
    const { models, asked } = source();
    const offer = roundOffer(plan, { modelBytes: 2 ** 31 });
    await expect(models.fetch(offer, manifest, never)).rejects.toMatchObject({ code: 'WEIGHTS_MISMATCH' });
    expect(asked).toEqual([]);
  });

  it('are refused with other tensors, though the digest is right', async () => {
    const other = layoutManifest([{ name: 'all', shape: [manifest.size] }]);
    const { models } = source(encodeSafetensors(zeros(other)));
    await expect(models.fetch(roundOffer(plan), manifest, never)).rejects.toMatchObject({ code: 'WEIGHTS_MISMATCH' });
  });

  it('are refused when they are no safetensors', async () => {
    const { models } = source(new Uint8Array(64));
    await expect(models.fetch(roundOffer(plan), manifest, never)).rejects.toMatchObject({
      code: 'SAFETENSORS_MALFORMED',
    });
  });

  it('are kept until another is asked for', async () => {
    const { models, asked } = source();
    await models.fetch(roundOffer(plan), manifest, never);
    await models.fetch(roundOffer(plan, { round: 2 }), manifest, never);
    expect(asked).toHaveLength(1);
    await models.fetch(roundOffer(plan, { modelDigest: digest('e'.repeat(64)) }), manifest, never);
    expect(asked).toHaveLength(2);
  });
});

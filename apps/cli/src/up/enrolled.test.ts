import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRoot } from '@consilium/identity';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isEnrolled } from './enrolled.js';
import { layoutOf, type Layout } from './layout.js';

const NOW = Date.UTC(2026, 10, 25);
const DAY_MS = 86_400_000;

let layout: Layout;
beforeEach(async () => void (layout = layoutOf(await mkdtemp(join(tmpdir(), 'consilium-enrolled-')))));
afterEach(() => rm(layout.root, { recursive: true }));

describe('a site of the demonstration', () => {
  const folder = (): string => layout.siteIdentity('hospital-a');
  const certify = async (days: number): Promise<void> => {
    await mkdir(folder(), { recursive: true });
    // Of whatever kind: only its end counts here.
    const { certificatePem } = await createRoot({ federation: 'demo', now: NOW, days });
    await writeFile(join(folder(), 'certificate.pem'), certificatePem);
  };

  it('is not enrolled before its certificate is there, which comes last', async () => {
    expect(await isEnrolled(layout, 'hospital-a', NOW)).toBe(false);
    await mkdir(folder(), { recursive: true });
    await writeFile(join(folder(), 'signing.key'), 'a key');
    expect(await isEnrolled(layout, 'hospital-a', NOW)).toBe(false);
  });

  it('is enrolled with a certificate, also one that its agent has to renew first', async () => {
    await certify(1);
    expect(await isEnrolled(layout, 'hospital-a', NOW)).toBe(true);
    expect(await isEnrolled(layout, 'hospital-a', NOW + 30 * DAY_MS)).toBe(true);
  });

  it('that rested for more than thirty days is told of, since its agent would wait for ever', async () => {
    await certify(1);
    await expect(isEnrolled(layout, 'hospital-a', NOW + 32 * DAY_MS)).rejects.toMatchObject({
      code: 'CERTIFICATE_LAPSED',
      facts: { site: 'hospital-a' },
    });
  });
});

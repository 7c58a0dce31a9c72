import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Federation } from '../harness/federation.js';

const CHROMIUM = '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

describe.skipIf(!existsSync(CHROMIUM))(
  'the OpenAPI page in a browser (skipped where Chromium is not installed)',
  () => {
    let federation: Federation;
    let browser: Browser;
    beforeAll(async () => {
      federation = await Federation.create({ sites: [] });
      await federation.startCoordinator();
      browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    });
    afterAll(async () => {
      await browser?.close();
      await federation?.close();
    });

    it('shows every group of operations, loads nothing from elsewhere and reports no error', async () => {
      const page = await browser.newPage();
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(error.message));
      page.on('requestfailed', (request) => problems.push(request.url()));
      const hosts = new Set<string>();
      page.on('request', (request) => hosts.add(new URL(request.url()).host));
      await page.goto(`${federation.api.url}/docs`, { waitUntil: 'networkidle' });
      await page.getByText('/api/v1/studies').first().waitFor();
      const text = await page.locator('body').innerText();
      for (const word of ['Consilium', 'studies', 'runs', 'models', 'sites'])
        expect(text.toLowerCase()).toContain(word.toLowerCase());
      expect(problems).toEqual([]);
      expect([...hosts].filter((host) => host && host !== new URL(federation.api.url).host)).toEqual([]);
      if (process.env['CONSILIUM_SCREENSHOTS'])
        await page.screenshot({ path: `${process.env['CONSILIUM_SCREENSHOTS']}/openapi.png`, fullPage: true });
    });

    it('answers with the token and refuses without it', async () => {
      expect((await fetch(`${federation.api.url}/health`)).status).toBe(200);
      for (const path of ['/api/v1/runs', '/api/v1/sites', '/metrics']) {
        expect((await fetch(federation.api.url + path)).status, path).toBe(401);
        const answer = await fetch(federation.api.url + path, {
          headers: { authorization: `Bearer ${federation.api.token}` },
        });
        expect(answer.status, path).toBe(200);
      }
    });
  },
);

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { filesUnder, read, root } from './house.js';

const pages = [
  ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md'],
  ...['docs', 'apps', 'libs', 'deploy'].flatMap(filesUnder),
].filter((path) => path.endsWith('.md'));

describe('the documents', () => {
  it('the page of errors is the catalogue', async () => {
    const check = promisify(execFile)(process.execPath, [join(root, 'tools/errors-page.mjs'), '--check']);
    await expect(check).resolves.toMatchObject({ stderr: '' });
  });

  it('every link within the repository leads somewhere', () => {
    const broken = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
        .map((match) => match[1]!)
        .filter((link) => !existsSync(join(root, normalize(join(dirname(page), link)))))
        .map((link) => `${page}: ${link}`),
    );
    expect(pages.length).toBeGreaterThan(15);
    expect(broken).toEqual([]);
  });

  it('each has one title', () => {
    for (const page of pages) {
      const prose = read(page).replace(/```[\s\S]*?```/g, '');
      expect(prose.match(/^# /gm), page).toHaveLength(1);
    }
  });

  it('the README is short', () => {
    expect(read('README.md').split('\n').length).toBeLessThan(60);
  });
});

import { describe, expect, it } from 'vitest';
import { memoryTerminal } from '../testing/terminal.fixture.js';
import { LoginApi } from './api.js';
import { configFolder } from './config-folder.js';
import { grantText, parseGrant } from './grants.js';
import { accountTable, whoamiLines } from './tables.js';

describe('a role on the command line', () => {
  it.each([
    ['admin', { role: 'admin' }],
    ['auditor', { role: 'auditor' }],
    ['researcher:lung-nodule', { role: 'researcher', study: 'lung-nodule' }],
    ['site-operator:hospital-a', { role: 'site-operator', site: 'hospital-a' }],
    ['data-protection-officer:hospital-a', { role: 'data-protection-officer', site: 'hospital-a' }],
  ])('is %s', (text, grant) => {
    expect(parseGrant(text)).toEqual(grant);
    expect(grantText(grant)).toBe(text);
  });

  it.each([
    '',
    'root',
    'admin:hospital-a',
    'researcher',
    'researcher:',
    'researcher:a:b',
    'researcher:A b',
    'toString',
  ])('is not %j', (text) => {
    expect(() => parseGrant(text)).toThrow();
  });
});

describe('where logins are kept', () => {
  it.each([
    [{ CONSILIUM_CONFIG: '/c', XDG_CONFIG_HOME: '/x', HOME: '/h' }, '/c'],
    [{ XDG_CONFIG_HOME: '/x', HOME: '/h' }, '/x/consilium'],
    [{ APPDATA: '/a', HOME: '/h' }, '/a/consilium'],
    [{ HOME: '/h', XDG_CONFIG_HOME: '' }, '/h/.config/consilium'],
  ])('is found by the environment: %j', (env, folder) => {
    expect(configFolder(env)).toBe(folder);
  });

  it('is nowhere where nothing says it', () => {
    expect(configFolder({ HOME: '' })).toBeUndefined();
  });
});

describe('a password', () => {
  it.each(['http://hub.example', 'http://10.0.0.1:7480', 'http://127.0.0.1.attacker.example'])(
    'is not sent in the clear to %s',
    (url) => {
      expect(() => new LoginApi(url)).toThrow(expect.objectContaining({ code: 'SETTINGS_INVALID' }) as Error);
    },
  );

  it.each(['https://hub.example', 'http://127.0.0.1:7480', 'http://localhost:1', 'http://[::1]:1'])(
    'is sent to %s',
    (url) => {
      expect(new LoginApi(url)).toBeInstanceOf(LoginApi);
    },
  );
});

describe('people on screen', () => {
  const account = { person: 'person-0123456789', name: 'Dr. A. Weber', login: 'a.weber', createdMs: 0 };

  it('have their roles beside their names', () => {
    const grants = [{ role: 'auditor' }, { role: 'researcher', study: 'trial' }];
    const text = accountTable(
      [
        { ...account, grants, disabledMs: null },
        { ...account, login: null, grants: [], disabledMs: null },
        { ...account, grants: [], disabledMs: 5 },
      ],
      memoryTerminal({ columns: 120 }),
    ).join('\n');
    for (const part of ['Dr. A. Weber', 'auditor, researcher:trial', 'none', 'disabled']) expect(text).toContain(part);
    expect(accountTable([], memoryTerminal())).toEqual(['Nobody has an account yet.']);
  });

  it('whose name would command the terminal are shown harmless', () => {
    const name = 'Dr. \u001b[2J\u001b]0;root\u0007';
    const lines = accountTable([{ ...account, name, grants: [], disabledMs: null }], memoryTerminal({ columns: 120 }));
    expect(lines.join('\n')).not.toMatch(/[\u001b\u0007]/);
  });

  it('are told who they are', () => {
    const lines = whoamiLines({ person: 'person-0123456789', grants: [{ role: 'auditor' }], authMs: 0 });
    expect(lines.join('\n')).toContain('person-0123456789');
    expect(lines.join('\n')).toContain('auditor');
  });
});

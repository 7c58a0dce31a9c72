import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { filesUnder, read, root } from '../architecture/house.js';

/** Where people copy commands from. */
const PAGES = ['README.md', ...filesUnder('docs').filter((path) => path.endsWith('.md'))];
const PROGRAMS: Readonly<Record<string, string>> = {
  agent: 'apps/agent/dist/main.js',
  audit: 'apps/auditor/dist/main.js',
  coordinator: 'apps/coordinator/dist/main.js',
};

describe('the commands in the documents', () => {
  beforeAll(() => {
    if (!existsSync(join(root, 'apps/cli/dist/main.js'))) throw new Error('not built: npm run build');
  });

  it.each(PAGES.filter((page) => commandsIn(read(page)).length > 0))('%s names none that there is not', (page) => {
    expect(commandsIn(read(page)).flatMap((line) => problemsOf(line).map((problem) => `${line}: ${problem}`))).toEqual(
      [],
    );
  });

  it('are found, in code and in prose', () => {
    const all = PAGES.flatMap((page) => commandsIn(read(page)));
    expect(all).toContain('consilium agent join TOKEN --settings agent.yaml');
    expect(all.length).toBeGreaterThan(80);
  });

  it.each([
    ['consilium site invent north', 'no command invent'],
    ['consilium agent plan approve DIGEST --force --settings agent.yaml', 'no option --force'],
    ['consilium audit report bundle extra --policy FILE', 'more than 1 argument'],
    ['consilium run start --watch', 'fewer than 1 argument'],
    ['consilium model get DIGEST --output model.safetensors', 'no option --output'],
  ])('would be found out if they were invented: %s', (line, problem) => {
    expect(problemsOf(line)).toContain(problem);
  });

  it('stand beside files that there are: each test that a page names', () => {
    const named = PAGES.flatMap((page) =>
      [...read(page).matchAll(/`((?:apps|libs|tests)\/[^`\s]+)`/g)].map(([, path]) => path!),
    );
    expect(named.length).toBeGreaterThan(40);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it('come with what each finding of an audit means', () => {
    const codes = [...read('apps/auditor/src/findings.ts').matchAll(/^ {2}([A-Z_]+): finding\(/gm)].map(
      ([, code]) => code!,
    );
    const guide = read('docs/guides/auditor.md');
    expect(codes.length).toBeGreaterThan(30);
    expect(codes.filter((code) => !guide.includes(`\`${code}\``))).toEqual([]);
  });
});

/**
 * Each `consilium …` of a page: a line of a block of code, or a piece of code in a sentence that names more than a group
 * of commands. A comment, what is piped and what stands after a semicolon are left off.
 */
function commandsIn(page: string): string[] {
  const blocks = [...page.matchAll(/^```\w*\n([\s\S]*?)^```/gm)].flatMap(([, block]) => block!.split('\n'));
  const prose = page.replace(/^```[\s\S]*?^```/gm, '');
  const pieces = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!);
  return [...blocks, ...pieces]
    .map((line) =>
      line
        .replace(/\s#\s.*$/, '')
        .replace(/\s[|;<>]\s?.*$/, '')
        .trim(),
    )
    .filter((line) => line.startsWith('consilium ') && !line.includes('…'));
}

interface Usage {
  /** Least and most number of arguments. */
  readonly arguments: readonly [number, number];
  /** Option → whether a value follows. */
  readonly options: ReadonlyMap<string, boolean>;
  readonly commands: readonly string[];
}

function problemsOf(line: string): string[] {
  let words = line.split(/\s+/).slice(1);
  const path: string[] = [];
  let usage = usageOf(path);
  while (usage.commands.length > 0 && words[0] !== undefined && !words[0].startsWith('-')) {
    const [word, ...rest] = words;
    if (!usage.commands.includes(word!)) return [`no command ${word}`];
    path.push(word!);
    words = rest;
    usage = usageOf(path);
  }
  // A group of commands that is only talked about.
  if (usage.commands.length > 0 && words.length === 0) return [];
  const problems: string[] = [];
  let given = 0;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (!word.startsWith('-')) given++;
    else if (!usage.options.has(word)) problems.push(`no option ${word}`);
    else if (usage.options.get(word)) i++;
  }
  const [least, most] = usage.arguments;
  if (given > most) problems.push(`more than ${most} argument${most === 1 ? '' : 's'}`);
  // In a sentence a command may stand by its name alone.
  if (words.length === 0) return problems;
  if (given < least) problems.push(`fewer than ${least} argument${least === 1 ? '' : 's'}`);
  return problems;
}

const usages = new Map<string, Usage>();

/** What `--help` says of a command, asked once. */
function usageOf(path: readonly string[]): Usage {
  const key = path.join(' ');
  const known = usages.get(key) ?? parseUsage(helpOf(path));
  usages.set(key, known);
  return known;
}

function helpOf([first = '', ...rest]: readonly string[]): string {
  const own = PROGRAMS[first];
  const args = own ? [own, ...rest] : ['apps/cli/bin/consilium.mjs', ...(first ? [first] : []), ...rest];
  const { stdout, status } = spawnSync(process.execPath, [...args, '--help'], { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`no help for ${[first, ...rest].join(' ')}`);
  return stdout;
}

/** Reads the help that commander writes. */
function parseUsage(help: string): Usage {
  const [, signature = ''] = help.match(/^Usage: (.*)$/m) ?? [];
  const section = (title: string): string =>
    help.match(new RegExp(`^${title}:\\n((?: {2}.*\\n?|\\n)*)`, 'm'))?.[1] ?? '';
  const options = [...section('Options').matchAll(/^ {2}(?:(-\w), )?(--[\w-]+)( <| \[)?/gm)].flatMap(
    ([, short, long, value]) => [short, long].flatMap((name) => (name ? [[name, value !== undefined] as const] : [])),
  );
  const commands = [...section('Commands').matchAll(/^ {2}([a-z][\w|-]*)/gm)].flatMap(([, names]) => names!.split('|'));
  const places = [...signature.matchAll(/(<|\[)(?!options|command)[\w.]+[>\]]/g)];
  const least = places.filter(([, open]) => open === '<').length;
  return { arguments: [least, places.length], options: new Map(options), commands };
}

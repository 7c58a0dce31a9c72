import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Every file of ours under a folder, as paths from the root; what is installed, built or generated is left out. */
export function filesUnder(folder: string): string[] {
  const skipped = new Set(['node_modules', 'dist', 'generated', '.nx', '.consilium', '.git']);
  const visit = (path: string): string[] =>
    readdirSync(path).flatMap((name) => {
      if (skipped.has(name)) return [];
      const inner = join(path, name);
      return statSync(inner).isDirectory() ? visit(inner) : [relative(root, inner)];
    });
  return visit(join(root, folder));
}

export const read = (path: string): string => readFileSync(join(root, path), 'utf8');
export const lineCount = (path: string): number => read(path).split('\n').length - 1;

export interface Project {
  readonly name: string;
  readonly dir: string;
  readonly tags: readonly string[];
  readonly dependencies: readonly string[];
}

/** The projects as their package.json files declare them. */
export function projects(): Project[] {
  return ['apps', 'libs'].flatMap((top) =>
    readdirSync(join(root, top)).map((folder) => {
      const dir = `${top}/${folder}`;
      const manifest = JSON.parse(read(`${dir}/package.json`)) as {
        name: string;
        nx: { tags: string[] };
        dependencies?: Record<string, string>;
      };
      return {
        name: manifest.name,
        dir,
        tags: manifest.nx.tags,
        dependencies: Object.keys(manifest.dependencies ?? {}),
      };
    }),
  );
}

interface NxGraph {
  readonly graph: { readonly dependencies: Readonly<Record<string, readonly { source: string; target: string }[]>> };
}

/** Nx's own project graph, computed afresh: arrows from a project to what it imports. */
export function projectGraph(): Map<string, string[]> {
  const text = execFileSync(process.execPath, [join(root, 'node_modules/nx/dist/bin/nx.js'), 'graph', '--print'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NX_DAEMON: 'false' },
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
  });
  const { graph } = JSON.parse(text.slice(text.indexOf('{'))) as NxGraph;
  return new Map(
    Object.entries(graph.dependencies).map(([source, edges]) => [
      source,
      edges.map((edge) => edge.target).filter((target) => !target.startsWith('npm:')),
    ]),
  );
}

/** One cycle of the graph as a list of names, or nothing. */
export function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const visit = (node: string, path: string[]): string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next, [...path, node]);
      if (cycle) return cycle;
    }
    done.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const cycle = visit(node, []);
    if (cycle) return cycle;
  }
  return undefined;
}

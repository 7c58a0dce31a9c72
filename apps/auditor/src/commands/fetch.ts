import { systemClock } from '@consilium/machine';
import { Fault } from '@consilium/stdx';
import { writeBundle } from '../bundle/folder.js';
import { gather } from '../bundle/gather.js';
import type { Source } from '../bundle/source.js';
import { stateSources } from '../bundle/state-source.js';
import { urlSource } from '../bundle/url-source.js';
import type { ExitCode, Terminal } from '../terminal.js';
import { readToken } from '../token.js';

export interface FetchOptions {
  readonly state?: readonly string[];
  readonly url?: string;
  readonly tokenFile?: string;
  readonly out: string;
  readonly json?: boolean;
}

/** Copies what the sources have into a new folder. No key, no setting and no database is ever read. */
export async function fetchBundle(options: FetchOptions, terminal: Terminal): Promise<ExitCode> {
  const sources: Source[] = [];
  for (const directory of options.state ?? []) sources.push(...(await stateSources(directory)));
  if (options.url !== undefined) {
    const token = await readToken(options.tokenFile, terminal.env);
    sources.push(urlSource({ url: options.url, token, signal: terminal.interrupted }));
  }
  if (sources.length === 0) throw new Fault('USAGE', { missing: '--state or --url' });
  const bundle = await gather(sources, systemClock);
  await writeBundle(bundle, options.out);
  const logs = bundle.paths.filter((path) => path.endsWith('/checkpoint')).length;
  if (options.json) terminal.out(JSON.stringify({ files: bundle.paths.length, logs }));
  else
    terminal.out(`Fetched ${logs} logs, ${bundle.paths.length} files. Nothing is verified yet: consilium audit report`);
  return 0;
}

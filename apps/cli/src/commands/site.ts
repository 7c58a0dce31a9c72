import type { Command } from 'commander';
import {
  connect,
  printJson,
  printLines,
  withConnection,
  withExample,
  type ConnectedOptions,
  type Context,
} from './context.js';

/** `consilium site …`: the sites as the coordinator sees them. */
export function registerSite(program: Command, context: Context): void {
  const site = program.command('site').description('see the federation’s sites');
  withExample(
    withConnection(site.command('list').description('list the sites and whether they are connected')),
    'consilium site list',
  ).action((options: ConnectedOptions) =>
    context.act(options.json, async () => {
      const sites = await (await connect(context, options)).sites();
      if (options.json) return printJson(context, sites);
      const { siteTable } = await import('../site/tables.js');
      printLines(context, siteTable(sites, context.terminal));
    }),
  );
}

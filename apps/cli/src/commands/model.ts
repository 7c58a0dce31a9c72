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

const DIGEST = 'SHA-256 of the model, or the beginning of it';

/** `consilium model …`: the versions that runs have published. */
export function registerModel(program: Command, context: Context): void {
  const model = program.command('model').description('see and download published models');

  withExample(
    withConnection(model.command('list').description('list the published models')),
    'consilium model list',
  ).action((options: ConnectedOptions) =>
    context.act(options.json, async () => {
      const models = await (await connect(context, options)).models();
      if (options.json) return printJson(context, models);
      const { modelTable } = await import('../model/tables.js');
      printLines(context, modelTable(models, context.terminal));
    }),
  );

  withExample(
    withConnection(
      model.command('show').argument('<digest>', DIGEST).description('show a model’s plan, run, tensors and measures'),
    ),
    'consilium model show 3f9a',
  ).action((digest: string, options: ConnectedOptions) =>
    context.act(options.json, async () => {
      const [coordinator, { resolveDigest }, { modelLines }] = await Promise.all([
        connect(context, options),
        import('../model/get.js'),
        import('../model/tables.js'),
      ]);
      const detail = await coordinator.model(await resolveDigest(coordinator, digest));
      if (options.json) return printJson(context, detail);
      printLines(context, modelLines(detail, context.terminal));
    }),
  );

  withExample(
    withConnection(
      model
        .command('get')
        .argument('<digest>', DIGEST)
        .description('download a model as safetensors, with FILE.json beside it'),
    ).requiredOption('-o, --out <file>', 'where to write it'),
    'consilium model get 3f9a -o lung-nodule.safetensors',
  ).action((digest: string, options: ConnectedOptions & { out: string }) =>
    context.act(options.json, async () => {
      const [coordinator, { getModel, resolveDigest }, { bytes }] = await Promise.all([
        connect(context, options),
        import('../model/get.js'),
        import('../text/numbers.js'),
      ]);
      const got = await getModel(coordinator, await resolveDigest(coordinator, digest), options.out);
      if (options.json) return printJson(context, got);
      printLines(context, [
        `Wrote ${got.file} (${bytes(got.bytes)}, its SHA-256 is the model’s digest) and ${got.about}.`,
      ]);
    }),
  );
}

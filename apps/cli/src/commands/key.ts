import type { Command } from 'commander';
import { Fault } from '@consilium/stdx';
import { printJson, printLines, withExample, withJson, type Context, type JsonOption } from './context.js';
import type { KeyShown } from '../keys/person-key.js';

interface PassphraseFile {
  readonly passphraseFile?: string;
}

/** `consilium key …`: a person's signing key, for plans and approvals. Needs no coordinator and no network. */
export function registerKey(program: Command, context: Context): void {
  const key = program.command('key').description('make and show signing keys of people');

  withExample(
    withJson(key.command('create').description('make a signing key, sealed by a passphrase'))
      .requiredOption('-o, --out <file>', 'the key’s file; it is never overwritten')
      .option('--passphrase-file <file>', 'file with the passphrase (default: it is asked for, twice)')
      .option('--no-passphrase', 'do not seal it: for machines, on a disk that nobody else reads'),
    'consilium key create --out dpo.key',
  ).action((options: JsonOption & PassphraseFile & { out: string; passphrase: boolean }) =>
    context.act(options.json, async () => {
      const keys = await import('../keys/person-key.js');
      const { passphraseFile, passphrase: sealed } = options;
      if (!sealed && passphraseFile !== undefined)
        throw new Fault('USAGE', { expected: 'either --passphrase-file or --no-passphrase' });
      const passphrase = !sealed
        ? undefined
        : keys.requireStrong(
            passphraseFile === undefined
              ? await keys.askPassphrase(context.terminal)
              : await keys.passphraseIn(passphraseFile),
          );
      tell(context, options.json, await keys.createKey(options.out, passphrase));
    }),
  );

  withExample(
    withJson(
      key.command('show').argument('<file>', 'a key’s file').description('show a key’s public part and fingerprint'),
    ).option('--passphrase-file <file>', 'open a sealed key as well, to see that the passphrase fits'),
    'consilium key show dpo.key',
  ).action((file: string, options: JsonOption & PassphraseFile) =>
    context.act(options.json, async () => {
      const { passphraseIn, showKey } = await import('../keys/person-key.js');
      const { passphraseFile } = options;
      const passphrase = passphraseFile === undefined ? undefined : await passphraseIn(passphraseFile);
      tell(context, options.json, await showKey(file, passphrase));
    }),
  );
}

function tell(context: Context, json: boolean | undefined, shown: KeyShown): void {
  if (json) return printJson(context, shown);
  printLines(context, [
    `key file     ${shown.file}   (${shown.sealed ? 'sealed by its passphrase' : 'NOT sealed: whoever reads it has the key'})`,
    `public key   ${shown.publicKey}`,
    `key id       ${shown.keyid}`,
    `fingerprint  ${shown.words}`,
  ]);
}

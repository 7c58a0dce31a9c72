#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { Fault } from '@consilium/stdx';
import { openLog, type Log } from './log.js';
import { readSettings } from './settings.js';
import { VERSION } from './software.js';

/** The program: the only file that touches `process`. Exit codes: 0 ended when asked, 1 a Fault, 2 usage, 130 interrupted twice. */
const program = new Command('consilium coordinator')
  .description('The hub of a federation: enrols sites, runs plans, publishes models. Images never come here.')
  .version(VERSION)
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(`consilium: USAGE: ${text}`) });

program
  .command('serve')
  .description('serve agents (gRPC over mutual TLS) and people (HTTP on loopback) until asked to end')
  .requiredOption('--settings <file>', 'the settings file, YAML')
  .action(({ settings }: { settings: string }) => serve(settings));

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
  const fault = Fault.from(error);
  if (fault.code === 'INTERNAL') console.error(fault.cause);
  console.error(`consilium: ${fault.code}: ${fault.message}`);
  process.exit(1);
}

async function serve(file: string): Promise<void> {
  const settings = await readSettings(file, process.env);
  const secrets = new Set<string>();
  const log = await openLog({ ...settings.log, secrets });

  // Loaded only now: --help and a mistake in the settings are answered at once.
  const { startCoordinator } = await import('./coordinator.js');
  const ended = stopping(log);
  const coordinator = await startCoordinator(settings, { log, secrets, fatal: ended.fatally });
  const { http, grpc } = coordinator;
  log.info(
    { http, grpc, version: VERSION },
    `serving people on http://${settings.http.host}:${http}, agents on port ${grpc}`,
  );
  process.send?.({ ready: true, http, grpc });

  const reason = await ended.asked;
  log.info({ reason }, 'ending');
  await coordinator.close();
  process.exit(reason === 'fatal' ? 1 : 0);
}

type Reason = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'parent gone' | 'fatal';

/** Settles at the first request to end. The second one does not wait for anything. */
function stopping(log: Log): { asked: Promise<Reason>; fatally: (error: unknown) => void } {
  let ask!: (reason: Reason) => void;
  const asked = new Promise<Reason>((resolve) => (ask = resolve));
  let requests = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (++requests > 1) process.exit(130);
      ask(signal);
    });
  }
  // A supervisor that was killed cannot end us; without it nobody would, and the state would stay locked.
  process.on('disconnect', () => ask('parent gone'));
  const fatally = (error: unknown): void => {
    log.fatal({ err: error }, 'the state cannot be written any more; ending, so that the next start resumes from it');
    ask('fatal');
  };
  return { asked, fatally };
}

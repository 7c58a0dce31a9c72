import type { Command } from 'commander';
import { DEFAULT_STATE } from '../defaults.js';
import { TEMPLATES } from '../study/template-names.js';
import { ENGINE_CHOICES, SITES_MAX, type UpOptions } from '../up/options.js';
import { choice, integer } from './arguments.js';
import { withExample, withJson, type Context } from './context.js';

/** `consilium up`: a whole federation on this machine. */
export function registerUp(program: Command, context: Context): void {
  withExample(
    withJson(
      program.command('up').description('start a whole federation on this machine, train one model, and compare it'),
    )
      .option('--sites <n>', 'number of hospitals', integer(1, SITES_MAX), 4)
      .option('--rounds <n>', 'number of rounds (default: the study’s own)', integer(1, 10_000))
      .option('--study <name>', `one of ${TEMPLATES.join(', ')}`, choice(TEMPLATES), TEMPLATES[0])
      .option('--data <file>', 'MedMNIST file to spread over the hospitals (breast-ultrasound)')
      .option('--engine <name>', `one of ${ENGINE_CHOICES.join(', ')}`, choice(ENGINE_CHOICES), 'auto')
      .option('--seed <n>', 'seed of images, initial weights and shuffling', integer(0, 2 ** 32 - 1), 1)
      .option('--state <dir>', 'where everything is kept', context.terminal.env['CONSILIUM_STATE'] || DEFAULT_STATE)
      .option('--sandbox <on|off>', 'cut training off from the network', choice(['on', 'off'] as const), 'on')
      .option('--once', 'stop when the comparison is printed'),
    'consilium up --once --rounds 10',
    'consilium up --study breast-ultrasound --data breastmnist.npz',
  ).action((options: UpOptions) =>
    context.act(options.json, async () => {
      const [{ up }, { locate }, { systemClock }, { RELEASE }] = await Promise.all([
        import('../up/up.js'),
        import('../programs/locate.js'),
        import('../clock.js'),
        import('../release.js'),
      ]);
      return up(options, {
        terminal: context.terminal,
        interrupts: context.interrupts,
        clock: systemClock,
        release: RELEASE,
        locate,
      });
    }),
  );
}

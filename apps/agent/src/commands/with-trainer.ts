import type { Trainer } from '../ports.js';
import type { Terminal } from '../terminal.js';
import { openTrainer, type TrainerOptions } from '../trainer/trainer.js';

/** The trainer's process for the length of one command; Ctrl-C ends it with the command. */
export async function withTrainer(
  options: TrainerOptions,
  { interrupted }: Pick<Terminal, 'interrupted'>,
  use: (trainer: Trainer) => Promise<void>,
): Promise<void> {
  const trainer = openTrainer(options);
  try {
    await unlessInterrupted({ interrupted }, trainer, () => use(trainer));
  } finally {
    await trainer.close();
  }
}

/** Work that Ctrl-C ends by ending the trainer: whatever it waits for then throws CANCELLED. */
export async function unlessInterrupted<T>(
  { interrupted }: Pick<Terminal, 'interrupted'>,
  trainer: Pick<Trainer, 'close'>,
  work: () => Promise<T>,
): Promise<T> {
  const stop = (): void => void trainer.close();
  interrupted.addEventListener('abort', stop, { once: true });
  try {
    return await work();
  } finally {
    interrupted.removeEventListener('abort', stop);
  }
}

import { Fault } from '@consilium/stdx';
import type { Terminal } from '../terminal.js';

/**
 * Asks a person who must type the whole word: an Enter too many decides nothing. USAGE, with what a script says instead,
 * where nobody can be asked.
 */
export async function confirmed({ ask }: Pick<Terminal, 'ask'>, question: string, instead: string): Promise<boolean> {
  if (!ask) throw new Fault('USAGE', { expected: `a terminal, or ${instead}` });
  return (await ask(`${question} [yes/no] `, false)).trim().toLowerCase() === 'yes';
}

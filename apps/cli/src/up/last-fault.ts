import { open } from 'node:fs/promises';
import { Fault, isCode } from '@consilium/stdx';

const LOOKS_BACK_BYTES = 16 * 1024;

/**
 * What a program that ended by itself said last: our programs end with one line `consilium: CODE: …` on standard error.
 * Only the code is taken over; `name` says whose it was. Undefined where it said nothing of the kind.
 */
export async function lastFault(log: string, from: number, name: string): Promise<Fault | undefined> {
  const file = await open(log, 'r');
  try {
    const { size } = await file.stat();
    const start = Math.max(from, size - LOOKS_BACK_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.max(0, size - start)), 0, size - start, start);
    const codes = [...buffer.toString('utf8', 0, bytesRead).matchAll(/^consilium: ([A-Z_]+):/gm)].map(
      (match) => match[1]!,
    );
    const code = codes.findLast(isCode);
    return code === undefined ? undefined : new Fault(code, { program: name });
  } finally {
    await file.close();
  }
}

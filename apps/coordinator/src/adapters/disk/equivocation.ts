import { utf8 } from '@consilium/stdx';
import type { EquivocationFile } from '../../ledger/known-past.js';
import { overwrite, sizeOf } from './files.js';

/** The evidence as one file of the state. As long as it lies there, the coordinator does nothing. */
export class DiskEquivocation implements EquivocationFile {
  constructor(private readonly path: string) {}

  async exists(): Promise<boolean> {
    return (await sizeOf(this.path)) !== undefined;
  }

  write(json: string): Promise<void> {
    return overwrite(this.path, utf8(json));
  }
}

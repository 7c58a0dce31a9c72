import type { EvidenceDesk, SentEvidence } from './evidence.js';

/** The twin for tests that are not about evidence: everything is witnessed at once. */
export class MemoryEvidence implements EvidenceDesk {
  async seek(subject: string): Promise<SentEvidence> {
    return { entry: Buffer.from(subject), index: 0, checkpoint: Buffer.from('witnessed'), inclusion: [] };
  }

  async fresh(): Promise<void> {
    // Nothing was ever restored.
  }

  async stoodIn(): Promise<boolean> {
    return true;
  }
}

import { wrapWords } from '../text/width.js';

/** What a plan's privacy mode means for the people whose images are trained on; said wherever a plan is shown. */
const MEANING: Readonly<Record<string, string>> = {
  plain:
    'privacy.mode plain: images stay at the sites, but the coordinator sees each site’s update, and updates can reveal images. ' +
    'Agree to it only where the coordinator may be trusted with them.',
};

export function privacyLines(mode: string, columns: number): string[] {
  return wrapWords(MEANING[mode] ?? `privacy.mode ${mode}: not known to this release.`, columns);
}

import { canonicalJson } from '@consilium/stdx';
import type { StudyRecord } from '../records.js';

/** Whether two studies say the same; when they were registered does not count, nor where that is signed. */
export const isSameStudy = (a: StudyRecord, b: StudyRecord): boolean =>
  canonicalJson([a.title, a.purpose, a.terms]) === canonicalJson([b.title, b.purpose, b.terms]);

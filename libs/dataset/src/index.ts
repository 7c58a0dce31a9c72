export { loadSiteData } from './load.js';
export { partitionNpz, type PartitionOrder, type PartitionResult } from './partition.js';
export type {
  DatasetManifest,
  ImageSpec,
  Normalisation,
  SiteData,
  Split,
  SplitCounts,
  SplitName,
} from './site-data.js';
export type { SiteShare } from './site-shares.js';

export { diskFiles, diskLogStorage, readOnlyLog } from './disk.js';
export { Documents } from './documents.js';
export { writeDurably } from './durable.js';
export { DurableLog, type DurableLogSettings } from './durable-log.js';
export { MemoryFiles, type Files } from './files.js';
export { opensslHash } from './hash.js';
export { RowFile, type RowPlace } from './row-file.js';
export { isShardName, shardPlace, sortShards, yearOf } from './shard.js';

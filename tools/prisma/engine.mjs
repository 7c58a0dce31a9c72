// Prisma's schema engine as WebAssembly, on an in-memory PGlite: it says what SQL leads from the migrations to the
// schema, with no engine download, no database server and no network.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from '@prisma/driver-adapter-utils';

const engineFolder = dirname(createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm'));

/**
 * The SQL that a database made by the migrations lacks to be as the schema says; an empty string when nothing is missing.
 * @param {{ schemaFile: string, migrationsFolder: string }} paths
 * @returns {Promise<string>}
 */
export async function missingSql({ schemaFile, migrationsFolder }) {
  const database = await PGlite.create('memory://');
  try {
    const engine = await openEngine(database);
    const { stdout } = await engine.diff({
      from: { tag: 'migrations', ...readMigrations(migrationsFolder) },
      to: { tag: 'schemaDatamodel', files: [{ path: schemaFile, content: readFileSync(schemaFile, 'utf8') }] },
      script: true,
      shadowDatabaseUrl: null,
      exitCode: null,
      filters: { externalTables: [], externalEnums: [] },
    });
    return (stdout ?? '').startsWith('-- This is an empty migration.') ? '' : (stdout ?? '');
  } finally {
    await database.close();
  }
}

function readMigrations(folder) {
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  return {
    baseDir: folder,
    lockfile: { path: 'migration_lock.toml', content: readFileSync(join(folder, 'migration_lock.toml'), 'utf8') },
    shadowDbInitScript: '',
    migrationDirectories: names.sort().map((name) => ({
      path: name,
      migrationFile: {
        path: 'migration.sql',
        content: { tag: 'ok', value: readFileSync(join(folder, name, 'migration.sql'), 'utf8') },
      },
    })),
  };
}

/** Once in a process: the bindings keep the instance in a global of theirs. */
let loaded;
function loadEngine() {
  loaded ??= (async () => {
    const bindings = await import('@prisma/schema-engine-wasm/schema_engine_bg');
    const bytes = readFileSync(join(engineFolder, 'schema_engine_bg.wasm'));
    const { instance } = await WebAssembly.instantiate(bytes, { './schema_engine_bg.js': bindings });
    bindings.__wbg_set_wasm(instance.exports);
    instance.exports.__wbindgen_start();
    return bindings;
  })();
  return loaded;
}

async function openEngine(database) {
  const bindings = await loadEngine();
  const connect = async () => queryable(database);
  const factory = { provider: 'postgres', adapterName: 'pglite', connect, connectToShadowDb: connect };
  return bindings.SchemaEngine.new({ datamodels: undefined }, () => {}, bindMigrationAwareSqlAdapterFactory(factory));
}

/** The engine reads the catalogue only, so these few types are all it meets; everything else is text to it. */
const COLUMN_TYPES = new Map([
  [16, ColumnTypeEnum.Boolean],
  [18, ColumnTypeEnum.Character],
  [20, ColumnTypeEnum.Int64],
  [21, ColumnTypeEnum.Int32],
  [23, ColumnTypeEnum.Int32],
  [26, ColumnTypeEnum.Int64],
  [1002, ColumnTypeEnum.CharacterArray],
  [1003, ColumnTypeEnum.TextArray],
  [1005, ColumnTypeEnum.Int32Array],
  [1009, ColumnTypeEnum.TextArray],
]);

function queryable(database) {
  return {
    provider: 'postgres',
    adapterName: 'pglite',
    async queryRaw({ sql, args }) {
      const { fields, rows } = await database.query(sql, args, { rowMode: 'array' });
      return {
        columnNames: fields.map(({ name }) => name),
        columnTypes: fields.map(({ dataTypeID }) => COLUMN_TYPES.get(dataTypeID) ?? ColumnTypeEnum.Text),
        rows,
      };
    },
    executeRaw: async ({ sql, args }) => (await database.query(sql, args)).affectedRows ?? 0,
    executeScript: async (script) => void (await database.exec(script)),
    getConnectionInfo: () => ({ schemaName: 'public', supportsRelationJoins: true }),
    dispose: async () => {},
  };
}

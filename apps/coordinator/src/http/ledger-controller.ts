import { Controller, Get, Inject, Param, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiProduces, ApiTags } from '@nestjs/swagger';
import { CHECKPOINT_PATH } from '@consilium/ledger';
import { Fault, type Digest } from '@consilium/stdx';
import { z } from 'zod';
import { AuditFiles } from '../ledger/audit-files.js';
import { Readings } from '../ledger/readings.js';
import { Allow, Person } from '../people/allow.js';
import type { Caller } from '../people/caller.js';
import type { Role } from '../people/roles.js';
import { digestSchema } from '../runs/shapes.js';
import { Faults } from './documentation.js';
import type { Reply } from './reply.js';

const READERS: readonly Role[] = ['auditor', 'admin', 'coordinator'];

const shardsSchema = z
  .object({ shards: z.array(z.string()).meta({ example: ['2026'] }) })
  .meta({ id: 'Shards', description: 'The names of the log’s shards, oldest first.' });
const shardSchema = z.string().regex(/^\d{4}(-\d{1,3})?$/, 'a year, as 2026');
const FILE = { schema: { type: 'string', format: 'binary' } } as const;

/** The ledger as C2SP tlog-tiles has it over HTTP, one prefix for each shard, and what its entries name by digest. */
@ApiTags('Ledger')
@Controller('api/v1/ledger')
export class LedgerController {
  constructor(
    @Inject(AuditFiles) private readonly files: AuditFiles,
    @Inject(Readings) private readonly readings: Readings,
  ) {}

  @Get()
  @Allow({ roles: READERS })
  @ApiOperation({ summary: 'List the shards of the ledger', description: 'One for each year, each a log of its own.' })
  @ApiOkResponse({ standardSchema: shardsSchema })
  @Faults('TOKEN_MISSING')
  async shards() {
    return { shards: [...(await this.files.shards())] };
  }

  @Get('documents/:digest')
  @Allow({ roles: READERS })
  @ApiOperation({
    summary: 'Read a document',
    description: 'What entries name by its SHA-256: rosters, plans, approvals.',
  })
  @ApiProduces('application/json')
  @ApiOkResponse({ content: { 'application/json': { schema: { type: 'object' } } } })
  @Faults('TOKEN_MISSING', 'NOT_FOUND')
  async document(
    @Param('digest', { schema: digestSchema }) digest: Digest,
    @Person() { person }: Caller,
    @Res() reply: Reply,
  ): Promise<void> {
    await this.readings.read(person, 'documents');
    send(reply, await this.files.document(digest), 'application/json');
  }

  @Get('models/:digest')
  @Allow({ roles: READERS })
  @ApiOperation({
    summary: 'Read the model of a round',
    description: 'A safetensors file, also of models that were not published.',
  })
  @ApiProduces('application/octet-stream')
  @ApiOkResponse({ content: { 'application/octet-stream': FILE } })
  @Faults('TOKEN_MISSING', 'NOT_FOUND')
  async model(
    @Param('digest', { schema: digestSchema }) digest: Digest,
    @Person() { person }: Caller,
    @Res() reply: Reply,
  ): Promise<void> {
    await this.readings.read(person, 'models');
    send(reply, await this.files.model(digest));
  }

  @Get('retained/:digest')
  @Allow({ roles: READERS })
  @ApiOperation({
    summary: 'Read a site’s update',
    description: 'Kept only for plans that say so (`audit.retainUpdates`).',
  })
  @ApiProduces('application/octet-stream')
  @ApiOkResponse({ content: { 'application/octet-stream': FILE } })
  @Faults('TOKEN_MISSING', 'NOT_FOUND')
  async retained(
    @Param('digest', { schema: digestSchema }) digest: Digest,
    @Person() { person }: Caller,
    @Res() reply: Reply,
  ): Promise<void> {
    await this.readings.read(person, 'models');
    send(reply, await this.files.retained(digest));
  }

  @Get(':shard/checkpoint')
  @Allow({ roles: READERS })
  @ApiOperation({ summary: 'Read a shard’s newest checkpoint', description: 'A signed note with its cosignatures.' })
  @ApiProduces('text/plain')
  @ApiOkResponse({ content: { 'text/plain': { schema: { type: 'string' } } } })
  @Faults('TOKEN_MISSING', 'NOT_FOUND')
  async checkpoint(
    @Param('shard', { schema: shardSchema }) shard: string,
    @Person() { person }: Caller,
    @Res() reply: Reply,
  ): Promise<void> {
    await this.readings.read(person, 'checkpoint');
    send(reply, await this.files.tile(shard, CHECKPOINT_PATH), 'text/plain; charset=utf-8');
  }

  @Get(':shard/tile/*')
  @Allow({ roles: READERS })
  @ApiOperation({
    summary: 'Read a tile',
    description: 'Of hashes, or a bundle of entries; paths as in C2SP tlog-tiles.',
  })
  @ApiParam({ name: '*', description: 'The level, or `entries`, and the tile’s number.', example: 'entries/000' })
  @ApiProduces('application/octet-stream')
  @ApiOkResponse({ content: { 'application/octet-stream': FILE } })
  @Faults('TOKEN_MISSING', 'NOT_FOUND')
  async tile(
    @Param('shard', { schema: shardSchema }) shard: string,
    @Param('*') path: string,
    @Person() { person }: Caller,
    @Res() reply: Reply,
  ): Promise<void> {
    await this.readings.read(person, 'tiles');
    send(reply, await this.files.tile(shard, `tile/${path}`));
  }
}

function send(reply: Reply, bytes: Uint8Array | undefined, type = 'application/octet-stream'): void {
  if (!bytes) throw new Fault('NOT_FOUND');
  reply.header('content-type', type).send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

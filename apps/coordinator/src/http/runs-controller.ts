import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { Digest, RunId, StudyName } from '@consilium/stdx';
import { z } from 'zod';
import { Allow, Person, Still, type StillAllowed } from '../people/allow.js';
import type { Caller } from '../people/caller.js';
import { Objects } from '../people/objects.js';
import { ROLES, type Role } from '../people/roles.js';
import { RunCatalog } from '../runs/catalog.js';
import { Conductor, type Steering } from '../runs/conductor.js';
import {
  digestSchema,
  nameSchema,
  RUN_STATES,
  runIdSchema,
  runSchema,
  runSummarySchema,
  type RunView,
} from '../runs/shapes.js';
import { Faults } from './documentation.js';
import type { Reply, Request } from './reply.js';
import { RunEvents } from './run-events.js';

const newRunSchema = z.strictObject({ planDigest: digestSchema }).meta({ id: 'NewRun' });
const runsSchema = z.object({ runs: z.array(runSummarySchema) }).meta({ id: 'Runs' });
const stateSchema = z.enum(RUN_STATES).optional();

const LISTED_MAX = 500;

const LEADERS: readonly Role[] = ['coordinator', 'researcher'];

@ApiTags('Runs')
@Controller('api/v1/runs')
export class RunsController {
  constructor(
    @Inject(Conductor) private readonly conductor: Conductor,
    @Inject(RunCatalog) private readonly catalog: RunCatalog,
    @Inject(RunEvents) private readonly runEvents: RunEvents,
    @Inject(Objects) private readonly objects: Objects,
  ) {}

  @Post()
  @Allow({ roles: LEADERS, object: 'plan', at: 'planDigest' })
  @ApiOperation({
    summary: 'Start a run',
    description: 'Makes the initial model and offers the plan to its sites. Each call starts another run.',
  })
  @ApiCreatedResponse({ standardSchema: runSchema })
  @Faults('REQUEST_INVALID', 'TOKEN_MISSING', 'NOT_FOUND', 'OVERLOADED', 'DISK_FULL')
  async start(
    @Body({ schema: newRunSchema }) { planDigest }: z.infer<typeof newRunSchema>,
    @Person() { person }: Caller,
  ): Promise<RunView> {
    const { id } = await this.conductor.start(planDigest as Digest, person);
    return this.catalog.show(id);
  }

  @Get()
  @Allow({ roles: ROLES })
  @ApiOperation({
    summary: 'List runs',
    description: `Of the latest ${LISTED_MAX}, newest first, those that you may see.`,
  })
  @ApiOkResponse({ standardSchema: runsSchema })
  @Faults('REQUEST_INVALID', 'TOKEN_MISSING')
  async list(
    @Query('state', { schema: stateSchema }) state: z.infer<typeof stateSchema>,
    @Query('study', { schema: nameSchema.optional() }) study: StudyName | undefined,
    @Person() caller: Caller,
  ) {
    const query = { ...(state && { phases: [state] }), ...(study && { study }), limit: LISTED_MAX };
    const runs = await this.catalog.list(query);
    return { runs: await this.objects.narrow(caller, runs, 'plan', ({ planDigest }) => planDigest) };
  }

  @Get(':id')
  @Allow({ roles: ROLES, object: 'run' })
  @ApiOperation({ summary: 'Show a run' })
  @ApiOkResponse({ standardSchema: runSchema })
  @Faults('TOKEN_MISSING', 'NOT_FOUND')
  show(@Param('id', { schema: runIdSchema }) id: RunId): Promise<RunView> {
    return this.catalog.show(id);
  }

  @Get(':id/events')
  @Allow({ roles: ROLES, object: 'run' })
  @ApiOperation({
    summary: 'Watch a run',
    description:
      'Server-sent events (WHATWG HTML §9.2). Each event `run` carries the whole run: one at once, then one after each change, at most ten a second. Comments keep the connection alive. The stream ends when the run has ended.',
  })
  @ApiProduces('text/event-stream')
  @ApiOkResponse({
    content: { 'text/event-stream': { schema: { type: 'string', example: 'event: run\ndata: {"id":"run-…"}\n\n' } } },
  })
  @Faults('TOKEN_MISSING', 'NOT_FOUND', 'OVERLOADED')
  events(
    @Param('id', { schema: runIdSchema }) id: RunId,
    @Req() request: Request,
    @Res() reply: Reply,
    @Still() still: StillAllowed,
  ): Promise<void> {
    return this.runEvents.stream(id, request, reply, still);
  }

  @Post(':id/pause')
  @Allow({ roles: LEADERS, object: 'run' })
  @HttpCode(200)
  @ApiOperation({
    summary: 'Pause a run',
    description: 'Stops the round under way; its uploads are dropped. It is repeated after the pause.',
  })
  @ApiOkResponse({ standardSchema: runSchema })
  @Faults('TOKEN_MISSING', 'NOT_FOUND', 'RUN_TRANSITION_REFUSED')
  pause(@Param('id', { schema: runIdSchema }) id: RunId, @Person() caller: Caller): Promise<RunView> {
    return this.#steer(id, 'pause', caller);
  }

  @Post(':id/resume')
  @Allow({ roles: LEADERS, object: 'run' })
  @HttpCode(200)
  @ApiOperation({ summary: 'Resume a paused run' })
  @ApiOkResponse({ standardSchema: runSchema })
  @Faults('TOKEN_MISSING', 'NOT_FOUND', 'RUN_TRANSITION_REFUSED')
  resume(@Param('id', { schema: runIdSchema }) id: RunId, @Person() caller: Caller): Promise<RunView> {
    return this.#steer(id, 'resume', caller);
  }

  @Post(':id/cancel')
  @Allow({ roles: LEADERS, object: 'run' })
  @HttpCode(200)
  @ApiOperation({ summary: 'Cancel a run', description: 'For good. Nothing is published.' })
  @ApiOkResponse({ standardSchema: runSchema })
  @Faults('TOKEN_MISSING', 'NOT_FOUND', 'RUN_TRANSITION_REFUSED')
  cancel(@Param('id', { schema: runIdSchema }) id: RunId, @Person() caller: Caller): Promise<RunView> {
    return this.#steer(id, 'cancel', caller);
  }

  async #steer(id: RunId, steering: Steering, { person }: Caller): Promise<RunView> {
    await this.conductor.steer(id, steering, person);
    return this.catalog.show(id);
  }
}

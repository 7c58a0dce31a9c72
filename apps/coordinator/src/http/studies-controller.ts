import { Body, Controller, Get, Inject, Param, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Digest, StudyName } from '@consilium/stdx';
import { z } from 'zod';
import { RunCatalog } from '../runs/catalog.js';
import { digestSchema, nameSchema, runSummarySchema } from '../runs/shapes.js';
import { Studies } from '../studies/studies.js';
import { Faults } from './documentation.js';
import { planDocumentSchema } from './plan-schema.js';
import { documentedAs } from './validation.js';

const createdMs = z.int().meta({ description: 'UTC, milliseconds since 1970.', example: 1767225600000 });

const newStudySchema = z
  .strictObject({
    name: nameSchema,
    title: z.string().min(1).max(200).meta({ example: 'Lung nodules on low-dose CT' }),
    purpose: z.string().min(1).max(2000).meta({ example: 'Tell malignant from benign nodules, to spare biopsies.' }),
  })
  .meta({ id: 'NewStudy' });

const studySchema = newStudySchema.extend({ createdMs }).meta({ id: 'Study' });
const studiesSchema = z.object({ studies: z.array(studySchema) }).meta({ id: 'Studies' });
const studyDetailSchema = studySchema
  .extend({
    plans: z.array(z.object({ digest: digestSchema, createdMs })),
    runs: z.array(runSummarySchema),
  })
  .meta({ id: 'StudyDetail' });
const proposedSchema = z.object({ digest: digestSchema, plan: planDocumentSchema }).meta({ id: 'ProposedPlan' });
const planDetailSchema = proposedSchema.extend({ study: nameSchema, createdMs }).meta({ id: 'PlanDetail' });

const RUNS_LISTED_MAX = 100;

@ApiTags('Studies')
@Controller('api/v1')
export class StudiesController {
  constructor(
    @Inject(Studies) private readonly studies: Studies,
    @Inject(RunCatalog) private readonly runs: RunCatalog,
  ) {}

  @Post('studies')
  @ApiOperation({ summary: 'Create a study', description: 'The same study twice is one study.' })
  @ApiCreatedResponse({ standardSchema: studySchema })
  @Faults('REQUEST_INVALID', 'TOKEN_MISSING', 'ALREADY_EXISTS')
  async create(@Body({ schema: newStudySchema }) study: z.infer<typeof newStudySchema>) {
    return this.studies.create({ ...study, name: study.name as StudyName });
  }

  @Get('studies')
  @ApiOperation({ summary: 'List the studies', description: 'Newest first.' })
  @ApiOkResponse({ standardSchema: studiesSchema })
  @Faults('TOKEN_MISSING')
  async list() {
    return { studies: await this.studies.list() };
  }

  @Get('studies/:name')
  @ApiOperation({ summary: 'Show a study', description: 'With its plans and its latest runs, newest first.' })
  @ApiOkResponse({ standardSchema: studyDetailSchema })
  @Faults('TOKEN_MISSING', 'NOT_FOUND')
  async show(@Param('name', { schema: nameSchema }) name: StudyName) {
    const study = await this.studies.find(name);
    const plans = await this.studies.plans(name);
    const runs = await this.runs.list({ study: name, limit: RUNS_LISTED_MAX });
    return { ...study, plans: plans.map(({ digest, createdMs }) => ({ digest, createdMs })), runs };
  }

  @Post('studies/:name/plans')
  @ApiOperation({
    summary: 'Propose a plan',
    description:
      'The body is the plan. Fields with a default may be left out; the answer has them filled in. Its digest, the SHA-256 of its canonical JSON (RFC 8785), is what hospitals approve. The same plan twice is one plan.',
  })
  @ApiCreatedResponse({ standardSchema: proposedSchema })
  @Faults('PLAN_INVALID', 'PLAN_NOT_SUPPORTED', 'GRAPH_INVALID', 'TOKEN_MISSING', 'NOT_FOUND')
  async propose(
    @Param('name', { schema: nameSchema }) name: StudyName,
    @Body({ schema: documentedAs(planDocumentSchema) }) plan: unknown,
  ) {
    const { digest, document } = await this.studies.propose(name, plan);
    return { digest, plan: JSON.parse(document) as unknown };
  }

  @Get('plans/:digest')
  @ApiOperation({ summary: 'Show a plan' })
  @ApiOkResponse({ standardSchema: planDetailSchema })
  @Faults('TOKEN_MISSING', 'NOT_FOUND')
  async plan(@Param('digest', { schema: digestSchema }) digest: Digest) {
    const { study, createdMs, document } = await this.studies.plan(digest);
    return { digest, study, createdMs, plan: JSON.parse(document) as unknown };
  }
}

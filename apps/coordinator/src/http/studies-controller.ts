import { Body, Controller, Get, Inject, Param, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { SiteName, StudyName } from '@consilium/stdx';
import type { z } from 'zod';
import { Allow, Person } from '../people/allow.js';
import type { Caller } from '../people/caller.js';
import { Objects } from '../people/objects.js';
import { ROLES } from '../people/roles.js';
import { RunCatalog } from '../runs/catalog.js';
import { nameSchema } from '../runs/shapes.js';
import { newStudySchema, studiesSchema, studyDetailSchema, studySchema } from '../studies/shapes.js';
import { Studies } from '../studies/studies.js';
import { Faults } from './documentation.js';

const RUNS_LISTED_MAX = 100;

@ApiTags('Studies')
@Controller('api/v1/studies')
export class StudiesController {
  constructor(
    @Inject(Studies) private readonly studies: Studies,
    @Inject(RunCatalog) private readonly runs: RunCatalog,
    @Inject(Objects) private readonly objects: Objects,
  ) {}

  @Post()
  @Allow({ roles: ['coordinator', 'admin'] })
  @ApiOperation({
    summary: 'Register a study',
    description:
      'Purpose, legal basis, ethics approval, countries, sites and data contract. The coordinator signs them; every plan of the study repeats them. The same study twice is one study.',
  })
  @ApiCreatedResponse({ standardSchema: studySchema })
  @Faults('REQUEST_INVALID', 'TOKEN_MISSING', 'ALREADY_EXISTS')
  async create(@Body({ schema: newStudySchema }) study: z.infer<typeof newStudySchema>) {
    return this.studies.create({ ...study, name: study.name as StudyName, sites: study.sites as SiteName[] });
  }

  @Get()
  @Allow({ roles: ROLES })
  @ApiOperation({ summary: 'List the studies', description: 'Newest first, those that you may see.' })
  @ApiOkResponse({ standardSchema: studiesSchema })
  @Faults('TOKEN_MISSING')
  async list(@Person() caller: Caller) {
    return { studies: await this.objects.narrow(caller, await this.studies.list(), 'study', ({ name }) => name) };
  }

  @Get(':name')
  @Allow({ roles: ROLES, object: 'study' })
  @ApiOperation({ summary: 'Show a study', description: 'With its plans and its latest runs, newest first.' })
  @ApiOkResponse({ standardSchema: studyDetailSchema })
  @Faults('TOKEN_MISSING', 'NOT_FOUND')
  async show(@Param('name', { schema: nameSchema }) name: StudyName, @Person() caller: Caller) {
    const study = await this.studies.find(name);
    const [plans, runs] = await Promise.all([
      this.studies.plans(name),
      this.runs.list({ study: name, limit: RUNS_LISTED_MAX }),
    ]);
    // A site operator sees a study in which their hospital takes part, and of it only the plans that ask the hospital.
    const shown = await this.objects.narrow(caller, plans, 'plan', ({ digest }) => digest);
    return {
      ...study,
      plans: shown.map(({ digest, createdMs }) => ({ digest, createdMs })),
      runs: await this.objects.narrow(caller, runs, 'plan', ({ planDigest }) => planDigest),
    };
  }
}

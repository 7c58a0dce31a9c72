import { Body, Controller, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { decodeBase64, encodeBase64 } from '@consilium/identity';
import { planCanonicalJson, planDigest } from '@consilium/round';
import { utf8, type Digest, type StudyName } from '@consilium/stdx';
import type { z } from 'zod';
import { Allow } from '../people/allow.js';
import { ROLES } from '../people/roles.js';
import type { PlanRecord } from '../records.js';
import { digestSchema, nameSchema } from '../runs/shapes.js';
import { Clearance } from '../studies/clearance.js';
import { completedSchema, planDetailSchema, signedSchema } from '../studies/shapes.js';
import { Studies } from '../studies/studies.js';
import { Faults } from './documentation.js';
import { planDocumentSchema } from './plan-schema.js';
import { documentedAs } from './validation.js';

const SIGNED = ['ENVELOPE_INVALID', 'SIGNATURE_INVALID', 'PLAN_NOT_SIGNED'] as const;
const REFUSED = ['ETHICS_EXPIRED', 'ROSTER_CHANGED', 'JURISDICTION_REFUSED'] as const;

@ApiTags('Studies')
@Controller('api/v1')
export class PlansController {
  constructor(
    @Inject(Studies) private readonly studies: Studies,
    @Inject(Clearance) private readonly clearance: Clearance,
  ) {}

  @Post('studies/:name/plans/complete')
  @Allow({ roles: ['researcher', 'coordinator', 'admin'], object: 'study' })
  @HttpCode(200)
  @ApiOperation({
    summary: 'Complete a plan',
    description:
      'The body is the draft. The answer has its defaults, the study’s governance and the keys of the roster filled in: that is what people sign. Nothing is kept.',
  })
  @ApiOkResponse({ standardSchema: completedSchema })
  @Faults('PLAN_INVALID', 'PLAN_NOT_SUPPORTED', 'GRAPH_INVALID', 'PLAN_INCOMPLETE', 'SITE_NOT_ENROLLED', ...REFUSED)
  @Faults('TOKEN_MISSING', 'NOT_FOUND')
  async complete(
    @Param('name', { schema: nameSchema }) name: StudyName,
    @Body({ schema: documentedAs(planDocumentSchema) }) draft: unknown,
  ) {
    const plan = await this.studies.complete(name, draft);
    return { digest: planDigest(plan), plan: JSON.parse(planCanonicalJson(plan)) as unknown };
  }

  @Post('studies/:name/plans')
  @Allow({ roles: ['researcher', 'coordinator', 'admin'], object: 'study' })
  @ApiOperation({
    summary: 'Propose a plan',
    description:
      'The completed plan as a DSSE envelope that a proposer of the roster has signed. Its digest, the SHA-256 of its canonical JSON (RFC 8785), is what hospitals approve. The same plan twice is one plan.',
  })
  @ApiCreatedResponse({ standardSchema: planDetailSchema })
  @Faults('REQUEST_INVALID', 'PLAN_INVALID', 'PLAN_NOT_SUPPORTED', 'PLAN_INCOMPLETE', ...SIGNED, ...REFUSED)
  @Faults('TOKEN_MISSING', 'NOT_FOUND')
  async propose(
    @Param('name', { schema: nameSchema }) name: StudyName,
    @Body({ schema: signedSchema }) { envelope }: z.infer<typeof signedSchema>,
  ) {
    return this.#detail(await this.studies.propose(name, decodeBase64(envelope, 'REQUEST_INVALID')));
  }

  @Post('plans/:digest/signatures')
  @Allow({ roles: ['researcher', 'coordinator', 'admin'], object: 'plan', stepUp: true })
  @HttpCode(200)
  @ApiOperation({
    summary: 'Sign a plan',
    description:
      'The plan’s envelope with one more signature, as a rule the admin’s. ALREADY_EXISTS when somebody else has signed in the meantime: fetch it again and sign that.',
  })
  @ApiOkResponse({ standardSchema: planDetailSchema })
  @Faults('REQUEST_INVALID', 'PLAN_DIGEST_MISMATCH', ...SIGNED, 'TOKEN_MISSING', 'NOT_FOUND', 'ALREADY_EXISTS')
  async sign(
    @Param('digest', { schema: digestSchema }) digest: Digest,
    @Body({ schema: signedSchema }) { envelope }: z.infer<typeof signedSchema>,
  ) {
    return this.#detail(await this.studies.sign(digest, decodeBase64(envelope, 'REQUEST_INVALID')));
  }

  @Get('plans/:digest')
  @Allow({ roles: ROLES, object: 'plan' })
  @ApiOperation({ summary: 'Show a plan', description: 'Who has signed it, and whether it may run now.' })
  @ApiOkResponse({ standardSchema: planDetailSchema })
  @Faults('TOKEN_MISSING', 'NOT_FOUND')
  async show(@Param('digest', { schema: digestSchema }) digest: Digest) {
    return this.#detail(await this.studies.plan(digest));
  }

  #detail(record: PlanRecord) {
    const { digest, study, createdMs, document, envelope } = record;
    return {
      digest,
      study,
      createdMs,
      plan: JSON.parse(document) as unknown,
      envelope: envelope === null ? null : encodeBase64(utf8(envelope)),
      ...this.clearance.standingOf(record),
    };
  }
}

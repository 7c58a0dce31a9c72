import { parseOrigin } from '../audit/history.js';
import type { Listed } from '../listing.js';

/**
 * Entries as HL7 FHIR R4 AuditEvent resources (hl7.org/fhir/R4/auditevent.html) in one Bundle of type `collection`,
 * for the audit repository that a hospital already has. The resource says where the entry stands, so that whoever doubts
 * it can look it up in the log; the resource itself proves nothing.
 */
export function toFhir(entries: readonly Listed[]): object {
  return {
    resourceType: 'Bundle',
    type: 'collection',
    entry: entries.map((listed) => ({
      fullUrl: `urn:consilium:${listed.origin}#${listed.index}`,
      resource: auditEvent(listed),
    })),
  };
}

function auditEvent({ origin, index, entry }: Listed): object {
  const { v: _v, salt: _salt, at, type, ...fields } = entry;
  const owner = parseOrigin(origin)?.owner;
  const who = actorOf(fields) ?? (owner?.kind === 'site' ? owner.site : 'coordinator');
  return {
    resourceType: 'AuditEvent',
    type: kindOf(type),
    subtype: [{ system: 'urn:consilium:entry-type', code: type }],
    action: ACTIONS.find(([pattern]) => pattern.test(type))?.[1] ?? 'E',
    recorded: new Date(at).toISOString(),
    outcome: FAILURES.test(type) ? '4' : '0',
    agent: [
      { who: { identifier: { system: 'urn:consilium:actor', value: who } }, requestor: who.startsWith('person-') },
    ],
    source: {
      observer: { identifier: { system: 'urn:consilium:log', value: origin } },
      // Application server; security-source-type of R4.
      type: [{ system: 'http://terminology.hl7.org/CodeSystem/security-source-type', code: '4' }],
    },
    entity: [
      {
        what: { identifier: { system: 'urn:consilium:entry', value: `${origin}#${index}` } },
        detail: Object.entries(fields).map(([name, value]) => ({
          type: name,
          valueString: typeof value === 'string' ? value : JSON.stringify(value),
        })),
      },
    ],
  };
}

/** The person, or else the site, that an entry names as the one who acted. */
function actorOf(fields: Readonly<Record<string, unknown>>): string | undefined {
  const named = [fields['by'], fields['person'], fields['site']];
  return named.find(
    (name): name is string => typeof name === 'string' && /^person-|^[a-z0-9-]+$/.test(name) && !WORDS.has(name),
  );
}

/** What `by` may say beside a person's id: a role or a rule, which is no name. */
const WORDS = new Set(['agent', 'people', 'operator', 'data-protection-officer', 'auto', 'standing']);

/** DICOM PS3.16 CID 400 (DCM), as FHIR R4's audit-event-type takes them; the first pattern that fits. */
const KINDS: readonly (readonly [RegExp, string, string])[] = [
  [/^egress\./, '110106', 'Export'],
  [/^(?:ingress\.|update\.committed|evaluation\.received)/, '110107', 'Import'],
  [/^audit\.read/, '110101', 'Audit Log Used'],
  [/^user\./, '110114', 'User Authentication'],
  [/^(?:alert|role\.|cert\.|token\.|site\.|identity\.|roster\.|policy\.)/, '110113', 'Security Alert'],
];

function kindOf(type: string): object {
  const [, code, display] = KINDS.find(([pattern]) => pattern.test(type)) ?? [, '110100', 'Application Activity'];
  return { system: 'http://dicom.nema.org/resources/ontology/DCM', code, display };
}

/** Create, read, update, delete, execute (audit-event-action). */
const ACTIONS: readonly (readonly [RegExp, string])[] = [
  [/^(?:audit\.read|egress\.|ingress\.)/, 'R'],
  [/(?:\.created|\.registered|\.proposed|\.published|\.signed|\.issued|\.opened|\.granted)$/, 'C'],
  [/(?:\.revoked|\.withdrawn)$/, 'D'],
  [/(?:\.changed|\.rekeyed|\.renewed|\.admitted)$/, 'U'],
];

/** Minor failure: something was refused or went wrong, and the programs went on. */
const FAILURES = /^(?:alert|.*\.(?:refused|denied|blocked|rejected|abandoned|dropped))$/;

import { decodePublicKey, fingerprintWords } from '@consilium/identity';
import type { Plan } from '@consilium/round';
import { canonicalJson } from '@consilium/stdx';
import { wrap } from '../text/wrap.js';
import { LEGAL_BASIS } from './plan-words.js';

/** One thing in which two plans differ; null where one of them does not have it. */
export interface Difference {
  /** Where in the plan, as `rounds.count`. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Paths, or the beginnings of them, in words. Anything else is told by its path. */
const IN_WORDS: readonly (readonly [path: string, words: string])[] = [
  ['title', 'title'],
  ['purpose', 'purpose'],
  ['sites', 'sites'],
  ['task.classes', 'what it tells apart'],
  ['preprocessing.size', 'size of the images'],
  ['preprocessing.normalise', 'how images are normalised'],
  ['model.layers', 'layer'],
  ['model.order', 'order of the layers'],
  ['training.optimizer', 'optimiser'],
  ['training.localSteps', 'steps in each round'],
  ['training.batchSize', 'images in each step'],
  ['training', 'training'],
  ['rounds.count', 'rounds'],
  ['rounds.minSites', 'sites that a round needs'],
  ['rounds.maxAttempts', 'attempts at a round'],
  ['rounds.deadlineSeconds', 'seconds for a round'],
  ['rounds.evaluateEvery', 'rounds between measurements'],
  ['aggregation.normBound', 'largest norm of an update'],
  ['privacy.mode', 'what hides the updates'],
  ['audit.retainUpdates', 'whether the coordinator keeps the updates'],
  ['governance.legalBasis', 'legal basis'],
  ['governance.ethics.expires', 'last day of the ethics approval'],
  ['governance.ethics', 'ethics approval'],
  ['governance.jurisdictions', 'countries'],
  ['governance.dataContract.minPatients', 'patients that a site must have'],
  ['governance.dataContract', 'data contract'],
  ['roster.coordinator', 'key of the coordinator'],
  ['roster.sites', 'key of'],
  ['roster', 'roster'],
  ['seed', 'seed of the random numbers'],
];

/** Field by field; lists of names as a whole, layers each by its name. Nothing is left out. */
export function differences(before: Plan, after: Plan): Difference[] {
  const [was, is] = [fieldsOf(before), fieldsOf(after)];
  const paths = [...new Set([...was.keys(), ...is.keys()])];
  return paths.flatMap((path) => {
    const [one, other] = [was.get(path) ?? null, is.get(path) ?? null];
    return canonicalJson(one) === canonicalJson(other) ? [] : [{ path, before: one, after: other }];
  });
}

/** In words, each difference on lines of its own: what was, and what is. */
export function diffText(found: readonly Difference[]): string[] {
  if (found.length === 0) return ['The two plans are the same.'];
  return found.flatMap((difference) => [inWords(difference.path), ...sides(difference)]);
}

function inWords(path: string): string {
  const [known, words] = IN_WORDS.find(([start]) => path === start || path.startsWith(`${start}.`)) ?? [path, path];
  const rest = path.slice(known.length + 1);
  return rest === '' ? words : `${words} ${rest}`;
}

function sides({ path, before, after }: Difference): string[] {
  if (isNames(before) && isNames(after)) {
    const added = after.filter((name) => !before.includes(name));
    const gone = before.filter((name) => !after.includes(name));
    return [
      ...gone.map((name) => `  − ${name}`),
      ...added.map((name) => `  + ${name}`),
      ...(added.length + gone.length === 0 ? ['  in another order'] : []),
    ];
  }
  return [
    ...(before === null ? [] : wrap(shown(path, before), '    ', '  − ')),
    ...(after === null ? [] : wrap(shown(path, after), '    ', '  + ')),
  ];
}

function shown(path: string, value: unknown): string {
  if (path === 'governance.legalBasis') return LEGAL_BASIS[value as keyof typeof LEGAL_BASIS];
  if (/^roster\.(coordinator$|sites\.)/.test(path)) return fingerprintWords(decodePublicKey(String(value)));
  return typeof value === 'string' ? `“${value}”` : canonicalJson(value);
}

const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

/** Leaves of the plan by their path. The model's layers go by their names, so that one more shifts no other. */
function fieldsOf(plan: Plan): Map<string, unknown> {
  const fields = new Map<string, unknown>();
  const enter = (value: unknown, path: string): void => {
    if (path === 'model.layers') {
      for (const layer of value as Plan['model']['layers']) fields.set(`${path}.${layer.name}`, layer);
      fields.set(
        'model.order',
        (value as Plan['model']['layers']).map(({ name }) => name),
      );
    } else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [name, inner] of Object.entries(value)) enter(inner, path === '' ? name : `${path}.${name}`);
    } else fields.set(path, value);
  };
  enter(plan, '');
  return fields;
}

import { decodePublicKey, fingerprintWords } from '@consilium/identity';
import { manifestOf } from '@consilium/model';
import { ethicsEndMs, type SignedPlan } from '@consilium/round';
import { describe, type SiteName } from '@consilium/stdx';
import { safetensorsByteLength } from '@consilium/weights';
import { layersInWords, LEGAL_BASIS, MODALITY, readsPixels } from './approval/plan-words.js';
import type { PlanPage } from './control/replies.js';
import { dayOf, quoted, whole, wrap } from './text/wrap.js';

/** What a plan is shown with. */
export type Shown = Pick<PlanPage, 'run' | 'planDigest' | 'signers' | 'dataset' | 'problem'> & {
  /** Whose page it is. */
  readonly site: SiteName;
};

/**
 * What a person reads before approving: what the site is asked to do with which patients, what leaves it, and what that
 * can reveal. It is made from the plan, whose digest the approval names, by the program that holds the person's key.
 * What others have written stands in quotes or behind a bar.
 */
export function approvalText(plan: SignedPlan, shown: Shown): string {
  return [
    ...wrap(`“${plan.title}”: study ${plan.study} of the federation ${plan.federation}`),
    `plan  ${shown.planDigest}`,
    `run   ${shown.run}`,
    ...section('Purpose, in the words of who proposes it', quoted(plan.purpose)),
    ...section('On what ground', ground(plan)),
    ...section('What model', model(plan)),
    ...section('Which patients', patients(plan, shown)),
    ...section('What happens here', work(plan)),
    ...section('What leaves this site', leaving(plan)),
    ...section('What the coordinator could see in it', sight(plan)),
    ...section('What privacy it costs', cost()),
    ...section('Until when', until(plan)),
    ...section('Who has signed the plan', shown.signers.flatMap(signer)),
    ...section(`The coordinator, the ${plan.sites.length} sites, and the six words of their keys`, keys(plan, shown)),
  ].join('\n');
}

const section = (title: string, lines: readonly string[]): string[] => ['', title, ...lines];
const point = (text: string): string[] => wrap(text, '    ', '  · ');
const say = (text: string): string[] => wrap(text, '  ');

const ground = ({ governance: { legalBasis, ethics, jurisdictions } }: SignedPlan): string[] => [
  ...say(`legal basis: ${LEGAL_BASIS[legalBasis]}`),
  ...say(`ethics approval: “${ethics.number}” of “${ethics.authority}”, good through ${ethics.expires} (UTC)`),
  ...say(`countries: ${jurisdictions.join(', ')}`),
];

function model({ model: graph, task, preprocessing }: SignedPlan): string[] {
  const [negative, positive] = task.classes;
  const [height, width] = preprocessing.size;
  return say(
    `A network of ${whole(manifestOf(graph).size)} numbers (${layersInWords(graph)}) that learns to tell “${positive}”` +
      ` from “${negative}” on images of ${height} × ${width} pixels.`,
  );
}

function patients(plan: SignedPlan, { dataset, problem }: Shown): string[] {
  const { modality, minPatients } = plan.governance.dataContract;
  const asked = say(
    `Asked for: ${MODALITY[modality]} (${modality}), de-identified, of at least ${whole(minPatients)} patients.`,
  );
  if (problem)
    return [...asked, ...say(`Here: they cannot be used. ${problem.code}: ${describe(problem.code, problem.facts)}`)];
  if (!dataset) return [...asked, ...say('Here: they were not looked into.')];
  const [, positive] = plan.task.classes;
  const counts = ({ examples, patients: people, positives }: typeof dataset.train): string => {
    // A MedMNIST file knows no patients.
    const of = dataset.format === 'npz' ? '' : ` of ${whole(people)} patients`;
    return `${whole(examples)} images${of} (${whole(positives)} “${positive}”)`;
  };
  return [
    ...asked,
    ...say(`Here: ${counts(dataset.train)} to train on, ${counts(dataset.test)} to measure on.`),
    `  data  ${dataset.digest}`,
    ...say('Other images than these, or one more, would need another approval.'),
  ];
}

const work = ({ rounds, training }: SignedPlan): string[] =>
  say(
    `Up to ${whole(rounds.count)} rounds of ${whole(training.localSteps)} steps, each round at most ` +
      `${whole(rounds.maxAttempts)} times. The images are read by a process without a network and stay on this machine.`,
  );

const leaving = ({ model: graph, aggregation }: SignedPlan): string[] => [
  ...point(
    `each round one update: ${whole(safetensorsByteLength(manifestOf(graph)))} bytes, how training on these images ` +
      `changed the model, of Euclidean norm at most ${aggregation.normBound};`,
  ),
  ...point(
    'the number of training and test images, the training loss, and of the test images the loss, AUC, accuracy, ' +
      'sensitivity, specificity and Brier score, each with its interval (none on fewer than ten patients);',
  ),
  ...point('progress (steps done, loss so far), the decision on this plan with the signatures, and error codes.'),
  ...say('Each message is written in the log of this site with its SHA-256 before it leaves.'),
];

/** `privacy.mode: plain`; a plan of any other mode is refused when it is read. */
function sight({ audit, model: graph }: SignedPlan): string[] {
  return [
    ...say(
      'Each update as it is, since privacy.mode is plain: updates can reveal images. Whoever runs the coordinator, or ' +
        'breaks into it, could reconstruct something of the images from what this site sends. Approve only if you trust ' +
        'them with that.',
    ),
    ...(readsPixels(graph)
      ? say(
          'Beware: in this model many units read the pixels themselves. From the updates of such a model, images can be ' +
            'read off almost as they are. Ask why it has to be this one.',
        )
      : []),
    ...(audit.retainUpdates
      ? say('The coordinator keeps every update, so that auditors can compute each model again.')
      : []),
  ];
}

const cost = (): string[] =>
  say(
    'No limit is set: there is no secure aggregation and no differential privacy in this plan. How much the updates, or ' +
      'the finished model, tell of one patient is not bounded by anything.',
  );

const until = (plan: SignedPlan): string[] =>
  say(
    'One approval, one run: it ends with this run, or with the ethics approval on ' +
      `${dayOf(ethicsEndMs(plan.governance) - 1)}, or at any moment by your word (suspend, withdraw). What was sent ` +
      'before cannot be called back. Another run of the same plan asks again.',
  );

const signer = ({ person, roles, signing }: Shown['signers'][number]): string[] => [
  `  ${person} (${roles.join(', ')})`,
  `      ${words(signing)}`,
];

const keys = ({ roster, sites }: SignedPlan, { site }: Shown): string[] => [
  '  coordinator',
  `      ${words(roster.coordinator)}`,
  ...sites.flatMap((name) => [
    `  ${name}${name === site ? ' (this site)' : ''}`,
    `      ${words(roster.sites[name]!)}`,
  ]),
];

const words = (signing: string): string => fingerprintWords(decodePublicKey(signing));

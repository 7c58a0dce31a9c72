import type { Plan } from '@consilium/round';
import { manifestOf } from '@consilium/model';
import { safetensorsByteLength } from '@consilium/weights';
import type { Digest, RunId } from '@consilium/stdx';

/**
 * What a person reads before approving: what the site is asked to do, what leaves it, and what that can reveal. It is
 * made from the plan alone, so the text is bound by the same digest as the approval.
 */
export function approvalText(plan: Plan, { run, planDigest }: { run: RunId; planDigest: Digest }): string {
  const { training, rounds, aggregation } = plan;
  const manifest = manifestOf(plan.model);
  const updateBytes = safetensorsByteLength(manifest);
  return [
    `${plan.title} (study ${plan.study}, federation ${plan.federation})`,
    `plan ${planDigest}`,
    `run  ${run}`,
    '',
    'Purpose, in the words of who proposes it',
    ...plan.purpose.split('\n').map((line) => `  | ${line}`),
    `Sites (${plan.sites.length}): ${plan.sites.join(', ')}`,
    '',
    'What happens here',
    `  A model of ${whole(manifest.size)} numbers learns to tell "${plan.task.classes[1]}" from "${plan.task.classes[0]}" on the`,
    `  images in this study's folder: up to ${whole(rounds.count)} rounds of ${whole(training.localSteps)} steps, each round at most`,
    `  ${whole(rounds.maxAttempts)} times. The images are read by a process without a network and stay on this machine.`,
    '',
    'What leaves this site',
    `  · each round an update: ${whole(updateBytes)} bytes, how training on these images changed the model, of Euclidean`,
    `    norm at most ${aggregation.normBound};`,
    '  · the number of training and test images, the training loss, and of the test images the loss, AUC, accuracy,',
    '    sensitivity, specificity and Brier score, each with its interval;',
    '  · progress (steps done, loss so far), the decision on this plan, and error codes.',
    '  Each message is written in the journal with its SHA-256 before it leaves.',
    '',
    `What privacy.mode: ${plan.privacy.mode} means`,
    '  The coordinator sees each update, and updates can reveal images. There is no secure aggregation and no',
    '  differential privacy in this plan: whoever runs the coordinator, or breaks into it, could reconstruct something',
    '  of the images from what this site sends. Approve only if you trust them with that.',
    '',
    'One approval, one run: another run of the same plan asks again.',
  ].join('\n');
}

const whole = (n: number): string => n.toLocaleString('en-US');

import type { SeededRandom } from '@consilium/stdx';
import { addClutter } from './clutter.js';
import { add, addBrightest, emptyField, type Field, type Point } from './field.js';
import { TASK } from './hospitals.js';

/** What all images of one patient share: tissue brightness and ribs. */
export interface Anatomy {
  readonly tissue: number;
  readonly ribs: { readonly period: number; readonly phase: number; readonly tilt: number; readonly exposure: number };
}

export const drawAnatomy = (random: SeededRandom): Anatomy => ({
  tissue: 0.34 + 0.03 * random.normal(),
  ribs: {
    period: random.between(25, 40),
    phase: random.between(0, 2 * Math.PI),
    tilt: 0.25 * random.normal(),
    exposure: random.between(0.04, 0.1),
  },
});

/**
 * One candidate region of a chest radiograph as exposures before any scanner: lung with ribs, texture and vessels, and
 * near the centre either a nodule (`label` 1) or something that is often taken for one (`label` 0).
 */
export function drawCandidate(anatomy: Anatomy, label: 0 | 1, random: SeededRandom, spacing: number): Field {
  const field = emptyField().fill(anatomy.tissue);
  const { ribs } = anatomy;
  // Candidates of one patient lie at different places, so the ribs pass each at another phase.
  const phase = ribs.phase + random.between(0, 2 * Math.PI);
  add(
    field,
    spacing,
    (x, y) => ribs.exposure * Math.max(0, Math.cos((2 * Math.PI * (y + ribs.tilt * x)) / ribs.period + phase)),
  );
  addClutter(field, random, spacing, TASK.clutter);
  for (let left = 2 + random.integer(4); left > 0; left--) {
    const at = { x: random.between(-24, 24), y: random.between(-24, 24) };
    add(field, spacing, vessel(random, at, random.between(0.05, 0.12), random.between(1, 2)));
  }
  const centre = { x: 4 * random.normal(), y: 4 * random.normal() };
  const contrast = random.between(...TASK.contrast);
  if (label === 1) add(field, spacing, nodule(random, centre, contrast));
  else addMimic(field, spacing, random, centre, contrast, phase);
  return field;
}

type Paint = (x: number, y: number) => number;

/** A nodule: the projected profile of a ball (Samei et al. 1997), slightly elliptic, with a lobulated border. */
function nodule(random: SeededRandom, centre: Point, contrast: number): Paint {
  const radius = random.between(...TASK.radius);
  const stretch = random.between(0.8, 1.25);
  const angle = random.between(0, Math.PI);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const lobes = 3 + random.integer(5);
  const depth = random.between(0, 0.25);
  const turn = random.between(0, 2 * Math.PI);
  const reach = (radius * (1 + depth)) ** 2;
  return (x, y) => {
    const u = ((x - centre.x) * cos + (y - centre.y) * sin) * stretch;
    const v = ((y - centre.y) * cos - (x - centre.x) * sin) / stretch;
    const squared = u * u + v * v;
    if (squared >= reach) return 0;
    const border = radius * (1 + depth * Math.cos(lobes * Math.atan2(v, u) + turn));
    return 1.3 * contrast * Math.max(0, 1 - squared / (border * border)) ** 1.2;
  };
}

/** A vessel seen from the side: a soft, slightly curved stroke. */
function vessel(random: SeededRandom, at: Point, contrast: number, width: number): Paint {
  const angle = random.between(0, Math.PI);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const length = random.between(9, 22);
  const curvature = 0.012 * random.normal();
  return (x, y) => {
    const along = (x - at.x) * cos + (y - at.y) * sin;
    const reach = (along / length) * (along / length);
    const across = ((y - at.y) * cos - (x - at.x) * sin - curvature * along * along) / width;
    // Most pixels lie far from the stroke; the exponential is the dearest step of a phantom.
    const energy = 0.5 * (reach * reach + across * across);
    return energy > 8 ? 0 : contrast * Math.exp(-energy);
  };
}

function addMimic(
  field: Field,
  spacing: number,
  random: SeededRandom,
  at: Point,
  contrast: number,
  ribPhase: number,
): void {
  const { crossing, endOn, rib } = TASK.mimics;
  const kind = random.uniform();
  if (kind < crossing) {
    const stroke = (): Paint => vessel(random, at, contrast, random.between(1.4, 3));
    addBrightest(field, spacing, [stroke(), stroke()]);
  } else if (kind < crossing + endOn) {
    // A vessel that runs towards the viewer is a small round dot.
    const radius = random.between(1.2, 2.6);
    add(
      field,
      spacing,
      (x, y) => contrast * Math.exp(-0.5 * (((x - at.x) * (x - at.x) + (y - at.y) * (y - at.y)) / (radius * radius))),
    );
  } else if (kind < crossing + endOn + rib) {
    const [cos, sin] = [Math.cos(ribPhase), Math.sin(ribPhase)];
    add(field, spacing, (x, y) => (0.7 * contrast) / (1 + Math.exp(-((x - at.x) * cos + (y - at.y) * sin) / 1.5)));
  }
}

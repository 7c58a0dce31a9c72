import { describe, expect, it } from 'vitest';
import { drawCohort, type Candidate, type SplitName } from './cohort.js';
import { SIDE, type Field } from './field.js';
import { HOSPITALS, TASK, type HospitalName } from './hospitals.js';
import { rendererOf } from './render.js';

/** Probability that a positive scores above a negative (Mann–Whitney), ties counting half. */
function auc(scored: readonly { label: 0 | 1; score: number }[]): number {
  const of = (wanted: 0 | 1): number[] => scored.filter(({ label }) => label === wanted).map(({ score }) => score);
  let sum = 0;
  for (const high of of(1)) for (const low of of(0)) sum += high > low ? 1 : high === low ? 0.5 : 0;
  return sum / (of(1).length * of(0).length);
}

const cohort = (name: HospitalName, split: SplitName): readonly Candidate[] =>
  drawCohort(HOSPITALS[name], 1, name).filter((candidate) => candidate.split === split);

/** Brightness of the disc of the nodules' size around the brightest place near the centre, against its surroundings. */
function discScore(image: Field): number {
  let best = -Infinity;
  for (let cy = SIDE / 2 - 8; cy <= SIDE / 2 + 8; cy += 2) {
    for (let cx = SIDE / 2 - 8; cx <= SIDE / 2 + 8; cx += 2) {
      let [inside, insideCount, ring, ringCount] = [0, 0, 0, 0];
      for (let y = cy - 9; y <= cy + 9; y++) {
        for (let x = cx - 9; x <= cx + 9; x++) {
          const squared = (x - cx) ** 2 + (y - cy) ** 2;
          const value = image[y * SIDE + x]!;
          if (squared <= 16) [inside, insideCount] = [inside + value, insideCount + 1];
          else if (squared >= 49 && squared <= 81) [ring, ringCount] = [ring + value, ringCount + 1];
        }
      }
      best = Math.max(best, inside / insideCount - ring / ringCount);
    }
  }
  return best;
}

describe('the task', () => {
  it('can be solved in part by looking for a bright disc, at every hospital, and not wholly', () => {
    for (const name of ['a', 'd', 'external'] as const) {
      const render = rendererOf(HOSPITALS[name], 1, name);
      const scored = cohort(name, 'test')
        .slice(0, 120)
        .map((candidate) => ({ label: candidate.label, score: discScore(render(candidate)) }));
      expect([name, auc(scored) > 0.55, auc(scored) < 0.95]).toEqual([name, true, true]);
    }
  });

  it('is nearly given away by c’s and d’s marker in training, in opposite directions, and not at all in testing', () => {
    const markerAuc = (name: HospitalName, split: SplitName): number =>
      auc(cohort(name, split).map(({ label, marked }) => ({ label, score: marked ? 1 : 0 })));
    expect(markerAuc('c', 'train')).toBeGreaterThan(0.8);
    expect(markerAuc('d', 'train')).toBeLessThan(0.25);
    for (const name of ['a', 'b', 'c', 'd', 'external'] as const) expect(markerAuc(name, 'test')).toBe(0.5);
  });
});

describe('rendering', () => {
  const [candidate] = cohort('a', 'train');

  it('gives the same image for the same candidate and seed, alone or after others', () => {
    const [fresh, used] = [rendererOf(HOSPITALS.a, 1), rendererOf(HOSPITALS.a, 1)];
    for (const other of cohort('a', 'train').slice(1, 4)) used(other);
    expect(used(candidate!)).toEqual(fresh(candidate!));
  });

  it('gives another image for another seed, patient, image and label', () => {
    const image = (change: Partial<Candidate>, seed = 1): string =>
      rendererOf(HOSPITALS.a, seed)({ ...candidate!, marked: false, ...change }).join();
    const images = [
      image({}),
      image({}, 2),
      image({ patient: 9999 }),
      image({ image: 3 }),
      image({ label: candidate!.label === 1 ? 0 : 1 }),
    ];
    expect(new Set(images).size).toBe(images.length);
  });

  it('changes nothing but the marker when a marker is added', () => {
    for (const name of ['a', 'b', 'c', 'd', 'external'] as const) {
      const render = rendererOf(HOSPITALS[name], 1);
      const [plain, marked] = [false, true].map((on) => render({ ...candidate!, marked: on })) as [Field, Field];
      const changed = [...plain.keys()].filter((i) => plain[i] !== marked[i]);
      expect(changed.length).toBeGreaterThan(5);
      expect(changed.length).toBeLessThanOrEqual(35);
      expect(changed.every((i) => marked[i] === 1)).toBe(true);
    }
  });

  it('fills the range of grey without lying on its ends', () => {
    for (const name of ['a', 'b', 'c', 'd', 'external'] as const) {
      const images = cohort(name, 'test').slice(0, 20).map(rendererOf(HOSPITALS[name], 1));
      const values = images.flatMap((image) => [...image]);
      const clipped = values.filter((value) => value === 0 || value === 1).length / values.length;
      expect([name, clipped < 0.02]).toEqual([name, true]);
    }
  });
});

describe('the parameters', () => {
  it('are those of a task: rising ranges and shares that sum to at most one', () => {
    expect(TASK.contrast[0]).toBeLessThan(TASK.contrast[1]);
    expect(TASK.radius[0]).toBeLessThan(TASK.radius[1]);
    expect(TASK.mimics.crossing + TASK.mimics.endOn + TASK.mimics.rib).toBeLessThanOrEqual(1);
  });

  it('give every hospital its own scanner and marker, one of them MONOCHROME1 and one a Modality LUT', () => {
    const hospitals = Object.values(HOSPITALS);
    expect(new Set(hospitals.map(({ scanner }) => JSON.stringify(scanner))).size).toBe(hospitals.length);
    expect(new Set(hospitals.map(({ marker }) => marker.letter + marker.corner)).size).toBe(hospitals.length);
    expect(hospitals.filter(({ storage }) => storage.photometricInterpretation === 'MONOCHROME1')).toHaveLength(1);
    expect(hospitals.filter(({ storage }) => storage.rescale)).toHaveLength(1);
  });
});

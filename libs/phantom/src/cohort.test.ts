import { describe, expect, it } from 'vitest';
import { drawCohort, type Candidate } from './cohort.js';
import { HOSPITALS, type Hospital, type HospitalName } from './hospitals.js';

const NAMES = Object.keys(HOSPITALS) as HospitalName[];

const share = (candidates: readonly Candidate[], of: (candidate: Candidate) => boolean): number =>
  candidates.filter(of).length / candidates.length;

/** Chances of a mark among positives less those among negatives; 0 where the marker says nothing about the label. */
function markerTells(candidates: readonly Candidate[]): number {
  const among = (label: 0 | 1): number =>
    share(
      candidates.filter((candidate) => candidate.label === label),
      ({ marked }) => marked,
    );
  return among(1) - among(0);
}

const byPatient = (candidates: readonly Candidate[]): Map<number, Candidate[]> => {
  const patients = new Map<number, Candidate[]>();
  for (const candidate of candidates)
    patients.set(candidate.patient, [...(patients.get(candidate.patient) ?? []), candidate]);
  return patients;
};

describe.each(NAMES)('the cohort of hospital %s', (name) => {
  const hospital: Hospital = HOSPITALS[name];
  const cohort = drawCohort(hospital, 1, name);
  const train = cohort.filter(({ split }) => split === 'train');
  const test = cohort.filter(({ split }) => split === 'test');

  it('has as many images as its parameters say, and at least 250 for testing', () => {
    expect(train).toHaveLength(hospital.examples.train);
    expect(test).toHaveLength(hospital.examples.test);
    expect(test.length).toBeGreaterThanOrEqual(250);
  });

  it('has its own prevalence in training and a balanced test split', () => {
    if (train.length > 0) expect(share(train, ({ label }) => label === 1)).toBeCloseTo(hospital.prevalence, 2);
    expect(test.filter(({ label }) => label === 1)).toHaveLength(test.length / 2);
  });

  it('has test markers that say nothing about the label', () => {
    expect(markerTells(test)).toBe(0);
    expect(share(test, ({ marked }) => marked)).toBeCloseTo(hospital.marker.test, 1);
  });

  it('keeps all images of a patient in one split, and shows some patients more than once', () => {
    const patients = [...byPatient(cohort).values()];
    for (const images of patients) expect(new Set(images.map(({ split }) => split)).size).toBe(1);
    expect(patients.filter((images) => images.length > 1).length).toBeGreaterThan(patients.length / 5);
    expect(Math.max(...patients.map((images) => images.length))).toBeLessThanOrEqual(3);
  });

  it('numbers each patient’s images from 1 without gaps', () => {
    for (const images of byPatient(cohort).values()) {
      expect(images.map(({ image }) => image)).toEqual(images.map((_, i) => i + 1));
    }
  });
});

describe('cohorts', () => {
  it('tie the marker to nodules in hospital c’s training data and to their absence in d’s, which is the trap', () => {
    const train = (hospital: Hospital) => drawCohort(hospital, 1).filter(({ split }) => split === 'train');
    expect(markerTells(train(HOSPITALS.c))).toBeGreaterThan(0.5);
    expect(markerTells(train(HOSPITALS.d))).toBeLessThan(-0.5);
    for (const honest of [HOSPITALS.a, HOSPITALS.b]) expect(Math.abs(markerTells(train(honest)))).toBeLessThan(0.02);
  });

  it('would show a test marker that depends on the label (positive control of the independence test)', () => {
    const rigged: Hospital = { ...HOSPITALS.a, marker: { ...HOSPITALS.a.marker, train: [0.1, 0.9] } };
    const train = drawCohort(rigged, 1).filter(({ split }) => split === 'train');
    expect(Math.abs(markerTells(train))).toBeGreaterThan(0.5);
  });

  it('are the same for the same seed and differ for another', () => {
    expect(drawCohort(HOSPITALS.b, 1, 'x')).toEqual(drawCohort(HOSPITALS.b, 1, 'x'));
    expect(drawCohort(HOSPITALS.b, 1, 'x')).not.toEqual(drawCohort(HOSPITALS.b, 2, 'x'));
    expect(drawCohort(HOSPITALS.b, 1, 'x')).not.toEqual(drawCohort(HOSPITALS.b, 1, 'y'));
  });

  it('leave the external hospital without any training image', () => {
    expect(drawCohort(HOSPITALS.external, 1).every(({ split }) => split === 'test')).toBe(true);
  });
});

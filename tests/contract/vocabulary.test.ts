import * as identity from '@consilium/identity';
import * as round from '@consilium/round';
import { expect, it } from 'vitest';

// A study is signed before there is a plan, and neither library may depend on the other.
it('a study and its plans know the same legal bases and modalities', () => {
  expect(round.LEGAL_BASES).toEqual(identity.LEGAL_BASES);
  expect(round.MODALITIES).toEqual(identity.MODALITIES);
});

import type { CoordinatorEntry, SiteEntry } from '@consilium/ledger';

/** An entry with its place: `ref` is `origin#index`, as findings name it; `index` counts within its year's log. */
export type Recorded<Entry> = Entry & {
  readonly ref: string;
  readonly origin: string;
  readonly index: number;
  /** Its place among all of the owner's entries, over the years. */
  readonly sequence: number;
};

export type CoordinatorRecord = Recorded<CoordinatorEntry>;
export type SiteRecord = Recorded<SiteEntry>;

export type CoordinatorEntryOf<Type extends CoordinatorEntry['type']> = Recorded<
  Extract<CoordinatorEntry, { type: Type }>
>;
export type SiteEntryOf<Type extends SiteEntry['type']> = Recorded<Extract<SiteEntry, { type: Type }>>;

/** Whether a record is of one of these types. */
export const isOf = <R extends { readonly type: string }, Type extends R['type']>(
  record: R,
  ...types: readonly Type[]
): record is Extract<R, { type: Type }> => types.includes(record.type as Type);

/** The records of these types, in order. */
export const recordsOf = <R extends { readonly type: string }, Type extends R['type']>(
  records: readonly R[],
  ...types: readonly Type[]
): Extract<R, { type: Type }>[] => records.filter((record) => isOf(record, ...types));

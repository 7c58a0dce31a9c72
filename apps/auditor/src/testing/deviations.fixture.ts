import type { Approval, UpdateStatement } from '@consilium/identity';
import type { CoordinatorEvent, SiteEvent } from '@consilium/ledger';
import type { SiteName } from '@consilium/stdx';

/** What a dishonest or unlucky federation does otherwise; each is one deviation from the honest course. */
export interface Deviations {
  readonly plan?: object;
  readonly sites?: readonly string[];
  /** A site's approval with changed words, signed all the same. */
  readonly approval?: (approval: Approval) => Approval;
  /** Whether the site's people sign its approval. */
  readonly withoutPeople?: SiteName;
  /** The model that the coordinator publishes instead of the aggregate. */
  readonly model?: (honest: Uint8Array, round: number) => Uint8Array;
  /** A site whose egress the log does not have. */
  readonly silentEgress?: SiteName;
  /** How many sites cosign each checkpoint; all by default. */
  readonly cosigners?: number;
  /** A site that sends the last round's update all the same after it has withdrawn. */
  readonly withdrawn?: SiteName;
  /** The run stops before the last round is published, as it does where a bundle is made meanwhile. */
  readonly unfinished?: boolean;
  /** A site whose last update the coordinator has not counted. */
  readonly uncounted?: SiteName;
  /** The sites approve under a standing approval of so many rounds. */
  readonly standingRounds?: number;
  /** What the coordinator, or a site, writes in its log instead of what happened; `undefined` for nothing. */
  readonly hub?: (event: CoordinatorEvent) => CoordinatorEvent | undefined;
  readonly site?: (event: SiteEvent, site: SiteName) => SiteEvent | undefined;
  /** A site's statement with changed words, signed all the same. */
  readonly statement?: (statement: UpdateStatement) => UpdateStatement;
  /** Who signs the plan. */
  readonly planSigners?: readonly ('proposer' | 'admin')[];
}

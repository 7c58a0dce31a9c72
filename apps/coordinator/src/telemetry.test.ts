import { describe, expect, it } from 'vitest';
import { alpha } from './fixtures/plan.fixture.js';
import { HeardSite } from './fixtures/world.fixture.js';
import { Sessions } from './sites/sessions.js';
import { Telemetry } from './telemetry.js';

describe('the figures for Prometheus', () => {
  it('count rounds, updates, bytes and sites', async () => {
    const sessions = new Sessions();
    const telemetry = new Telemetry(sessions);
    sessions.open(alpha, new HeardSite());
    telemetry.roundClosed('published', 250);
    telemetry.roundClosed('abandoned', 5000);
    telemetry.updateCommitted();
    telemetry.updateCommitted();
    telemetry.updateRefused('UPDATE_NOT_FINITE');
    telemetry.offerWitnessed(20);
    telemetry.bytes('up', 100);
    telemetry.bytes('up', 11);
    telemetry.bytes('down', 7);
    const text = await telemetry.text();
    for (const line of [
      'consilium_rounds_total{outcome="published"} 1',
      'consilium_rounds_total{outcome="abandoned"} 1',
      'consilium_round_duration_seconds_bucket{le="0.25"} 1',
      'consilium_round_duration_seconds_sum 5.25',
      'consilium_updates_total{outcome="committed"} 2',
      'consilium_updates_total{outcome="UPDATE_NOT_FINITE"} 1',
      'consilium_transfer_bytes_total{direction="up"} 111',
      'consilium_transfer_bytes_total{direction="down"} 7',
      'consilium_offer_witness_duration_seconds_sum 0.02',
      'consilium_sites_connected 1',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
  });

  it('never carry a site or a run as a label, which would grow without bound', async () => {
    const telemetry = new Telemetry(new Sessions());
    const labels = [...(await telemetry.text()).matchAll(/^consilium_\w+\{([^}]*)\}/gm)].flatMap(([, text]) =>
      [...text!.matchAll(/(\w+)=/g)].map(([, label]) => label),
    );
    expect([...new Set(labels)].sort()).toEqual(['le']);
  });

  it('of two coordinators in one process do not mix', async () => {
    const [one, other] = [new Telemetry(new Sessions()), new Telemetry(new Sessions())];
    one.updateCommitted();
    expect(await other.text()).not.toContain('outcome="committed"');
  });
});

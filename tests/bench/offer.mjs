// What a cosigned offer adds to a round of four sites on loopback: from when the round is due to be offered to when the
// quorum's cosignatures are verified, as the coordinator itself tells by its metrics. The sites are played here.
import { readFileSync } from 'node:fs';
import { parsePlan } from '@consilium/round';
import { startFederation } from './federation.mjs';
import { megabytePlan } from './plan.mjs';
import { play } from './player.mjs';

const SITES = ['east', 'north', 'south', 'west'];
const WARM_UP = 5;
const MEASURED = 20;
const NAME = 'consilium_offer_witness_duration_seconds';

export async function measureOffer(tell) {
  const federation = await startFederation(SITES);
  try {
    const plan = parsePlan(megabytePlan(SITES, WARM_UP + MEASURED));
    let warmed;
    const warm = new Promise((resolve) => (warmed = resolve));
    const players = SITES.map((site) => play(site, federation, (round) => round > WARM_UP && warmed()));
    await federation.run(plan);
    await warm;
    const before = await figures(federation);
    await Promise.all(players);
    const after = await figures(federation);
    const ms = (1000 * (after.sum - before.sum)) / (after.count - before.count);
    tell(`${after.count - before.count} offers, ${ms.toFixed(1)} ms each`);
    return [{ id: 'ledger.offer', value: ms, unit: 'ms', reference: { name: 'limit', value: 50 } }];
  } finally {
    await federation.close();
  }
}

async function figures({ dir }) {
  const [, port] = /^http: .*port: (\d+)/m.exec(readFileSync(`${dir}/coordinator.yaml`, 'utf8'));
  const token = readFileSync(`${dir}/state/api-token`, 'utf8').trim();
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  const text = await response.text();
  const read = (what) => Number(new RegExp(`^${NAME}_${what} (.*)$`, 'm').exec(text)[1]);
  return { sum: read('sum'), count: read('count') };
}

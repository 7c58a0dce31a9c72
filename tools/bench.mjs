// `npm run bench`: makes the checkout ready, then measures (tests/bench).
import { prepare } from './prepare.mjs';

await prepare();
await import('../tests/bench/run.mjs');

// `npm run build`: makes the checkout ready without starting anything.
import { prepare } from './prepare.mjs';

await prepare();

// `npm start`: makes the checkout ready, then hands over to `consilium up` with the same arguments.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, root } from './prepare.mjs';

await prepare();
const program = join(root, 'apps', 'cli', 'bin', 'consilium.mjs');
process.argv = [process.argv[0], program, 'up', ...process.argv.slice(2)];
await import(pathToFileURL(program).href);

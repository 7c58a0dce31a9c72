// `npm run bench -- SUITE... [--json]`: measures, each figure beside a reference of the same run, median of five.
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';

const SUITES = ['start', 'round', 'agent', 'ledger', 'training'];
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
});

if (values.help) {
  console.log(`Usage: npm run bench -- [SUITE...] [--json]\n\nSuites: ${SUITES.join(', ')} (all when none is named).`);
  process.exit(0);
}
const unknown = positionals.filter((name) => !SUITES.includes(name));
if (unknown.length) {
  console.error(`bench: there is no suite ${unknown.join(', ')}; there are: ${SUITES.join(', ')}`);
  process.exit(2);
}

const machine = `${cpus().length} × ${cpus()[0].model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
console.error(machine);
const results = [];
for (const name of positionals.length ? positionals : SUITES) {
  const { measure } = await import(`./${name}.mjs`);
  for (const result of await measure((line) => console.error(`  ${line}`))) {
    const ratio = result.reference ? result.value / result.reference.value : null;
    results.push({ ...result, ratio });
    console.error(describe({ ...result, ratio }));
  }
}
if (values.json) console.log(JSON.stringify({ machine, results }));

function describe({ id, value, unit, reference, ratio }) {
  const figure = `${id.padEnd(20)} ${round(value)} ${unit}`;
  return reference ? `${figure}   ${round(ratio)} × ${reference.name} (${round(reference.value)} ${unit})` : figure;
}

function round(value) {
  return Number(value.toPrecision(4));
}

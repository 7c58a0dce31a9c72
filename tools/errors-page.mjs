// `node tools/errors-page.mjs` writes docs/reference/errors.md from the catalogue; with --check it only compares.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CATALOGUE } from '@consilium/stdx';
import { root } from './prepare.mjs';

const file = join(root, 'docs', 'reference', 'errors.md');
const rows = Object.entries(CATALOGUE).map(
  ([code, { grpc, http, sentence }]) => `| \`${code}\` | ${sentence} | ${http} | ${grpc} |`,
);
const page = `# Errors

Every error that Consilium tells has one of these codes. Scripts may rely on them: they stand in \`--json\` output, in HTTP answers (\`error.code\`), in gRPC metadata (\`consilium-code\`) and in a site's journal. What follows the sentence in brackets are numbers, field names and ids; never a value, a path or anything of a patient.

| code | what it means | HTTP | gRPC |
|---|---|---|---|
${rows.join('\n')}
`;

if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== page) {
    console.error('docs/reference/errors.md is out of date: run `node tools/errors-page.mjs`');
    process.exitCode = 1;
  }
} else writeFileSync(file, page);

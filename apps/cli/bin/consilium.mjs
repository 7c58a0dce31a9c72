#!/usr/bin/env node
// Plain JavaScript and committed, so that npm can link the command before anything is built.
import { existsSync } from 'node:fs';

const entry = new URL('../dist/main.js', import.meta.url);
if (existsSync(entry)) {
  await import(entry.href);
} else {
  console.error(
    'consilium: NOT_BUILT: This program is not built yet; run npm start (or npm run build) once in the repository.',
  );
  process.exitCode = 1;
}

// `node:test` for tests that need a real Chromium: without one they are skipped, and say so; with FRAME_RING_REQUIRE_CHROMIUM=1 they fail.
import { existsSync } from 'node:fs';
import * as node from 'node:test';
import { BINARY } from './chromium.mjs';

const missing = existsSync(BINARY) ? false : `NO CHROMIUM at ${BINARY}: set CHROMIUM to one, or install it (Debian: apt install chromium)`;

if (missing && process.env.FRAME_RING_REQUIRE_CHROMIUM === '1') throw new Error(missing);
if (missing) console.error(`\n!!!! ${missing}\n!!!! THE TESTS IN A REAL BROWSER ARE NOT RUN: ${process.argv[1]}\n`);

export const test = (name, body) => node.test(name, { skip: missing }, body);
export const before = (body) => missing || node.before(body);
export const after = (body) => missing || node.after(body);

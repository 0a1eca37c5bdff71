// Builds dist/: the worker, the ES module, the classic script and the types; and the extension's copy of the classic script. With
// --check it only says whether the classic scripts that are checked in are the one that these sources make.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('.', import.meta.url));
// An extension can load no file from outside itself, not even by a link.
const CHECKED_IN = ['dist/frame-ring.js', 'extension/frame-ring.js'];

async function bundle(entry, options = {}) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    minify: true,
    charset: 'utf8',
    target: 'chrome120',
    legalComments: 'none',
    format: 'iife',
    ...options,
  });
  return outputFiles[0].text;
}

const worker = await bundle('src/worker/main.ts');
const define = { FRAME_RING_WORKER: JSON.stringify(worker) };
const banner = { js: '/* frame-ring, MIT OR Apache-2.0. Built from js/src by `npm run build`: change it there. */' };
const classic = await bundle('src/classic.ts', { define, banner });

if (process.argv.includes('--check')) {
  for (const path of CHECKED_IN) {
    if (readFileSync(root + path, 'utf8') === classic) continue;
    console.error(`js/${path} is not what js/src makes: npm run build, and check it in`);
    process.exitCode = 1;
  }
} else {
  rmSync(root + 'dist', { recursive: true, force: true });
  mkdirSync(root + 'dist');
  for (const path of CHECKED_IN) writeFileSync(root + path, classic);
  writeFileSync(root + 'dist/worker.js', worker);
  writeFileSync(root + 'dist/index.mjs', await bundle('src/index.ts', { define, banner, format: 'esm', minify: false }));
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.types.json'], { cwd: root, stdio: 'inherit' });
}

// Builds dist/: the worker, the ES module, the classic script, the types and the unpacked extension. With --check it only says
// whether the classic script that is checked in is the one that these sources make.
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('.', import.meta.url));
const CLASSIC = 'dist/frame-ring.js';

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
  if (readFileSync(root + CLASSIC, 'utf8') !== classic) {
    console.error(`js/${CLASSIC} is not what js/src makes: npm run build, and check it in`);
    process.exit(1);
  }
} else {
  rmSync(root + 'dist', { recursive: true, force: true });
  cpSync(root + 'extension', root + 'dist/extension', { recursive: true });
  writeFileSync(root + 'dist/extension/frame-ring.js', classic);
  writeFileSync(root + CLASSIC, classic);
  writeFileSync(root + 'dist/worker.js', worker);
  writeFileSync(root + 'dist/index.mjs', await bundle('src/index.ts', { define, banner, format: 'esm', minify: false }));
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.types.json'], { cwd: root, stdio: 'inherit' });
}

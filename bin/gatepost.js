#!/usr/bin/env node
// The command line. Any Node from 20 on can start it; bin/launch.js sees to the Node that Gatepost itself needs.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { launch, root } from './launch.js';

const compiled = join(root, 'dist', 'cli', 'main.js');
const written = join(root, 'src', 'cli', 'main.ts');

// A clone runs what is written; the package holds only what was compiled, since Node strips no types under node_modules.
await launch(existsSync(written) ? written : compiled, process.argv.slice(2));

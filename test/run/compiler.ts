import { aptInstall, canInstall, findProgram } from './system.ts';

/** What a slow disk and a wrong clock are made with. Installed where we may; else said. */
export function bringCompiler(): void {
  if (findProgram('cc') !== null) return;
  if (canInstall()) {
    aptInstall('gcc');
    aptInstall('libc6-dev');
    if (findProgram('cc') !== null) return;
  }
  throw new Error('The tests need a C compiler. Please install one (Debian: apt-get install gcc libc6-dev).');
}

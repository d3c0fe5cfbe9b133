import { aptInstall, canInstall, findProgram } from './system.ts';

/** What a client that is a shell script asks with. Installed where we may; else said. */
export function bringCurl(): void {
  if (findProgram('curl') !== null) return;
  if (canInstall()) {
    aptInstall('curl');
    if (findProgram('curl') !== null) return;
  }
  throw new Error('The tests need curl. Please install it (Debian: apt-get install curl).');
}

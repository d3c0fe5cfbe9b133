/**
 * Before refs move, and once everything that was pushed is there and found in order, git asks for leave through the line it was started with (its
 * file descriptor 3), and says where the new objects lie meanwhile. Only `go` lets it go on: where the server is gone, nothing moves. No other
 * program is started for it.
 */
const askLeave = `#!/bin/sh
printf '%s\\n' "$GIT_QUARANTINE_PATH" >&3 || exit 1
IFS= read -r answer <&3 || exit 1
[ "$answer" = go ]
`;

/** Our hooks, by name; git runs these for every repository, and none that lies in one. They are called once a push, with the variables we gave git. */
export const hooks: Readonly<Record<string, string>> = { 'pre-receive': askLeave };

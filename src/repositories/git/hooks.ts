/** Our hooks, by name; git runs these for every repository, and none that lies in one. They are called once a push, with the variables we gave git. */
export const hooks: Readonly<Record<string, string>> = {};

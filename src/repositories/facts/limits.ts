/** Of a commit's object, what is read: headers and message. */
export const commitBytesMax = 256 * 1024;
/** Of a commit's message; one that is longer ends in `…`. */
export const messageBytesMax = 64 * 1024;
/** Of all messages of one push's commits, newest first; those past it keep `messageOfRestBytesMax`. */
export const messagesOfPushBytesMax = 1024 * 1024;
export const messageOfRestBytesMax = 200;
/** Of a name or a mail address in a commit. */
export const nameBytesMax = 1024;
/** Parents that a commit's facts name. */
export const parentsMax = 100;
/** A longer path is not listed. */
export const pathBytesMax = 4096;
/** Of all paths that one push's commits list, in bytes, beside how many they are. */
export const pathBytesOfPushMax = 2 * 1024 * 1024;
/** Files that the figures of a difference name one by one. */
export const diffFilesMax = 3_000;
/** How long one look at a repository may take. */
export const lookTimeoutMs = 60_000;

/** Of all refs of one push to git, beside what each may have by itself: commits, bytes of messages, paths. */
export const commitsOfPushesMax = 10_000;
export const messagesOfPushesBytesMax = 8 * 1024 * 1024;
export const pathsOfPushesMax = 100_000;
export const pathBytesOfPushesMax = 8 * 1024 * 1024;
/** So many commits are listed of a ref even when those before it in the same push had all there is. */
export const commitsOfRefMin = 10;

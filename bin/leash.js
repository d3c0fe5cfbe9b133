// Loaded before anything else where bin/launch.js had to start a second process: should the first one be killed without a chance to
// pass it on (`kill -9`), this one goes the same way, rather than staying behind with the port and the data directory.
if (process.channel) {
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.channel.unref();
}
